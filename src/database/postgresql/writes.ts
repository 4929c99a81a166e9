import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../../domain/refusal.ts'
import type { DatabaseObserver } from '../observer.ts'
import type { Sql, Statement } from '../work.ts'
import { isLost, isTransient } from './faults.ts'
import type { Pool } from './pool.ts'
import { outcomeOf, PostgresqlSql } from './sql.ts'

/** How often work is done again that others were in the way of. */
const ATTEMPTS = 10

/** How long after its begin work is done again whose connection has ended, in milliseconds: the caller waits for two seconds. */
const RECONNECT_MS = 300

export interface WritesOptions {
  pool: Pool
  /** Called after each commit that changed something; a write resolves when this does. */
  onCommitted: () => Promise<void> | void
  observer?: DatabaseObserver | undefined
}

/** Writes on a server, each in a transaction and on a connection of its own. */
export class Writes {
  readonly #pool: Pool
  readonly #onCommitted: () => Promise<void> | void
  readonly #observer: DatabaseObserver

  constructor({ pool, onCommitted, observer = {} }: WritesOptions) {
    this.#pool = pool
    this.#onCommitted = onCommitted
    this.#observer = observer
  }

  /**
   * Does work; resolves with what it returns once that is committed, rejects with what it throws, and with Unavailable when
   * the server was not reached. Work that met other transactions, or a connection that had ended, is done again.
   */
  async write<T>(work: (sql: Sql) => Statement<T>): Promise<T> {
    const begun = performance.now()
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(work)
      } catch (error) {
        const isAgain = isLost(error) ? performance.now() - begun < RECONNECT_MS : isTransient(error)
        if (!isAgain || attempt === ATTEMPTS) throw error
        // Those that met do not meet again.
        await pause(Math.random() * 2 ** attempt)
      }
    }
  }

  async #attempt<T>(work: (sql: Sql) => Statement<T>): Promise<T> {
    const connection = await this.#pool.acquire()
    const sql = new PostgresqlSql(connection)
    let isBroken = false
    try {
      const value = await outcomeOf(work(sql))
      const from = performance.now()
      await sql.commit()
      this.#observer.committed?.(performance.now() - from)
      for (const refusal of sql.refusals) this.#observer.refused?.(refusal)
      return value
    } catch (error) {
      // Refusals of work that is done again are met again.
      if (error instanceof Refusal) this.#observer.refused?.(error)
      // What a migration has changed is planned anew on another connection.
      isBroken = isTransient(error) || !(await sql.rollBack())
      throw error
    } finally {
      connection.release(isBroken)
      if (sql.isCommitted) await this.#onCommitted()
    }
  }
}
