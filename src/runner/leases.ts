import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { reason, REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import type { Changes, Where } from '../database/rows.ts'
import { resultOfJob } from '../domain/activity.ts'
import type { Job } from '../generated/prisma/client.ts'
import { recordEnd } from '../services/activity.ts'
import type { Clock } from '../services/clock.ts'
import { Cancelled, StillOwed, type Claimed, type Ending } from './jobs.ts'

export interface LeasesOptions {
  db: Database
  log: Logger
  now: Clock
  /** The time that leases and retries are compared with: one clock for all gateways, and that of the database where it has one. */
  leaseNow: Clock
  /** How long a claim holds without being renewed, in milliseconds. It is renewed three times as often. */
  leaseMs: number
  /** Chance, from 0 to 1, that spreads retries; tests give their own. */
  random?: (() => number) | undefined
  /** Called when the work on a job must stop, because another runner may have it. */
  onLost: (job: Job, reason: Error) => void
}

/** The leases of one runner: whatever it writes of a job is conditional on them. */
export class Leases {
  readonly owner = randomUUID()
  readonly #options: LeasesOptions

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  /** The job with its lease; undefined where another runner has it or has had it since. Only the database knows of leases. */
  async take(next: Job): Promise<Job | undefined> {
    const { db, leaseMs, leaseNow } = this.#options
    const { id, attempts, retryAt, cancelRequestedAt } = next
    const asRead = { id, attempts, retryAt, cancelRequestedAt, OR: freeAt(leaseNow()) }
    const lease = {
      leaseOwner: this.owner,
      leaseUntil: this.#inFuture(leaseMs),
      attempts: attempts + 1,
    }
    const isOurs = await db.writeInBackground(function* (sql) {
      if (!(yield* sql.lock('Job', asRead, { skipLocked: true }))) return false
      return (yield* sql.update('Job', lease, { id })) > 0
    })
    return isOurs ? { ...next, ...lease } : undefined
  }

  async renew(job: Claimed, progress: number | null): Promise<void> {
    const { db, leaseMs } = this.#options
    const { count } = await db.job.updateMany({
      where: this.#held(job),
      data: { leaseUntil: this.#inFuture(leaseMs), progress },
    })
    if (count === 0) await this.#giveUp(job)
  }

  /** Does what cannot be undone; see `Commit`. What an earlier attempt committed stays committed. */
  async commit<T>(job: Claimed, act: () => Promise<T>): Promise<T> {
    const { db, now } = this.#options
    const commitAt = (committedAt: Date | null) =>
      db.write((sql) => sql.update('Job', { committedAt }, this.#wanted(job)))
    if ((await commitAt(job.committedAt ?? now())) === 0) {
      if (await this.#isHeld(job)) throw new Cancelled()
      await this.#giveUp(job)
      throw new Error(LOST)
    }
    try {
      return await act()
    } catch (error) {
      await commitAt(job.committedAt)
      throw error
    }
  }

  /**
   * Ends the job in one transaction; whether it did. It does nothing when the lease has gone to another runner, and throws when
   * the job was cancelled meanwhile.
   */
  async end(job: Claimed, { write, leftBy, outcome, reason }: Ending, at: Date): Promise<boolean> {
    const { db, log } = this.#options
    const [wanted, cleanUp] = [this.#wanted(job), this.#cleanUp(job)]
    const result = resultOfJob({ outcome, isCancelled: job.cancelRequestedAt !== null })
    const isEnded = await db.writeInBackground(function* (sql) {
      const jobs = leftBy ? yield* sql.update('Job', cleanUp, wanted) : yield* sql.delete('Job', wanted)
      if (jobs === 0) return false
      yield* write(sql, at)
      yield* recordEnd(sql, job, { result, reason: result === 'SUCCEEDED' ? null : (reason ?? null), at })
      return true
    })
    if (isEnded) {
      if (leftBy) logFault(log, leftBy, 'a cancelled job left something, which will be removed', of(job))
      return true
    }
    if (await this.#isHeld(job)) throw new Cancelled()
    log.warn({ ...of(job), ...(await this.#holder(job)) }, 'fenced: the lease is lost, nothing was changed')
    return false
  }

  /** Gives the lease back: nothing was wrong, the next runner goes on at once. */
  async release(job: Claimed): Promise<void> {
    await this.#options.db.job.updateMany({
      where: this.#held(job),
      data: { leaseOwner: null, leaseUntil: null, retryAt: null },
    })
  }

  /** Gives the lease back after a fault that may pass: shows that the job is stalled, and waits before the next attempt. */
  async stall(job: Job, error: unknown): Promise<void> {
    const { db, log, now } = this.#options
    logFault(log, error, 'job failed, will be retried', { ...of(job), attempts: job.attempts })
    await db.job.updateMany({
      where: this.#held(job),
      data: {
        leaseOwner: null,
        leaseUntil: null,
        retryAt: this.#retryAt(job.attempts),
        stalledSince: job.stalledSince ?? now(),
        stallReason: stallReason(error, job),
      },
    })
  }
  readonly #inFuture = (ms: number) => new Date(this.#options.leaseNow().getTime() + ms)

  #retryAt(attempts: number): Date {
    const { random = Math.random } = this.#options
    return this.#inFuture(backOffMs(attempts, random()))
  }

  /** The job, as long as this runner has it. */
  #held({ id }: Job) {
    return { id, leaseOwner: this.owner }
  }

  /**
   * The job, as long as this runner has it and is to carry it to its end: it was not cancelled since, or is committed. Whether
   * an operation completes or was cancelled is decided by this condition alone, in the transaction that commits or ends it.
   */
  #wanted(job: Job): Where<'Job'> {
    const held = this.#held(job)
    return job.cancelRequestedAt === null
      ? { ...held, OR: [{ cancelRequestedAt: null }, { committedAt: { not: null } }] }
      : held
  }

  async #isHeld(job: Job): Promise<boolean> {
    return (await this.#options.db.job.count({ where: this.#held(job) })) > 0
  }

  /** Stops the work on a job that this runner no longer has. */
  async #giveUp(job: Job): Promise<void> {
    const { log, onLost } = this.#options
    log.warn({ ...of(job), ...(await this.#holder(job)) }, 'fenced: the lease is lost, the work stops')
    onLost(job, new Error(LOST))
  }

  /** Who has the job instead of this runner, for the log: its row may be gone, or no runner may have it. */
  async #holder({ id }: Job) {
    const row = await this.#options.db.job.findUnique({
      where: { id },
      select: { leaseOwner: true, leaseUntil: true },
    })
    return {
      jobExists: row !== null,
      leaseOwner: row?.leaseOwner ?? null,
      leaseUntil: row?.leaseUntil ?? null,
    }
  }

  /** What a cancelled job becomes that left something on the storage. */
  #cleanUp({ kind, snapshotId, diskId }: Job): Changes<'Job'> {
    const of = kind.endsWith('_SNAPSHOT') ? { snapshotId, diskId: null } : { snapshotId: null, diskId }
    return {
      ...of,
      kind: 'CLEAN_UP',
      attempts: 0,
      leaseOwner: null,
      leaseUntil: null,
      retryAt: this.#retryAt(1),
      progress: null,
      cancelRequestedAt: null,
      activityId: null,
    }
  }
}

const LOST = 'The lease was lost.'

/** No lease is longer, and no retry is further away: what claims to be was written before the clock was set back. */
const FURTHEST_AHEAD_MS = 120_000

/** The latest moment that a lease or a retry is believed to reach. */
export const furthestAt = (now: Date) => new Date(now.getTime() + FURTHEST_AHEAD_MS)

/** Of which one holds for a job that no runner has. */
const freeAt = (now: Date) => [
  { leaseUntil: null },
  { leaseUntil: { lt: now } },
  { leaseUntil: { gt: furthestAt(now) } },
]

/** Which job, for the log. */
export function of({ id: jobId, kind, snapshotId, diskId }: Job) {
  return { jobId, kind, snapshotId, diskId }
}

/** After a fault that may pass, the next attempt waits 1, 2, 4, … seconds, at most a minute, less up to a quarter by chance. */
function backOffMs(attempts: number, chance: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.max(0, attempts - 1)) * (1 - chance / 4)
}

/** What clients may know of a fault: its system error code where it has one, nothing of paths or internals. */
function stallReason(error: unknown, { kind, attempts }: Pick<Job, 'kind' | 'attempts'>): string {
  const facts = { attempt: attempts, job: kind }
  if (error instanceof StillOwed)
    return `${reason('ATTEMPT_FAILED', facts)} ${error.message} ${REASONS.RETRIED}`
  const { code } = (error ?? {}) as { code?: unknown }
  const fault =
    typeof code === 'string' && /^E[A-Z0-9]{2,20}$/.test(code)
      ? reason('ATTEMPT_FAULT_CODE', { ...facts, errno: code })
      : reason('ATTEMPT_FAULT', facts)
  return `${fault} ${REASONS.RETRIED}`
}
