import { z } from 'zod'
import { cloneRefusals, cloneSizeGiB, rollBackRefusals } from '../../domain/disk-operation.ts'
import { cancelRefusals } from '../../domain/cancel-operation.ts'
import { isReading, isVerifying, operationOn } from '../../domain/job.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../../domain/snapshot-operation.ts'
import { SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { reasonsIn } from '../../domain/reasons.ts'
import { builder } from '../builder.ts'
import { connect, OrderDirection, PAGE_MAX } from '../connection.ts'
import type { Context } from '../context.ts'
import { costing, POINT, READ, rowHints, type RowHints } from '../hints.ts'
import { idOf } from '../id-argument.ts'
import type { Provider as Recorded } from '../../domain/connection.ts'
import { Provider, ProviderFilter } from './connection-enums.ts'
import { DiskKind } from './disk-enums.ts'
import { Eligibility } from './eligibility.ts'
import { DateTimeFilter, IDFilter, NumberFilter, SEARCH, StringFilter } from './filters.ts'
import { IntRange } from './limits.ts'
import { Connection, Disk, Snapshot } from './nodes.ts'
import { Operation, percentOf } from './operation.ts'
import {
  SnapshotConsistency,
  SnapshotStatus,
  SnapshotStatusFilter,
  SnapshotType,
  SnapshotTypeFilter,
} from './snapshot-enums.ts'
import { Reason, SENTENCES } from './reason.ts'
import { Tag, TAG_FILTER_LIMITS, TAG_FILTERS, TagFilter } from './tag.ts'
import { SnapshotTransition } from './transition.ts'
import { SnapshotOrigin, SnapshotOriginFilter, UpstreamSnapshot } from './upstream.ts'
import { GIB } from '../../domain/units.ts'

/** How many transitions a snapshot tells when nobody says; few have more than ten. */
const TRANSITIONS_DEFAULT = 10

/** How many of the latest transitions are told. A snapshot may have any number: each cancelled verification adds some. */
const latest = (defaultValue: number) => ({
  defaultValue,
  description: `At most this many, 1–${PAGE_MAX}.`,
  validate: z.int().min(1, LATEST).max(PAGE_MAX, LATEST).nullish(),
})
const LATEST = `last must be from 1 to ${PAGE_MAX}.`

const hints = (own: RowHints<'Snapshot'>) => rowHints(own)

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
      ...hints({ reads: ['status', 'dataBytes'], costs: READ }),
      nullable: true,
      description:
        'Percent copied, 0–100, measured in bytes of data, or as the cloud says; null if unknown or FAILED.',
      resolve({ id, status, dataBytes }, _args, context) {
        if (status === 'COMPLETED') return 100
        if (status !== 'CREATING') return dataBytes === null ? null : 100
        const job = inProgress(id, context)
        return job ? percentOf(job, context) : null
      },
    }),
    operation: t.field({
      ...hints({ reads: [], costs: 0 }),
      type: Operation,
      nullable: true,
      description:
        'The operation in progress on it: a copy, a deletion or a verification; null if there is none.',
      resolve: ({ id }, _args, context) => inProgress(id, context),
    }),
    sizeGiB: t.float({
      ...hints({ reads: ['sizeBytes'], costs: 0 }),
      description: 'Declared size of the disk when the snapshot was created, in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
    }),
    createDiskSizeGiB: t.field({
      ...hints({ reads: ['sizeBytes'], costs: 0 }),
      type: IntRange,
      description:
        'Sizes that `createDisk` accepts for a disk with its content, in GiB. Without a size, the disk is as large ' +
        'as the snapshot, which can be smaller.',
      resolve: cloneSizeGiB,
    }),
    sizeBytes: t.field({
      ...hints({ reads: ['sizeBytes'], costs: 0 }),
      type: 'SafeInt',
      description: 'Declared size of the disk when the snapshot was created, in bytes.',
      resolve: ({ sizeBytes }) => Number(sizeBytes),
    }),
    dataBytes: t.field({
      ...hints({ reads: ['dataBytes'], costs: 0 }),
      type: 'SafeInt',
      nullable: true,
      description:
        'Bytes of data in the copy, without holes and zero blocks; null until COMPLETED, and in a cloud.',
      resolve: ({ dataBytes }) => (dataBytes === null ? null : Number(dataBytes)),
    }),
    checksum: t.exposeString('checksum', {
      nullable: true,
      description:
        'Checksum of the copy, as `sha256-64k:` and 64 hexadecimal digits: a SHA-256 over the size and, for each ' +
        '64 KiB chunk that is not all zeros, its index and SHA-256. Null until COMPLETED, and in a cloud.',
    }),
    consistency: t.expose('consistency', {
      type: SnapshotConsistency,
      nullable: true,
      description: 'Consistency of the copy; null if FAILED.',
    }),
  }),
})

builder.objectField(Snapshot, 'failureReasons', (t) =>
  t.field({
    ...hints({ reads: ['failureReason'], costs: 0, entries: SENTENCES }),
    type: [Reason],
    description: '`failureReason` for programs, sentence by sentence; empty if it is null.',
    resolve: ({ failureReason }) => reasonsIn(failureReason),
  }),
)

builder.objectField(Snapshot, 'deletionProtection', (t) =>
  t.exposeBoolean('deletionProtection', {
    description:
      'Whether nothing may delete it: no mutation, retention, policy or release of its disk. `updateSnapshot` changes it.',
  }),
)

builder.objectFields(Snapshot, (t) => ({
  createdAt: t.expose('createdAt', {
    type: 'DateTime',
    description:
      'When it was accepted; for one that was not created by this gateway, when its cloud says it was created, or it was first seen.',
  }),
  dataAt: t.expose('dataAt', {
    type: 'DateTime',
    nullable: true,
    description:
      'The point in time of its data: it holds everything written to the disk before, and nothing written later. ' +
      'This is when the snapshot was accepted if the file system can clone files, and when its copy began ' +
      'otherwise. Null until COMPLETED, and in a cloud.',
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
    ...hints({ reads: [], costs: READ }),
    type: 'DateTime',
    nullable: true,
    description:
      'When transient faults began to delay its operation; null if they do not. It is retried automatically.',
    resolve: ({ id }, _args, context) => inProgress(id, context)?.stalledSince,
  }),
  stallReason: t.string({
    ...hints({ reads: [], costs: READ + POINT }),
    nullable: true,
    description: 'The latest of these faults, as a sentence; null if there is none.',
    resolve: ({ id }, _args, context) => inProgress(id, context)?.stallReason,
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
  provider: t.field({
    ...hints({ reads: ['provider'], costs: 0 }),
    type: Provider,
    description: 'Where it is.',
    resolve: ({ provider }) => provider as Recorded,
  }),
  origin: t.expose('origin', { type: SnapshotOrigin, description: 'Who had it created.' }),
  connection: t.field({
    ...hints({ reads: ['connectionId'], costs: 0 }),
    type: Connection,
    nullable: true,
    description: 'The connection to the cloud that has it; null for a LOCAL snapshot.',
    resolve: ({ connectionId }, _args, { reads }) =>
      connectionId === null ? null : reads.connection(connectionId),
  }),
  upstream: t.field({
    ...hints({
      reads: [
        'connectionId',
        'externalId',
        'upstreamDiskId',
        'rawStatus',
        'upstreamCreatedAt',
        'upstreamExpiresAt',
        'seenAt',
      ],
      costs: 0,
    }),
    type: UpstreamSnapshot,
    nullable: true,
    description: 'What the cloud says of it; null for a LOCAL snapshot.',
    resolve: (snapshot) => (snapshot.connectionId === null ? null : snapshot),
  }),
  tags: t.field({
    ...hints({ reads: [], costs: 0, entries: 10 }),
    type: [Tag],
    description: 'Its tags, ordered by key.',
    resolve: ({ id }, _args, { reads }) => reads.tags(id),
  }),
  diskKind: t.expose('diskKind', { type: DiskKind, description: 'The kind of its disk.' }),
  disk: t.field({
    ...hints({ reads: ['diskId'], costs: 0 }),
    type: Disk,
    nullable: true,
    description: 'Its disk; null after the disk was released.',
    resolve: ({ diskId }, _args, { reads }) => (diskId === null ? null : reads.disk(diskId)),
  }),
}))

builder.objectFields(Snapshot, (t) => ({
  updateEligibility: t.field({
    ...hints({ reads: 'ALL', costs: 0 }),
    type: Eligibility,
    description: 'Whether `updateSnapshot` would accept it.',
    resolve: updateSnapshotRefusals,
  }),
  deleteEligibility: t.field({
    ...hints({ reads: 'ALL', costs: READ }),
    type: Eligibility,
    description: 'Whether `deleteSnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      deleteSnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isReading)),
  }),
  verifyEligibility: t.field({
    ...hints({ reads: 'ALL', costs: READ }),
    type: Eligibility,
    description: 'Whether `verifySnapshot` would accept it.',
    resolve: (snapshot, _args, { reads }) =>
      verifySnapshotRefusals(snapshot, reads.snapshotJobs(snapshot.id).some(isVerifying)),
  }),
  rollBackEligibility: t.field({
    ...hints({ reads: 'ALL', costs: READ }),
    type: Eligibility,
    nullable: true,
    description: 'Whether `rollBackDisk` would accept it; null after its disk was released.',
    resolve(snapshot, _args, { reads }) {
      const disk = snapshot.diskId === null ? null : reads.disk(snapshot.diskId)
      return disk && rollBackRefusals(disk, snapshot)
    },
  }),
  createDiskEligibility: t.field({
    ...hints({ reads: 'ALL', costs: READ }),
    type: Eligibility,
    description: "Whether `createDisk` would accept it with the snapshot's size.",
    resolve: (snapshot, _args, { reads }) => cloneRefusals(snapshot, reads.disksFromSnapshots()),
  }),
  cancelEligibility: t.field({
    ...hints({ reads: ['evicted'], costs: READ }),
    type: Eligibility,
    description: 'Whether `cancelOperation` would accept it.',
    resolve: ({ id, evicted }, _args, context) => cancelRefusals(id, inProgress(id, context), evicted),
  }),
  transitions: t.field({
    ...hints({ reads: [], costs: 0, entries: TRANSITIONS_DEFAULT }),
    type: [SnapshotTransition],
    description: 'Its latest transitions, oldest first.',
    args: { last: t.arg.int(latest(TRANSITIONS_DEFAULT)) },
    resolve: ({ id }, { last }, { reads }) => reads.history(id, last ?? TRANSITIONS_DEFAULT),
  }),
}))

/** What is in progress with the snapshot itself. */
function inProgress(id: string, { reads }: Context) {
  return operationOn(id, reads.snapshotJobs(id))
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
    provider: t.field({ type: ProviderFilter, description: 'By where it is.' }),
    connectionId: t.field({ type: IDFilter, description: 'By the connection to its cloud.' }),
    origin: t.field({ type: SnapshotOriginFilter, description: 'By who had it created.' }),
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
    ...costing(0, PAGE_MAX),
    type: [SnapshotTransition],
    description:
      'The latest transitions of a snapshot, oldest first, including a DELETED one until the log is pruned ' +
      '(LOG_RETENTION_DAYS, LOG_RETENTION_EVENTS). Empty if the snapshot is unknown.',
    args: {
      id: t.arg.id({ required: true, description: 'The id, `s-…`.' }),
      last: t.arg.int(latest(PAGE_MAX)),
    },
    resolve: (_root, { id, last }, { reads }) => reads.history(idOf('Snapshot', id), last ?? PAGE_MAX),
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
