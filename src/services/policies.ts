import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { brokenNameRules } from '../domain/name.ts'
import { LINK_STATUSES, linkRefusals } from '../domain/policy.ts'
import { brokenPolicyRules, POLICIES_MAX } from '../domain/policy-input.ts'
import {
  DiskNotFound,
  InvalidName,
  InvalidPolicy,
  PolicyNotFound,
  PolicyQuotaExceeded,
  type Refusal,
} from '../domain/refusals.ts'
import { slotsAfter, sorted, type Schedule } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy, Disk } from '../generated/prisma/client.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskService } from './disks.ts'
import { each } from './each.ts'
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
  now,
  newId,
}: {
  db: Database
  disks: DiskService
  now: Clock
  newId: NewId
}) {
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
            ...fromNowOn(input, createdAt),
            createdAt,
            updatedAt: createdAt,
          },
        })
      })
    },

    /** Changes what is given. A new schedule counts from now on: nothing of it is made up. */
    async update(
      { accountId }: Viewer,
      policyId: string,
      changes: Partial<PolicyInput>,
    ): Promise<AutoSnapshotPolicy> {
      return inTransaction(db, async (tx) => {
        const policy = await find(tx, accountId, policyId)
        const before = { ...policy, ...scheduleOf(policy) }
        const input = { ...before, ...changes }
        const columns = columnsOf(input)
        const updatedAt = now()
        const moved =
          columns.timePoints !== policy.timePoints ||
          columns.repeatWeekdays !== policy.repeatWeekdays ||
          columns.timeZone !== policy.timeZone
        return tx.autoSnapshotPolicy.update({
          where: { id: policyId, accountId },
          data: { ...columns, updatedAt, ...(moved && fromNowOn(input, updatedAt)) },
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
    async link(
      { accountId }: Viewer,
      policyId: string,
      diskIds: readonly string[],
    ): Promise<(Disk | Refusal)[]> {
      await Promise.all(diskIds.map((diskId) => disks.lookAt(diskId)))
      return inTransaction(db, async (tx) => {
        await find(tx, accountId, policyId)
        return each(diskIds, async (diskId) => {
          const owned = { id: diskId, accountId }
          await tx.disk.updateMany({
            where: { ...owned, policyId: null, status: { in: [...LINK_STATUSES] } },
            data: { policyId },
          })
          const disk = await tx.disk.findUnique({ where: owned })
          if (!disk) throw new DiskNotFound(diskId)
          const [refusal] = linkRefusals(disk, policyId)
          if (refusal) throw refusal
          return disk
        })
      })
    },

    /** Unlinks a policy from disks, each for itself; those that were not linked to it stay as they are. */
    async unlink(
      { accountId }: Viewer,
      policyId: string,
      diskIds: readonly string[],
    ): Promise<(Disk | Refusal)[]> {
      return inTransaction(db, async (tx) => {
        await find(tx, accountId, policyId)
        return each(diskIds, async (diskId) => {
          const owned = { id: diskId, accountId }
          const unlinked = await tx.disk.updateMany({
            where: { ...owned, policyId },
            data: { policyId: null },
          })
          // Nor does a run that has begun go on to it.
          if (unlinked.count > 0) {
            await tx.autoSnapshotRunDisk.deleteMany({ where: { diskId, outcome: 'PENDING' } })
          }
          const disk = await tx.disk.findUnique({ where: owned })
          if (!disk) throw new DiskNotFound(diskId)
          return disk
        })
      })
    },
  }
}

/** When a policy runs. */
export function scheduleOf({
  timePoints,
  repeatWeekdays,
  timeZone,
}: Pick<AutoSnapshotPolicy, 'timePoints' | 'repeatWeekdays' | 'timeZone'>): Schedule {
  return {
    timePoints: JSON.parse(timePoints) as number[],
    repeatWeekdays: JSON.parse(repeatWeekdays) as number[],
    timeZone,
  }
}

/** Everything up to now is decided; when something is next. */
export function fromNowOn(schedule: Schedule, now: Date): { decidedThrough: Date; dueAt: Date } {
  return { decidedThrough: now, dueAt: slotsAfter(schedule, now).next().value.at }
}

function columnsOf(input: PolicyInput) {
  const brokenName = brokenNameRules(input.name)
  if (brokenName.length > 0) throw new InvalidName(brokenName)
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
