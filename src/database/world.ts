import {
  existsSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import SQLite from 'better-sqlite3'
import { framesIn, isCheckpoint, type WalFrames } from './wal-index.ts'

/** What the gateway last knew of its database file. It is kept beside the file, for the next start. */
export interface World {
  /** False once a gateway has stopped and its log is in the database file. */
  isOpen: boolean
  /** Which start of the machine: times of files may go back with a power cut. */
  boot: string
  database: FileFacts
  /** The inode of the write-ahead log. */
  log: number
  frames: WalFrames | undefined
}

interface FileFacts {
  ino: number
  size: number
  mtimeMs: number
}

/** Which start of the machine this is; empty where that is not known. */
export const BOOT = (() => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
})()

/** Where it is kept. Its name does not begin as those of the database do, so that it outlives them. */
export function worldFile(path: string): string {
  return join(dirname(path), `.${basename(path)}.world`)
}

/** What is known; undefined when no gateway has ever had the database open. */
export function readWorld(path: string): Partial<World> | undefined {
  let text: string
  try {
    text = readFileSync(worldFile(path), 'utf8')
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text) as World
  } catch {
    // A power cut may have left nothing of it but its name.
    return { isOpen: true }
  }
}

export function writeWorld(path: string, world: Partial<World>): void {
  const file = worldFile(path)
  writeFileSync(`${file}.new`, JSON.stringify(world), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/**
 * Why a database file must not be opened: it is gone or empty, and was not; or the log beside it belongs to another file, and
 * opening the two would undo a restore or mix pages of both. Undefined when it may. Opens nothing of the database.
 */
export function whyNotOpen(path: string): string | undefined {
  const world = readWorld(path)
  if (!world) return undefined
  const real = existsSync(path) ? realpathSync(path) : path
  const [database, log, index] = [real, `${real}-wal`, `${real}-shm`].map((file) => statOf(file))
  if (!database || database.size === 0) return emptyNow(path, database ? 'is empty' : 'is not there')
  const { isOpen, boot, database: before, frames, log: logBefore } = world
  if (isOpen !== true || !before || !log || log.size === 0 || log.ino !== logBefore) return undefined
  if (database.ino !== before.ino) return foreignLog(path)
  if (boot !== BOOT || BOOT === '' || !frames || !index) return undefined
  const isTouched = database.mtimeMs !== before.mtimeMs || database.size !== before.size
  const now = framesIn(readFileSync(`${real}-shm`))
  return isTouched && now && !isCheckpoint(frames, now) ? foreignLog(path) : undefined
}

/** Why a database without tables must not be taken for a new one. */
export function emptyNow(path: string, what: string): string {
  return `There was a database at ${path}, and now it ${what}. Restore it from a backup; or, to begin anew, delete ${worldFile(path)}`
}

function foreignLog(path: string): string {
  return `${path} was replaced, and ${path}-wal belongs to the file that was there before: together they would undo the restore or be damaged. To use the file as it is, delete ${path}-wal and ${path}-shm; or put the file back that was there`
}

/** Writes down that the last gateway has stopped, if all that it wrote is in the database file: then its log is gone. */
export function noteStopped(path: string): void {
  const world = readWorld(path)
  if (world && !existsSync(`${realpathSync(path)}-wal`)) writeWorld(path, { ...world, isOpen: false })
}

/** Whether the last gateway did not get to stop, so that the database has to be checked. */
export function wasInterrupted(path: string): boolean {
  return readWorld(path)?.isOpen ?? (statOf(`${path}-wal`)?.size ?? 0) > 0
}

/** What is wrong with a database, indexes included; undefined when it is whole. Reads all of it. */
export function damageOf(path: string): string | undefined {
  const connection = new SQLite(path, { fileMustExist: true, timeout: 5_000 })
  try {
    const result = connection.pragma('integrity_check(1)', { simple: true })
    return result === 'ok' ? undefined : String(result).slice(0, 200)
  } finally {
    connection.close()
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
