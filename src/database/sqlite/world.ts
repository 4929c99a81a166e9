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
import { uptime } from 'node:os'
import { framesIn, isCheckpoint, type WalFrames } from './wal-index.ts'
import { hasCheckpointed, isInWalMode } from './wal-pages.ts'

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

/** When this start of the machine was. */
const BOOTED_AT_MS = Date.now() - uptime() * 1000

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
 * opening the two would undo a restore or mix pages of both. Undefined when it may. Opens nothing through SQLite, and no file
 * at all when the database is as the last gateway left it.
 */
export function whyNotOpen(path: string): string | undefined {
  const world = readWorld(path)
  const real = existsSync(path) ? realpathSync(path) : path
  const [database, log] = [statOf(real), statOf(`${real}-wal`)]
  if (world && !database?.size) return emptyNow(path, database ? 'is empty' : 'is not there')
  if (!database?.size || !log?.size) return undefined
  if (isOfWorld(world, log) && isSameFile(world.database, database)) return undefined
  return mayHaveLog(real, { world, database, log }) ? undefined : foreignLog(path)
}

/** Whether a log, which is not empty, can be the log of the database beside it. Leans to yes where nothing proves it. */
function mayHaveLog(
  real: string,
  { world, database, log }: { world: Partial<World> | undefined; database: Stats; log: Stats },
): boolean {
  if (!isInWalMode(real)) return false
  // A log that the last gateway did not have open came with the database.
  if (!isOfWorld(world, log)) return true
  if (database.ino !== world.database.ino) return false
  // Times may go back with a power cut. What was written to since the machine started, without its log, was replaced.
  if (world.boot !== BOOT) return !(log.mtimeMs < BOOTED_AT_MS && BOOTED_AT_MS < database.mtimeMs)
  const before = world.frames
  if (!before || BOOT === '') return true
  if (!existsSync(`${real}-shm`)) return false
  const now = framesIn(readFileSync(`${real}-shm`))
  // Undefined where a gateway was killed in the middle of a commit.
  if (!now) return true
  if (!isCheckpoint(before, now)) return false
  if (hasCheckpointed(real, now)) return true
  // A gateway that runs may have copied other frames meanwhile.
  const later = framesIn(readFileSync(`${real}-shm`))
  return later === undefined || isCheckpoint(now, later)
}

type Interrupted = Partial<World> & Pick<World, 'database'>

/** Whether the last gateway did not get to stop, and had this log open. */
function isOfWorld(world: Partial<World> | undefined, log: Stats): world is Interrupted {
  return world?.isOpen === true && world.database !== undefined && world.log === log.ino
}

function isSameFile(before: FileFacts, now: Stats): boolean {
  return before.ino === now.ino && before.size === now.size && before.mtimeMs === now.mtimeMs
}

/** Why a database without tables must not be taken for a new one. */
export function emptyNow(path: string, what: string): string {
  return `There was a database at ${path}, and now it ${what}. Restore it from a backup; or, to begin anew, delete ${worldFile(path)}`
}

function foreignLog(path: string): string {
  return `${path} was replaced, and ${path}-wal belongs to the file that was there before: together they would undo the restore or be damaged. Restore a backup with npm run restore; to use the file as it is, delete ${path}-wal and ${path}-shm; or put back the file that was there`
}

/** Writes down that the files that were left by a power cut or a reboot are about to be opened, and may change from now on. */
export function noteReboot(path: string): void {
  const world = readWorld(path)
  if (world?.isOpen !== true || world.boot === BOOT) return
  const { ino, size, mtimeMs } = statSync(path)
  writeWorld(path, { isOpen: true, boot: BOOT, log: world.log, database: { ino, size, mtimeMs } })
}

/** Writes down that the last gateway has stopped, if all that it wrote is in the database file: then its log is gone or empty. */
export function noteStopped(path: string): void {
  const world = readWorld(path)
  if (world && !statOf(`${realpathSync(path)}-wal`)?.size) writeWorld(path, { ...world, isOpen: false })
}

/** Whether the last gateway did not get to stop, so that the database has to be checked. */
export function wasInterrupted(path: string): boolean {
  return readWorld(path)?.isOpen ?? (statOf(`${path}-wal`)?.size ?? 0) > 0
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}
