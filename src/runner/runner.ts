import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import { subjectOf, type JobKind } from '../domain/job.ts'
import type { Job } from '../generated/prisma/client.ts'
import type { DiskProvider } from '../providers/provider.ts'
import type { Clock, Moment, NewId } from '../services/clock.ts'
import { contextOf } from '../tracing/actor.ts'
import { contextAfter, remoteSpan, traced } from '../tracing/context.ts'
import { percent, type ProgressBoard } from '../transitions/progress.ts'
import { wakeable } from '../transitions/wakeable.ts'
import { afterFencing, cancelJob, Cancelled, doJob, type Claimed, type Ending } from './jobs.ts'
import { createLanes, nextIn, type Lane } from './lanes.ts'
import { Leases, of } from './leases.ts'

export interface RunnerOptions {
  db: Database
  provider: DiskProvider
  progress: ProgressBoard
  /** Called after a commit that appended transitions. */
  announce: () => void
  log: Logger
  now: Clock
  /** The time that leases and retries are compared with. */
  leaseNow: Clock
  newId: NewId
  /** Jobs that move bytes at once in this process. */
  concurrency: number
  /** How long a claim holds without being renewed, in milliseconds. It is renewed three times as often. */
  leaseMs: number
  /** Is told of each job that ended, and of each attempt that failed and will be repeated. */
  observer?: JobObserver | undefined
  /** Chance, from 0 to 1, that spreads retries; tests give their own. */
  random?: () => number
}

interface JobObserver {
  ended: (kind: JobKind, outcome: string, tookMs: number) => void
  failed: (kind: JobKind) => void
}

/** How long the work that runs may take to stop when the gateway does, in milliseconds. */
const STOP_MS = 2_000

/** How long a look for work, which should take milliseconds, may take before the runner counts as hung, in milliseconds. */
const LOOK_MS = 30_000

const LOOK_FAILED = 'the runner could not look for work'

/** A job that is in flight. */
interface InFlight {
  job: Claimed
  lane: Lane
  done: Promise<void>
  abort: AbortController
}

/**
 * Carries jobs to their end. A job is worked on under a lease that its owner renews; when the owner dies the lease runs
 * out and another runner takes over. Whatever an owner writes is conditional on its lease, so one that comes back late
 * changes nothing. The end of a job, with all that follows from it, is one transaction.
 */
export class Runner implements AsyncDisposable {
  readonly #options: RunnerOptions
  readonly #leases: Leases
  readonly #lanes: readonly Lane[]
  readonly #running = new Map<number, InFlight>()
  /** Jobs that other runners had when this one wanted them, since it looked by itself. */
  readonly #elsewhere = new Set<number>()
  readonly #claiming = wakeable(
    () => this.#claimAll(),
    (error) => logFault(this.#options.log, error, LOOK_FAILED),
  )
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #stopping: Promise<void> | undefined
  /** When a look for work ended last, by `performance.now()`; undefined until it looks by itself. */
  #lookedAt: number | undefined

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#lanes = createLanes(options.concurrency)
    this.#leases = new Leases({
      ...options,
      onLost: ({ id }, reason) => this.#running.get(id)?.abort.abort(reason),
    })
  }

  /** Names this runner in the leases that it takes. */
  get owner(): string {
    return this.#leases.owner
  }

  /** There may be work: look for it soon. Returns at once. */
  wake(): void {
    if (!this.#isStopped) this.#claiming.wake()
  }

  /** From now on also looks every second: for leases that ran out, for retries, for work of other processes. */
  start(): void {
    this.#timer ??= setInterval(() => this.#lookAgain(), 1_000)
    this.#lookedAt ??= performance.now()
    this.wake()
  }

  /** Looks for all work, also for what other runners had at the last look. */
  #lookAgain(): void {
    this.#elsewhere.clear()
    this.wake()
  }

  /** Why no work is done, although it was started; undefined when it is. */
  problem(): string | undefined {
    const isHung = this.#lookedAt !== undefined && performance.now() - this.#lookedAt > LOOK_MS
    return isHung ? 'Jobs are not being run.' : undefined
  }

  /** Does all the work there is to do now, and waits until it has ended: for tests, which then need not wait for time. */
  async tick(): Promise<void> {
    this.#lookAgain()
    while (this.#claiming.running !== undefined || this.#running.size > 0) {
      await this.#claiming.running
      await Promise.all([...this.#running.values()].map(({ done }) => done))
    }
  }

  /**
   * Stops taking work, stops what runs and gives its leases back, so that the next process goes on at once. Rejects when
   * work has not stopped after `STOP_MS`, such as a read that the kernel does not end: its lease is left to run out.
   */
  [Symbol.asyncDispose](): Promise<void> {
    return (this.#stopping ??= this.#stop())
  }

  async #stop(): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#timer)
    await this.#claiming.running
    const running = [...this.#running.values()]
    for (const { abort } of running) abort.abort(new Error('The gateway is stopping.'))
    const ended = Promise.all(running.map(({ done }) => done))
    await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })])
    if (this.#running.size === 0) return
    const stuck = [...this.#running.values()].map(({ job: { id, kind } }) => `${kind} (job ${id})`)
    throw new Error(`Work did not stop within ${STOP_MS / 1000} s: ${stuck.join(', ')}.`)
  }

  /** Looks for work in all lanes; one that fails holds up no other. */
  async #claimAll(): Promise<void> {
    const looks = [() => this.#stopCancelled(), ...this.#lanes.map((lane) => () => this.#fill(lane))]
    for (const look of looks)
      await look().catch((error: unknown) => logFault(this.#options.log, error, LOOK_FAILED))
    if (this.#lookedAt !== undefined) this.#lookedAt = performance.now()
  }

  /** Stops the work on those of its jobs that have been cancelled since they were started. */
  async #stopCancelled(): Promise<void> {
    const started = [...this.#running.values()].filter(({ job }) => job.cancelRequestedAt === null)
    if (started.length === 0) return
    const cancelled = await this.#options.db.job.findMany({
      where: { id: { in: started.map(({ job }) => job.id) }, cancelRequestedAt: { not: null } },
      select: { id: true },
    })
    for (const { id } of cancelled) this.#running.get(id)?.abort.abort(new Cancelled())
  }

  async #fill(lane: Lane): Promise<void> {
    const inFlight = () => [...this.#running.values()].filter((work) => work.lane === lane).length
    while (!this.#isStopped && inFlight() < lane.atOnce) {
      const job = await this.#claim(lane)
      if (!job) break
      const claimed = await this.#load(job)
      if (claimed) this.#start(claimed, lane)
    }
  }

  /** Leases the next job in a lane; undefined when there is none. */
  async #claim(lane: Lane): Promise<Job | undefined> {
    const { db, leaseNow, provider } = this.#options
    for (;;) {
      // A lease of ours that ran out, because the machine slept, is renewed by the work it is for.
      const except = [...this.#running.keys(), ...this.#elsewhere]
      const next = nextIn(lane, db, { host: provider.host, now: leaseNow(), except })
      if (!next) return undefined
      lane.lastAccount = next.accountId
      const job = await this.#leases.take(next)
      if (job) return job
      this.#elsewhere.add(next.id)
    }
  }

  /** A leased job with what it is about; undefined, and the job waits, when that cannot be read: it must hold up no other. */
  async #load(job: Job): Promise<Claimed | undefined> {
    const { db } = this.#options
    const { diskId, snapshotId } = job
    try {
      return {
        ...job,
        disk: diskId === null ? null : await db.disk.findUnique({ where: { id: diskId } }),
        snapshot: snapshotId === null ? null : await db.snapshot.findUnique({ where: { id: snapshotId } }),
      }
    } catch (error) {
      await this.#stall(job, error)
      return undefined
    }
  }

  #start(job: Claimed, lane: Lane): void {
    const abort = new AbortController()
    const cause = contextOf(job.actor, contextAfter(remoteSpan(job.traceparent)))
    const attributes = { 'snapgate.job.id': job.id, 'snapgate.job.attempt': job.attempts }
    const done = traced(`job ${job.kind}`, attributes, () => this.#work(job, abort.signal), cause)
      .catch((error: unknown) => logFault(this.#options.log, error, 'a job could not be ended', of(job)))
      .finally(() => {
        this.#running.delete(job.id)
        this.wake()
      })
    this.#running.set(job.id, { job, lane, done, abort })
  }

  async #work(job: Claimed, signal: AbortSignal): Promise<void> {
    const { db, provider, progress, announce, log, leaseMs, now, newId } = this.#options
    const subject = subjectOf(job)
    const renewal = setInterval(() => {
      const known = progress.get(subject)
      this.#leases
        .renew(job, known ? percent(known) : null)
        .catch((error: unknown) => logFault(log, error, 'a lease could not be renewed'))
    }, leaseMs / 3)
    const context = {
      provider,
      onProgress: (doneBytes: number, totalBytes: number) =>
        progress.report(subject, { copiedBytes: doneBytes, totalBytes }),
      signal,
      async inParts(part: (sql: Sql, moment: Moment) => Work<boolean>) {
        await inParts(db, (sql) => part(sql, { at: now(), newId }), signal)
        announce()
      },
      commit: <T>(act: () => Promise<T>) => this.#leases.commit(job, act),
    }
    try {
      const ending = await (job.cancelRequestedAt === null ? doJob : cancelJob)(job, context)
      await this.#finish(job, ending)
    } catch (error) {
      // A job that was cancelled is claimed again at once, by the lane that ends cancelled jobs.
      const isStopped = signal.aborted || error instanceof Cancelled
      await (isStopped ? this.#leases.release(job) : this.#stall(job, error))
    } finally {
      clearInterval(renewal)
      announce()
      progress.close(subject)
    }
  }

  /** Ends the job; throws when it was cancelled meanwhile. */
  async #finish(job: Claimed, ending: Ending): Promise<void> {
    const { db, provider, log, now, observer } = this.#options
    const at = now()
    if (!(await this.#leases.end(job, ending, at))) {
      await afterFencing(job, { provider }, db)
      return
    }
    const { outcome, reason } = ending
    const tookMs = at.getTime() - job.createdAt.getTime()
    observer?.ended(job.kind, outcome, tookMs)
    log.info({ ...of(job), outcome, reason, tookMs }, 'job ended')
  }

  async #stall(job: Job, error: unknown): Promise<void> {
    this.#options.observer?.failed(job.kind)
    await this.#leases.stall(job, error)
  }
}
