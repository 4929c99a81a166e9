import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import manifest from '../../package.json' with { type: 'json' }
import { START_ARGS } from '../../bench/npm-start.ts'
import { startGateway, type Gateway } from '../support/process.ts'

const NPM_START = ['npm', 'start']
const CONTAINER = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
const canUnshare = spawnSync(CONTAINER[0] ?? '', [...CONTAINER.slice(1), 'true']).status === 0

/** A gateway on a directory of its own, which is removed with it. */
async function gatewayBy(command?: string[], settings: Record<string, string> = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  const gateway = await startGateway(
    { DEMO: 'false', SHUTDOWN_MS: '0', PATH: process.env.PATH ?? '', DATA_DIR: dataDir, ...settings },
    command,
  )
  return {
    ...gateway,
    pid: gateway.child.pid ?? 0,
    /** Whether the database was closed: SQLite then removes its log. */
    isClosed: () => !existsSync(join(dataDir, 'snapgate.db-wal')),
    async [Symbol.asyncDispose]() {
      if (command) kill(-(gateway.child.pid ?? 0), 'SIGKILL')
      await gateway[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
}

/** Sends a signal; false when there is nothing to send it to. */
function kill(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

async function codeOf({ child }: Gateway): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

test('every command of the package takes the place of its shell, so that signals arrive', () => {
  const { start, disk, token, migrate } = manifest.scripts
  expect([start, disk, token, migrate].filter((script) => !script.startsWith('exec node '))).toEqual([])
})

test.each<[what: string, command: string[] | undefined, target: (pid: number) => number]>([
  ['the gateway', undefined, (pid) => pid],
  ['npm', NPM_START, (pid) => pid],
  ['the process group of npm', NPM_START, (pid) => -pid],
])(
  'SIGTERM to %s ends with 0, the database closed, and leaves no process',
  async (_what, command, target) => {
    await using gateway = await gatewayBy(command)

    kill(target(gateway.pid), 'SIGTERM')

    expect(await codeOf(gateway)).toBe(0)
    expect(gateway.isClosed()).toBe(true)
    expect(kill(command ? -gateway.pid : gateway.pid, 0)).toBe(false)
    await expect(fetch(gateway.url)).rejects.toThrow('fetch failed')
  },
)

test.skipIf(!canUnshare && process.env.CI !== 'true').each([
  ['the gateway', [process.execPath, ...START_ARGS]],
  ['npm', NPM_START],
])('SIGTERM to %s as process 1 of a container ends with 0', async (_what, command) => {
  await using gateway = await gatewayBy([...CONTAINER, ...command])
  const [first = ''] = spawnSync('pgrep', ['-P', String(gateway.pid)])
    .stdout.toString()
    .split('\n')

  kill(Number(first), 'SIGTERM')

  expect(await codeOf(gateway)).toBe(0)
  expect(gateway.isClosed()).toBe(true)
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s lets clients go and ends with 0', async (signal) => {
  await using gateway = await gatewayBy()
  const closed = once(await openSocket(gateway), 'close')

  expect(await gateway.stop(signal)).toBe(0)
  expect((await closed)[0]).toBe(1001)
  expect(gateway.isClosed()).toBe(true)
})

test('SIGINT that arrives twice within a second is one, a later one ends the gateway at once', async () => {
  await using patient = await gatewayBy()
  kill(patient.pid, 'SIGINT')
  kill(patient.pid, 'SIGINT')
  expect(await codeOf(patient)).toBe(0)
  expect(patient.isClosed()).toBe(true)

  // Two sockets, let go over ten minutes.
  await using hurried = await gatewayBy(undefined, { SHUTDOWN_MS: '600000' })
  await openSocket(hurried)
  await openSocket(hurried)
  kill(hurried.pid, 'SIGINT')
  await expect.poll(async () => (await fetch(`${hurried.url}/readyz`)).status).toBe(503)
  await pause(1_200)
  kill(hurried.pid, 'SIGINT')
  expect(await codeOf(hurried)).toBe(130)
})

async function openSocket({ endpoint }: Gateway): Promise<WebSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  socket.on('error', () => undefined)
  await once(socket, 'open')
  return socket
}
