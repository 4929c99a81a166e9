import type { Statement } from 'better-sqlite3'
import { ReadConnection } from './read-connection.ts'
import { openWalIndex, type WalIndex } from './wal-index.ts'

/** The connection of the event loop for reading: it also knows when something was committed. */
export class Reader extends ReadConnection {
  readonly #dataVersion: Statement<[], number>
  readonly #index: WalIndex | undefined

  constructor(path: string, onStatement: ((sql: string) => void) | undefined) {
    super(path, onStatement)
    this.#dataVersion = this.connection.prepare<[], number>('PRAGMA data_version').pluck()
    // SQLite maps the index when it first reads.
    this.#dataVersion.get()
    this.#index = openWalIndex(path)
  }

  /** A number that is another one after every commit, be it of this process or of another. */
  version(): number {
    return this.#index?.version() ?? this.#dataVersion.get() ?? 0
  }

  override [Symbol.dispose](): void {
    this.#index?.[Symbol.dispose]()
    super[Symbol.dispose]()
  }
}
