import type { Snapshot as SnapshotRow } from '../../generated/prisma/client.ts'
import { z } from 'zod'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import {
  ClientTokenReused,
  ConnectionUnavailable,
  DiskNotFound,
  DiskStatusForbidsSnapshot,
  InvalidName,
  OperationNotOffered,
  SnapshotInUse,
  SnapshotProtected,
  SnapshotNotFound,
  SnapshotQuotaExceeded,
  SnapshotStatusForbidsOperation,
  StorageSpaceLow,
  UpstreamRefused,
} from '../../domain/refusals.ts'
import { snapshotWarnings, type SnapshotWarning } from '../../domain/create-snapshot.ts'
import {
  FOREVER,
  isRetention,
  RETENTION_DAYS,
  RETENTION_RULE,
  storedRetention,
} from '../../domain/retention.ts'
import { DESCRIPTION_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import type { SnapshotOutcome } from '../../services/snapshot-outcomes.ts'
import { builder } from '../builder.ts'
import { hasRepetitions } from '../repetitions.ts'
import { text } from '../text.ts'
import { CLIENT_TOKEN_LIMITS, clientTokenText } from './client-token.ts'
import { Snapshot } from './nodes.ts'
import { TAG_LIMITS, TagInput } from './tag.ts'
import { factsOf, UserError } from './user-error.ts'

/** As many may be named in one call. */
export const TOGETHER_MAX = 50

const RETENTION_LIMITS = z.int().refine(isRetention, `retentionDays must be ${RETENTION_RULE}.`)

/** What a list of ids is held to. */
function idLimits(name: string) {
  return z
    .array(z.string())
    .min(1, `${name} must have at least 1 entry.`)
    .max(TOGETHER_MAX, `${name} must have at most ${TOGETHER_MAX} entries.`)
    .refine((ids) => !hasRepetitions(ids), `${name} must not contain an id twice.`)
}

const PROTECTED_FROM_START = 'Whether it has deletion protection from the start. `updateSnapshot` changes it.'

const CreateSnapshotInput = builder.inputType('CreateSnapshotInput', {
  description: 'Input of `createSnapshot`.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    name: t.string({ required: true, description: `Its name: ${NAME_RULE_TEXT}` }),
    description: t.string({
      defaultValue: '',
      description: `A description, at most ${DESCRIPTION_MAX_LENGTH} characters (UTF-16 code units).`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      defaultValue: [],
      description: `Tags, at most ${TAGS_MAX}, each key once.`,
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description: `Retention in days, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}. Omitted, null or ${FOREVER}: no expiry.`,
      validate: RETENTION_LIMITS.nullish(),
    }),
    deletionProtection: t.boolean({ defaultValue: false, description: PROTECTED_FROM_START }),
    clientToken: t.string({
      description: clientTokenText('the same snapshot and creates no second one'),
      validate: CLIENT_TOKEN_LIMITS.nullish(),
    }),
  }),
})

/** What a caller notes about a new snapshot, with what it left out. */
function noted(input: Omit<typeof CreateSnapshotInput.$inferInput, 'diskId'>) {
  return {
    name: input.name,
    description: input.description ?? '',
    tags: input.tags ?? [],
    retentionDays: storedRetention(input.retentionDays ?? null),
    deletionProtection: input.deletionProtection ?? false,
    clientToken: input.clientToken ?? null,
  }
}

const SnapshotWarningCode = builder.enumType('SnapshotWarningCode', {
  description: 'Code of a warning.',
  values: {
    DISK_IN_USE: { description: 'The disk is in use. Data that is still in a cache is not in the snapshot.' },
  },
} as const)

const SnapshotWarning = builder.objectRef<SnapshotWarning>('SnapshotWarning').implement({
  description: 'A warning about an accepted snapshot.',
  fields: (t) => ({
    code: t.expose('code', { type: SnapshotWarningCode, description: 'The code, for programs.' }),
    message: t.exposeString('message', { description: 'The warning and its remedy, for people.' }),
  }),
})

const CreateSnapshotPayload = builder
  .objectRef<{ snapshot: SnapshotRow }>('CreateSnapshotPayload')
  .implement({
    description: 'The snapshot was accepted and stored. It becomes COMPLETED or FAILED in the background.',
    fields: (t) => ({
      snapshot: t.expose('snapshot', { type: Snapshot, description: 'The snapshot, CREATING.' }),
      warnings: t.field({
        type: [SnapshotWarning],
        description: 'Warnings; can be empty.',
        resolve: ({ snapshot }) => snapshotWarnings(snapshot.consistency ?? 'CLEAN'),
      }),
    }),
  })

builder.mutationFields((t) => ({
  createSnapshot: t.field({
    type: CreateSnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Creates a manual snapshot of a disk. Returns immediately with the snapshot CREATING; watch it with ' +
      '`snapshotStatus`. For a disk in a cloud, it waits up to CLOUD_ANSWER_MS (5 s by default) for the cloud to accept or refuse ' +
      'the snapshot; without an answer, the snapshot is CREATING and the request goes on. Order of checks: name, client token, ' +
      'disk, connection, status, quota, free space, the cloud.',
    errors: {
      types: [
        InvalidName,
        ClientTokenReused,
        DiskNotFound,
        DiskStatusForbidsSnapshot,
        SnapshotQuotaExceeded,
        StorageSpaceLow,
        ConnectionUnavailable,
        UpstreamRefused,
      ],
      union: { name: 'CreateSnapshotResult', description: 'The accepted snapshot, or a refusal.' },
    },
    args: { input: t.arg({ type: CreateSnapshotInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.create(viewer, { diskId: input.diskId, ...noted(input) }),
    }),
  }),
}))

const CreateSnapshotsInput = builder.inputType('CreateSnapshotsInput', {
  description: 'Input of `createSnapshots`.',
  fields: (t) => ({
    diskIds: t.idList({
      required: true,
      description: `The disks, \`v-…\`, 1–${TOGETHER_MAX}, each once.`,
      validate: idLimits('diskIds'),
    }),
    name: t.string({ required: true, description: `The name of each: ${NAME_RULE_TEXT}` }),
    description: t.string({
      defaultValue: '',
      description: `A description of each, at most ${DESCRIPTION_MAX_LENGTH} characters (UTF-16 code units).`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      defaultValue: [],
      description: `Tags of each, at most ${TAGS_MAX}, each key once.`,
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description:
        `Retention of each in days, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}. Omitted, null or ${FOREVER}: no ` +
        'expiry.',
      validate: RETENTION_LIMITS.nullish(),
    }),
    deletionProtection: t.boolean({ defaultValue: false, description: PROTECTED_FROM_START }),
    clientToken: t.string({
      description: clientTokenText(
        'the snapshots that were accepted, creates no second ones, and retries those that were refused',
      ),
      validate: CLIENT_TOKEN_LIMITS.nullish(),
    }),
    consistent: t.boolean({
      defaultValue: false,
      description:
        'All or none: they are accepted in one transaction, and if one is refused, none is created. Each copy is ' +
        'still its own point in time.',
    }),
  }),
})

const CreateSnapshotsItem = builder.objectRef<SnapshotOutcome>('CreateSnapshotsItem').implement({
  description: 'The result for one disk: a snapshot or a refusal.',
  fields: (t) => ({
    diskId: t.id({ description: 'The disk.', resolve: ({ id }) => id }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot, CREATING; null if it was refused.',
      resolve: snapshotOf,
    }),
    warnings: t.field({
      type: [SnapshotWarning],
      description: 'Warnings; can be empty.',
      resolve: (outcome) => snapshotWarnings(snapshotOf(outcome)?.consistency ?? 'CLEAN'),
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'The refusal; null if it was accepted.',
      resolve: refusalOf,
    }),
  }),
})

function snapshotOf(outcome: SnapshotOutcome): SnapshotRow | null {
  return 'snapshot' in outcome ? outcome.snapshot : null
}

function refusalOf(outcome: SnapshotOutcome) {
  return 'refusal' in outcome ? factsOf(outcome.refusal) : null
}

const CreateSnapshotsPayload = builder
  .objectRef<{ items: SnapshotOutcome[] }>('CreateSnapshotsPayload')
  .implement({
    description: 'The result for each disk.',
    fields: (t) => ({
      items: t.expose('items', {
        type: [CreateSnapshotsItem],
        description: 'One entry per disk, in the order given.',
      }),
    }),
  })

const UpdateSnapshotInput = builder.inputType('UpdateSnapshotInput', {
  description: 'Input of `updateSnapshot`. Omitted fields stay unchanged.',
  fields: (t) => ({
    snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }),
    name: t.string({ description: `Its name: ${NAME_RULE_TEXT}` }),
    description: t.string({
      description: `A description, at most ${DESCRIPTION_MAX_LENGTH} characters (UTF-16 code units).`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      description: `Replaces all tags: at most ${TAGS_MAX}, each key once.`,
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description:
        `Retention in days from its creation, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}; null or ${FOREVER}: no ` +
        'expiry. If that time has already passed, the snapshot is deleted within minutes.',
      validate: RETENTION_LIMITS.nullish(),
    }),
    deletionProtection: t.boolean({
      description:
        'Whether nothing may delete it: no mutation, retention, policy or release of its disk. It counts against the quota.',
    }),
  }),
})

const UpdateSnapshotPayload = payload('UpdateSnapshotPayload', 'The snapshot was changed.')

const DeleteSnapshotInput = builder.inputType('DeleteSnapshotInput', {
  description: 'Input of `deleteSnapshot`.',
  fields: (t) => ({ snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }) }),
})

const DeleteSnapshotPayload = payload(
  'DeleteSnapshotPayload',
  'The snapshot is DELETING, and becomes DELETED in the background.',
)

const DeleteSnapshotsInput = builder.inputType('DeleteSnapshotsInput', {
  description: 'Input of `deleteSnapshots`.',
  fields: (t) => ({
    snapshotIds: t.idList({
      required: true,
      description: `The snapshots, \`s-…\`, 1–${TOGETHER_MAX}, each once.`,
      validate: idLimits('snapshotIds'),
    }),
  }),
})

const DeleteSnapshotsItem = builder.objectRef<SnapshotOutcome>('DeleteSnapshotsItem').implement({
  description: 'The result for one snapshot.',
  fields: (t) => ({
    snapshotId: t.id({ description: 'The snapshot.', resolve: ({ id }) => id }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot, DELETING; null if its deletion was refused.',
      resolve: snapshotOf,
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'The refusal; null if the deletion was accepted.',
      resolve: refusalOf,
    }),
  }),
})

const DeleteSnapshotsPayload = builder
  .objectRef<{ items: SnapshotOutcome[] }>('DeleteSnapshotsPayload')
  .implement({
    description: 'The result for each snapshot.',
    fields: (t) => ({
      items: t.expose('items', {
        type: [DeleteSnapshotsItem],
        description: 'One entry per snapshot, in the order given.',
      }),
    }),
  })

const VerifySnapshotInput = builder.inputType('VerifySnapshotInput', {
  description: 'Input of `verifySnapshot`.',
  fields: (t) => ({ snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }) }),
})

const VerifySnapshotPayload = payload(
  'VerifySnapshotPayload',
  'The verification was accepted. Follow it with `operation` or `snapshotProgress`. At the end, either ' +
    '`verifiedAt` is updated or the snapshot is UNAVAILABLE.',
)

function payload(name: string, description: string) {
  return builder.objectRef<{ snapshot: SnapshotRow }>(name).implement({
    description,
    fields: (t) => ({ snapshot: t.expose('snapshot', { type: Snapshot, description: 'The snapshot.' }) }),
  })
}

builder.mutationFields((t) => ({
  createSnapshots: t.field({
    type: CreateSnapshotsPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Creates a manual snapshot of each of several disks. Each disk is checked as by `createSnapshot` and has ' +
      'its own result.',
    errors: {
      types: [InvalidName, ClientTokenReused],
      union: {
        name: 'CreateSnapshotsResult',
        description: 'The result for each disk, or a refusal of the whole call.',
      },
    },
    args: { input: t.arg({ type: CreateSnapshotsInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      items: await gateway.snapshots.createMany(viewer, {
        ...noted(input),
        diskIds: input.diskIds,
        consistent: input.consistent ?? false,
      }),
    }),
  }),
  updateSnapshot: t.field({
    type: UpdateSnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Changes name, description, tags, retention and deletion protection of a snapshot that is COMPLETED, FAILED or UNAVAILABLE. ' +
      'Order of checks: name, snapshot, status.',
    errors: {
      types: [
        InvalidName,
        SnapshotNotFound,
        SnapshotStatusForbidsOperation,
        ConnectionUnavailable,
        UpstreamRefused,
      ],
      union: { name: 'UpdateSnapshotResult', description: 'The changed snapshot, or a refusal.' },
    },
    args: { input: t.arg({ type: UpdateSnapshotInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.update(viewer, {
        snapshotId: input.snapshotId,
        name: input.name ?? undefined,
        description: input.description ?? undefined,
        tags: input.tags ?? undefined,
        retentionDays: input.retentionDays === undefined ? undefined : storedRetention(input.retentionDays),
        deletionProtection: input.deletionProtection ?? undefined,
      }),
    }),
  }),
  deleteSnapshot: t.field({
    type: DeleteSnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Deletes a snapshot that is COMPLETED, FAILED or UNAVAILABLE. Returns immediately with the snapshot ' +
      'DELETING. When it becomes DELETED, its data is removed and its quota slot is free; its history stays in ' +
      '`snapshotHistory`. Order of checks: snapshot, status, protection, use.',
    errors: {
      types: [SnapshotNotFound, SnapshotStatusForbidsOperation, SnapshotProtected, SnapshotInUse],
      union: { name: 'DeleteSnapshotResult', description: 'The snapshot, DELETING, or a refusal.' },
    },
    args: { input: t.arg({ type: DeleteSnapshotInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.delete(viewer, input.snapshotId),
    }),
  }),
  deleteSnapshots: t.field({
    type: DeleteSnapshotsPayload,
    authScopes: { may: 'manageSnapshots' },
    description: 'Deletes several snapshots. Each is handled as by `deleteSnapshot` and has its own result.',
    errors: {
      union: { name: 'DeleteSnapshotsResult', description: 'The result for each snapshot.' },
    },
    args: { input: t.arg({ type: DeleteSnapshotsInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      items: await gateway.snapshots.deleteMany(viewer, input.snapshotIds),
    }),
  }),
  verifySnapshot: t.field({
    type: VerifySnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Reads the stored copy of a COMPLETED snapshot and compares its checksum. A corrupt snapshot becomes ' +
      'UNAVAILABLE, with a reason. Order of checks: snapshot, status, use.',
    errors: {
      types: [SnapshotNotFound, OperationNotOffered, SnapshotStatusForbidsOperation, SnapshotInUse],
      union: { name: 'VerifySnapshotResult', description: 'The snapshot, or a refusal.' },
    },
    args: { input: t.arg({ type: VerifySnapshotInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.verify(viewer, input.snapshotId),
    }),
  }),
}))
