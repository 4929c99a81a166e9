import { cancelRefusals } from '../../domain/cancel-operation.ts'
import {
  attachRefusals,
  detachRefusals,
  releaseRefusals,
  resizeRefusals,
  rollBackRefusals,
  updateDiskRefusals,
} from '../../domain/disk-operation.ts'
import { operationOn } from '../../domain/job.ts'
import { linkRefusals } from '../../domain/policy.ts'
import { PolicyNotFound } from '../../domain/refusals.ts'
import { quotaUsage, type QuotaUsage, type SnapshotQuota } from '../../domain/quota.ts'
import type { Provider as Recorded } from '../../domain/connection.ts'
import { connectionRefusals, snapshotRefusals } from '../../domain/create-snapshot.ts'
import type { Disk as DiskRow } from '../../generated/prisma/client.ts'
import type { HeldSnapshots, Reads } from '../../reads/reads.ts'
import { DISK_EVENT_ORDERS } from '../../reads/history.ts'
import { DISK_ORDERS, SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { reasonsIn } from '../../domain/reasons.ts'
import { builder } from '../builder.ts'
import { connect, OrderDirection } from '../connection.ts'
import { READ, rowHints, type RowHints } from '../hints.ts'
import { idOf } from '../id-argument.ts'
import { DiskKind, DiskKindFilter, DiskStatus, DiskStatusFilter } from './disk-enums.ts'
import { Provider, ProviderFilter } from './connection-enums.ts'
import { Eligibility } from './eligibility.ts'
import { DateTimeFilter, IDFilter, NumberFilter, SEARCH, StringFilter } from './filters.ts'
import { Reason, SENTENCES } from './reason.ts'
import { Operation } from './operation.ts'
import { AutoSnapshotPolicy, Connection, Disk, Snapshot } from './nodes.ts'
import { NEWEST_FIRST, SnapshotConnection, SnapshotFilter, SnapshotOrder } from './snapshot.ts'
import { Tag, TAG_FILTER_LIMITS, TAG_FILTERS, TagFilter } from './tag.ts'
import { StatusTransition } from './transition.ts'
import { UpstreamDisk } from './upstream.ts'
import { GIB } from '../../domain/units.ts'

const hints = (own: RowHints<'Disk'>) => rowHints(own)

builder.node(Disk, {
  description: 'A cloud disk.',
  id: { resolve: ({ id }) => id, description: 'Global id: `v-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.disk(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    description: t.exposeString('description', {
      description: 'Its description; can be empty.',
    }),
    kind: t.expose('kind', { type: DiskKind, description: 'Its kind.' }),
    status: t.expose('status', {
      type: DiskStatus,
      description:
        'Its status. On this machine it is checked every INVENTORY_INTERVAL_MS (2 s by default); in a cloud every 15 s while ' +
        'something is in progress, and every CLOUD_INVENTORY_INTERVAL_MS (5 min by default) otherwise.',
    }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why the status is ERROR, as a sentence; null otherwise.',
    }),
    statusReasons: t.field({
      ...hints({ reads: ['statusReason'], costs: 0, entries: SENTENCES }),
      type: [Reason],
      description: '`statusReason` for programs, sentence by sentence; empty if it is null.',
      resolve: ({ statusReason }) => reasonsIn(statusReason),
    }),
    sizeGiB: t.float({
      ...hints({ reads: ['sizeBytes'], costs: 0 }),
      description: 'Its declared size, in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
    }),
    sizeBytes: t.field({
      ...hints({ reads: ['sizeBytes'], costs: 0 }),
      type: 'SafeInt',
      description: 'Its declared size, in bytes.',
      resolve: ({ sizeBytes }) => Number(sizeBytes),
    }),
    storageType: t.exposeString('storageType', {
      description: 'Its storage type, such as `local`.',
    }),
    zone: t.exposeString('zone', { description: 'Its availability zone.' }),
    attachment: t.field({
      ...hints({ reads: ['instanceId', 'device'], costs: 0 }),
      type: Attachment,
      nullable: true,
      description: 'The instance it is attached to; null if it is not attached.',
      resolve: ({ instanceId, device }) => (instanceId === null ? null : { instanceId, device }),
    }),
    provider: t.field({
      ...hints({ reads: ['provider'], costs: 0 }),
      type: Provider,
      description: 'Where it is.',
      resolve: ({ provider }) => provider as Recorded,
    }),
    connection: t.field({
      ...hints({ reads: ['connectionId'], costs: 0 }),
      type: Connection,
      nullable: true,
      description: 'The connection to the cloud that has it; null for a LOCAL disk.',
      resolve: ({ connectionId }, _args, { reads }) =>
        connectionId === null ? null : reads.connection(connectionId),
    }),
    upstream: t.field({
      ...hints({ reads: ['externalId', 'rawStatus', 'upstreamCreatedAt'], costs: 0 }),
      type: UpstreamDisk,
      nullable: true,
      description: 'What the cloud says of it; null for a LOCAL disk.',
      resolve: ({ externalId, ...disk }) => (externalId === null ? null : { ...disk, externalId }),
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When it was registered, first seen in its cloud, or its creation accepted.',
    }),
    snapshotQuota: t.field({
      ...hints({ reads: [], costs: 0 }),
      type: DiskSnapshotQuota,
      description: 'Used and available snapshot quotas.',
      resolve: ({ id }, _args, { reads, gateway }) => ({
        held: reads.held(id),
        quota: gateway.quota,
      }),
    }),
    snapshotEligibility: t.field({
      ...hints({ reads: ['kind', 'status', 'connectionId'], costs: READ }),
      type: Eligibility,
      description:
        'Whether `createSnapshot` would accept this disk in its current status, with all refusals otherwise. Same ' +
        'rule as the mutation.',
      resolve: (disk, _args, { reads, gateway }) => [
        ...connectionRefusals(connectionOf(disk, reads)),
        ...snapshotRefusals(disk, 'MANUAL', reads.held(disk.id).MANUAL, gateway.quota),
      ],
    }),
    autoSnapshotPolicy: t.field({
      ...hints({ reads: ['policyId'], costs: 0 }),
      type: AutoSnapshotPolicy,
      nullable: true,
      description: 'The automatic snapshot policy it is linked to; null if there is none.',
      resolve: (disk, _args, { reads }) => reads.policyOf(disk),
    }),
  }),
})

builder.objectFields(Disk, (t) => ({
  autoSnapshotPolicyEligibility: t.field({
    ...hints({ reads: 'ALL', costs: READ }),
    type: Eligibility,
    description:
      'Whether `linkAutoSnapshotPolicy` would link this disk, in its current status, to the given policy ' +
      '(omitted: to one that it is not linked to yet), with all refusals otherwise. Same rule as the mutation.',
    args: { policyId: t.arg.id({ description: 'The policy, `asp-…`. Omitted: any policy.' }) },
    resolve: (disk, { policyId }, { reads }) => {
      const linked = { status: disk.status, policyId: reads.policyOf(disk)?.id ?? null }
      if (policyId === null || policyId === undefined) return linkRefusals(linked)
      const policy = reads.policy(idOf('AutoSnapshotPolicy', policyId))
      return policy ? linkRefusals(linked, policy.id) : [new PolicyNotFound(policyId)]
    },
  }),
  updateEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `updateDisk` would accept it.',
    resolve: updateDiskRefusals,
  }),
  attachEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `attachDisk` would accept it.',
    resolve: attachRefusals,
  }),
  detachEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `detachDisk` would accept it.',
    resolve: detachRefusals,
  }),
  resizeEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `resizeDisk` would accept it with some larger size.',
    resolve: (disk) => resizeRefusals(disk),
  }),
  rollBackEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description:
      'Whether `rollBackDisk` would accept it with one of its COMPLETED snapshots. For a given snapshot, see ' +
      '`Snapshot.rollBackEligibility`.',
    resolve: (disk) => rollBackRefusals(disk),
  }),
  releaseEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `releaseDisk` would accept it.',
    resolve: releaseRefusals,
  }),
  cancelEligibility: t.field({
    ...hints({ reads: [], costs: READ }),
    type: Eligibility,
    description: 'Whether `cancelOperation` would accept it.',
    resolve: ({ id }, _args, { reads }) => cancelRefusals(id, operationOn(id, reads.diskJobs(id)), false),
  }),
  operation: t.field({
    ...hints({ reads: [], costs: 0 }),
    type: Operation,
    nullable: true,
    description: 'The operation in progress on it, other than a snapshot; null if there is none.',
    resolve: ({ id }, _args, { reads }) => operationOn(id, reads.diskJobs(id)),
  }),
  tags: t.field({
    ...hints({ reads: [], costs: 0, entries: 10 }),
    type: [Tag],
    description: 'Its tags, ordered by key.',
    resolve: ({ id }, _args, { reads }) => reads.diskTags(id),
  }),
}))

builder.objectFields(Disk, (t) => ({
  snapshots: t.connection(
    {
      ...hints({ reads: [], costs: 0 }),
      type: Snapshot,
      description: 'Its snapshots. Default order: newest first.',
      args: {
        filter: t.arg({ type: SnapshotFilter, description: 'Filter. Default: all.' }),
        orderBy: t.arg({ type: SnapshotOrder, defaultValue: NEWEST_FIRST, description: 'Sort order.' }),
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
      ...hints({ reads: [], costs: 0 }),
      type: StatusTransition,
      description:
        'Its transitions and those of its snapshots, newest first. The log keeps at least the last ' +
        "LOG_RETENTION_DAYS (7 by default), all transitions of existing snapshots, and the disk's last one.",
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

/** The connection of a disk in a cloud. */
const connectionOf = ({ connectionId }: Pick<DiskRow, 'connectionId'>, reads: Reads) =>
  connectionId === null ? undefined : (reads.connection(connectionId) ?? undefined)

const LATEST_FIRST = { field: 'AT', direction: 'DESC' } as const

export const DiskConnection = builder.connectionObject(
  { type: Disk, name: 'DiskConnection', description: 'A page of disks.' },
  { name: 'DiskEdge', description: 'A disk in a list.' },
)

const Attachment = builder.simpleObject('DiskAttachment', {
  description: 'The instance that a disk is attached to, and the device name.',
  fields: (t) => ({
    instanceId: t.id({ description: 'The id of the instance.' }),
    device: t.string({
      nullable: true,
      description: 'The device name, such as `/dev/vdb`; null if unknown.',
    }),
  }),
})

const Quota = builder.objectRef<QuotaUsage>('SnapshotQuota').implement({
  description: 'Usage of a snapshot quota. FAILED snapshots do not count.',
  fields: (t) => ({
    used: t.exposeInt('used', { description: 'Number of snapshots that count.' }),
    limit: t.exposeInt('limit', { description: 'Maximum number of snapshots.' }),
    remaining: t.exposeInt('remaining', {
      description: 'Number of snapshots that can still be created; never negative.',
    }),
  }),
})

const DiskSnapshotQuota = builder
  .objectRef<{ held: HeldSnapshots; quota: SnapshotQuota }>('DiskSnapshotQuota')
  .implement({
    description: 'The snapshot quotas of a disk, which are independent of each other.',
    fields: (t) => ({
      manual: t.field({
        type: Quota,
        description: 'Manual snapshots. Limit: SNAPSHOT_QUOTA_MANUAL (256 by default).',
        resolve: ({ held, quota }) => quotaUsage(held.MANUAL, quota.MANUAL),
      }),
      automatic: t.field({
        type: Quota,
        description: 'Automatic snapshots. Limit: SNAPSHOT_QUOTA_AUTOMATIC (256 by default).',
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
  description: 'Filter for disks. All given conditions must hold.',
  fields: (t) => ({
    id: t.field({ type: IDFilter, description: 'By id.' }),
    status: t.field({ type: DiskStatusFilter, description: 'By status.' }),
    kind: t.field({ type: DiskKindFilter, description: 'By kind.' }),
    provider: t.field({ type: ProviderFilter, description: 'By where it is.' }),
    connectionId: t.field({ type: IDFilter, description: 'By the connection to its cloud.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    search: t.string(SEARCH),
    createdAt: t.field({ type: DateTimeFilter, description: 'By time of registration or creation.' }),
    sizeGiB: t.field({ type: NumberFilter, description: 'By declared size, in GiB.' }),
    tags: t.field({ type: [TagFilter], description: TAG_FILTERS, validate: TAG_FILTER_LIMITS }),
  }),
})

const DiskOrderField = builder.enumType('DiskOrderField', {
  description: 'Sort key of disks. Ties are sorted by id.',
  values: {
    CREATED_AT: { description: 'Time of registration or creation.' },
    NAME: { description: 'Name, by code point.' },
    SIZE: { description: 'Declared size.' },
  },
} as const)

export const DiskOrder = builder.inputType('DiskOrder', {
  description: 'Sort order of disks.',
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
    description: 'The disk with this id; null if there is none.',
    args: { id: t.arg.id({ required: true, description: 'The id, `v-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.disk(idOf('Disk', id)),
  }),
  disks: t.connection(
    {
      type: Disk,
      description: 'The disks of the account. Default order: by name.',
      args: {
        filter: t.arg({ type: DiskFilter, description: 'Filter. Default: all.' }),
        orderBy: t.arg({ type: DiskOrder, defaultValue: DISKS_BY_NAME, description: 'Sort order.' }),
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
