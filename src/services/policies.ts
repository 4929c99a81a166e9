import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { LINK_STATUSES, linkRefusals } from '../domain/policy.ts'
import { brokenPolicyRules, POLICIES_MAX } from '../domain/policy-input.ts'
import {
  DiskNotFound,
  InvalidPolicy,
  PolicyNotFound,
  PolicyQuotaExceeded,
  type Refusal,
} from '../domain/refusals.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { isTimeZone, sorted, type Schedule } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy, Disk, Snapshot } from '../generated/prisma/client.ts'
import { checkName, refuse } from './checks.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskService } from './disks.ts'
import { each } from './each.ts'
import { decidedUpTo, scheduleOf, startFrom, type PolicyRuns } from './policy-runs.ts'
import { deleteSnapshots, isRead } from './snapshot-deletion.ts'
import type { Viewer } from './viewer.ts'

export interface PolicyInput extends Schedule {
  name: string
  /** -1 for ever. */
  retentionDays: number
}

export type PolicyService = ReturnType<typeof createPolicyService>

export function createPolicyService({
  db,
  disks,
  runs,
  announce,
  now,
  newId,
}: {
  db: Database
  disks: DiskService
  runs: PolicyRuns
  /** Called after a commit that may have appended transitions or jobs. */
  announce: () => void
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
    work: (tx: Transaction, policy: AutoSnapshotPolicy) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const changed = await inTransaction(db, async (tx) => {
        const policy = await find(tx, accountId, policyId)
        // One whose time zone is no longer known cannot be run, and must be changed all the same.
        if (isTimeZone(policy.timeZone) && (await runs.decide(tx, policy))) return undefined
        return { result: await work(tx, policy) }
      })
      if (changed) return changed.result
    }
  }

  return {
    async create({ accountId }: Viewer, input: PolicyInput): Promise<AutoSnapshotPolicy> {
      const columns = columnsOf(input)
      return inTransaction(db, async (tx) => {
        if ((await tx.autoSnapshotPolicy.count({ where: { accountId } })) >= POLICIES_MAX) {
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
          data: { ...columns, updatedAt, ...(moved && startFrom(tx, policyId, input, updatedAt)) },
        })
      })
    },

    /** Deletes a policy and its runs, and unlinks its disks; the snapshots it made stay. */
    async delete({ accountId }: Viewer, policyId: string): Promise<AutoSnapshotPolicy> {
      return inTransaction(db, async (tx) => {
        const policy = await find(tx, accountId, policyId)
        await tx.disk.updateMany({ where: { policyId, accountId }, data: { policyId: null } })
        await tx.autoSnapshotPolicy.delete({ where: { id: policyId, accountId } })
        return policy
      })
    },

    /** Links a policy to disks, each for itself; those already linked to it stay so. */
    async link(viewer: Viewer, policyId: string, diskIds: readonly string[]): Promise<(Disk | Refusal)[]> {
      const { accountId } = viewer
      await Promise.all(diskIds.map((diskId) => disks.lookAt(viewer, diskId)))
      return change(viewer, policyId, (tx) =>
        each(diskIds, async (diskId) => {
          const owned = { id: diskId, accountId }
          await tx.disk.updateMany({
            where: { ...owned, policyId: null, status: { in: [...LINK_STATUSES] } },
            data: { policyId },
          })
          const disk = await tx.disk.findUnique({ where: owned })
          if (!disk) throw new DiskNotFound(diskId)
          refuse(linkRefusals(disk, policyId))
          return disk
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
      const results = await change(viewer, policyId, (tx) =>
        each(diskIds, async (diskId) => {
          const owned = { id: diskId, accountId }
          const unlinked = await tx.disk.updateMany({
            where: { ...owned, policyId },
            data: { policyId: null },
          })
          if (unlinked.count > 0) {
            // Nor does a run that has begun go on to it.
            await tx.autoSnapshotRunDisk.updateMany({
              where: { diskId, outcome: 'PENDING', run: { policyId } },
              data: { outcome: 'MISSED' },
            })
            if (deletes) await deleteAutomatic(tx, diskId, now())
          }
          const disk = await tx.disk.findUnique({ where: owned })
          if (!disk) throw new DiskNotFound(diskId)
          return disk
        }),
      )
      announce()
      return results
    },
  }
}

async function deleteAutomatic(tx: Transaction, diskId: string, at: Date): Promise<void> {
  const automatic = await tx.snapshot.findMany({ where: { diskId, type: 'AUTOMATIC' } })
  const deletable: Snapshot[] = []
  for (const snapshot of automatic) {
    if (deleteSnapshotRefusals(snapshot, isRead(tx, snapshot.id)).length === 0) deletable.push(snapshot)
  }
  const reason = () => 'The disk was unlinked from its automatic snapshot policy.'
  deleteSnapshots(tx, deletable, { reason, at })
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
  const policy = await tx.autoSnapshotPolicy.findUnique({ where: { id: policyId, accountId } })
  if (!policy) throw new PolicyNotFound(policyId)
  return policy
}
