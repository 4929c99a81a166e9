import { lstatSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import SQLite from 'better-sqlite3'

/** Copies a large write-ahead log into its database and empties it, in a thread, until it is told to stop. */

export interface CheckpointData {
  /** The real path of the database. */
  path: string
  /** The database file that the gateway has open: none in its place is touched. */
  file: { dev: number; ino: number }
  /** Shared; set to 1 and notified, it ends the thread. */
  stop: Int32Array
}

/** After each attempt: how many frames of the log are not copied yet, or why that is not known. */
export type CheckpointReply = { behind: number } | { error: Error }

/** The pause between two attempts, in milliseconds. */
const PAUSE_MS = 500

/** How long TRUNCATE may wait for a reader, in milliseconds: it holds the lock for writing meanwhile. */
const TRUNCATE_WAIT_MS = 50

const { path, file, stop } = workerData as CheckpointData

function isOurs(): boolean {
  const { dev, ino } = lstatSync(path)
  return dev === file.dev && ino === file.ino
}

function attempt(connection: SQLite.Database): CheckpointReply {
  try {
    const [frames] = connection.pragma('wal_checkpoint(PASSIVE)') as { log: number; checkpointed: number }[]
    const behind = frames ? frames.log - frames.checkpointed : 0
    if (behind === 0) connection.pragma('wal_checkpoint(TRUNCATE)')
    return { behind }
  } catch (error) {
    return { error: error as Error }
  }
}

const connection = new SQLite(path, { fileMustExist: true, timeout: TRUNCATE_WAIT_MS })
try {
  while (isOurs() && Atomics.load(stop, 0) === 0) {
    parentPort?.postMessage(attempt(connection))
    Atomics.wait(stop, 0, 0, PAUSE_MS)
  }
} finally {
  connection.close()
}
