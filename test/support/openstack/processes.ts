import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'

/** Programs of OpenStack find their configuration by options, and nothing of the environment of the tests. */
const ENV = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' }

/** Runs a program to its end; what it says is part of the error when it fails. */
export async function runToEnd(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args, { env: ENV })
}

/** How long a server may take until it answers, in milliseconds. */
const START_MS = 90_000

export interface Server {
  /** Kills it, and what it has started. */
  kill: () => Promise<void>
}

/**
 * Starts a server whose output goes to a file, and resolves when it answers at its address. It is the leader of a process group,
 * with mounts of its own.
 */
export async function startServer(
  script: string,
  url: string,
  logFile: string,
  env: Record<string, string> = {},
): Promise<Server> {
  const log = await open(logFile, 'a')
  const child = spawn('unshare', ['--mount', 'sh', '-ec', script], {
    env: { ...ENV, ...env },
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const exited = once(child, 'exit')
  const until = performance.now() + START_MS
  while (!(await answers(url))) {
    if (child.exitCode !== null || performance.now() > until) {
      killGroup(child)
      throw new Error(`${url} does not answer. ${(await readFile(logFile, 'utf8')).slice(-4_000)}`)
    }
    await pause(100)
  }
  return {
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      killGroup(child)
      await exited
    },
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

const answers = (url: string) =>
  fetch(url).then(
    () => true,
    () => false,
  )
