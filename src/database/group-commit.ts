import { setTimeout as pause } from 'node:timers/promises'
import SQLite, { type Database as Connection } from 'better-sqlite3'
import { Statements } from './statements.ts'

/** The connection that writes, and the lock under which it is used. */
export interface WritingConnection {
  client: Connection
  acquire: () => Promise<() => void>
  busyTimeoutMs: number
  /** The transaction of Prisma that is open on it. */
  transaction: () => object | undefined
}

/** A transaction, as far as statements past Prisma are concerned. */
export interface SqlTransaction {
  sql: Statements
}

interface Waiting {
  work: (tx: SqlTransaction) => unknown
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

type Outcome = { value: unknown } | { error: unknown }

/** At most so many share a commit, so that the event loop goes on in between. */
const TOGETHER = 100
const RETRY_MS = 20

/**
 * Writes that share their commits. What a commit costs is waiting for the disk, and that is the same for one write as for a
 * hundred: so those of one turn of the event loop, and those that come while another commit is under way, are done in one
 * transaction, first come first, each behind a savepoint of its own. One that throws is undone alone; nobody is told
 * anything before all of it is on the disk.
 */
export class GroupCommit {
  #connection: (WritingConnection & { sql: Statements }) | undefined
  #waiting: Waiting[] = []
  #isWorking = false
  readonly #onStatement: ((sql: string) => void) | undefined

  constructor(onStatement?: (sql: string) => void) {
    this.#onStatement = onStatement
  }

  /** Called when the connection is there. */
  connect(connection: WritingConnection): void {
    this.#connection = { ...connection, sql: new Statements(connection.client, this.#onStatement) }
  }

  /** Does work that waits for nothing; resolves with what it returns once that is committed, rejects with what it throws. */
  write<T>(work: (tx: SqlTransaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as Waiting['resolve'], reject })
      if (this.#isWorking) return
      this.#isWorking = true
      setImmediate(() => void this.#work())
    })
  }

  /** Statements in the transaction of Prisma that has just begun; once it has ended, they throw. */
  inside(): Statements {
    const { sql, transaction } = this.#opened()
    const own = transaction()
    return sql.guarded(() => {
      if (own === undefined || transaction() !== own) throw new Error('The transaction has ended.')
    })
  }

  #opened() {
    if (!this.#connection) throw new Error('The database is not open.')
    return this.#connection
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      let some: Waiting[] = []
      try {
        const connection = this.#opened()
        await this.#patiently(connection, () => {
          some = this.#waiting.splice(0, TOGETHER)
          settle(some, commit(connection, some))
        })
      } catch (error) {
        for (const { reject } of some.length > 0 ? some : this.#waiting.splice(0)) reject(error)
      }
      // Those whose requests have come in meanwhile go along with the next one.
      await new Promise(setImmediate)
    }
    this.#isWorking = false
  }

  /** Takes the lock and begins a transaction; waits while another process writes, and holds up nobody meanwhile. */
  async #patiently({ client, acquire, busyTimeoutMs }: WritingConnection, work: () => void): Promise<void> {
    const deadline = performance.now() + busyTimeoutMs
    for (;;) {
      const release = await acquire()
      try {
        client.exec('BEGIN IMMEDIATE')
        work()
        return
      } catch (error) {
        if (!(error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error
        if (performance.now() >= deadline) throw error
      } finally {
        if (client.inTransaction) client.exec('ROLLBACK')
        release()
      }
      await pause(RETRY_MS)
    }
  }
}

function commit(
  { client, sql }: WritingConnection & { sql: Statements },
  some: readonly Waiting[],
): Outcome[] {
  const outcomes = some.map(({ work }): Outcome => {
    if (!isOpen(client)) return { error: new Error(ROLLED_BACK) }
    client.exec('SAVEPOINT one')
    try {
      const value = work({ sql })
      client.exec('RELEASE one')
      return { value }
    } catch (error) {
      if (isOpen(client)) client.exec('ROLLBACK TO one; RELEASE one')
      return { error }
    }
  })
  if (!isOpen(client)) return some.map(() => ({ error: new Error(ROLLED_BACK) }))
  try {
    client.exec('COMMIT')
    return outcomes
  } catch (error) {
    return some.map(() => ({ error }))
  }
}

const ROLLED_BACK = 'SQLite has rolled the transaction back.'

/** Some errors make SQLite end a transaction by itself. */
function isOpen({ inTransaction }: Connection): boolean {
  return inTransaction
}

function settle(some: readonly Waiting[], outcomes: readonly Outcome[]): void {
  some.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes[index]
    if (outcome && 'value' in outcome) resolve(outcome.value)
    else reject(outcome?.error)
  })
}
