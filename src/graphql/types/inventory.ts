import { z } from 'zod'
import { DAILY_USAGE_DAYS, DAILY_USAGE_KEPT_DAYS, NEARLY_FULL } from '../../domain/usage.ts'
import type { DailyUsage as DailyUsageRow } from '../../generated/prisma/client.ts'
import type { DiskCounts, FullQuota, SnapshotCounts } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { costing, POINT, READ, WAITS } from '../hints.ts'
import { DiskStatus } from './disk-enums.ts'
import { Disk } from './nodes.ts'
import { SnapshotStatus, SnapshotType } from './snapshot-enums.ts'

/** How many quotas are listed at most that are nearly full. */
const FULL_QUOTAS_MAX = 20

const SnapshotCount = builder.objectRef<SnapshotCounts>('SnapshotCount').implement({
  description: 'The snapshots of one type and status.',
  fields: (t) => ({
    type: t.expose('type', { type: SnapshotType, description: 'Their type.' }),
    status: t.expose('status', { type: SnapshotStatus, description: 'Their status.' }),
    count: t.exposeInt('count', { description: 'How many there are; at least 1.' }),
    dataBytes: t.expose('dataBytes', {
      type: 'SafeInt',
      description:
        'Bytes of data in their copies, holes and zero blocks left out. Copies in progress count as 0.',
    }),
  }),
})

const DiskCount = builder.objectRef<DiskCounts>('DiskCount').implement({
  description: 'The disks of one status.',
  fields: (t) => ({
    status: t.expose('status', { type: DiskStatus, description: 'Their status.' }),
    count: t.exposeInt('count', { description: 'How many there are; at least 1.' }),
  }),
})

const NearlyFullQuota = builder.objectRef<FullQuota & { limit: number }>('NearlyFullQuota').implement({
  description: 'A quota of a disk that is at least 90 % full.',
  fields: (t) => ({
    disk: t.field({
      ...costing(READ),
      type: Disk,
      nullable: true,
      description: 'The disk; null if it was released meanwhile.',
      resolve: ({ diskId }, _args, { reads }) => reads.disk(diskId),
    }),
    type: t.expose('type', { type: SnapshotType, description: 'Which quota.' }),
    used: t.exposeInt('used', { description: 'How many snapshots of this type the disk holds.' }),
    limit: t.exposeInt('limit', { description: 'How many it can hold.' }),
  }),
})

const DailyUsage = builder.objectRef<DailyUsageRow>('DailyUsage').implement({
  description: 'What the account had on a day.',
  fields: (t) => ({
    day: t.exposeString('day', { description: 'The day by UTC, as `YYYY-MM-DD`.' }),
    disks: t.exposeInt('disks', { description: 'Number of disks.' }),
    snapshots: t.exposeInt('snapshots', { description: 'Number of snapshots in any status.' }),
    dataBytes: t.field({
      type: 'SafeInt',
      description: 'Bytes of data in their copies, holes and zero blocks left out.',
      resolve: ({ dataBytes }) => Number(dataBytes),
    }),
  }),
})

const Inventory = builder.objectRef<object>('Inventory').implement({
  description:
    'Totals of the account, from counts that are kept: they cost the same however many snapshots there are.',
  fields: (t) => ({
    snapshots: t.field({
      ...costing(2 * READ, 12),
      type: [SnapshotCount],
      description: 'The snapshots by type and status. Combinations without a snapshot are left out.',
      resolve: (_inventory, _args, { reads }) => reads.snapshotCounts(),
    }),
    disks: t.field({
      ...WAITS,
      ...costing(100 * POINT, 18),
      type: [DiskCount],
      description: 'The disks by status. Statuses without a disk are left out.',
      resolve: (_inventory, _args, { reads }) => reads.diskCounts(),
    }),
    nearlyFullQuotas: t.field({
      ...costing(100 * POINT, FULL_QUOTAS_MAX),
      type: [NearlyFullQuota],
      description: `The quotas that are at least 90 % full, fullest first, at most ${FULL_QUOTAS_MAX}.`,
      async resolve(_inventory, _args, { reads, gateway: { quota } }) {
        const full = await reads.fullQuotas(quota, { share: NEARLY_FULL, limit: FULL_QUOTAS_MAX })
        return full.map((one) => ({ ...one, limit: quota[one.type] }))
      },
    }),
    usage: t.field({
      ...costing(2 * READ, DAILY_USAGE_KEPT_DAYS),
      type: [DailyUsage],
      description:
        'The last days that were noted, oldest first, each as it was at the first housekeeping of that day. Days on which ' +
        `no gateway ran are missing. Kept for ${DAILY_USAGE_KEPT_DAYS} days.`,
      args: {
        days: t.arg.int({
          defaultValue: DAILY_USAGE_DAYS,
          description: `At most this many days, 1–${DAILY_USAGE_KEPT_DAYS}.`,
          validate: z.int().min(1, DAYS).max(DAILY_USAGE_KEPT_DAYS, DAYS).nullish(),
        }),
      },
      resolve: (_inventory, { days }, { reads }) => reads.dailyUsage(days ?? DAILY_USAGE_DAYS),
    }),
  }),
})

const DAYS = `days must be from 1 to ${DAILY_USAGE_KEPT_DAYS}.`

builder.queryField('inventory', (t) =>
  t.field({
    type: Inventory,
    description: 'Totals of the account, and its usage over time.',
    resolve: () => ({}),
  }),
)
