import { lstatSync, realpathSync, statSync, type Stats } from 'node:fs'
import { BOOT, type World } from './world.ts'
import { isCheckpoint, type WalFrames, type WalIndex } from './wal-index.ts'
import { FRAME_HEADER, WAL_HEADER } from './wal-pages.ts'

/** How what is open differs from what a restart would open. */
export interface Difference {
  reason: 'REMOVED' | 'REPLACED'
  /** Which file, and how, for the log. */
  detail: string
  /** Whether putting the file back does not help: its content was changed. */
  isFinal: boolean
}

/**
 * The files of a database that this process has open: the database itself, its write-ahead log and the index of that. SQLite
 * keeps to the files that it opened, also when others stand in their places, so what it commits then is gone with the next
 * start. They are compared without being opened: to close one would drop the locks that SQLite has on it (fcntl(2)).
 */
export class OpenFiles {
  readonly #given: string
  readonly #paths: readonly [database: string, log: string, index: string]
  readonly #opened: readonly Stats[]
  readonly #index: Pick<WalIndex, 'frames'> | undefined
  /** The database file when it was last looked at, and how far checkpoints were then. */
  #content: Stats
  #frames: WalFrames | undefined
  /** Called when a checkpoint was found, or a log that has begun anew: `world()` is another one. */
  onCheckpoint: () => void = () => undefined

  /** `path` has just been opened, and read. */
  constructor(path: string, index: Pick<WalIndex, 'frames'> | undefined) {
    const real = realpathSync(path)
    this.#given = path
    this.#paths = [real, `${real}-wal`, `${real}-shm`]
    this.#opened = this.#paths.map((file) => lstatSync(file))
    this.#index = index
    // Before the file, as in `difference`.
    this.#frames = index?.frames()
    this.#content = lstatSync(real)
  }

  /**
   * How they differ from those at their paths; undefined when they are the same. Costs some microseconds. Throws EACCES when
   * they may no longer be looked at.
   */
  difference(): Difference | undefined {
    const [database, log, index] = this.#paths
    // A checkpoint that ends while the file is looked at has to count as later than what is found.
    const earlier = this.#index?.frames()
    const content = this.#at(0)
    if (!content) return removed(database)
    const logged = this.#at(1)
    if (!isSame(content, this.#opened[0])) return replaced(database)
    if (!logged) return removed(log)
    if (!isSame(logged, this.#opened[1])) return replaced(log)
    const indexed = this.#at(2)
    if (!indexed) return removed(index)
    if (!isSame(indexed, this.#opened[2])) return replaced(index)
    if (this.#given !== database && !isSame(statsOf(this.#given, statSync), this.#opened[0])) {
      return replaced(this.#given)
    }
    return this.#changed(content, logged, earlier)
  }

  /** What the next start has to know of them, as they were when they were last found unchanged. */
  world(): World {
    const { ino, size, mtimeMs } = this.#content
    const log = this.#opened[1]?.ino ?? 0
    return { isOpen: true, boot: BOOT, database: { ino, size, mtimeMs }, log, frames: this.#frames }
  }

  /** The size of the write-ahead log, in bytes; 0 when it is not there. */
  logBytes(): number {
    return this.#at(1)?.size ?? 0
  }

  /** The database file that is open. */
  database(): { path: string; file: { dev: number; ino: number } } {
    const { dev, ino } = this.#content
    return { path: this.#paths[0], file: { dev, ino } }
  }

  /** Whether the database is in its place and its log is not: then what is only in the log is lost with this process. */
  isLogGone(): boolean {
    return isSame(this.#at(0), this.#opened[0]) && this.#at(1) === undefined
  }

  #at(at: 0 | 1 | 2): Stats | undefined {
    return statsOf(this.#paths[at], lstatSync)
  }

  /** Whether somebody else has written to the files themselves. In this mode, only a checkpoint writes to the database. */
  #changed(content: Stats, logged: Stats, earlier: WalFrames | undefined): Difference | undefined {
    const [database, log] = this.#paths
    if (content.size === 0) return changed(`${database} is empty`)
    const before = this.#frames
    const frames = this.#index?.frames()
    // Undefined in the middle of a commit of another process: there is a next time.
    if (!frames || !before) return undefined
    if (logged.size < WAL_HEADER + frames.written * (FRAME_HEADER + frames.pageBytes) && frames.written > 0) {
      const [again, size] = [this.#index?.frames(), this.#at(1)?.size]
      if (again?.salt === frames.salt && size === logged.size) return changed(`${log} was cut short`)
      return undefined
    }
    const isTouched = content.mtimeMs !== this.#content.mtimeMs || content.size !== this.#content.size
    if (isTouched && !isCheckpoint(before, frames)) {
      return changed(`${database} was written to by something that is not SQLite`)
    }
    if (!earlier) return undefined
    this.#content = content
    this.#frames = earlier
    if (isTouched || isCheckpoint(before, earlier)) this.onCheckpoint()
    return undefined
  }
}

/** Undefined when there is nothing, or nothing that can be looked at. */
function statsOf(path: string, look: typeof lstatSync): Stats | undefined {
  try {
    return look(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev
}

/** Throws where the file may be there still, but may no longer be looked at. */
function removed(file: string): Difference {
  try {
    lstatSync(file, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error
  }
  return { reason: 'REMOVED', detail: `${file} is not there any more`, isFinal: false }
}
const replaced = (file: string): Difference => ({
  reason: 'REPLACED',
  detail: `${file} is another file than the one that is open`,
  isFinal: false,
})
const changed = (detail: string): Difference => ({ reason: 'REPLACED', detail, isFinal: true })
