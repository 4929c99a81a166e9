import { cloneRefusals, cloneSizeGiB, rollBackRefusals } from '../../domain/disk-operation.ts'
import { isReading, isVerifying, subjectOf } from '../../domain/job.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../../domain/snapshot-operation.ts'
import { SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { builder } from '../builder.ts'
import { reading } from '../columns.ts'
import { connect, OrderDirection } from '../connection.ts'
import type { Context } from '../context.ts'
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
  description: 'A copy of the content of a disk at one moment.',
  id: { resolve: ({ id }) => id, description: 'Global id, `s-` and at least 8 letters and digits.' },
  loadManyWithoutCache: async (ids, { reads }) => ids.map((id) => reads.snapshot(id)),
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    description: t.exposeString('description', {
      description: 'What somebody noted about it; may be empty.',
    }),
    type: t.expose('type', { type: SnapshotType, description: 'Who asked for it.' }),
    status: t.expose('status', { type: SnapshotStatus, description: 'Where it is in its life.' }),
    progress: t.int({
      ...reading('status', 'dataBytes'),
      nullable: true,
      description:
        'Percent copied, 0 to 100, measured in bytes of data; null while nothing is known, and when it has FAILED.',
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
      description: 'What is in progress with it: a copy, a deletion, a verification; null when nothing is.',
      resolve: ({ id }, _args, context) => operationOn(id, context),
    }),
    sizeGiB: t.float({
      ...reading('sizeBytes'),
      description: 'The declared size of the disk when it was taken, in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
    }),
    createDiskSizeGiB: t.field({
      ...reading('sizeBytes'),
      type: IntRange,
      description:
        'The sizes that `createDisk` accepts for a disk with its content, in GiB. Without a size the disk is as large as ' +
        'the snapshot, which may be smaller.',
      resolve: cloneSizeGiB,
    }),
    sizeBytes: t.field({
      ...reading('sizeBytes'),
      type: 'SafeInt',
      description: 'The declared size of the disk when it was taken, in bytes.',
      resolve: ({ sizeBytes }) => Number(sizeBytes),
    }),
    dataBytes: t.field({
      ...reading('dataBytes'),
      type: 'SafeInt',
      nullable: true,
      description: 'Bytes of data in the copy, without holes and zero blocks; null until it is COMPLETED.',
      resolve: ({ dataBytes }) => (dataBytes === null ? null : Number(dataBytes)),
    }),
    checksum: t.exposeString('checksum', {
      nullable: true,
      description:
        'Digest of the copy, as `sha256-64k:` and 64 hexadecimal digits: a SHA-256 over the SHA-256 of each 64 KiB that is ' +
        'not all zero. Null until it is COMPLETED.',
    }),
    consistency: t.expose('consistency', {
      type: SnapshotConsistency,
      nullable: true,
      description: 'What the copy can promise; null when it has FAILED.',
    }),
  }),
})

builder.objectFields(Snapshot, (t) => ({
  createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
  dataAt: t.expose('dataAt', {
    type: 'DateTime',
    nullable: true,
    description:
      'The moment whose data it holds: what was written to the disk by then is in it, nothing later. Where the file system ' +
      'can clone files this is when the snapshot was accepted, elsewhere when its copy began. Null until it is COMPLETED.',
  }),
  completedAt: t.expose('completedAt', {
    type: 'DateTime',
    nullable: true,
    description: 'When it became COMPLETED or FAILED; null before.',
  }),
  failureReason: t.exposeString('failureReason', {
    nullable: true,
    description: 'Why it FAILED or is UNAVAILABLE, in a sentence; null otherwise.',
  }),
  verifiedAt: t.expose('verifiedAt', {
    type: 'DateTime',
    nullable: true,
    description:
      'When `verifySnapshot` last found the copy to be what was stored; null when it has not been asked to.',
  }),
  stalledSince: t.field({
    ...reading(),
    type: 'DateTime',
    nullable: true,
    description:
      'Since when faults that may pass keep it from going on; null while all is well. It goes on by itself.',
    resolve: ({ id }, _args, context) => operationOn(id, context)?.stalledSince,
  }),
  stallReason: t.string({
    ...reading(),
    nullable: true,
    description: 'What the last of these faults was, in a sentence; null while all is well.',
    resolve: ({ id }, _args, context) => operationOn(id, context)?.stallReason,
  }),
  retentionDays: t.exposeInt('retentionDays', {
    nullable: true,
    description: 'How many days it is kept; null means forever.',
  }),
  expiresAt: t.expose('expiresAt', {
    type: 'DateTime',
    nullable: true,
    description: 'Until when it is kept; after that it is deleted by itself. Null means forever.',
  }),
  tags: t.field({
    ...reading(),
    type: [Tag],
    description: 'Its tags, ordered by key.',
    resolve: ({ id }, _args, { reads }) => reads.tags(id),
  }),
  diskKind: t.expose('diskKind', { type: DiskKind, description: 'The kind of the disk it was taken of.' }),
  disk: t.field({
    ...reading('diskId'),
    type: Disk,
    nullable: true,
    description: 'The disk it was taken of; null once that has been released.',
    resolve: ({ diskId }, _args, { reads }) => (diskId === null ? null : reads.disk(diskId)),
  }),
}))

builder.objectFields(Snapshot, (t) => ({
  updateEligibility: t.field({
    type: Eligibility,
    description: 'Whether `updateSnapshot` would accept it.',
    resolve: updateSnapshotRefusals,
  }),
  deleteEligibility: t.field({
    type: Eligibility,
    description: 'Whether `deleteSnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      deleteSnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isReading)),
  }),
  verifyEligibility: t.field({
    type: Eligibility,
    description: 'Whether `verifySnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      verifySnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isVerifying)),
  }),
  rollBackEligibility: t.field({
    type: Eligibility,
    nullable: true,
    description: 'Whether `rollBackDisk` would set its disk back to it; null once that has been released.',
    resolve(snapshot, _args, { reads }) {
      const disk = snapshot.diskId === null ? null : reads.disk(snapshot.diskId)
      return disk && rollBackRefusals(disk, snapshot)
    },
  }),
  createDiskEligibility: t.field({
    type: Eligibility,
    description: 'Whether `createDisk` would make a disk of its own size from it.',
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
  description: 'Which snapshots; conditions that are given must all hold.',
  fields: (t) => ({
    id: t.field({ type: IDFilter, description: 'By id.' }),
    diskId: t.field({ type: IDFilter, description: 'By the disk they were taken of.' }),
    status: t.field({ type: SnapshotStatusFilter, description: 'By status.' }),
    type: t.field({ type: SnapshotTypeFilter, description: 'By type.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    search: t.string(SEARCH),
    createdAt: t.field({ type: DateTimeFilter, description: 'By the time of creation.' }),
    completedAt: t.field({ type: DateTimeFilter, description: 'By the time it became COMPLETED or FAILED.' }),
    expiresAt: t.field({ type: DateTimeFilter, description: 'By the time until which it is kept.' }),
    sizeGiB: t.field({ type: NumberFilter, description: 'By the declared size of the disk, in GiB.' }),
    tags: t.field({ type: [TagFilter], description: TAG_FILTERS, validate: TAG_FILTER_LIMITS }),
  }),
})

const SnapshotOrderField = builder.enumType('SnapshotOrderField', {
  description: 'What snapshots are ordered by; equal ones by id.',
  values: {
    CREATED_AT: { description: 'When it was accepted.' },
    NAME: { description: 'Its name, by code point.' },
    SIZE: { description: 'The declared size of its disk.' },
  },
} as const)

export const SnapshotOrder = builder.inputType('SnapshotOrder', {
  description: 'How snapshots are ordered.',
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
    description: 'The snapshot with this id; null when there is none.',
    args: { id: t.arg.id({ required: true, description: 'Its id, `s-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.snapshot(idOf('Snapshot', id)),
  }),
  snapshotHistory: t.field({
    type: [SnapshotTransition],
    description:
      'Every transition of one snapshot, oldest first: also of one that is DELETED, for as long as the log is kept ' +
      '(LOG_RETENTION_DAYS, LOG_RETENTION_EVENTS). Empty when nothing is known of it.',
    args: { id: t.arg.id({ required: true, description: 'Its id, `s-…`.' }) },
    resolve: (_root, { id }, { reads }) => reads.history(idOf('Snapshot', id)),
  }),
  snapshots: t.connection(
    {
      type: Snapshot,
      description: 'The snapshots of all disks, newest first unless ordered otherwise.',
      args: {
        filter: t.arg({ type: SnapshotFilter, description: 'Which ones; all when left out.' }),
        orderBy: t.arg({ type: SnapshotOrder, defaultValue: NEWEST_FIRST, description: 'In which order.' }),
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
