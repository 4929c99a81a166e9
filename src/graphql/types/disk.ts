import {
  attachRefusals,
  detachRefusals,
  releaseRefusals,
  resizeRefusals,
  rollBackRefusals,
  updateDiskRefusals,
} from '../../domain/disk-operation.ts'
import { subjectOf } from '../../domain/job.ts'
import { linkRefusals } from '../../domain/policy.ts'
import { PolicyNotFound } from '../../domain/refusals.ts'
import { quotaUsage, type QuotaUsage, type SnapshotQuota } from '../../domain/quota.ts'
import { snapshotRefusals } from '../../domain/create-snapshot.ts'
import type { HeldSnapshots } from '../../reads/reads.ts'
import { DISK_EVENT_ORDERS } from '../../reads/history.ts'
import { DISK_ORDERS, SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { reading } from '../columns.ts'
import { connect, OrderDirection } from '../connection.ts'
import { idOf } from '../id-argument.ts'
import { DiskKind, DiskKindFilter, DiskStatus, DiskStatusFilter } from './disk-enums.ts'
import { Eligibility } from './eligibility.ts'
import { DateTimeFilter, IDFilter, NumberFilter, SEARCH, StringFilter } from './filters.ts'
import { Operation } from './operation.ts'
import { AutoSnapshotPolicy, Disk, Snapshot } from './nodes.ts'
import { NEWEST_FIRST, SnapshotConnection, SnapshotFilter, SnapshotOrder } from './snapshot.ts'
import { Tag, TAG_FILTER_LIMITS, TAG_FILTERS, TagFilter } from './tag.ts'
import { StatusTransition } from './transition.ts'
import { GIB } from '../../domain/units.ts'

builder.node(Disk, {
  description: 'A cloud disk.',
  id: { resolve: ({ id }) => id, description: 'Global id, `v-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.disk(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    description: t.exposeString('description', {
      description: 'What somebody noted about it; may be empty.',
    }),
    kind: t.expose('kind', { type: DiskKind, description: 'What it is for.' }),
    status: t.expose('status', {
      type: DiskStatus,
      description: 'What it is doing, as last seen; looked at again every INVENTORY_INTERVAL_MS (2 s).',
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why the status is ERROR, in a sentence; null otherwise.',
    }),
    sizeGiB: t.float({
      ...reading('sizeBytes'),
      description: 'Its declared size in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
    }),
    sizeBytes: t.field({
      ...reading('sizeBytes'),
      type: 'SafeInt',
      description: 'Its declared size in bytes.',
      resolve: ({ sizeBytes }) => Number(sizeBytes),
    }),
    storageType: t.exposeString('storageType', {
      description: 'The kind of storage it lies on, such as `local`.',
    }),
    zone: t.exposeString('zone', { description: 'The availability zone it is in.' }),
    attachment: t.field({
      ...reading('instanceId', 'device'),
      type: Attachment,
      nullable: true,
      description: 'The instance it is attached to; null when there is none.',
      resolve: ({ instanceId, device }) => (instanceId === null ? null : { instanceId, device }),
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was registered, or its making accepted.',
    }),
    snapshotQuota: t.field({
      ...reading(),
      type: DiskSnapshotQuota,
      description: 'How many snapshots it holds, and how many it may hold.',
      resolve: ({ id }, _args, { reads, gateway }) => ({
        held: reads.held(id),
        quota: gateway.quota,
      }),
    }),
    snapshotEligibility: t.field({
      ...reading('kind', 'status'),
      type: Eligibility,
      description:
        'Whether `createSnapshot` would accept this disk in the status shown here, and if not, every reason why: by the rule ' +
        'that the mutation asks.',
      resolve: (disk, _args, { reads, gateway }) =>
        snapshotRefusals(disk, 'MANUAL', reads.held(disk.id).MANUAL, gateway.quota),
    }),
    autoSnapshotPolicy: t.field({
      ...reading('policyId'),
      type: AutoSnapshotPolicy,
      nullable: true,
      description: 'The automatic snapshot policy it is linked to; null when there is none.',
      resolve: (disk, _args, { reads }) => reads.policyOf(disk),
    }),
  }),
})

builder.objectFields(Disk, (t) => ({
  autoSnapshotPolicyEligibility: t.field({
    type: Eligibility,
    description:
      'Whether `linkAutoSnapshotPolicy` would link this policy, or any that it is not linked to yet, to it in the status ' +
      'shown here, and if not, every reason why: by the rule that the mutation asks.',
    args: { policyId: t.arg.id({ description: 'The policy, `asp-…`; any at all when left out.' }) },
    resolve: (disk, { policyId }, { reads }) => {
      const linked = { status: disk.status, policyId: reads.policyOf(disk)?.id ?? null }
      if (policyId === null || policyId === undefined) return linkRefusals(linked)
      const policy = reads.policy(idOf('AutoSnapshotPolicy', policyId))
      return policy ? linkRefusals(linked, policy.id) : [new PolicyNotFound(policyId)]
    },
  }),
  updateEligibility: t.field({
    type: Eligibility,
    description: 'Whether `updateDisk` would accept it.',
    resolve: updateDiskRefusals,
  }),
  attachEligibility: t.field({
    type: Eligibility,
    description: 'Whether `attachDisk` would accept it.',
    resolve: attachRefusals,
  }),
  detachEligibility: t.field({
    type: Eligibility,
    description: 'Whether `detachDisk` would accept it.',
    resolve: detachRefusals,
  }),
  resizeEligibility: t.field({
    type: Eligibility,
    description: 'Whether `resizeDisk` would make it larger by anything.',
    resolve: (disk) => resizeRefusals(disk),
  }),
  rollBackEligibility: t.field({
    type: Eligibility,
    description:
      'Whether `rollBackDisk` would set it back to a COMPLETED snapshot of its own; `Snapshot.rollBackEligibility` says it ' +
      'of one snapshot.',
    resolve: (disk) => rollBackRefusals(disk),
  }),
  releaseEligibility: t.field({
    type: Eligibility,
    description: 'Whether `releaseDisk` would accept it.',
    resolve: releaseRefusals,
  }),
  operation: t.field({
    ...reading(),
    type: Operation,
    nullable: true,
    description: 'What is in progress with it, snapshots left out; null when nothing is.',
    resolve: ({ id }, _args, { reads }) => reads.diskJobs(id).find((job) => subjectOf(job) === id),
  }),
  tags: t.field({
    ...reading(),
    type: [Tag],
    description: 'Its tags, ordered by key.',
    resolve: ({ id }, _args, { reads }) => reads.diskTags(id),
  }),
  snapshots: t.connection(
    {
      ...reading(),
      type: Snapshot,
      description: 'Its snapshots, newest first unless ordered otherwise.',
      args: {
        filter: t.arg({ type: SnapshotFilter, description: 'Which ones; all when left out.' }),
        orderBy: t.arg({ type: SnapshotOrder, defaultValue: NEWEST_FIRST, description: 'In which order.' }),
      },
      resolve: ({ id }, args, context, info) =>
        connect(
          context.reads.snapshots(args.filter, id),
          SNAPSHOT_ORDERS,
          args.orderBy ?? NEWEST_FIRST,
          args,
          context,
          info,
        ),
    },
    SnapshotConnection,
  ),
  history: t.connection(
    {
      ...reading(),
      type: StatusTransition,
      description:
        'Its transitions and those of its snapshots, newest first, as far as the log keeps them: those of the last ' +
        'LOG_RETENTION_DAYS (7) at least. Older ones remain of snapshots that still exist, and the last one of the disk.',
      resolve: ({ id }, args, context, info) =>
        connect(context.reads.diskHistory(id), DISK_EVENT_ORDERS, LATEST_FIRST, args, context, info),
    },
    {
      name: 'DiskHistoryConnection',
      description: 'A page of the history of a disk.',
    },
    { name: 'DiskHistoryEdge', description: 'A transition in the history of a disk.' },
  ),
}))

const LATEST_FIRST = { field: 'AT', direction: 'DESC' } as const

export const DiskConnection = builder.connectionObject(
  { type: Disk, name: 'DiskConnection', description: 'A page of disks.' },
  { name: 'DiskEdge', description: 'A disk in a list.' },
)

const Attachment = builder.simpleObject('DiskAttachment', {
  description: 'Where a disk is attached.',
  fields: (t) => ({
    instanceId: t.id({ description: 'The instance.' }),
    device: t.string({
      nullable: true,
      description: 'As which device, such as `/dev/vdb`; null when not known.',
    }),
  }),
})

const Quota = builder.objectRef<QuotaUsage>('SnapshotQuota').implement({
  description:
    'How much of a budget of snapshots is used. Everything counts but FAILED snapshots, which hold nothing.',
  fields: (t) => ({
    used: t.exposeInt('used', { description: 'Snapshots that count.' }),
    limit: t.exposeInt('limit', { description: 'How many there may be.' }),
    remaining: t.exposeInt('remaining', { description: 'How many may still be created; never negative.' }),
  }),
})

const DiskSnapshotQuota = builder
  .objectRef<{ held: HeldSnapshots; quota: SnapshotQuota }>('DiskSnapshotQuota')
  .implement({
    description: 'The two budgets of a disk. Filling one leaves the other untouched.',
    fields: (t) => ({
      manual: t.field({
        type: Quota,
        description: 'Manual snapshots; at most 256 unless configured.',
        resolve: ({ held, quota }) => quotaUsage(held.MANUAL, quota.MANUAL),
      }),
      automatic: t.field({
        type: Quota,
        description: 'Automatic snapshots; at most 256 unless configured.',
        resolve: ({ held, quota }) => quotaUsage(held.AUTOMATIC, quota.AUTOMATIC),
      }),
      total: t.field({
        type: Quota,
        description: 'Both together.',
        resolve: ({ held, quota }) =>
          quotaUsage(held.MANUAL + held.AUTOMATIC, quota.MANUAL + quota.AUTOMATIC),
      }),
    }),
  })

export const DiskFilter = builder.inputType('DiskFilter', {
  description: 'Which disks; conditions that are given must all hold.',
  fields: (t) => ({
    id: t.field({ type: IDFilter, description: 'By id.' }),
    status: t.field({ type: DiskStatusFilter, description: 'By status.' }),
    kind: t.field({ type: DiskKindFilter, description: 'By kind.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    search: t.string(SEARCH),
    createdAt: t.field({ type: DateTimeFilter, description: 'By the time of registration or creation.' }),
    sizeGiB: t.field({ type: NumberFilter, description: 'By the declared size, in GiB.' }),
    tags: t.field({ type: [TagFilter], description: TAG_FILTERS, validate: TAG_FILTER_LIMITS }),
  }),
})

const DiskOrderField = builder.enumType('DiskOrderField', {
  description: 'What disks are ordered by; equal ones by id.',
  values: {
    CREATED_AT: { description: 'When it was registered.' },
    NAME: { description: 'Its name, by code point.' },
    SIZE: { description: 'Its declared size.' },
  },
} as const)

export const DiskOrder = builder.inputType('DiskOrder', {
  description: 'How disks are ordered.',
  fields: (t) => ({
    field: t.field({ type: DiskOrderField, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
})

export const DISKS_BY_NAME = { field: 'NAME', direction: 'ASC' } as const

builder.queryFields((t) => ({
  disk: t.field({
    type: Disk,
    nullable: true,
    description: 'The disk with this id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Its id, `v-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.disk(idOf('Disk', id)),
  }),
  disks: t.connection(
    {
      type: Disk,
      description: 'The disks, by name unless ordered otherwise.',
      args: {
        filter: t.arg({ type: DiskFilter, description: 'Which ones; all when left out.' }),
        orderBy: t.arg({ type: DiskOrder, defaultValue: DISKS_BY_NAME, description: 'In which order.' }),
      },
      resolve: (_root, args, context, info) =>
        connect(
          context.reads.disks(args.filter),
          DISK_ORDERS,
          args.orderBy ?? DISKS_BY_NAME,
          args,
          context,
          info,
        ),
    },
    DiskConnection,
  ),
}))
