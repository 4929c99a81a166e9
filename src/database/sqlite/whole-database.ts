import { copyFile, open, rename } from 'node:fs/promises'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import SQLite from 'better-sqlite3'
import { unusable } from './database-file.ts'
import { whyNotOpen } from './world.ts'

/** How many pages are copied between two looks at the log: 16 MiB. */
const PAGES = 4_096

const TOO_MUCH =
  'Too much is written while the database is copied: the write-ahead log has reached half of MAX_WAL_BYTES. Try again when less is written, or raise the limit.'

/**
 * Copies the database at a path to a file that does not exist yet, as of one moment, also while a gateway writes to it.
 * The copy is one file, without a log beside it, flushed and checked; the umask decides who may read it. Meanwhile the
 * write-ahead log cannot be emptied: rejects when that has reached `maxLogBytes`.
 */
export async function copyOnline(from: string, to: string, maxLogBytes = Infinity): Promise<void> {
  const source = openExisting(from, { readonly: true })
  const log = `${realpathSync(from)}-wal`
  try {
    // One read transaction for all of it: SQLite would begin the copy anew after each commit of another process.
    source.exec('BEGIN')
    source.prepare('SELECT count(*) FROM sqlite_schema').get()
    await source.backup(to, {
      progress() {
        if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= maxLogBytes) throw new Error(TOO_MUCH)
        return PAGES
      },
    })
  } finally {
    source.close()
  }
  const copy = new SQLite(to)
  try {
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
  checkIntegrity(to)
  await flush(to)
}

/**
 * Reads all of the database at a path, indexes included, and throws an Error that says what is wrong with it, if anything is.
 * The file and its log stay as they are: a connection that may write would copy the log into the file when it is closed.
 */
export function checkIntegrity(path: string): void {
  const database = openExisting(path, { readonly: true })
  try {
    const faults = database.pragma('integrity_check(1)', { simple: true })
    if (faults === 'ok') return
    throw new Error(`it is damaged (${String(faults).slice(0, 200)}). Restore it from a backup`)
  } catch (error) {
    throw unusable(path, error)
  } finally {
    database.close()
  }
}

/**
 * Puts another database file in the place of the one at a path, while nobody uses that. The one that was there is kept at
 * `keepAt`, with all that was in its log; where it cannot be opened, its files are kept as they are. Throws, and changes
 * nothing, when a process has it open.
 */
export async function replaceDatabase(path: string, by: string, keepAt: string): Promise<void> {
  const lock = isUsable(path) ? lockAgainstAll(path) : undefined
  try {
    if (lock) await copyFile(path, keepAt)
    else await moveAside(path, keepAt)
    await flush(by)
    await rename(by, path)
    await flush(dirname(path))
  } finally {
    lock?.close()
  }
}

/** Throws when a process has the database at a path open; one that is missing or no whole database nobody has. */
export function refuseIfOpen(path: string): void {
  if (isUsable(path)) lockAgainstAll(path).close()
}

function isUsable(path: string): boolean {
  return existsSync(path) && whyNotOpen(path) === undefined
}

/** A log that was left beside a missing or foreign file must not be taken for the log of the file that comes there. */
async function moveAside(path: string, keepAt: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(`${path}${suffix}`)) await rename(`${path}${suffix}`, `${keepAt}${suffix}`)
  }
}

/**
 * A connection that keeps all others out until it is closed, of this and other processes. The database has no log then:
 * what was in it is in the file.
 */
function lockAgainstAll(path: string): SQLite.Database {
  const connection = openExisting(path, { timeout: 0 })
  try {
    // Every connection shares a lock of the file for as long as it is open; this takes it for itself.
    connection.pragma('locking_mode = EXCLUSIVE')
    connection.pragma('journal_mode = DELETE')
    connection.exec('BEGIN EXCLUSIVE')
    return connection
  } catch (error) {
    connection.close()
    if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      throw new Error(`A gateway or a command uses ${path}. Stop it first.`, { cause: error })
    throw unusable(path, error)
  }
}

function openExisting(path: string, options: SQLite.Options): SQLite.Database {
  try {
    return new SQLite(path, { ...options, fileMustExist: true })
  } catch (error) {
    throw unusable(path, error)
  }
}

async function flush(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}
