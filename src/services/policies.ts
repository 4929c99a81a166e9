import { setTimeout as pause } from 'node:timers/promises'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { linkRefusals } from '../domain/policy.ts'
import { brokenPolicyRules, POLICIES_MAX } from '../domain/policy-input.ts'
import type { Refusal } from '../domain/refusal.ts'
import { DiskNotFound, InvalidPolicy, PolicyNotFound, PolicyQuotaExceeded } from '../domain/refusals.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { isTimeZone, sorted, type Schedule } from '../domain/schedule.ts'
import type { Statements } from '../database/statements.ts'
import { Prisma, type AutoSnapshotPolicy, type Disk, type Snapshot } from '../generated/prisma/client.ts'
import { checkName, each, refuse } from './refuse.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskService } from './disks.ts'
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
    { accountId }: Viewer,
    policyId: string,
    work: (tx: Transaction, policy: AutoSnapshotPolicy) => T | Promise<T>,
  ): Promise<T> {
    for (;;) {
      const changed = await inTransaction(db, async (tx) => {
        const policy = await find(tx, accountId, policyId)
        // One whose time zone is no longer known cannot be run, and must be changed all the same.
        if (isTimeZone(policy.timeZone) && runs.decide(tx, policy)) return undefined
        return { result: await work(tx, policy) }
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
      if (await inTransaction(db, ({ sql }) => Promise.resolve(takeApart(sql, accountId, id)))) return
      // Others have half of the time.
      await pause(performance.now() - start)
    }
  }

  return {
    async create({ accountId }: Viewer, input: PolicyInput): Promise<AutoSnapshotPolicy> {
      const columns = columnsOf(input)
      return inTransaction(db, async (tx) => {
        if ((await tx.autoSnapshotPolicy.count({ where: { accountId, deletedAt: null } })) >= POLICIES_MAX) {
          throw new PolicyQuotaExceeded()
        }
        const createdAt = now()
        return tx.autoSnapshotPolicy.create({
          data: {
            id: newId('AutoSnapshotPolicy'),
            accountId,
            ...columns,
            ...decidedUpTo(input, createdAt),
            createdAt,
            updatedAt: createdAt,
          },
        })
      })
    },

    /** Changes what is given. A new schedule counts from now on; what the old one owes is run. */
    async update(
      viewer: Viewer,
      policyId: string,
      changes: Partial<PolicyInput>,
    ): Promise<AutoSnapshotPolicy> {
      return change(viewer, policyId, async (tx, policy) => {
        const before = { ...policy, ...scheduleOf(policy) }
        const input = { ...before, ...changes }
        const columns = columnsOf(input)
        const updatedAt = now()
        const moved =
          columns.timePoints !== policy.timePoints ||
          columns.repeatWeekdays !== policy.repeatWeekdays ||
          columns.timeZone !== policy.timeZone
        return tx.autoSnapshotPolicy.update({
          where: { id: policyId, accountId: viewer.accountId },
          data: { ...columns, updatedAt, ...(moved && startFrom(tx, policy, input, updatedAt)) },
        })
      })
    },

    /**
     * Deletes a policy and its runs, and unlinks its disks; the snapshots it made stay. Of both there may be very many. From the
     * commit on the policy does not exist for its account and runs nothing; what is left of it then goes in parts.
     */
    async delete({ accountId }: Viewer, policyId: string): Promise<AutoSnapshotPolicy> {
      const { policy, isGone } = await inTransaction(db, async (tx) => {
        const policy = await find(tx, accountId, policyId)
        tx.sql.run(
          Prisma.sql`UPDATE "AutoSnapshotPolicy" SET "deletedAt" = ${now()}
            WHERE "id" = ${policyId} AND "accountId" = ${accountId}`,
        )
        return { policy, isGone: takeApart(tx.sql, accountId, policyId) }
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
      return change(viewer, policyId, ({ sql }) =>
        each(diskIds, (diskId) => {
          const disk = diskOf(sql, accountId, diskId)
          refuse(linkRefusals(disk, policyId))
          sql.run(
            Prisma.sql`UPDATE "Disk" SET "policyId" = ${policyId}
              WHERE "id" = ${diskId} AND "accountId" = ${accountId}`,
          )
          return { ...disk, policyId }
        }),
      )
    },

    /**
     * Unlinks a policy from disks, each for itself; those that were not linked to it stay as they are. With
     * `deleteSnapshots`, what automatic snapshots a disk has go with the link, but for those that cannot be deleted now.
     */
    async unlink(
      viewer: Viewer,
      policyId: string,
      diskIds: readonly string[],
      { deleteSnapshots: deletes = false } = {},
    ): Promise<(Disk | Refusal)[]> {
      const { accountId } = viewer
      const unlinkSome = (some: readonly string[]) =>
        change(viewer, policyId, (tx) =>
          each(some, (diskId) => {
            const { sql } = tx
            const disk = diskOf(sql, accountId, diskId)
            if (disk.policyId !== policyId) return disk
            sql.run(
              Prisma.sql`UPDATE "Disk" SET "policyId" = NULL WHERE "id" = ${diskId} AND "accountId" = ${accountId}`,
            )
            // Nor does a run that has begun go on to it.
            sql.run(
              Prisma.sql`UPDATE "AutoSnapshotRunDisk" SET "outcome" = 'MISSED'
                WHERE "accountId" = ${accountId} AND "outcome" = 'PENDING' AND "diskId" = ${diskId}
                AND "runId" IN (SELECT "id" FROM "AutoSnapshotRun" WHERE "policyId" = ${policyId} AND "outcome" = 'RUN')`,
            )
            if (deletes) deleteAutomatic(tx, diskId, now())
            return { ...disk, policyId: null }
          }),
        )
      // A disk may have hundreds of snapshots, and a policy thousands of runs: others have their turn in between.
      const together = deletes ? 1 : UNLINKED_TOGETHER
      const results: (Disk | Refusal)[] = []
      for (let start = 0; start < diskIds.length; start += together) {
        const some = diskIds.slice(start, start + together)
        const startedAt = performance.now()
        try {
          results.push(...(await unlinkSome(some)))
        } catch (refusal) {
          // The policy was deleted meanwhile. Before the first disk, that is the answer.
          if (!(refusal instanceof PolicyNotFound) || start === 0) throw refusal
          results.push(...some.map(() => refusal))
        }
        announce()
        if (start + together < diskIds.length) await pause(performance.now() - startedAt)
      }
      return results
    },
  }
}

/** How many disks are unlinked in one transaction. */
const UNLINKED_TOGETHER = 10

/** How many rows of what belongs to a policy are changed or deleted in one transaction. */
const ROWS_AT_ONCE = 500

/** Unlinks disks of a deleted policy and deletes its runs, at most `ROWS_AT_ONCE` rows, and in the end itself; whether it is gone. */
function takeApart(sql: Statements, accountId: string, policyId: string): boolean {
  let left = ROWS_AT_ONCE
  left -= sql.run(
    Prisma.sql`UPDATE "Disk" SET "policyId" = NULL WHERE "accountId" = ${accountId}
      AND "id" IN (SELECT "id" FROM "Disk" WHERE "policyId" = ${policyId} LIMIT ${left})`,
  )
  left -= sql.run(
    Prisma.sql`DELETE FROM "AutoSnapshotRunDisk" WHERE "accountId" = ${accountId}
      AND "id" IN (SELECT d."id" FROM "AutoSnapshotRun" r
        JOIN "AutoSnapshotRunDisk" d ON d."runId" = r."id" WHERE r."policyId" = ${policyId} LIMIT ${left})`,
  )
  // They have no disks left, unless the limit has been reached.
  if (left > 0)
    left -= sql.run(
      Prisma.sql`DELETE FROM "AutoSnapshotRun" WHERE "accountId" = ${accountId}
        AND "id" IN (SELECT "id" FROM "AutoSnapshotRun" WHERE "policyId" = ${policyId} LIMIT ${left})`,
    )
  if (left === 0) return false
  sql.run(
    Prisma.sql`DELETE FROM "AutoSnapshotPolicy"
      WHERE "id" = ${policyId} AND "accountId" = ${accountId} AND "deletedAt" IS NOT NULL`,
  )
  return true
}

/** A disk of the account; without its policy, when that has been deleted. */
function diskOf(sql: Statements, accountId: string, diskId: string): Disk {
  const disk = sql.get<Disk>(
    Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${diskId} AND "accountId" = ${accountId}`,
  )
  if (!disk) throw new DiskNotFound(diskId)
  if (disk.policyId === null) return disk
  const policy = sql.get(
    Prisma.sql`SELECT 1 FROM "AutoSnapshotPolicy" WHERE "id" = ${disk.policyId} AND "deletedAt" IS NULL`,
  )
  return policy ? disk : { ...disk, policyId: null }
}

function deleteAutomatic(tx: Transaction, diskId: string, at: Date): void {
  const automatic = tx.sql.all<Snapshot>(
    Prisma.sql`SELECT * FROM "Snapshot" WHERE "diskId" = ${diskId} AND "type" = 'AUTOMATIC' ORDER BY "createdAt", "id"`,
  )
  const deletable = automatic.filter(
    (snapshot) =>
      deleteSnapshotRefusals(
        snapshot,
        tx.do((sql) => isRead(sql, snapshot.id)),
      ).length === 0,
  )
  const reason = () => 'The disk was unlinked from its automatic snapshot policy.'
  tx.do((sql) => deleteSnapshots(sql, deletable, { reason, at }))
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

async function find(tx: Transaction, accountId: string, policyId: string): Promise<AutoSnapshotPolicy> {
  const policy = await tx.autoSnapshotPolicy.findUnique({
    where: { id: policyId, accountId, deletedAt: null },
  })
  if (!policy) throw new PolicyNotFound(policyId)
  return policy
}
