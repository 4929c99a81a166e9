import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import { brokenPolicyRules, POLICIES_MAX } from '../domain/policy-input.ts'
import type { Refusal } from '../domain/refusal.ts'
import { InvalidPolicy, PolicyQuotaExceeded } from '../domain/refusals.ts'
import { sorted, type Schedule } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy, Disk } from '../generated/prisma/client.ts'
import type { NewId } from './clock.ts'
import { changePolicy, findPolicy, recordPolicy } from './policy-change.ts'
import { linkDisks, unlinkDisks, type LinkParts } from './policy-links.ts'
import { decidedUpTo, deleteRuns, scheduleOf, startFrom } from './policy-runs.ts'
import { checkName } from './refuse.ts'
import type { Viewer } from './viewer.ts'

export interface PolicyInput extends Schedule {
  name: string
  /** -1 means forever. */
  retentionDays: number
}

export interface PolicyParts extends LinkParts {
  /** Called when a deletion is left to be finished by `finishDeletions`. */
  wakeHousekeeping: () => void
  newId: NewId
}

export type PolicyService = ReturnType<typeof createPolicyService>

export function createPolicyService(parts: PolicyParts) {
  const { db, wakeHousekeeping, now, newId } = parts

  return {
    async create({ accountId }: Viewer, input: PolicyInput): Promise<AutoSnapshotPolicy> {
      const columns = columnsOf(input)
      return db.write(function* (sql) {
        // The account, because its policies are counted.
        yield* sql.lock('Account', { id: accountId })
        const held = yield* sql.count('AutoSnapshotPolicy', { accountId, deletedAt: null })
        if (held >= POLICIES_MAX) throw new PolicyQuotaExceeded()
        const createdAt = now()
        const id = newId('AutoSnapshotPolicy')
        yield* recordPolicy(sql, { ...columns, id, accountId }, 'CREATE_AUTO_SNAPSHOT_POLICY', {
          newId,
          at: createdAt,
        })
        return yield* sql.insert('AutoSnapshotPolicy', {
          id,
          accountId,
          ...columns,
          ...decidedUpTo(input, createdAt),
          createdAt,
          updatedAt: createdAt,
        })
      })
    },

    /** Changes what is given. A new schedule counts from now on; what the old one owes is run. */
    async update(
      viewer: Viewer,
      policyId: string,
      changes: Partial<PolicyInput>,
    ): Promise<AutoSnapshotPolicy> {
      return changePolicy(parts, viewer, policyId, function* (sql, policy) {
        const before = { ...policy, ...scheduleOf(policy) }
        const input = { ...before, ...changes }
        const columns = columnsOf(input)
        const updatedAt = now()
        const moved =
          columns.timePoints !== policy.timePoints ||
          columns.repeatWeekdays !== policy.repeatWeekdays ||
          columns.timeZone !== policy.timeZone
        const start = moved ? yield* startFrom(sql, policy, input, updatedAt) : {}
        const own = { id: policyId, accountId: viewer.accountId }
        yield* sql.update('AutoSnapshotPolicy', { ...columns, ...start, updatedAt }, own)
        yield* recordPolicy(sql, policy, 'UPDATE_AUTO_SNAPSHOT_POLICY', { newId, at: updatedAt })
        return yield* findPolicy(sql, viewer, policyId)
      })
    },

    /**
     * Deletes a policy and its runs, and unlinks its disks; the snapshots it made stay. Of both there may be very many. From the
     * commit on the policy does not exist for its account and runs nothing; what is left of it then goes in parts.
     */
    async delete(viewer: Viewer, policyId: string): Promise<AutoSnapshotPolicy> {
      const { accountId } = viewer
      const { policy, isMore } = await db.write(function* (sql) {
        const policy = yield* findPolicy(sql, viewer, policyId)
        const deletedAt = now()
        yield* sql.update('AutoSnapshotPolicy', { deletedAt }, { id: policyId, accountId })
        yield* recordPolicy(sql, policy, 'DELETE_AUTO_SNAPSHOT_POLICY', { newId, at: deletedAt })
        return { policy, isMore: yield* takeApart(sql, accountId, policyId) }
      })
      if (isMore) wakeHousekeeping()
      return policy
    },

    /**
     * Finishes the deletions of policies, of all accounts. One that fails holds up no other; in the end this rejects with what
     * failed.
     */
    async finishDeletions(signal?: AbortSignal): Promise<void> {
      const deleted = await db.autoSnapshotPolicy.findMany({ where: { deletedAt: { not: null } } })
      const failures: unknown[] = []
      for (const { id, accountId } of deleted) {
        const finished = inParts(db, (sql) => takeApart(sql, accountId, id), signal)
        await finished.catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, 'Some policies could not be deleted.')
    },

    link: (viewer: Viewer, policyId: string, diskIds: readonly string[]): Promise<(Disk | Refusal)[]> =>
      linkDisks(parts, viewer, policyId, diskIds),

    unlink: (
      viewer: Viewer,
      policyId: string,
      diskIds: readonly string[],
      { deleteSnapshots: deletesSnapshots = false } = {},
    ): Promise<(Disk | Refusal)[]> => unlinkDisks(parts, viewer, policyId, { diskIds, deletesSnapshots }),
  }
}

/** How many rows of what belongs to a policy are changed or deleted in one transaction. */
const ROWS_AT_ONCE = 500

/** Unlinks disks of a deleted policy and deletes its runs, at most `ROWS_AT_ONCE` rows, and in the end itself; whether more is left. */
function* takeApart(sql: Sql, accountId: string, policyId: string): Work<boolean> {
  let left = ROWS_AT_ONCE
  const linked = yield* sql.all('Disk', { policyId }, { limit: left })
  const disks = { id: { in: linked.map(({ id }) => id) }, accountId, policyId }
  left -= yield* sql.update('Disk', { policyId: null }, disks)
  const runs = yield* sql.all('AutoSnapshotRun', { policyId }, { limit: left })
  left -= yield* deleteRuns(
    sql,
    runs.map(({ id }) => id),
    left,
  )
  if (left === 0) return true
  yield* sql.delete('AutoSnapshotPolicy', { id: policyId, accountId, deletedAt: { not: null } })
  return false
}

function columnsOf(input: PolicyInput) {
  checkName(input.name)
  const broken = brokenPolicyRules(input)
  if (broken.length > 0) throw new InvalidPolicy(broken)
  const { name, retentionDays, timeZone } = input
  return {
    name,
    retentionDays,
    timeZone,
    timePoints: JSON.stringify(sorted(input.timePoints)),
    repeatWeekdays: JSON.stringify(sorted(input.repeatWeekdays)),
  }
}
