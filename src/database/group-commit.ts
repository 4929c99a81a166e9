import type { Database as Connection } from 'better-sqlite3'
import { Unavailable } from '../domain/unavailable.ts'
import { SqliteSql } from './sqlite-sql.ts'
import { Statements } from './statements.ts'
import type { Sql, Statement } from './work.ts'
import type { Writer } from './writer.ts'

/** The connection that writes, and the statements on it. */
interface Open {
  writer: Writer
  sql: SqliteSql
}

interface Waiting {
  /** Until when it waits for another process that holds the lock, by `performance.now()`. */
  deadline: number
  work: (sql: Sql) => Statement<unknown>
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

type Outcome = { value: unknown } | { error: unknown }

/** How many share a commit at most, so that the event loop goes on in between. */
const TOGETHER = 100

/**
 * Writes that share their commits. What a commit costs is waiting for the disk, and that is the same for one write as for a
 * hundred: so those of one turn of the event loop, and those that come while another commit is in progress, are done in one
 * transaction, first come first, each behind a savepoint of its own. One that throws is undone alone; nobody is told
 * anything before all of it is on the disk.
 */
export class GroupCommit {
  #connection: Open | undefined
  #waiting: Waiting[] = []
  #isWorking = false
  readonly #onStatement: ((sql: string) => void) | undefined

  constructor(onStatement?: (sql: string) => void) {
    this.#onStatement = onStatement
  }

  /** Called when the connection is there. */
  connect(writer: Writer): void {
    this.#connection = {
      writer,
      sql: new SqliteSql(writer.client, new Statements(writer.client, this.#onStatement)),
    }
    writer.onLocked = () => this.#expire()
  }

  get writer(): Writer {
    return this.#opened().writer
  }

  /**
   * Does work; resolves with what it returns once that is committed, rejects with what it throws, and with Unavailable when it
   * was not committed: each call waits for the lock of another process for a time of its own.
   */
  write<T>(work: (sql: Sql) => Statement<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + (this.#connection?.writer.busyTimeoutMs ?? 0)
      this.#waiting.push({ deadline, work, resolve: resolve as Waiting['resolve'], reject })
      if (this.#isWorking) return
      this.#isWorking = true
      setImmediate(() => void this.#work())
    })
  }

  #opened() {
    if (!this.#connection) throw new Error('The database is not open.')
    return this.#connection
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      try {
        await this.#commitSome(this.#opened())
      } catch (error) {
        // Those that came later wait on: for them there is still time.
        const isLate = error instanceof Unavailable && error.reason === 'LOCKED'
        if (isLate) this.#expire()
        else for (const { reject } of this.#waiting.splice(0)) reject(error)
      }
      // Those whose requests have come in meanwhile go along with the next one.
      await new Promise(setImmediate)
    }
    this.#isWorking = false
  }

  async #commitSome(connection: Open): Promise<void> {
    const { writer } = connection
    const release = await writer.begin(this.#waiting[0]?.deadline)
    const some = this.#waiting.splice(0, TOGETHER)
    try {
      if (some.length > 0) settle(some, commit(connection, some))
    } catch (error) {
      for (const { reject } of some) reject(error)
    } finally {
      writer.rollBack()
      release()
    }
  }

  /** Rejects those that have waited for another process as long as they may. */
  #expire(): void {
    const now = performance.now()
    while (this.#waiting[0] && this.#waiting[0].deadline <= now) {
      this.#waiting.shift()?.reject(new Unavailable('LOCKED'))
    }
  }
}

function commit({ writer, sql }: Open, some: readonly Waiting[]): Outcome[] {
  const { client } = writer
  let rolledBack: unknown
  const outcomes = some.map(({ work }): Outcome => {
    if (!isOpen(client)) return { error: rolledBack }
    try {
      return { value: sql.do(work) }
    } catch (thrown) {
      const error = writer.failed(thrown)
      if (!isOpen(client)) rolledBack = error
      return { error }
    }
  })
  if (!isOpen(client)) return some.map(() => ({ error: rolledBack }))
  try {
    writer.commit()
    return outcomes
  } catch (error) {
    return some.map(() => ({ error }))
  }
}

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
