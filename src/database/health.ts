import { Unavailable, unavailabilityOf, type Unavailability } from '../domain/unavailable.ts'
import type { Difference, OpenFiles } from './sqlite/open-files.ts'

/** With these, what is open is not what a restart would open, or cannot be trusted: nothing is read or written any more. */
const LOST: readonly Unavailability[] = ['REMOVED', 'REPLACED', 'DAMAGED']

/** How long another process may hold the lock before the gateway counts as not ready, in milliseconds. */
const LOCKED_FOR_MS = 800

export interface Problem {
  reason: Unavailability
  /** When it was first seen, by `performance.now()`. */
  since: number
  /** The first error, or which file differs and how: for the log. */
  cause: unknown
  /** Whether only a restart ends it. */
  isFinal: boolean
}

/** Is told when a problem is first seen, and when it has ended. */
export interface HealthListener {
  began?: (problem: Problem) => void
  ended?: (problem: Problem) => void
}

/**
 * Whether the database can be read and written. Every error of SQLite and every look at the files passes through here, so
 * that there is one answer: the first problem, until it has ended.
 */
export class DatabaseHealth {
  readonly #listeners = new Set<HealthListener>()
  #files: OpenFiles | undefined
  #problem: Problem | undefined

  /** From now on these files are compared with what is at their paths. */
  watch(files: OpenFiles): void {
    this.#files = files
  }

  listen(listener: HealthListener): void {
    this.#listeners.add(listener)
  }

  get problem(): Problem | undefined {
    return this.#problem
  }

  /** Whether nothing may be read or written. */
  get isLost(): boolean {
    return this.#problem !== undefined && LOST.includes(this.#problem.reason)
  }

  /** Why the gateway is not ready; undefined when it is. */
  unready(): Unavailability | undefined {
    const problem = this.#problem
    if (problem?.reason === 'LOCKED' && performance.now() - problem.since < LOCKED_FOR_MS) return undefined
    return problem?.reason
  }

  /** Throws when nothing may be read. */
  checkReadable(): void {
    if (this.#problem && this.isLost) throw new Unavailable(this.#problem.reason, this.#problem.cause)
  }

  /** Compares the open files with those at their paths, and throws when nothing may be written or acknowledged. */
  checkWritable(): void {
    this.compare()
    this.checkReadable()
    if (this.#problem?.reason === 'READ_ONLY') throw new Unavailable('READ_ONLY', this.#problem.cause)
  }

  /** Compares the open files with those at their paths. Throws Unavailable when they may not be looked at. */
  compare(): void {
    if (!this.#files || this.#problem?.isFinal) return
    try {
      const difference = this.#files.difference()
      if (difference) this.#lost(difference)
      else if (this.isLost) this.#end()
    } catch (error) {
      throw this.failed(error)
    }
  }

  /** Notes an error, and returns what is to be thrown in its place: Unavailable when it is no defect of ours. */
  failed(error: unknown): unknown {
    if (error instanceof Unavailable) return error
    const reason = unavailabilityOf(error) ?? (isForbidden(error) ? 'CANNOT_OPEN' : undefined)
    if (reason === undefined) return error
    // What was read may be damaged because the file was written to by others: then that is the first error.
    if (reason === 'DAMAGED') this.#compareQuietly()
    this.#begin({ reason, cause: error, isFinal: LOST.includes(reason) })
    return new Unavailable(reason, error)
  }

  #compareQuietly(): void {
    try {
      this.compare()
    } catch {
      // It is noted.
    }
  }

  /** No other process holds the lock. */
  unlocked(): void {
    if (this.#problem?.reason === 'LOCKED') this.#end()
  }

  /** Something was written, flushed and committed: what passes by itself has passed. */
  worked(): void {
    if (this.#problem && !this.isLost) this.#end()
  }

  #lost({ reason, detail, isFinal }: Difference): void {
    this.#begin({ reason, cause: new Error(detail), isFinal })
  }

  #begin(problem: Omit<Problem, 'since'>): void {
    const known = this.#problem
    const isWorse = LOST.includes(problem.reason) && !this.isLost
    if (known && !isWorse) {
      if (problem.isFinal && this.isLost) known.isFinal = true
      return
    }
    this.#problem = { ...problem, since: performance.now() }
    for (const { began } of this.#listeners) began?.(this.#problem)
  }

  #end(): void {
    const problem = this.#problem
    this.#problem = undefined
    if (problem) for (const { ended } of this.#listeners) ended?.(problem)
  }
}

/** Whether the gateway lacks the permission for a file of the database. */
function isForbidden(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EACCES'
}
