import { cloneRefusals, cloneSizeGiB, rollBackRefusals } from '../../domain/disk-operation.ts'
import { isReading, isVerifying, subjectOf } from '../../domain/job.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../../domain/snapshot-operation.ts'
import { SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { connect, OrderDirection } from '../connection.ts'
import type { Context } from '../context.ts'
import { READING_ALL, reading } from '../hints.ts'
import { idOf } from '../id-argument.ts'
import { DiskKind } from './disk-enums.ts'
import { Eligibility } from './eligibility.ts'
import { DateTimeFilter, IDFilter, NumberFilter, SEARCH, StringFilter } from './filters.ts'
import { IntRange } from './limits.ts'
import { Disk, Snapshot } from './nodes.ts'
import { Operation, percentOf } from './operation.ts'
import {
  SnapshotConsistency,
  SnapshotStatus,
  SnapshotStatusFilter,
  SnapshotType,
  SnapshotTypeFilter,
} from './snapshot-enums.ts'
import { Tag, TAG_FILTER_LIMITS, TAG_FILTERS, TagFilter } from './tag.ts'
import { SnapshotTransition } from './transition.ts'
import { GIB } from '../../domain/units.ts'

builder.node(Snapshot, {
  description: 'A point-in-time copy of a disk.',
  id: { resolve: ({ id }) => id, description: 'Global id: `s-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.snapshot(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    description: t.exposeString('description', {
      description: 'Its description; can be empty.',
    }),
    type: t.expose('type', { type: SnapshotType, description: 'How it was created.' }),
    status: t.expose('status', { type: SnapshotStatus, description: 'Its status.' }),
    progress: t.int({
      ...reading('status', 'dataBytes'),
      nullable: true,
      description: 'Percent copied, 0–100, measured in bytes of data; null if unknown or FAILED.',
      resolve({ id, status, dataBytes }, _args, context) {
        if (status !== 'CREATING') return dataBytes === null ? null : 100
        const job = operationOn(id, context)
        return job ? percentOf(job, context) : null
      },
    }),
    operation: t.field({
      ...reading(),
      type: Operation,
      nullable: true,
      description:
        'The operation in progress on it: a copy, a deletion or a verification; null if there is none.',
      resolve: ({ id }, _args, context) => operationOn(id, context),
    }),
    sizeGiB: t.float({
      ...reading('sizeBytes'),
      description: 'Declared size of the disk when the snapshot was created, in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
    }),
    createDiskSizeGiB: t.field({
      ...reading('sizeBytes'),
      type: IntRange,
      description:
        'Sizes that `createDisk` accepts for a disk with its content, in GiB. Without a size, the disk is as large ' +
        'as the snapshot, which can be smaller.',
      resolve: cloneSizeGiB,
    }),
    sizeBytes: t.field({
      ...reading('sizeBytes'),
      type: 'SafeInt',
      description: 'Declared size of the disk when the snapshot was created, in bytes.',
      resolve: ({ sizeBytes }) => Number(sizeBytes),
    }),
    dataBytes: t.field({
      ...reading('dataBytes'),
      type: 'SafeInt',
      nullable: true,
      description: 'Bytes of data in the copy, without holes and zero blocks; null until COMPLETED.',
      resolve: ({ dataBytes }) => (dataBytes === null ? null : Number(dataBytes)),
    }),
    checksum: t.exposeString('checksum', {
      nullable: true,
      description:
        'Checksum of the copy, as `sha256-64k:` and 64 hexadecimal digits: a SHA-256 over the size and, for each ' +
        '64 KiB chunk that is not all zeros, its index and SHA-256. Null until COMPLETED.',
    }),
    consistency: t.expose('consistency', {
      type: SnapshotConsistency,
      nullable: true,
      description: 'Consistency of the copy; null if FAILED.',
    }),
  }),
})

builder.objectFields(Snapshot, (t) => ({
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
  dataAt: t.expose('dataAt', {
    type: 'DateTime',
    nullable: true,
    description:
      'The point in time of its data: it holds everything written to the disk before, and nothing written later. ' +
      'This is when the snapshot was accepted if the file system can clone files, and when its copy began ' +
      'otherwise. Null until COMPLETED.',
  }),
  completedAt: t.expose('completedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When it became COMPLETED or FAILED; null before.',
  }),
  failureReason: t.exposeString('failureReason', {
    nullable: true,
    description: 'Why it is FAILED or UNAVAILABLE, as a sentence; null otherwise.',
  }),
  verifiedAt: t.expose('verifiedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When `verifySnapshot` last found the copy intact; null if never.',
  }),
  stalledSince: t.field({
    ...reading(),
    type: 'DateTime',
    nullable: true,
    description:
      'When transient faults began to delay its operation; null if they do not. It is retried automatically.',
    resolve: ({ id }, _args, context) => operationOn(id, context)?.stalledSince,
  }),
  stallReason: t.string({
    ...reading(),
    nullable: true,
    description: 'The latest of these faults, as a sentence; null if there is none.',
    resolve: ({ id }, _args, context) => operationOn(id, context)?.stallReason,
  }),
  retentionDays: t.exposeInt('retentionDays', {
    nullable: true,
    description: 'Retention in days; null means no expiry.',
  }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When it expires and is deleted automatically; null means no expiry.',
  }),
  tags: t.field({
    ...reading(),
    type: [Tag],
    description: 'Its tags, ordered by key.',
    resolve: ({ id }, _args, { reads }) => reads.tags(id),
  }),
  diskKind: t.expose('diskKind', { type: DiskKind, description: 'The kind of its disk.' }),
  disk: t.field({
    ...reading('diskId'),
    type: Disk,
    nullable: true,
    description: 'Its disk; null after the disk was released.',
    resolve: ({ diskId }, _args, { reads }) => (diskId === null ? null : reads.disk(diskId)),
  }),
}))

builder.objectFields(Snapshot, (t) => ({
  updateEligibility: t.field({
    ...READING_ALL,
    type: Eligibility,
    description: 'Whether `updateSnapshot` would accept it.',
    resolve: updateSnapshotRefusals,
  }),
  deleteEligibility: t.field({
    ...READING_ALL,
    type: Eligibility,
    description: 'Whether `deleteSnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      deleteSnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isReading)),
  }),
  verifyEligibility: t.field({
    ...READING_ALL,
    type: Eligibility,
    description: 'Whether `verifySnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      verifySnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isVerifying)),
  }),
  rollBackEligibility: t.field({
    ...READING_ALL,
    type: Eligibility,
    nullable: true,
    description: 'Whether `rollBackDisk` would accept it; null after its disk was released.',
    resolve(snapshot, _args, { reads }) {
      const disk = snapshot.diskId === null ? null : reads.disk(snapshot.diskId)
      return disk && rollBackRefusals(disk, snapshot)
    },
  }),
  createDiskEligibility: t.field({
    ...READING_ALL,
    type: Eligibility,
    description: "Whether `createDisk` would accept it with the snapshot's size.",
    resolve: (snapshot, _args, { reads }) => cloneRefusals(snapshot, reads.disksFromSnapshots()),
  }),
  transitions: t.field({
    ...reading(),
    type: [SnapshotTransition],
    description: 'Its whole history, oldest first.',
    resolve: ({ id }, _args, { reads }) => reads.history(id),
  }),
}))

/** What is in progress with the snapshot itself. */
function operationOn(id: string, { reads }: Context) {
  return reads.snapshotJobs(id).find((job) => subjectOf(job) === id)
}

export const SnapshotConnection = builder.connectionObject(
  { type: Snapshot, name: 'SnapshotConnection', description: 'A page of snapshots.' },
  { name: 'SnapshotEdge', description: 'A snapshot in a list.' },
)

export const SnapshotFilter = builder.inputType('SnapshotFilter', {
  description: 'Filter for snapshots. All given conditions must hold.',
  fields: (t) => ({
    id: t.field({ type: IDFilter, description: 'By id.' }),
    diskId: t.field({ type: IDFilter, description: 'By disk.' }),
    status: t.field({ type: SnapshotStatusFilter, description: 'By status.' }),
    type: t.field({ type: SnapshotTypeFilter, description: 'By type.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    search: t.string(SEARCH),
    createdAt: t.field({ type: DateTimeFilter, description: 'By time of creation.' }),
    completedAt: t.field({
      type: DateTimeFilter,
      description: 'By the time at which it became COMPLETED or FAILED.',
    }),
    expiresAt: t.field({ type: DateTimeFilter, description: 'By time of expiry.' }),
    sizeGiB: t.field({ type: NumberFilter, description: 'By declared size of the disk, in GiB.' }),
    tags: t.field({ type: [TagFilter], description: TAG_FILTERS, validate: TAG_FILTER_LIMITS }),
  }),
})

const SnapshotOrderField = builder.enumType('SnapshotOrderField', {
  description: 'Sort key of snapshots. Ties are sorted by id.',
  values: {
    CREATED_AT: { description: 'When it was accepted.' },
    NAME: { description: 'Name, by code point.' },
    SIZE: { description: 'Declared size of its disk.' },
  },
} as const)

export const SnapshotOrder = builder.inputType('SnapshotOrder', {
  description: 'Sort order of snapshots.',
  fields: (t) => ({
    field: t.field({ type: SnapshotOrderField, required: true, description: 'By what.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
})

export const NEWEST_FIRST = { field: 'CREATED_AT', direction: 'DESC' } as const

builder.queryFields((t) => ({
  snapshot: t.field({
    type: Snapshot,
    nullable: true,
    description: 'The snapshot with this id; null if there is none.',
    args: { id: t.arg.id({ required: true, description: 'The id, `s-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.snapshot(idOf('Snapshot', id)),
  }),
  snapshotHistory: t.field({
    type: [SnapshotTransition],
    description:
      'All transitions of a snapshot, oldest first, including a DELETED one until the log is pruned ' +
      '(LOG_RETENTION_DAYS, LOG_RETENTION_EVENTS). Empty if the snapshot is unknown.',
    args: { id: t.arg.id({ required: true, description: 'The id, `s-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.history(idOf('Snapshot', id)),
  }),
  snapshots: t.connection(
    {
      type: Snapshot,
      description: 'The snapshots of the account. Default order: newest first.',
      args: {
        filter: t.arg({ type: SnapshotFilter, description: 'Filter. Default: all.' }),
        orderBy: t.arg({ type: SnapshotOrder, defaultValue: NEWEST_FIRST, description: 'Sort order.' }),
      },
      resolve: (_root, args, context, info) =>
        connect(
          context.reads.snapshots(args.filter),
          SNAPSHOT_ORDERS,
          args.orderBy ?? NEWEST_FIRST,
          args,
          context,
          info,
        ),
    },
    SnapshotConnection,
  ),
}))
