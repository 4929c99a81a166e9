import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { basename } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { ReadConnection, type Heads } from '../database/sqlite/read-connection.ts'
import type { Prisma } from '../generated/prisma/client.ts'

/** Selects that may look at a great many rows, one at a time, in a thread of their own with a connection of their own. */

export interface ScanData {
  path: string
  /** Shared; set to 1, it ends the select that runs. */
  stop: Int32Array
}

export interface ScanMessage extends Pick<Prisma.Sql, 'sql' | 'values'> {
  /** Whose heads of the logs are wanted. */
  accountId: string
  /** How long it may take, in milliseconds. */
  timeoutMs: number
}

export type ScanReply =
  { rows: unknown[]; heads: Heads } | { error: string; code: string | undefined } | 'timeout'

/** After how many rows the clock is looked at. */
const CLOCK_ROWS = 500

/** How nice the thread is to the others of the process: a scan gives way to everything else. */
const NICE = 10

const TIMEOUT = new Error('The scan took too long.')

const { path, stop } = workerData as ScanData
const connection = new ReadConnection(path)

try {
  // On Linux the priority is of a thread, and has its number.
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICE)
} catch {
  // Then it has the priority of the process.
}

function scan({ timeoutMs, accountId, ...select }: ScanMessage): ScanReply {
  const deadline = performance.now() + timeoutMs
  let rows = 0
  const onRow = () => {
    if (++rows % CLOCK_ROWS > 0) return
    if (performance.now() > deadline || Atomics.load(stop, 0) === 1) throw TIMEOUT
  }
  try {
    return connection.scanning(onRow, () =>
      connection.atOnce(() => ({ rows: connection.all(select), heads: connection.heads(accountId) })),
    )
  } catch (error) {
    return error === TIMEOUT ? 'timeout' : { error: String(error), code: (error as { code?: string }).code }
  }
}

parentPort?.on('message', (message: ScanMessage | 'end') => {
  if (message !== 'end') {
    parentPort?.postMessage(scan(message))
    return
  }
  connection[Symbol.dispose]()
  parentPort?.close()
})
