import { nextRuns } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy } from '../generated/prisma/client.ts'
import { scheduleOf } from '../services/policy-runs.ts'

/** How many policies' next runs are kept, of about 500 bytes each. */
const KEPT = 2_000

const kept = new Map<string, Date[]>()

/**
 * The next moments at which a policy runs. To work them out takes a hundred times as long as to read the policy, and they
 * stay the same until it has run, so the latest used are kept.
 */
export function nextRunsOf(policy: AutoSnapshotPolicy, count: number): Date[] {
  const { timePoints, repeatWeekdays, timeZone, decidedThrough } = policy
  const key = [timePoints, repeatWeekdays, timeZone, decidedThrough.getTime(), count].join(' ')
  const runs = kept.get(key) ?? nextRuns(scheduleOf(policy), decidedThrough, count)
  kept.delete(key)
  kept.set(key, runs)
  const [oldest] = kept.keys()
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest)
  return runs
}
