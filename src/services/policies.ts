import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { linkRefusals } from '../domain/policy.ts'
import { brokenPolicyRules, POLICIES_MAX } from '../domain/policy-input.ts'
import { Refusal } from '../domain/refusal.ts'
import { InvalidPolicy, PolicyNotFound, PolicyQuotaExceeded } from '../domain/refusals.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { isTimeZone, sorted, type Schedule } from '../domain/schedule.ts'
import { Prisma, type AutoSnapshotPolicy, type Disk, type Snapshot } from '../generated/prisma/client.ts'
import { checkName, refuse } from './refuse.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskService } from './disks.ts'
import { lockOwned } from './owned.ts'
import { decidedUpTo, scheduleOf, startFrom, type PolicyRuns } from './policy-runs.ts'
import { deleteSnapshots, isRead } from './snapshot-deletion.ts'
import type { Viewer } from './viewer.ts'

export interface PolicyInput extends Schedule {
  name: string
  /** -1 means forever. */
  retentionDays: number
}

export type PolicyService = ReturnType<typeof createPolicyService>

export function createPolicyService({
  db,
  disks,
  runs,
  announce,
  wakeHousekeeping,
  now,
  newId,
}: {
  db: Database
  disks: DiskService
  runs: PolicyRuns
  /** Called after a commit that may have appended transitions or jobs. */
  announce: () => void
  /** Called when a deletion is left to be finished by `finishDeletions`. */
  wakeHousekeeping: () => void
  now: Clock
  newId: NewId
}) {
  /**
   * Changes a policy, or which disks it has, in a transaction. What it owes by then, as it is, is decided first: a time
   * that has come is neither lost nor run by other rules than those that held.
   */
  async function change<T>(
    viewer: Viewer,
    policyId: string,
    work: (sql: Sql, policy: AutoSnapshotPolicy) => Work<T>,
  ): Promise<T> {
    for (;;) {
      const changed = await db.write(function* (sql) {
        const policy = yield* find(sql, viewer, policyId)
        // One whose time zone is no longer known cannot be run, and must be changed all the same.
        if (isTimeZone(policy.timeZone) && (yield* runs.decide(sql, policy))) return undefined
        return { result: yield* work(sql, policy) }
      })
      if (changed) return changed.result
    }
  }

  /** Carries the deletion of a policy to its end, or until it is stopped. */
  async function finish(
    { id, accountId }: AutoSnapshotPolicy,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    while (!signal?.aborted) {
      const start = performance.now()
      if (await db.write((sql) => takeApart(sql, accountId, id))) return
      // Others have half of the time.
      await pause(performance.now() - start)
    }
  }

  return {
    async create({ accountId }: Viewer, input: PolicyInput): Promise<AutoSnapshotPolicy> {
      const columns = columnsOf(input)
      return db.write(function* (sql) {
        // The account, because its policies are counted.
        yield* sql.lock('Account', { id: accountId })
        const held = yield* sql.count('AutoSnapshotPolicy', { accountId, deletedAt: null })
        if (held >= POLICIES_MAX) throw new PolicyQuotaExceeded()
        const createdAt = now()
        return yield* sql.insert('AutoSnapshotPolicy', {
          id: newId('AutoSnapshotPolicy'),
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
      return change(viewer, policyId, function* (sql, policy) {
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
        return yield* find(sql, viewer, policyId)
      })
    },

    /**
     * Deletes a policy and its runs, and unlinks its disks; the snapshots it made stay. Of both there may be very many. From the
     * commit on the policy does not exist for its account and runs nothing; what is left of it then goes in parts.
     */
    async delete(viewer: Viewer, policyId: string): Promise<AutoSnapshotPolicy> {
      const { accountId } = viewer
      const { policy, isGone } = await db.write(function* (sql) {
        const policy = yield* find(sql, viewer, policyId)
        yield* sql.update('AutoSnapshotPolicy', { deletedAt: now() }, { id: policyId, accountId })
        return { policy, isGone: yield* takeApart(sql, accountId, policyId) }
      })
      if (!isGone) wakeHousekeeping()
      return policy
    },

    /**
     * Finishes the deletions of policies, of all accounts. One that fails holds up no other; in the end this rejects with what
     * failed.
     */
    async finishDeletions(signal?: AbortSignal): Promise<void> {
      const deleted = await db.autoSnapshotPolicy.findMany({ where: { deletedAt: { not: null } } })
      const failures: unknown[] = []
      for (const policy of deleted) {
        await finish(policy, signal).catch((error: unknown) => failures.push(error))
      }
      if (failures.length > 0) throw new AggregateError(failures, 'Some policies could not be deleted.')
    },

    /** Links a policy to disks, each for itself; those already linked to it stay so. */
    async link(viewer: Viewer, policyId: string, diskIds: readonly string[]): Promise<(Disk | Refusal)[]> {
      const { accountId } = viewer
      await Promise.all(diskIds.map((diskId) => disks.lookAt(viewer, diskId)))
      function* linkOne(sql: Sql, id: string): Work<Disk> {
        const disk = yield* lockDisk(sql, viewer, id)
        refuse(linkRefusals(disk, policyId))
        yield* sql.update('Disk', { policyId }, { id, accountId })
        return { ...disk, policyId }
      }
      return change(viewer, policyId, (sql) => attemptEach(sql, diskIds, linkOne))
    },

    /**
     * Unlinks a policy from disks, each for itself; those that were not linked to it stay as they are. With
     * `deleteSnapshots`, the automatic snapshots of a disk are deleted first, except those that cannot be deleted now. After a
     * crash in the middle the disk is still linked, and the same call finishes.
     */
    async unlink(
      viewer: Viewer,
      policyId: string,
      diskIds: readonly string[],
      { deleteSnapshots: deletes = false } = {},
    ): Promise<(Disk | Refusal)[]> {
      const { accountId } = viewer
      function* unlinkOne(sql: Sql, id: string): Work<Disk> {
        const disk = yield* lockDisk(sql, viewer, id)
        if (disk.policyId !== policyId) return disk
        if (deletes && (yield* deleteAutomatic(sql, id, now()))) return disk
        yield* sql.update('Disk', { policyId: null }, { id, accountId })
        // Nor does a run that has begun go on to it.
        yield* sql.run(
          Prisma.sql`UPDATE "AutoSnapshotRunDisk" SET "outcome" = 'MISSED'
            WHERE "accountId" = ${accountId} AND "outcome" = 'PENDING' AND "diskId" = ${id}
            AND "runId" IN (SELECT "id" FROM "AutoSnapshotRun" WHERE "policyId" = ${policyId} AND "outcome" = 'RUN')`,
        )
        return { ...disk, policyId: null }
      }
      const isLinked = (result: Disk | Refusal) =>
        !(result instanceof Refusal) && result.policyId === policyId
      // A disk may have hundreds of snapshots, and a policy thousands of runs: others have their turn in between.
      const together = deletes ? 1 : UNLINKED_TOGETHER
      const results: (Disk | Refusal)[] = []
      while (results.length < diskIds.length) {
        const some = diskIds.slice(results.length, results.length + together)
        const startedAt = performance.now()
        try {
          const part = await change(viewer, policyId, (sql) => attemptEach(sql, some, unlinkOne))
          // A disk that is still linked has more snapshots to delete.
          if (!part.some(isLinked)) results.push(...part)
        } catch (refusal) {
          // The policy was deleted meanwhile. Before the first disk, that is the answer.
          if (!(refusal instanceof PolicyNotFound) || results.length === 0) throw refusal
          results.push(...some.map(() => refusal))
        }
        announce()
        if (results.length < diskIds.length) await pause(performance.now() - startedAt)
      }
      return results
    },
  }
}

/** How many disks are unlinked in one transaction, and how many of a disk's snapshots are deleted. */
const UNLINKED_TOGETHER = 10
const DELETED_TOGETHER = 50

/** How many rows of what belongs to a policy are changed or deleted in one transaction. */
const ROWS_AT_ONCE = 500

/** Unlinks disks of a deleted policy and deletes its runs, at most `ROWS_AT_ONCE` rows, and in the end itself; whether it is gone. */
function* takeApart(sql: Sql, accountId: string, policyId: string): Work<boolean> {
  let left = ROWS_AT_ONCE
  left -= yield* sql.run(
    Prisma.sql`UPDATE "Disk" SET "policyId" = NULL WHERE "accountId" = ${accountId}
      AND "id" IN (SELECT "id" FROM "Disk" WHERE "policyId" = ${policyId} LIMIT ${left})`,
  )
  left -= yield* sql.run(
    Prisma.sql`DELETE FROM "AutoSnapshotRunDisk" WHERE "accountId" = ${accountId}
      AND "id" IN (SELECT d."id" FROM "AutoSnapshotRun" r
        JOIN "AutoSnapshotRunDisk" d ON d."runId" = r."id" WHERE r."policyId" = ${policyId} LIMIT ${left})`,
  )
  // They have no disks left, unless the limit has been reached.
  if (left > 0)
    left -= yield* sql.run(
      Prisma.sql`DELETE FROM "AutoSnapshotRun" WHERE "accountId" = ${accountId}
        AND "id" IN (SELECT "id" FROM "AutoSnapshotRun" WHERE "policyId" = ${policyId} LIMIT ${left})`,
    )
  if (left === 0) return false
  yield* sql.delete('AutoSnapshotPolicy', { id: policyId, accountId, deletedAt: { not: null } })
  return true
}

/** Does work for each disk; where it is refused, the refusal is that one's result. */
function* attemptEach(
  sql: Sql,
  diskIds: readonly string[],
  work: (sql: Sql, diskId: string) => Work<Disk>,
): Work<(Disk | Refusal)[]> {
  const results: (Disk | Refusal)[] = []
  for (const diskId of diskIds) results.push(yield* sql.attempt(work(sql, diskId)))
  return results
}

/** A disk of the account; without its policy, when that has been deleted. */
function* lockDisk(sql: Sql, viewer: Viewer, diskId: string): Work<Disk> {
  const disk = yield* lockOwned(sql, 'Disk', viewer, diskId)
  if (disk.policyId === null) return disk
  const policy = yield* sql.get('AutoSnapshotPolicy', { id: disk.policyId, deletedAt: null })
  return policy ? disk : { ...disk, policyId: null }
}

/** Deletes automatic snapshots of a disk, at most `DELETED_TOGETHER`; whether there are more. */
function* deleteAutomatic(sql: Sql, diskId: string, at: Date): Work<boolean> {
  const automatic = yield* sql.lockAll(
    'Snapshot',
    { diskId, type: 'AUTOMATIC' },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  )
  const deletable: Snapshot[] = []
  for (const snapshot of automatic) {
    if (deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshot.id)).length === 0)
      deletable.push(snapshot)
  }
  const reason = () => 'The disk was unlinked from its automatic snapshot policy.'
  yield* deleteSnapshots(sql, deletable.slice(0, DELETED_TOGETHER), { reason, at })
  return deletable.length > DELETED_TOGETHER
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

/** A policy of the account that has not been deleted, locked. */
function* find(sql: Sql, viewer: Viewer, policyId: string): Work<AutoSnapshotPolicy> {
  const policy = yield* lockOwned(sql, 'AutoSnapshotPolicy', viewer, policyId)
  if (policy.deletedAt !== null) throw new PolicyNotFound(policyId)
  return policy
}
