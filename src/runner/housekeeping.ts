import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import { CLIENT_TOKEN_KEPT_HOURS } from '../domain/client-token.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { deleteActivity } from '../services/activity.ts'
import type { Clock } from '../services/clock.ts'
import type { ClockWatch } from '../services/clock-trust.ts'
import type { PolicyService } from '../services/policies.ts'
import { deleteRuns } from '../services/policy-runs.ts'
import type { SnapshotService } from '../services/snapshots.ts'
import type { TransitionLog } from '../transitions/log.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import { wakeable } from '../transitions/wakeable.ts'
import { DAILY_USAGE_KEPT_DAYS } from '../domain/usage.ts'
import { DAY_MS, HOUR_MS } from '../domain/units.ts'
import { deleteDailyUsage, noteDailyUsage } from './daily-usage.ts'

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
  /** How many of the last transitions can be resumed from, regardless of their age. */
  logKeptEvents: number
  /** How long the results of policy runs are kept, in milliseconds. */
  runsKeptMs: number
  /** How long it is kept who changed what, in milliseconds. */
  activityKeptMs: number
  now: Clock
  clock: ClockWatch
  log: Logger
}

/** How many rows are deleted in one transaction. */
const ROWS_AT_ONCE = 500

/**
 * Deletes snapshots whose retention has passed, and old transitions, client tokens and runs of policies; finishes the
 * deletions of policies, notes the usage of the day, and has the provider remove what it has left behind. While the clock is not trusted, because it has jumped, nothing is deleted by its age. Steps that fail
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
  activityKeptMs,
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
    clientTokens: () => deleteClientTokens(db, ago(CLIENT_TOKEN_KEPT_HOURS * HOUR_MS), stopping.signal),
    runs: () => deleteOldRuns(db, ago(runsKeptMs), stopping.signal),
    usage: () => deleteDailyUsage(db, ago(DAILY_USAGE_KEPT_DAYS * DAY_MS), stopping.signal),
    activity: () => deleteActivity(db, ago(activityKeptMs), stopping.signal),
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
    await attempt('dailyUsage', () => noteDailyUsage(db, now(), stopping.signal))
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

async function deleteClientTokens(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let deleted = 0
  function* deleteSome(sql: Sql): Work<boolean> {
    const count = yield* sql.run(
      Prisma.sql`DELETE FROM "IdempotencyKey" WHERE ("accountId", "clientToken") IN (
        SELECT "accountId", "clientToken" FROM "IdempotencyKey" WHERE "createdAt" < ${before} LIMIT ${ROWS_AT_ONCE})`,
    )
    deleted += count
    return count === ROWS_AT_ONCE
  }
  await inParts(db, deleteSome, signal)
  return deleted
}

/** Those that still have something to do are kept, however old they are. */
async function deleteOldRuns(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let deleted = 0
  let old: string[] = []
  function* deleteSome(sql: Sql): Work<boolean> {
    return (yield* deleteRuns(sql, old, ROWS_AT_ONCE)) === ROWS_AT_ONCE
  }
  do {
    old = db.reader
      .all<{ id: string }>(
        Prisma.sql`SELECT r."id" FROM "AutoSnapshotRun" r WHERE r."scheduledFor" < ${before}
          AND NOT EXISTS (SELECT 1 FROM "AutoSnapshotRunDisk" d WHERE d."runId" = r."id" AND d."outcome" = 'PENDING')
          ORDER BY r."scheduledFor" LIMIT ${ROWS_AT_ONCE}`,
      )
      .map(({ id }) => id)
    await inParts(db, deleteSome, signal)
    deleted += old.length
  } while (old.length === ROWS_AT_ONCE && !signal.aborted)
  return deleted
}

const CLOCK_JUMPED =
  'the clock has jumped by more than 24 h: nothing is deleted by its age until it is set right, or the gateway has run for 24 h without another jump, or `npm run clock -- trust` says that it is right'
