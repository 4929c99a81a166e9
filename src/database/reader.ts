import SQLite, { type Statement } from 'better-sqlite3'
import type { Prisma } from '../generated/prisma/client.ts'
import type { DatabaseHealth } from './health.ts'
import { Statements } from './statements.ts'
import { openWalIndex, type WalIndex } from './wal-index.ts'

/** The number of the last transition in each log, 0 when there is none. */
export interface Heads {
  snapshots: number
  disks: number
}

const HEADS = `SELECT
  (SELECT coalesce(max("sequence"), 0) FROM "SnapshotTransition") AS "snapshots",
  (SELECT coalesce(max("sequence"), 0) FROM "DiskTransition") AS "disks"`

/** What it may keep of the database in memory; SQLite's own 2 MiB are less than the lists of a few hundred disks lie on. */
const CACHE_KIB = 16 * 1024

/**
 * A connection of its own that only reads, and so sees nothing that is not committed, needs no lock, and waits for
 * nobody: the write-ahead log keeps writers out of its way.
 */
export class Reader extends Statements implements Disposable {
  readonly #begin: Statement
  readonly #end: Statement
  readonly #dataVersion: Statement<[], number>
  readonly #health: DatabaseHealth
  /** What SQLite shares of its log; undefined where it cannot be looked at. */
  readonly index: WalIndex | undefined
  #headStatement: Statement<[], Heads> | undefined
  #heads: Heads | undefined
  #isAtOnce = false

  constructor(path: string, health: DatabaseHealth, onStatement: ((sql: string) => void) | undefined) {
    super(new SQLite(path, { readonly: true, timeout: 5_000 }), onStatement)
    this.#health = health
    this.connection.pragma(`cache_size = -${CACHE_KIB}`)
    this.#begin = this.connection.prepare('BEGIN')
    this.#end = this.connection.prepare('COMMIT')
    this.#dataVersion = this.connection.prepare<[], number>('PRAGMA data_version').pluck()
    // SQLite maps the index when it first reads.
    this.#dataVersion.get()
    this.index = openWalIndex(path)
  }

  /** Does work, which must not wait for anything, on one state of the database: what all of its reads find was true at once. */
  atOnce<T>(work: () => T): T {
    if (this.#isAtOnce) return work()
    this.#checked(() => this.#begin.run())
    this.#isAtOnce = true
    this.#heads = undefined
    try {
      return work()
    } finally {
      this.#isAtOnce = false
      this.#end.run()
    }
  }

  override all<Row>(sql: Prisma.Sql): Row[] {
    return this.#checked(() => super.all<Row>(sql))
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
  override get<Row>(sql: Prisma.Sql): Row | undefined {
    return this.#checked(() => super.get<Row>(sql))
  }

  /** Throws Unavailable where nothing may be read, or something could not be. */
  #checked<T>(read: () => T): T {
    try {
      this.#health.checkReadable()
      return read()
    } catch (error) {
      throw this.#health.failed(error)
    }
  }

  /** A number that is another one after every commit, be it of this process or of another. */
  version(): number {
    return this.index?.version() ?? this.#dataVersion.get() ?? 0
  }

  /** How far each transition log goes; to be asked for in `atOnce`. */
  heads(): Heads {
    const statement = (this.#headStatement ??= this.connection.prepare<[], Heads>(HEADS))
    return (this.#heads ??= this.#checked(() => statement.get()) ?? { snapshots: 0, disks: 0 })
  }

  [Symbol.dispose](): void {
    this.index?.[Symbol.dispose]()
    this.connection.close()
  }
}
