import { setImmediate as nextTurn } from 'node:timers/promises'
import { logFault } from '../database/log-fault.ts'
import type { Clock } from '../services/clock.ts'
import type { PolicyRuns } from '../services/policy-runs.ts'
import { carryOut, type AutomaticParts } from './automatic-snapshots.ts'

/** How often it is looked whether something is due, in milliseconds. */
const INTERVAL_MS = 5_000

export interface SchedulerOptions extends AutomaticParts {
  runs: PolicyRuns
  now: Clock
}

/**
 * Runs the automatic snapshot policies. Several schedulers may share one database: deciding a time, and taking the snapshot of a
 * disk for it, are one conditional write each. So each happens exactly once, even if schedulers are killed in between.
 */
export function createScheduler(options: SchedulerOptions) {
  const { db, runs, now, log } = options
  let stopped = false

  /** Decides what is due, a part of each policy at a time, and does it. */
  async function tick(): Promise<void> {
    let waiting = await findDue()
    do {
      const unfinished: string[] = []
      for (const policyId of waiting) {
        if (stopped) return
        if (await decide(policyId)) unfinished.push(policyId)
        await nextTurn()
      }
      await carryOut(options, () => stopped)
      waiting = unfinished
    } while (waiting.length > 0)
  }

  /** The policies of which something is due, or that a clock that was ahead has decided things for that are to come. */
  async function findDue(): Promise<string[]> {
    const due = await db.autoSnapshotPolicy.findMany({
      where: {
        deletedAt: null,
        OR: [{ dueAt: { lte: now() } }, { decidedThrough: { gt: now() } }, { appointing: { not: null } }],
      },
      orderBy: { dueAt: 'asc' },
      select: { id: true },
    })
    return due.map(({ id }) => id)
  }

  /** Decides a part of what a policy owes; whether there is more. One that cannot be decided holds up no other. */
  async function decide(policyId: string): Promise<boolean> {
    try {
      return await db.writeInBackground(function* (sql) {
        const policy = yield* sql.lock(
          'AutoSnapshotPolicy',
          { id: policyId, deletedAt: null },
          { skipLocked: true },
        )
        return policy !== undefined && (yield* runs.decide(sql, policy))
      })
    } catch (error) {
      logFault(log, error, 'a policy could not be run, and will be tried again', { policyId })
      return false
    }
  }

  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  return {
    tick,

    /** Does it now, and from now on every five seconds. */
    start(): void {
      const work = () => {
        working = tick()
          .catch((error: unknown) => logFault(log, error, 'the policies could not be run'))
          .finally(() => {
            if (!stopped) timer = setTimeout(work, INTERVAL_MS)
          })
      }
      work()
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}
