import type { Snapshot as SnapshotRow } from '../../generated/prisma/client.ts'
import { z } from 'zod'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import {
  ClientTokenReused,
  DiskNotFound,
  DiskStatusForbidsSnapshot,
  InvalidName,
  SnapshotQuotaExceeded,
} from '../../domain/refusals.ts'
import { snapshotWarnings, type SnapshotWarning } from '../../domain/snapshot.ts'
import {
  CLIENT_TOKEN_MAX_LENGTH,
  DESCRIPTION_MAX_LENGTH,
  RETENTION_DAYS_MAX,
  TAG_MAX_LENGTH,
  TAGS_MAX,
} from '../../domain/snapshot-input.ts'
import { SNAPSHOT_ORDERS } from '../../reads/reads.ts'
import { percent } from '../../transitions/progress.ts'
import { builder } from '../builder.ts'
import { reading } from '../columns.ts'
import { connect, OrderDirection } from '../connection.ts'
import { idOf } from '../id-argument.ts'
import { text } from '../text.ts'
import { Disk } from './disk.ts'
import { DiskKind } from './disk-enums.ts'
import { COMPARISON_LIMITS, DateTimeFilter, IDFilter, StringFilter } from './filters.ts'
import { SnapshotConsistency, SnapshotStatus, SnapshotType } from './snapshot-enums.ts'
import { SnapshotTransition } from './transition.ts'

const GIB = 1024 ** 3

export const Snapshot = builder.objectRef<SnapshotRow>('Snapshot')

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
      ...reading('status', 'progress'),
      nullable: true,
      description:
        'Percent copied, 0 to 100, measured in bytes of data; null while nothing is known, and when it has FAILED.',
      resolve: ({ id, status, progress }, _args, { gateway, fleeting }) => {
        if (status !== 'CREATING') return progress
        fleeting?.()
        const live = gateway.progress.get(id)
        return live ? percent(live) : progress
      },
    }),
    sizeGiB: t.float({
      ...reading('sizeBytes'),
      description: 'The declared size of the disk when it was taken, in GiB (2^30 bytes).',
      resolve: ({ sizeBytes }) => Number(sizeBytes) / GIB,
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
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was accepted.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it became COMPLETED or FAILED; null before.',
    }),
    failureReason: t.exposeString('failureReason', {
      nullable: true,
      description: 'Why it FAILED and what would be right, in a sentence; null otherwise.',
    }),
    stalledSince: t.expose('stalledSince', {
      type: 'DateTime',
      nullable: true,
      description:
        'Since when faults that may pass keep it from going on; null while all is well. It goes on by itself.',
    }),
    stallReason: t.exposeString('stallReason', {
      nullable: true,
      description: 'What the last of these faults was, in a sentence; null while all is well.',
    }),
    retentionDays: t.exposeInt('retentionDays', {
      nullable: true,
      description: 'How many days it is kept; null for ever.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Until when it is kept; null for ever.',
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
    transitions: t.field({
      ...reading(),
      type: [SnapshotTransition],
      description: 'Its whole history, oldest first.',
      resolve: ({ id }, _args, { reads }) => reads.history(id),
    }),
  }),
})

export const SnapshotConnection = builder.connectionObject(
  { type: Snapshot, name: 'SnapshotConnection', description: 'A page of snapshots.' },
  { name: 'SnapshotEdge', description: 'A snapshot in a list.' },
)

const Tag = builder.simpleObject('Tag', {
  description: 'A label.',
  fields: (t) => ({
    key: t.string({ description: 'Its key, unique among the tags of one thing.' }),
    value: t.string({ description: 'Its value; may be empty.' }),
  }),
})

export const SnapshotFilter = builder.inputType('SnapshotFilter', {
  description: 'Which snapshots; conditions that are given must all hold.',
  fields: (t) => ({
    id: t.field({ type: IDFilter, description: 'By id.' }),
    diskId: t.field({ type: IDFilter, description: 'By the disk they were taken of.' }),
    status: t.field({ type: SnapshotStatusFilter, description: 'By status.' }),
    type: t.field({ type: SnapshotTypeFilter, description: 'By type.' }),
    name: t.field({ type: StringFilter, description: 'By name.' }),
    createdAt: t.field({ type: DateTimeFilter, description: 'By the time of creation.' }),
  }),
})

export const SnapshotStatusFilter = builder.inputType('SnapshotStatusFilter', {
  description: 'Compares the status of a snapshot; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotStatus, description: 'Is this status.' }),
    in: t.field({ type: [SnapshotStatus], description: 'Is one of these statuses.' }),
  }),
})

const SnapshotTypeFilter = builder.inputType('SnapshotTypeFilter', {
  description: 'Compares the type of a snapshot; comparisons that are given must all hold.',
  validate: COMPARISON_LIMITS,
  fields: (t) => ({
    eq: t.field({ type: SnapshotType, description: 'Is this type.' }),
    in: t.field({ type: [SnapshotType], description: 'Is one of these types.' }),
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

const TagInput = builder.inputType('TagInput', {
  description: 'A label.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description: `Its key, 1–${TAG_MAX_LENGTH} characters.`,
      validate: text('The key of a tag', 1, TAG_MAX_LENGTH),
    }),
    value: t.string({
      required: true,
      description: `Its value, at most ${TAG_MAX_LENGTH} characters.`,
      validate: text('The value of a tag', 0, TAG_MAX_LENGTH),
    }),
  }),
})

const CreateSnapshotInput = builder.inputType('CreateSnapshotInput', {
  description: 'What a snapshot to be created is of, and what it is called.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    name: t.string({ required: true, description: `Its name: ${NAME_RULE_TEXT}` }),
    description: t.string({
      defaultValue: '',
      description: `What should be noted about it, at most ${DESCRIPTION_MAX_LENGTH} characters.`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      defaultValue: [],
      description: `Labels, at most ${TAGS_MAX}, each key once.`,
      validate: z
        .array(z.looseObject({ key: z.string() }))
        .max(TAGS_MAX, `There are at most ${TAGS_MAX} tags.`)
        .refine(
          (tags) => new Set(tags.map(({ key }) => key)).size === tags.length,
          'Each key of a tag may be given once.',
        )
        .nullish(),
    }),
    retentionDays: t.int({
      description: `How many days it is kept, 1–${RETENTION_DAYS_MAX}; for ever when left out, null or -1.`,
      validate: z
        .int()
        .refine(
          (days) => days === -1 || (days >= 1 && days <= RETENTION_DAYS_MAX),
          `retentionDays must be from 1 to ${RETENTION_DAYS_MAX}, or -1 for ever.`,
        )
        .nullish(),
    }),
    clientToken: t.string({
      description:
        `Makes the call repeatable, 1–${CLIENT_TOKEN_MAX_LENGTH} ASCII characters: the same token with the same input answers the ` +
        'same snapshot and makes no second one; with other input it is refused.',
      validate: z
        .string()
        .regex(
          new RegExp(`^[\\x20-\\x7e]{1,${CLIENT_TOKEN_MAX_LENGTH}}$`),
          `clientToken has 1 to ${CLIENT_TOKEN_MAX_LENGTH} printable ASCII characters.`,
        )
        .nullish(),
    }),
  }),
})

const SnapshotWarningCode = builder.enumType('SnapshotWarningCode', {
  description: 'What a warning is about.',
  values: {
    DISK_IN_USE: { description: 'The disk is in use: data still in a cache is not in the snapshot.' },
  },
} as const)

const SnapshotWarning = builder.objectRef<SnapshotWarning>('SnapshotWarning').implement({
  description: 'Something to know about a snapshot that was accepted.',
  fields: (t) => ({
    code: t.expose('code', { type: SnapshotWarningCode, description: 'What it is about, for programs.' }),
    message: t.exposeString('message', { description: 'What to know and what to do about it, for people.' }),
  }),
})

const CreateSnapshotPayload = builder
  .objectRef<{ snapshot: SnapshotRow }>('CreateSnapshotPayload')
  .implement({
    description:
      'The snapshot was accepted: it is stored, and it will become COMPLETED or FAILED without further help.',
    fields: (t) => ({
      snapshot: t.expose('snapshot', { type: Snapshot, description: 'The snapshot, CREATING.' }),
      warnings: t.field({
        type: [SnapshotWarning],
        description: 'What to know about it.',
        resolve: ({ snapshot }) => snapshotWarnings(snapshot.consistency ?? 'CLEAN'),
      }),
    }),
  })

builder.mutationFields((t) => ({
  createSnapshot: t.field({
    type: CreateSnapshotPayload,
    description:
      'Creates a manual snapshot of a disk. Answers at once, with the snapshot CREATING; watch it with `snapshotStatus`. ' +
      'Checked in this order: name, client token, disk, status, quota.',
    errors: {
      types: [InvalidName, ClientTokenReused, DiskNotFound, DiskStatusForbidsSnapshot, SnapshotQuotaExceeded],
      union: { name: 'CreateSnapshotResult', description: 'The accepted snapshot, or why it was refused.' },
    },
    args: { input: t.arg({ type: CreateSnapshotInput, required: true, description: 'What to create.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.create(viewer, {
        diskId: input.diskId,
        name: input.name,
        description: input.description ?? '',
        tags: input.tags ?? [],
        retentionDays: input.retentionDays === -1 ? null : (input.retentionDays ?? null),
        clientToken: input.clientToken ?? null,
      }),
    }),
  }),
}))
