import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import { CLIENT_TOKEN_KEPT_HOURS } from '../domain/client-token.ts'
import type { Clock } from '../services/clock.ts'
import type { ClockWatch } from '../services/clock-trust.ts'
import type { PolicyService } from '../services/policies.ts'
import type { SnapshotService } from '../services/snapshots.ts'
import type { TransitionLog } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { wakeable } from '../transitions/wakeable.ts'
import { HOUR_MS } from '../domain/units.ts'

/** How often it is done, in milliseconds. */
const INTERVAL_MS = 10 * 60_000

export interface HousekeepingOptions {
  db: Database
  snapshots: SnapshotService
  policies: Pick<PolicyService, 'finishDeletions'>
  /** Removes what the provider has left behind. */
  sweep: () => Promise<void>
  logs: readonly TransitionLog<AnyTransition>[]
  /** How long transitions can be resumed from, in milliseconds. */
  logKeptMs: number
  /** So many of the last transitions can be resumed from, however old they are. */
  logKeptEvents: number
  /** How long the results of policy runs are kept, in milliseconds. */
  runsKeptMs: number
  now: Clock
  clock: ClockWatch
  log: Logger
}

/** How many runs are deleted in one transaction. */
const RUNS_AT_ONCE = 500

/**
 * Deletes snapshots whose retention has passed, and old transitions, client tokens and runs of policies; finishes the
 * deletions of policies, and has the provider remove what it has left behind. While the clock is not trusted, because it has jumped, nothing is deleted by its age. Steps that fail
 * are logged, and hold up no other.
 */
export function createHousekeeping({
  db,
  snapshots,
  policies,
  sweep,
  logs,
  logKeptMs,
  logKeptEvents,
  runsKeptMs,
  now,
  clock,
  log,
}: HousekeepingOptions) {
  const ago = (ms: number) => new Date(now().getTime() - ms)
  const stopping = new AbortController()
  let isHeld = false

  /** What is deleted by its age; each returns how many there were. */
  const steps: Record<string, () => Promise<number>> = {
    snapshots: () => snapshots.expire(stopping.signal),
    async transitions() {
      let pruned = 0
      for (const transitions of logs) {
        pruned += await transitions.prune({ before: ago(logKeptMs), keep: logKeptEvents })
      }
      return pruned
    },
    async clientTokens() {
      const where = { createdAt: { lt: ago(CLIENT_TOKEN_KEPT_HOURS * HOUR_MS) } }
      return (await db.idempotencyKey.deleteMany({ where })).count
    },
    runs: deleteRuns,
  }

  /** Those that still have something to do are kept, however old they are. */
  async function deleteRuns(): Promise<number> {
    let deleted = 0
    while (!stopping.signal.aborted) {
      const old = await db.autoSnapshotRun.findMany({
        where: { scheduledFor: { lt: ago(runsKeptMs) }, disks: { none: { outcome: 'PENDING' } } },
        select: { id: true },
        take: RUNS_AT_ONCE,
      })
      const { count } = await db.autoSnapshotRun.deleteMany({
        where: { id: { in: old.map(({ id }) => id) } },
      })
      deleted += count
      if (old.length < RUNS_AT_ONCE) break
    }
    return deleted
  }

  /** Whether the clock is trusted; logs when that begins and ends. */
  async function isClockTrusted(): Promise<boolean> {
    const { trustedAt, seenAt, steadyMs: steady } = await clock.look()
    const wasHeld = isHeld
    isHeld = steady !== null
    if (isHeld && !wasHeld) log.warn({ trustedAt, now: seenAt }, CLOCK_JUMPED)
    if (!isHeld && wasHeld) log.info({ now: seenAt }, 'the clock is trusted again')
    return !isHeld
  }

  const finishing = wakeable(
    () => policies.finishDeletions(stopping.signal),
    (error) => logFault(log, error, 'the deletion of a policy failed, and will be tried again'),
  )

  async function attempt<T>(step: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      logFault(log, error, 'a part of housekeeping failed, and will be tried again', { step })
      return undefined
    }
  }

  /** Does it once. */
  async function tick(): Promise<void> {
    finishing.wake()
    await finishing.running
    await attempt('storage', sweep)
    if (!(await isClockTrusted())) return
    const deleted: Record<string, number> = {}
    for (const [step, work] of Object.entries(steps)) {
      if (stopping.signal.aborted) return
      const count = await attempt(step, work)
      if (count !== undefined && count > 0) deleted[step] = count
    }
    if (Object.keys(deleted).length > 0) log.info(deleted, 'deleted what was past its time')
  }

  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  return {
    tick,

    /** A policy has been deleted of which something is left. Returns at once. */
    wake: () => finishing.wake(),

    /** Does it now, and from now on every ten minutes. */
    start(): void {
      const work = () => {
        working = tick().catch((error: unknown) => logFault(log, error, 'housekeeping failed'))
      }
      timer ??= setInterval(work, INTERVAL_MS)
      work()
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopping.abort()
      clearInterval(timer)
      await working
      await finishing.running
    },
  }
}

const CLOCK_JUMPED =
  'the clock has jumped by more than 24 h: nothing is deleted by its age until it is set right, or the gateway has run for 24 h without another jump, or `npm run clock -- trust` says that it is right'
