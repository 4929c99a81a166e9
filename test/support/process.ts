import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { START_ARGS } from '../../bench/npm-start.ts'
import { AMPLE } from './ample.ts'
import { createSnapshot, postGraphql } from './clients.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What the scripts of package.json tell Node before a command. */
const COMPILED = ['--import', './src/compile-cache.ts']

/** A developer's own settings file does not apply to the tests. */
const NO_FILE = { ENV_FILE: '/dev/null' }

export interface Exit {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** Runs a program of the project to its end, with nothing in its environment but `env`, and as another user if one is named. */
export function run(
  program: string,
  args: string[],
  env: Record<string, string>,
  uid?: number,
): Promise<Exit> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...COMPILED, program, ...args],
      { cwd: ROOT, env: { ...NO_FILE, ...env }, ...(uid !== undefined && { uid }) },
      (_error, stdout, stderr) => {
        resolve({ exitCode: child.exitCode, stdout, stderr })
      },
    )
  })
}

export interface Gateway extends AsyncDisposable {
  url: string
  endpoint: string
  child: ChildProcess
  /** Creates a snapshot of the disk; its id. Throws when it is refused. */
  snapshot: (disk: { id: string }, input?: object) => Promise<string>
  /** What it has printed so far. */
  stdout: () => string
  /** Sends the signal, and resolves with how the process ended. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>
}

/**
 * Starts the gateway as an operator does, and resolves when it says that it is ready, on a port of its own. Another
 * `command` than that of `npm start` runs as the leader of a process group; as another user, if one is named.
 */
export async function startGateway(
  env: Record<string, string>,
  command?: string[],
  uid?: number,
): Promise<Gateway> {
  const [program = '', ...args] = command ?? [process.execPath, ...START_ARGS]
  const child: ChildProcess = spawn(program, args, {
    cwd: ROOT,
    env: { ...NO_FILE, PORT: '0', LOG_LEVEL: 'warn', ...AMPLE, ...env },
    detached: command !== undefined,
    ...(uid !== undefined && { uid }),
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const ready = /"url":"(http:[^"]+)".*"msg":"ready"/.exec(output)?.[1]
        if (ready !== undefined) resolve(ready)
      })
    }
    void exited.then((code) => reject(new Error(`The gateway ended with ${code ?? 'a signal'}: ${output}`)))
  })
  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (child.exitCode === null) child.kill(signal)
    return exited
  }
  const endpoint = `${url}/graphql`
  return {
    url,
    child,
    endpoint,
    snapshot: (disk, input) =>
      createSnapshot((query, variables) => postGraphql(endpoint, query, variables), disk, input),
    stdout: () => output,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
    },
  }
}
