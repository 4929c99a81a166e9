import { setTimeout as pause } from 'node:timers/promises'
import type { Database as Connection } from 'better-sqlite3'
import { unavailabilityOf } from '../../domain/unavailable.ts'
import type { DatabaseHealth } from '../health.ts'
import type { LogBound } from './log-bound.ts'

/** The pause between two tries while another process holds the lock of the database, in milliseconds. */
const RETRY_MS = 20

export interface WriterOptions {
  client: Connection
  /** How long a call waits for another process that holds the lock, in milliseconds. */
  busyTimeoutMs: number
  health: DatabaseHealth
}

/**
 * The connection that writes, used by one at a time, first come first served. While another process holds the lock of the
 * database, the first in the queue tries again and the others wait behind it; the connection itself stays free for reads.
 */
export class Writer {
  readonly client: Connection
  readonly busyTimeoutMs: number
  readonly #health: DatabaseHealth
  readonly #acquire = queue()
  readonly #turn = queue()
  /** Asked before each transaction. */
  logBound: Pick<LogBound, 'check'> | undefined
  /** Called at each attempt that finds the lock held by another process. */
  onLocked: () => void = () => undefined

  /** Called after each COMMIT with how long it took, in milliseconds. */
  onCommitted: ((tookMs: number) => void) | undefined

  constructor({ client, busyTimeoutMs, health }: WriterOptions) {
    this.client = client
    this.busyTimeoutMs = busyTimeoutMs
    this.#health = health
  }

  /** Resolves, once the connection is free, with the function that frees it. Not for writing. */
  acquire(): Promise<() => void> {
    return this.#acquire()
  }

  /**
   * Begins a transaction; resolves with the function that frees the connection. Rejects with Unavailable when nothing may be
   * written, or when another process still holds the lock at the deadline, which is a time by `performance.now()`.
   */
  async begin(deadline = performance.now() + this.busyTimeoutMs): Promise<() => void> {
    const passTurn = await this.#turn()
    try {
      const isLocked = (error: unknown) => unavailabilityOf(error) === 'LOCKED'
      return await patiently(() => this.#tryToBegin(), isLocked, deadline)
    } finally {
      passTurn()
    }
  }

  async #tryToBegin(): Promise<() => void> {
    const release = await this.#acquire()
    try {
      this.#health.checkReadable()
      this.logBound?.check()
      this.client.exec('BEGIN IMMEDIATE')
      this.#health.unlocked()
      return release
    } catch (error) {
      release()
      const failure = this.#health.failed(error)
      if (unavailabilityOf(failure) === 'LOCKED') this.onLocked()
      throw failure
    }
  }

  /** Commits. Throws Unavailable when what was written is not, or may not be, in the file that a restart opens. */
  commit(): void {
    try {
      this.check()
      const from = performance.now()
      this.client.exec('COMMIT')
      this.onCommitted?.(performance.now() - from)
      this.check()
    } catch (error) {
      throw this.#health.failed(error)
    }
  }

  /**
   * Compares the files, and throws when nothing may be written or acknowledged. To be called before each COMMIT, so that
   * nothing of ours comes into a log beside a database that has been replaced, and after it, before anybody is told.
   */
  check(): void {
    this.#health.checkWritable()
  }

  /** Notes an error of a statement; returns what is to be thrown in its place. */
  failed(error: unknown): unknown {
    return this.#health.failed(error)
  }

  /** Undoes the transaction, where SQLite has not done so itself. */
  rollBack(): void {
    if (this.client.inTransaction) this.client.exec('ROLLBACK')
  }
}

/** Does something again while another process holds the lock that it needs, until a deadline by `performance.now()`. */
export async function patiently<T>(
  attempt: () => Promise<T>,
  isLocked: (error: unknown) => boolean,
  deadline: number,
): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isLocked(error) || performance.now() >= deadline) throw error
    }
    await pause(RETRY_MS)
  }
}

/** A first-come queue: each call resolves, once all before it have let go, with the function that lets go. */
function queue(): () => Promise<() => void> {
  let last = Promise.resolve()
  return async () => {
    const before = last
    let release: () => void = () => undefined
    last = new Promise((resolve) => (release = resolve))
    await before
    return release
  }
}
