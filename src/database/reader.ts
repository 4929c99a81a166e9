import SQLite, { type Statement } from 'better-sqlite3'
import { Statements } from './statements.ts'

/** What it may keep of the database in memory; SQLite's own 2 MiB are less than the lists of a few hundred disks lie on. */
const CACHE_KIB = 16 * 1024

/**
 * A connection of its own that only reads, and so sees nothing that is not committed, needs no lock, and waits for
 * nobody: the write-ahead log keeps writers out of its way.
 */
export class Reader extends Statements implements Disposable {
  readonly #begin: Statement
  readonly #end: Statement
  readonly #version: Statement<[], number>
  #head: Statement<[], number> | undefined
  #headNow: number | undefined
  #isAtOnce = false

  constructor(path: string, onStatement: ((sql: string) => void) | undefined) {
    super(new SQLite(path, { readonly: true, timeout: 5_000 }), onStatement)
    this.connection.pragma(`cache_size = -${CACHE_KIB}`)
    this.#begin = this.connection.prepare('BEGIN')
    this.#end = this.connection.prepare('COMMIT')
    this.#version = this.connection.prepare<[], number>('PRAGMA data_version').pluck()
  }

  /** Does work, which must not wait for anything, on one state of the database: what all of its reads find was true at once. */
  atOnce<T>(work: () => T): T {
    if (this.#isAtOnce) return work()
    this.#begin.run()
    this.#isAtOnce = true
    this.#headNow = undefined
    try {
      return work()
    } finally {
      this.#isAtOnce = false
      this.#end.run()
    }
  }

  /** A number that is another one after every commit, be it of this process or of another. */
  version(): number {
    return this.#version.get() ?? 0
  }

  /** The number of the last transition in the log, 0 when there is none; to be asked for in `atOnce`. */
  head(): number {
    this.#head ??= this.connection
      .prepare<[], number>('SELECT coalesce(max("sequence"), 0) FROM "SnapshotTransition"')
      .pluck()
    this.#headNow ??= this.#head.get() ?? 0
    return this.#headNow
  }

  [Symbol.dispose](): void {
    this.connection.close()
  }
}
