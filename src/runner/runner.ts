import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import type { Where } from '../database/rows.ts'
import { JOB_KINDS, LONG_JOB_KINDS, subjectOf, type JobKind } from '../domain/job.ts'
import type { Job, Prisma } from '../generated/prisma/client.ts'
import type { DiskProvider } from '../providers/provider.ts'
import type { Clock } from '../services/clock.ts'
import { percent, type ProgressBoard } from '../transitions/progress.ts'
import { wakeable } from '../transitions/wakeable.ts'
import { afterFencing, cancelJob, Cancelled, doJob, StillOwed, type Claimed, type Ending } from './jobs.ts'

export interface RunnerOptions {
  db: Database
  provider: DiskProvider
  progress: ProgressBoard
  /** Called after a commit that appended transitions. */
  announce: () => void
  log: Logger
  now: Clock
  /** Jobs that move bytes at once in this process. */
  concurrency: number
  /** How long a claim holds without being renewed, in milliseconds. It is renewed three times as often. */
  leaseMs: number
  /** Chance, from 0 to 1, that spreads retries; tests give their own. */
  random?: () => number
}

/** Jobs that share a limit on how many are in flight at once in this process. */
interface Lane {
  jobs: Where<'Job'>
  atOnce: number
}

/** Short jobs at once: they need not wait behind those that move bytes. */
const SHORT_JOBS_AT_ONCE = 4

const KINDS = Object.keys(JOB_KINDS) as JobKind[]
const isLong = (kind: JobKind) => LONG_JOB_KINDS.some((long) => long === kind)

/** How long the work that runs may take to stop when the gateway does, in milliseconds. */
const STOP_MS = 2_000

/** No lease is longer, and no retry is further away: what claims to be was written before the clock was set back. */
const FURTHEST_AHEAD_MS = 120_000

/** After a fault that may pass, the next attempt waits 1, 2, 4, … seconds, at most a minute, less up to a quarter by chance. */
function backOffMs(attempts: number, chance: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.max(0, attempts - 1)) * (1 - chance / 4)
}

/** What clients may know of a fault: its system error code where it has one, nothing of paths or internals. */
function stallReason(error: unknown, { kind, attempts }: Pick<Job, 'kind' | 'attempts'>): string {
  if (error instanceof StillOwed)
    return `Attempt ${attempts} to ${JOB_KINDS[kind]} failed. ${error.message} It is tried again by itself.`
  const { code } = (error ?? {}) as { code?: unknown }
  const known = typeof code === 'string' && /^E[A-Z0-9]{2,20}$/.test(code) ? ` (${code})` : ''
  return `Attempt ${attempts} to ${JOB_KINDS[kind]} was interrupted by a fault${known}. It is tried again by itself.`
}

/**
 * Carries jobs to their end. A job is worked on under a lease that its owner renews; when the owner dies the lease runs
 * out and another runner takes over. Whatever an owner writes is conditional on its lease, so one that comes back late
 * changes nothing. The end of a job, with all that follows from it, is one transaction.
 */
export function createRunner({
  db,
  provider,
  progress,
  announce,
  log,
  now,
  concurrency,
  leaseMs,
  random = Math.random,
}: RunnerOptions) {
  const owner = randomUUID()
  const running = new Map<number, { job: Claimed; lane: Lane; done: Promise<void>; abort: AbortController }>()
  const wanted = { cancelRequestedAt: null }
  const lanes: Lane[] = [
    { jobs: { ...wanted, kind: { in: KINDS.filter(isLong) } }, atOnce: concurrency },
    { jobs: { ...wanted, kind: { in: KINDS.filter((kind) => !isLong(kind)) } }, atOnce: SHORT_JOBS_AT_ONCE },
    { jobs: { cancelRequestedAt: { not: null } }, atOnce: SHORT_JOBS_AT_ONCE },
  ]
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let stopping: Promise<void> | undefined

  const inFuture = (ms: number) => new Date(now().getTime() + ms)

  /** The job, as long as this runner has it. */
  const held = ({ id }: Job) => ({ id, leaseOwner: owner })

  /** Leases the oldest of these jobs that waits for a runner; undefined when there is none. */
  async function claim(jobs: Where<'Job'>): Promise<Job | undefined> {
    const furthest = inFuture(FURTHEST_AHEAD_MS)
    const waiting: Where<'Job'> = {
      ...jobs,
      // A lease of our own that ran out (the machine slept) is renewed by the work it is for, not claimed again.
      id: { notIn: [...running.keys()] },
      AND: [
        { OR: [{ leaseUntil: null }, { leaseUntil: { lt: now() } }, { leaseUntil: { gt: furthest } }] },
        { OR: [{ retryAt: null }, { retryAt: { lte: now() } }, { retryAt: { gt: furthest } }] },
      ],
    }
    // It is asked first, because most often there is none, and a transaction would wait for the lock.
    if ((await db.job.count({ where: waiting as Prisma.JobWhereInput, take: 1 })) === 0) return undefined
    return db.write(function* (sql) {
      const next = yield* sql.lock('Job', waiting, { orderBy: { id: 'asc' }, skipLocked: true })
      if (!next) return undefined
      const lease = { leaseOwner: owner, leaseUntil: inFuture(leaseMs), attempts: next.attempts + 1 }
      yield* sql.update('Job', lease, { id: next.id })
      return { ...next, ...lease }
    })
  }

  /** A leased job with what it is about; undefined, and the job waits, when that cannot be read: it must hold up no other. */
  async function load(job: Job): Promise<Claimed | undefined> {
    const { diskId, snapshotId } = job
    try {
      return {
        ...job,
        disk: diskId === null ? null : await db.disk.findUnique({ where: { id: diskId } }),
        snapshot: snapshotId === null ? null : await db.snapshot.findUnique({ where: { id: snapshotId } }),
      }
    } catch (error) {
      await stall(job, error)
      return undefined
    }
  }

  /** Stops the work on a job that this runner no longer has. */
  async function giveUp(job: Claimed): Promise<void> {
    log.warn({ ...of(job), ...(await holder(job)) }, 'fenced: the lease is lost, the work stops')
    running.get(job.id)?.abort.abort(new Error('The lease was lost.'))
  }

  /** Who has the job instead of this runner, for the log: its row may be gone, or no runner may have it. */
  async function holder({ id }: Claimed) {
    const row = await db.job.findUnique({ where: { id }, select: { leaseOwner: true, leaseUntil: true } })
    return {
      jobExists: row !== null,
      leaseOwner: row?.leaseOwner ?? null,
      leaseUntil: row?.leaseUntil ?? null,
    }
  }

  async function renew(job: Claimed): Promise<void> {
    const known = progress.get(subjectOf(job))
    const { count } = await db.job.updateMany({
      where: held(job),
      data: { leaseUntil: inFuture(leaseMs), progress: known ? percent(known) : null },
    })
    if (count === 0) await giveUp(job)
  }

  /** Rejects when the job has gone to another runner. */
  async function confirm(job: Claimed): Promise<void> {
    if ((await db.job.count({ where: held(job) })) > 0) return
    await giveUp(job)
    throw new Error('The lease was lost.')
  }

  /** Ends the job in one transaction; does nothing when the lease has gone to somebody else. */
  async function finish(job: Claimed, { write, outcome, reason }: Ending): Promise<void> {
    const at = now()
    const ended = await db.write(function* (sql) {
      if ((yield* sql.delete('Job', held(job))) === 0) return false
      yield* write(sql, at)
      return true
    })
    if (!ended) {
      log.warn({ ...of(job), ...(await holder(job)) }, 'fenced: the lease is lost, nothing was changed')
      await afterFencing(job, { provider }, db)
      return
    }
    log.info({ ...of(job), outcome, reason, tookMs: at.getTime() - job.createdAt.getTime() }, 'job ended')
  }

  /** Gives the lease back: nothing was wrong, the next runner goes on at once. */
  async function release(job: Claimed): Promise<void> {
    await db.job.updateMany({
      where: held(job),
      data: { leaseOwner: null, leaseUntil: null, retryAt: null },
    })
  }

  /** Gives the lease back after a fault that may pass: shows that the job is stalled, and waits before the next attempt. */
  async function stall(job: Job, error: unknown): Promise<void> {
    logFault(log, error, 'job failed, will be retried', { ...of(job), attempts: job.attempts })
    await db.job.updateMany({
      where: held(job),
      data: {
        leaseOwner: null,
        leaseUntil: null,
        retryAt: inFuture(backOffMs(job.attempts, random())),
        stalledSince: job.stalledSince ?? now(),
        stallReason: stallReason(error, job),
      },
    })
  }

  async function work(job: Claimed, signal: AbortSignal): Promise<void> {
    const subject = subjectOf(job)
    const renewal = setInterval(() => {
      renew(job).catch((error: unknown) => logFault(log, error, 'a lease could not be renewed'))
    }, leaseMs / 3)
    const context = {
      provider,
      onProgress: (doneBytes: number, totalBytes: number) =>
        progress.report(subject, { copiedBytes: doneBytes, totalBytes }),
      signal,
      confirm: () => confirm(job),
    }
    try {
      const ending = await (job.cancelRequestedAt === null ? doJob : cancelJob)(job, context)
      await finish(job, ending)
    } catch (error) {
      // A job that was cancelled is claimed again at once, by the lane that ends cancelled jobs.
      await (signal.aborted ? release(job) : stall(job, error))
    } finally {
      clearInterval(renewal)
      announce()
      progress.close(subject)
    }
  }

  function start(job: Claimed, lane: Lane): void {
    const abort = new AbortController()
    const done = work(job, abort.signal)
      .catch((error: unknown) => logFault(log, error, 'a job could not be ended', of(job)))
      .finally(() => {
        running.delete(job.id)
        wake()
      })
    running.set(job.id, { job, lane, done, abort })
  }

  /** Stops the work on those of its jobs that have been cancelled since they were started. */
  async function stopCancelled(): Promise<void> {
    const started = [...running.values()].filter(({ job }) => job.cancelRequestedAt === null)
    if (started.length === 0) return
    const cancelled = await db.job.findMany({
      where: { id: { in: started.map(({ job }) => job.id) }, cancelRequestedAt: { not: null } },
      select: { id: true },
    })
    for (const { id } of cancelled) running.get(id)?.abort.abort(new Cancelled())
  }

  async function fill(lane: Lane): Promise<void> {
    const inFlight = () => [...running.values()].filter((work) => work.lane === lane).length
    while (!stopped && inFlight() < lane.atOnce) {
      const job = await claim(lane.jobs)
      if (!job) break
      const claimed = await load(job)
      if (claimed) start(claimed, lane)
    }
  }

  /** Looks for work in all lanes; one that fails holds up no other. */
  async function claimAll(): Promise<void> {
    for (const look of [stopCancelled, ...lanes.map((lane) => () => fill(lane))])
      await look().catch((error: unknown) => logFault(log, error, LOOK_FAILED))
  }

  async function stop(): Promise<void> {
    stopped = true
    clearInterval(timer)
    await claiming.running
    for (const { abort } of running.values()) abort.abort(new Error('The gateway is stopping.'))
    const ended = Promise.all([...running.values()].map(({ done }) => done))
    await Promise.race([ended, pause(STOP_MS, undefined, { ref: false })])
    if (running.size === 0) return
    const stuck = [...running.values()].map(({ job: { id, kind } }) => `${kind} (job ${id})`)
    throw new Error(`Work did not stop within ${STOP_MS / 1000} s: ${stuck.join(', ')}.`)
  }

  const claiming = wakeable(claimAll, (error) => logFault(log, error, LOOK_FAILED))

  function wake(): void {
    if (!stopped) claiming.wake()
  }

  return {
    owner,

    /** There may be work: look for it soon. Returns at once. */
    wake,

    /** From now on also looks every second: for leases that ran out, for retries, for work of other processes. */
    start(): void {
      timer ??= setInterval(wake, 1_000)
      wake()
    },

    /** Does all the work there is to do now, and waits until it has ended: for tests, which then need not wait for time. */
    async tick(): Promise<void> {
      wake()
      while (claiming.running !== undefined || running.size > 0) {
        await claiming.running
        await Promise.all([...running.values()].map(({ done }) => done))
      }
    },

    /**
     * Stops taking work, stops what runs and gives its leases back, so that the next process goes on at once. Rejects when
     * work has not stopped after `STOP_MS`, such as a read that the kernel does not end: its lease is left to run out.
     */
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  }
}

const LOOK_FAILED = 'the runner could not look for work'

/** Which job, for the log. */
function of({ id: jobId, kind, snapshotId, diskId }: Job) {
  return { jobId, kind, snapshotId, diskId }
}
