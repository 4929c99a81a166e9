import type { Statement } from 'better-sqlite3'
import type { DatabaseHealth } from '../health.ts'
import { ReadConnection } from './read-connection.ts'
import type { Text } from './statements.ts'
import { openWalIndex, type WalIndex } from './wal-index.ts'

/** What a file follows that is not the database itself, but a replica of it. */
export interface Following {
  fresh(): Promise<void>
  readonly staleSince: Date | undefined
  onApplied(listener: (tables: ReadonlySet<string>) => void): () => void
}

interface ReaderOptions {
  health: DatabaseHealth
  readsIndex: boolean
  onStatement: ((sql: string) => void) | undefined
  following?: Following
}

/** The connection of the event loop for reading: it also knows when something was committed, and whether the file is well. */
export class Reader extends ReadConnection {
  readonly #dataVersion: Statement<[], number>
  readonly #health: DatabaseHealth
  readonly #following: Following | undefined
  /** The index of the write-ahead log; undefined where it is not read. It outlives this connection: see `WalIndex`. */
  readonly index: WalIndex | undefined

  constructor(path: string, { health, readsIndex, onStatement, following }: ReaderOptions) {
    super(path, onStatement)
    this.#health = health
    this.#following = following
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

  /**
   * Resolves when everything is in the file that was committed before the call, by any gateway, or when `staleSince` says that
   * this cannot be known. Undefined where the file is the database itself.
   */
  fresh(): Promise<void> | undefined {
    return this.#following?.fresh()
  }

  /** Since when the file may lack commits, because the database does not answer; undefined when it lacks none. */
  get staleSince(): Date | undefined {
    return this.#following?.staleSince
  }

  /** Calls back with the names of the tables that other gateways, or this one, have changed; returns what ends that. */
  onApplied(listener: (tables: ReadonlySet<string>) => void): () => void {
    return this.#following?.onApplied(listener) ?? (() => undefined)
  }
}
