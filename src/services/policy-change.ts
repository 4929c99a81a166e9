import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { PolicyNotFound } from '../domain/refusals.ts'
import { isTimeZone } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy } from '../generated/prisma/client.ts'
import { recordChange, type Change } from './activity.ts'
import type { Moment } from './clock.ts'
import { lockOwned } from './owned.ts'
import type { PolicyRuns } from './policy-runs.ts'
import type { Viewer } from './viewer.ts'

export interface ChangeParts {
  db: Database
  runs: PolicyRuns
}

/**
 * Changes a policy, or which disks it has, in a transaction. What it owes by then, as it is, is decided first: a time
 * that has come is neither lost nor run by other rules than those that held.
 */
export async function changePolicy<T>(
  { db, runs }: ChangeParts,
  viewer: Viewer,
  policyId: string,
  work: (sql: Sql, policy: AutoSnapshotPolicy) => Work<T>,
  write = db.write,
): Promise<T> {
  for (;;) {
    const changed = await write(function* (sql) {
      const policy = yield* findPolicy(sql, viewer, policyId)
      // One whose time zone is no longer known cannot be run, and must be changed all the same.
      if (isTimeZone(policy.timeZone) && (yield* runs.decide(sql, policy))) return undefined
      return { result: yield* work(sql, policy) }
    })
    if (changed) return changed.result
  }
}

/** A policy of the account that has not been deleted, locked. */
export function* findPolicy(sql: Sql, viewer: Viewer, policyId: string): Work<AutoSnapshotPolicy> {
  const policy = yield* lockOwned(sql, 'AutoSnapshotPolicy', viewer, policyId)
  if (policy.deletedAt !== null) throw new PolicyNotFound(policyId)
  return policy
}

/** Records what is done with a policy, and with which disk, where that is linked or unlinked. */
export function* recordPolicy(
  sql: Sql,
  { id: subjectId, accountId, name: subjectName }: Pick<AutoSnapshotPolicy, 'id' | 'accountId' | 'name'>,
  action: Change['action'],
  { at, newId }: Moment,
  diskId: string | null = null,
): Work<void> {
  yield* recordChange(sql, newId, { accountId, action, at, subjectId, subjectName, diskId })
}
