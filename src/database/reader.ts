import type { Statement } from 'better-sqlite3'
import type { DatabaseHealth } from './health.ts'
import { ReadConnection } from './read-connection.ts'
import type { Text } from './statements.ts'
import { openWalIndex, type WalIndex } from './wal-index.ts'

/** The connection of the event loop for reading: it also knows when something was committed, and whether the file is well. */
export class Reader extends ReadConnection {
  readonly #dataVersion: Statement<[], number>
  readonly #health: DatabaseHealth
  /** The index of the write-ahead log; undefined where it is not read. It outlives this connection: see `WalIndex`. */
  readonly index: WalIndex | undefined

  constructor(
    path: string,
    {
      health,
      readsIndex,
      onStatement,
    }: { health: DatabaseHealth; readsIndex: boolean; onStatement: ((sql: string) => void) | undefined },
  ) {
    super(path, onStatement)
    this.#health = health
    this.#dataVersion = this.connection.prepare<[], number>('PRAGMA data_version').pluck()
    // SQLite makes the index when it first reads.
    this.#dataVersion.get()
    this.index = readsIndex ? openWalIndex(path) : undefined
  }

  override all<Row>(sql: Text): Row[] {
    return this.checked(() => super.all<Row>(sql))
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
  override get<Row>(sql: Text): Row | undefined {
    return this.checked(() => super.get<Row>(sql))
  }

  /** Throws Unavailable where nothing may be read, or something could not be. */
  protected override checked<T>(read: () => T): T {
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
}
