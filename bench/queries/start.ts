import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { SMALL_ARGS, START_ARGS } from '../npm-start.ts'

const ROOT = join(import.meta.dirname, '../..')
const PORT = '4987'
const ROUNDS = 4

/** How long a start takes to be ready with a migrated database, and what it holds when nobody asks for anything. */
export async function benchStart(dataDir: string): Promise<object[]> {
  return [
    ...(await benchLine('start', START_ARGS, dataDir)),
    ...(await benchLine('start:small', SMALL_ARGS, dataDir)),
  ]
}

async function benchLine(script: string, args: readonly string[], dataDir: string): Promise<object[]> {
  const rows: object[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now()
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: 'ignore',
      env: { ...process.env, DATA_DIR: dataDir, PORT, DEMO: 'false', LOG_LEVEL: 'silent' },
    })
    while (!(await isReady())) await pause(5)
    const readyMs = performance.now() - from
    const [user = 0, system = 0] = (await readFile(`/proc/${child.pid}/stat`, 'utf8'))
      .split(' ')
      .slice(13, 15)
      .map((ticks) => Number(ticks) * 10)
    await pause(1_500)
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])
    rows.push({
      script,
      'ready after ms': Math.round(readyMs),
      'ms CPU': user + system,
      'MB when idle': Math.round((kib * 1024) / 1e6),
    })
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  // The first one migrates, and fills the cache of what is compiled.
  return rows.slice(1)
}

async function isReady(): Promise<boolean> {
  return fetch(`http://localhost:${PORT}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  )
}
