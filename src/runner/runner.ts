import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { inTransaction, type Database } from '../database/database.ts'
import type { Disk, Prisma, Snapshot } from '../generated/prisma/client.ts'
import type { CopyOutcome, DiskProvider } from '../providers/provider.ts'
import type { Clock } from '../services/clock.ts'
import { observed } from '../services/disks.ts'
import { appendTransitions } from '../transitions/log.ts'
import { percent, type ProgressBoard } from '../transitions/progress.ts'
import { wakeable } from '../transitions/wakeable.ts'

export interface RunnerOptions {
  db: Database
  provider: DiskProvider
  progress: ProgressBoard
  /** Called after a commit that appended transitions. */
  announce: () => void
  log: Logger
  now: Clock
  /** Copies under way at once in this process. */
  concurrency: number
  /** How long a claim holds without being renewed, in milliseconds. It is renewed three times as often. */
  leaseMs: number
  /** Chance, from 0 to 1, that spreads retries; tests give their own. */
  random?: () => number
}

type Claimed = Snapshot & { disk: Disk }

/** No lease is longer, and no retry is further away: what claims to be was written before the clock was set back. */
const FURTHEST_AHEAD_MS = 120_000

/** After a fault that may pass, the next attempt waits 1, 2, 4, … seconds, at most a minute, less up to a quarter by chance. */
function backOffMs(attempts: number, chance: number): number {
  return Math.min(60_000, 1_000 * 2 ** Math.max(0, attempts - 1)) * (1 - chance / 4)
}

/** What clients may know of a fault: its system error code where it has one, nothing of paths or internals. */
function stallReason(error: unknown, attempts: number): string {
  const { code } = (error ?? {}) as { code?: unknown }
  const known = typeof code === 'string' && /^E[A-Z0-9]{2,20}$/.test(code) ? ` (${code})` : ''
  return `Attempt ${attempts} to copy the disk was interrupted by a fault${known}. It is tried again by itself.`
}

/**
 * Carries snapshots from CREATING to the end. A snapshot is worked on under a lease that its owner renews;
 * when the owner dies the lease runs out and another runner takes over. Whatever an owner writes is
 * conditional on its lease, so one that comes back late changes nothing.
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
  const running = new Map<string, { done: Promise<void>; abort: AbortController }>()
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const inFuture = (ms: number) => new Date(now().getTime() + ms)

  /** Leases the oldest snapshot that waits for a runner; undefined when there is none. */
  async function claim(): Promise<Claimed | undefined> {
    const furthest = inFuture(FURTHEST_AHEAD_MS)
    const waiting: Prisma.SnapshotWhereInput = {
      status: 'CREATING',
      // A lease of our own that ran out (the machine slept) is renewed by the work it is for, not claimed again.
      id: { notIn: [...running.keys()] },
      AND: [
        { OR: [{ leaseUntil: null }, { leaseUntil: { lt: now() } }, { leaseUntil: { gt: furthest } }] },
        { OR: [{ retryAt: null }, { retryAt: { lte: now() } }, { retryAt: { gt: furthest } }] },
      ],
    }
    return inTransaction(db, async (tx) => {
      const next = await tx.snapshot.findFirst({
        where: waiting,
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      })
      if (!next) return undefined
      const lease = { leaseOwner: owner, leaseUntil: inFuture(leaseMs), attempts: { increment: 1 } }
      const { count } = await tx.snapshot.updateMany({
        where: { AND: [{ id: next.id }, waiting] },
        data: lease,
      })
      if (count === 0) return undefined
      const claimed = await tx.snapshot.findUniqueOrThrow({ where: { id: next.id }, include: { disk: true } })
      if (!claimed.disk) throw new Error(`Snapshot ${claimed.id} is CREATING without a disk.`)
      return { ...claimed, disk: claimed.disk }
    })
  }

  async function renew(snapshot: Claimed): Promise<void> {
    const known = progress.get(snapshot.id)
    const { count } = await db.snapshot.updateMany({
      where: { id: snapshot.id, status: 'CREATING', leaseOwner: owner },
      data: { leaseUntil: inFuture(leaseMs), progress: known ? percent(known) : null },
    })
    if (count > 0) return
    log.warn({ snapshotId: snapshot.id }, 'fenced: the lease went to another runner, the copy is given up')
    running.get(snapshot.id)?.abort.abort(new Error('The lease was lost.'))
  }

  /** Ends the snapshot in one transaction; does nothing when the lease has gone to somebody else. */
  async function finish(snapshot: Claimed, outcome: CopyOutcome): Promise<void> {
    const at = now()
    const observation = (await provider.observe([snapshot.disk])).get(snapshot.disk.id)
    const completed = outcome.outcome === 'copied'
    const ended = await inTransaction(db, async (tx) => {
      const { count } = await tx.snapshot.updateMany({
        where: { id: snapshot.id, status: 'CREATING', leaseOwner: owner },
        data: {
          ...(outcome.outcome === 'copied'
            ? {
                status: 'COMPLETED',
                sizeBytes: outcome.sizeBytes,
                dataBytes: outcome.dataBytes,
                checksum: outcome.checksum,
                consistency: outcome.consistency,
                progress: 100,
              }
            : { status: 'FAILED', failureReason: outcome.reason, progress: null, consistency: null }),
          completedAt: at,
          leaseOwner: null,
          leaseUntil: null,
          stalledSince: null,
          stallReason: null,
        },
      })
      if (count === 0) return false
      await tx.disk.updateMany({
        where: { id: snapshot.disk.id, status: 'SNAPSHOTTING' },
        data: observation ? observed(observation) : { status: 'UNKNOWN' },
      })
      await appendTransitions(tx, {
        accountId: snapshot.accountId,
        snapshotId: snapshot.id,
        diskId: snapshot.disk.id,
        from: 'CREATING',
        to: completed ? 'COMPLETED' : 'FAILED',
        reason: completed ? null : outcome.reason,
        at,
      })
      return true
    })
    if (!ended) {
      log.warn({ snapshotId: snapshot.id }, 'fenced: the lease went to another runner, nothing was changed')
      return
    }
    const tookMs = at.getTime() - snapshot.createdAt.getTime()
    log.info({ snapshotId: snapshot.id, diskId: snapshot.disk.id, tookMs, ...outcome }, 'snapshot ended')
  }

  /** Gives the lease back: nothing was wrong, the next runner goes on at once. */
  async function release(snapshot: Claimed): Promise<void> {
    await db.snapshot.updateMany({
      where: { id: snapshot.id, status: 'CREATING', leaseOwner: owner },
      data: { leaseOwner: null, leaseUntil: null, retryAt: null },
    })
  }

  /** Gives the lease back after a fault that may pass: shows that the snapshot is stalled, and waits before the next attempt. */
  async function stall(snapshot: Claimed, error: unknown): Promise<void> {
    const { id: snapshotId, attempts } = snapshot
    log.error({ err: error, snapshotId, attempts }, 'copy failed, will be retried')
    await db.snapshot.updateMany({
      where: { id: snapshotId, status: 'CREATING', leaseOwner: owner },
      data: {
        leaseOwner: null,
        leaseUntil: null,
        retryAt: inFuture(backOffMs(attempts, random())),
        stalledSince: snapshot.stalledSince ?? now(),
        stallReason: stallReason(error, attempts),
      },
    })
  }

  async function work(snapshot: Claimed, signal: AbortSignal): Promise<void> {
    const renewal = setInterval(() => {
      renew(snapshot).catch((error: unknown) => log.error({ err: error }, 'a lease could not be renewed'))
    }, leaseMs / 3)
    try {
      const outcome = await provider.copy({
        snapshotId: snapshot.id,
        disk: snapshot.disk,
        onProgress: (copiedBytes, totalBytes) => progress.report(snapshot.id, { copiedBytes, totalBytes }),
        signal,
      })
      await finish(snapshot, outcome)
    } catch (error) {
      await (signal.aborted ? release(snapshot) : stall(snapshot, error))
    } finally {
      clearInterval(renewal)
      announce()
      progress.close(snapshot.id)
    }
  }

  function start(snapshot: Claimed): void {
    const abort = new AbortController()
    const done = work(snapshot, abort.signal)
      .catch((error: unknown) =>
        log.error({ err: error, snapshotId: snapshot.id }, 'a snapshot could not be ended'),
      )
      .finally(() => {
        running.delete(snapshot.id)
        wake()
      })
    running.set(snapshot.id, { done, abort })
  }

  async function claimAll(): Promise<void> {
    while (!stopped && running.size < concurrency) {
      const snapshot = await claim()
      if (!snapshot) return
      start(snapshot)
    }
  }

  const claiming = wakeable(claimAll, (error) =>
    log.error({ err: error }, 'the runner could not look for work'),
  )

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

    /** Takes no more work; what runs goes on. */
    drain(): void {
      stopped = true
      clearInterval(timer)
    },

    /** Stops taking work, stops what runs and gives its leases back, so that the next process goes on at once. */
    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearInterval(timer)
      await claiming.running
      for (const { abort } of running.values()) abort.abort(new Error('The gateway is stopping.'))
      await Promise.all([...running.values()].map(({ done }) => done))
    },
  }
}
