import SQLite, { type Statement } from 'better-sqlite3'
import { Statements } from './statements.ts'

/** The number and the tag of the last transition of an account in each log, as `12.tag`; null when there is none. */
export interface Heads {
  snapshots: string | null
  disks: string | null
}

const HEADS = `SELECT
  (SELECT "sequence" || '.' || "tag" FROM "SnapshotTransition" WHERE "accountId" = ? ORDER BY "sequence" DESC LIMIT 1) AS "snapshots",
  (SELECT "sequence" || '.' || "tag" FROM "DiskTransition" WHERE "accountId" = ? ORDER BY "sequence" DESC LIMIT 1) AS "disks"`

/** What it may keep of the database in memory; SQLite's own 2 MiB are less than the lists of a few hundred disks lie on. */
const CACHE_KIB = 16 * 1024

/**
 * A connection of its own that only reads, and so sees nothing that is not committed, needs no lock, and waits for
 * nobody: the write-ahead log keeps writers out of its way.
 *
 * SQLite cannot be interrupted from its own thread. A statement whose rows are many and its answers few calls
 * `scanned(id)` for each row that it looks at; `scanning` says what that does.
 */
export class ReadConnection extends Statements implements Disposable {
  readonly #begin: Statement
  readonly #end: Statement
  #headStatement: Statement<[string, string], Heads> | undefined
  #heads: { accountId: string; heads: Heads } | undefined
  #isAtOnce = false
  #onScanned: () => void = unexpected

  constructor(path: string, onStatement?: (sql: string) => void) {
    super(new SQLite(path, { readonly: true, timeout: 5_000 }), onStatement)
    this.connection.pragma(`cache_size = -${CACHE_KIB}`)
    this.connection.function('scanned', { directOnly: true, varargs: true }, () => {
      this.#onScanned()
      return 1
    })
    this.#begin = this.connection.prepare('BEGIN')
    this.#end = this.connection.prepare('COMMIT')
  }

  /** Does work, which must not wait for anything, on one state of the database: what all of its reads find was true at once. */
  atOnce<T>(work: () => T): T {
    if (this.#isAtOnce) return work()
    this.checked(() => this.#begin.run())
    this.#isAtOnce = true
    this.#heads = undefined
    try {
      return work()
    } finally {
      this.#isAtOnce = false
      this.#end.run()
    }
  }

  /** Does work and calls `onRow` for each row that it scans; what that throws ends the statement and the work. */
  scanning<T>(onRow: () => void, work: () => T): T {
    this.#onScanned = onRow
    try {
      return work()
    } finally {
      this.#onScanned = unexpected
    }
  }

  /** How far the transition logs of an account go; to be asked for in `atOnce`. */
  heads(accountId: string): Heads {
    if (this.#heads?.accountId === accountId) return this.#heads.heads
    const statement = (this.#headStatement ??= this.connection.prepare<[string, string], Heads>(HEADS))
    const heads = this.checked(() => statement.get(accountId, accountId)) ?? { snapshots: null, disks: null }
    this.#heads = { accountId, heads }
    return heads
  }

  /** Does a read; a connection that knows of the health of its file looks at it here. */
  protected checked<T>(read: () => T): T {
    return read()
  }

  [Symbol.dispose](): void {
    this.connection.close()
  }
}

function unexpected(): never {
  throw new Error('A statement scans rows that nobody counts.')
}
