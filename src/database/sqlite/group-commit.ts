import { setTimeout as pause } from 'node:timers/promises'
import { context, type Context } from '@opentelemetry/api'
import type { Database as Connection } from 'better-sqlite3'
import { Unavailable } from '../../domain/unavailable.ts'
import { traced } from '../../tracing/context.ts'
import type { DatabaseObserver } from '../observer.ts'
import { SqliteSql } from './sql.ts'
import { Statements } from './statements.ts'
import type { Sql, Statement } from '../work.ts'
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
  /** In which it is done: that of its caller, with a span of its own. */
  context: Context
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

type Outcome = { value: unknown } | { error: unknown }

/**
 * How many share a commit at most, and after how many milliseconds of their work no other is taken in, so that the event loop
 * goes on in between.
 */
const TOGETHER = 100
const TOGETHER_MS = 20

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
  readonly #observer: DatabaseObserver
  /** Until when background work leaves the event loop to others, by `performance.now()`. */
  #restUntil = 0
  /** Ends with the background write that was asked for last. */
  #background: Promise<unknown> = Promise.resolve()
  readonly #onStatement: ((sql: string) => void) | undefined

  constructor(observer: DatabaseObserver = {}, onStatement?: (sql: string) => void) {
    this.#observer = observer
    this.#onStatement = onStatement
  }

  /** Called when the connection is there. */
  connect(writer: Writer): void {
    this.#connection = {
      writer,
      sql: new SqliteSql(writer.client, new Statements(writer.client, this.#onStatement), this.#observer),
    }
    writer.onCommitted = this.#observer.committed
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
    return traced('database transaction', { 'db.system.name': 'sqlite' }, () => this.#enqueue(work))
  }

  #enqueue<T>(work: (sql: Sql) => Statement<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const deadline = performance.now() + (this.#connection?.writer.busyTimeoutMs ?? 0)
      this.#waiting.push({
        deadline,
        work,
        context: context.active(),
        resolve: resolve as Waiting['resolve'],
        reject,
      })
      if (this.#isWorking) return
      this.#isWorking = true
      setImmediate(() => void this.#work())
    })
  }

  /**
   * The same for background work, one write after the other. While it waits for the disk, a commit holds the event loop: after
   * each one, background work waits for as long as the commit took, so that requests get at least half of the time.
   */
  writeInBackground<T>(work: (sql: Sql) => Statement<T>): Promise<T> {
    const written = this.#background.then(async () => {
      const rest = this.#restUntil - performance.now()
      if (rest >= 1) await pause(rest)
      return this.write(work)
    })
    this.#background = written.catch(() => undefined)
    return written
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
    const some: Waiting[] = []
    const startedAt = performance.now()
    try {
      settle(some, commit(connection, this.#takeInto(some)))
    } catch (error) {
      for (const { reject } of some) reject(error)
    } finally {
      writer.rollBack()
      release()
      const now = performance.now()
      this.#restUntil = now + (now - startedAt)
    }
  }

  /** Those that share a commit, each when the one before it is done. */
  *#takeInto(some: Waiting[]): Iterable<Waiting> {
    const until = performance.now() + TOGETHER_MS
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      some.push(next)
      yield next
      if (some.length === TOGETHER || performance.now() >= until) return
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

function commit({ writer, sql }: Open, some: Iterable<Waiting>): Outcome[] {
  const { client } = writer
  const outcomes: Outcome[] = []
  for (const { work, context: own } of some) {
    try {
      outcomes.push({ value: context.with(own, () => sql.do(work)) })
    } catch (thrown) {
      const error = writer.failed(thrown)
      outcomes.push({ error })
      if (!isOpen(client)) return outcomes.map(() => ({ error }))
    }
  }
  try {
    writer.commit()
    return outcomes
  } catch (error) {
    return outcomes.map(() => ({ error }))
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
