import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { CLIENT_TOKEN_KEPT_HOURS } from '../domain/snapshot-input.ts'
import type { Clock } from '../services/clock.ts'
import type { SnapshotService } from '../services/snapshots.ts'
import type { AnyTransition, TransitionLog } from '../transitions/log.ts'

const HOUR_MS = 3_600_000

/** How often it is done, in milliseconds. */
const INTERVAL_MS = 10 * 60_000

export interface HousekeepingOptions {
  db: Database
  snapshots: SnapshotService
  logs: readonly TransitionLog<AnyTransition>[]
  /** How long transitions can be resumed from, in milliseconds. */
  logKeptMs: number
  /** So many of the last transitions can be resumed from, however old they are. */
  logKeptEvents: number
  /** How long it is kept what became of the runs of policies, in milliseconds. */
  runsKeptMs: number
  now: Clock
  log: Logger
}

/**
 * Deletes snapshots whose retention has passed, and forgets what nobody needs any more: old transitions, client tokens
 * and runs of policies.
 */
export function createHousekeeping({
  db,
  snapshots,
  logs,
  logKeptMs,
  logKeptEvents,
  runsKeptMs,
  now,
  log,
}: HousekeepingOptions) {
  const ago = (ms: number) => new Date(now().getTime() - ms)

  /** Does it once. */
  async function tick(): Promise<void> {
    const expired = await snapshots.expire()
    if (expired > 0) log.info({ snapshots: expired }, 'deleted what was past its retention')
    let pruned = 0
    for (const transitions of logs) {
      pruned += await transitions.prune({ before: ago(logKeptMs), keep: logKeptEvents })
    }
    const { count } = await db.idempotencyKey.deleteMany({
      where: { createdAt: { lt: ago(CLIENT_TOKEN_KEPT_HOURS * HOUR_MS) } },
    })
    const runs = await db.autoSnapshotRun.deleteMany({ where: { scheduledFor: { lt: ago(runsKeptMs) } } })
    if (pruned + count + runs.count > 0) {
      log.info({ transitions: pruned, clientTokens: count, runs: runs.count }, 'forgot what is old')
    }
  }

  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  return {
    tick,

    /** Does it now, and from now on every ten minutes. */
    start(): void {
      const work = () => {
        working = tick().catch((error: unknown) => log.error({ err: error }, 'housekeeping failed'))
      }
      timer ??= setInterval(work, INTERVAL_MS)
      work()
    },

    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer)
      await working
    },
  }
}
