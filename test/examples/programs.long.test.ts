import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startTrial, type Trial } from '../support/trial.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
/** Debian's own Python: that is where its packages are. */
const PYTHON = '/usr/bin/python3'

/** Whether a test is to be skipped because a package of Debian is missing: never in CI. */
const lacks = (program: string, ...args: string[]) =>
  process.env.CI !== 'true' && spawnSync(program, args).status !== 0

/** A program in a process group of its own, and the lines that it prints. */
function start(program: string[], { endpoint, tokenUrl, diskId }: Trial) {
  const [command = '', ...args] = program
  const child = spawn(command, args, {
    cwd: EXAMPLES,
    env: { PATH: process.env.PATH, GATEWAY: endpoint, TOKEN_URL: tokenUrl, DISK_ID: diskId },
    detached: true,
  })
  const exited = once(child, 'exit')
  let output = ''
  let faults = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (faults += text))
  return {
    faults: () => faults,
    lines: (kind: string) =>
      output
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(kind.length + 1)),
    async [Symbol.asyncDispose](): Promise<void> {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await exited
    },
  }
}

test.for<[name: string, program: string[], isMissing: boolean]>([
  ['gql.tada with graphql-sse', [process.execPath, 'gql-tada/main.ts'], false],
  ['curl', ['curl/live.sh'], lacks('jq', '--version')],
  [
    'Python with requests and websockets',
    [PYTHON, 'python/live.py'],
    lacks(PYTHON, '-c', 'import requests, websockets'),
  ],
])(
  '%s lists, is refused, creates, and watches: four kills and an expired token later it has missed and repeated nothing',
  async ([, program, isMissing], { skip }) => {
    skip(isMissing, 'a package of Debian is missing: .ci/run')
    await using trial = await startTrial()
    await using app = start(program, trial)
    await expect.poll(() => app.lines('create').length + app.faults().length, { timeout: 30_000 }).toBe(2)
    expect(app.lines('create')).toEqual([
      expect.stringMatching(/^1st .*A name starts with a letter/),
      'mine accepted',
    ])

    await trial.through(() => app.lines('saw'))
    expect(app.faults()).toBe('')
  },
)
