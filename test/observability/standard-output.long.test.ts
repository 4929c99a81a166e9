import { spawn } from 'node:child_process'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { START_ARGS } from '../../bench/npm-start.ts'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'

const ROOT = join(import.meta.dirname, '../..')

test('where standard output is not a terminal, everything on it is JSON, from the start to the end', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  await using gateway = await startGateway({
    DATA_DIR: folder.path,
    LOG_LEVEL: 'trace',
    LOG_OPERATIONS_PERCENT: '100',
  })
  await postGraphql(gateway.endpoint, 'query Seen { viewer { role } }')
  expect(await gateway.stop()).toBe(0)

  const lines = gateway
    .stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { time: number; msg: string })
    // Lines of operations are written a moment later.
    .toSorted((a, b) => a.time - b.time)
  expect(
    lines.filter(({ msg }) => msg === 'ready' || msg === 'operation' || msg === 'stopping'),
  ).toMatchObject([
    { msg: 'ready', url: gateway.url, credentialsRequired: false },
    { msg: 'operation', operation: 'Seen', outcome: 'OK' },
    { msg: 'stopping' },
  ])
})

test('on a terminal, the start prints what a newcomer can try', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const command = [process.execPath, ...START_ARGS].map((word) => `'${word}'`).join(' ')
  const terminal = spawn('script', ['--quiet', '--return', '--command', `exec ${command}`, '/dev/null'], {
    cwd: ROOT,
    env: { ENV_FILE: '/dev/null', PORT: '0', LOG_LEVEL: 'warn', DATA_DIR: folder.path, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let shown = ''
  let isStopping = false
  for await (const text of terminal.stdout.setEncoding('utf8')) {
    shown += String(text)
    if (isStopping || !shown.includes('another tab')) continue
    isStopping = true
    terminal.stdin.write('\x03')
  }

  expect(shown).toMatch(/Snapgate is ready \(\d+\.\d s\): http:\/\/localhost:\d+\/graphql/)
  expect(shown).toContain('Three things to try there')
  expect(shown).not.toContain('"msg":"ready"')
})
