import type { Snapshot as SnapshotRow } from '../../generated/prisma/client.ts'
import { z } from 'zod'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import {
  ClientTokenReused,
  DiskNotFound,
  DiskStatusForbidsSnapshot,
  InvalidName,
  SnapshotInUse,
  SnapshotNotFound,
  SnapshotQuotaExceeded,
  SnapshotStatusForbidsOperation,
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
import type { SnapshotOutcome } from '../../services/snapshots.ts'
import { builder } from '../builder.ts'
import { hasRepetitions } from '../repetitions.ts'
import { text } from '../text.ts'
import { CLIENT_TOKEN_LIMITS, clientTokenText } from './client-token.ts'
import { Snapshot } from './nodes.ts'
import { TAG_LIMITS, TagInput } from './tag.ts'
import { factsOf, UserError } from './user-error.ts'

/** As many may be named in one call. */
const TOGETHER_MAX = 50

const RETENTION_LIMITS = z.int().refine(isRetention, `retentionDays must be ${RETENTION_RULE}.`)

/** What a list of ids is held to. */
function idLimits(name: string) {
  return z
    .array(z.string())
    .min(1, `${name} must name at least one.`)
    .max(TOGETHER_MAX, `${name} may name at most ${TOGETHER_MAX}.`)
    .refine((ids) => !hasRepetitions(ids), `${name} must name each once.`)
}

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
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description: `How many days it is kept, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}; forever when left out, null or ${FOREVER}.`,
      validate: RETENTION_LIMITS.nullish(),
    }),
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
    clientToken: input.clientToken ?? null,
  }
}

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
    authScopes: { may: 'manageSnapshots' },
    description:
      'Creates a manual snapshot of a disk. Answers at once, with the snapshot CREATING; watch it with `snapshotStatus`. ' +
      'Checked in this order: name, client token, disk, status, quota.',
    errors: {
      types: [InvalidName, ClientTokenReused, DiskNotFound, DiskStatusForbidsSnapshot, SnapshotQuotaExceeded],
      union: { name: 'CreateSnapshotResult', description: 'The accepted snapshot, or why it was refused.' },
    },
    args: { input: t.arg({ type: CreateSnapshotInput, required: true, description: 'What to create.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.create(viewer, { diskId: input.diskId, ...noted(input) }),
    }),
  }),
}))

const CreateSnapshotsInput = builder.inputType('CreateSnapshotsInput', {
  description: 'What several snapshots to be created are of, and what each of them is called.',
  fields: (t) => ({
    diskIds: t.idList({
      required: true,
      description: `The disks, \`v-…\`, 1–${TOGETHER_MAX}, each once.`,
      validate: idLimits('diskIds'),
    }),
    name: t.string({ required: true, description: `The name of each: ${NAME_RULE_TEXT}` }),
    description: t.string({
      defaultValue: '',
      description: `What should be noted about each, at most ${DESCRIPTION_MAX_LENGTH} characters.`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      defaultValue: [],
      description: `Labels of each, at most ${TAGS_MAX}, each key once.`,
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description: `How many days each is kept, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}; forever when left out, null or ${FOREVER}.`,
      validate: RETENTION_LIMITS.nullish(),
    }),
    clientToken: t.string({
      description: clientTokenText(
        'the snapshots that were accepted, creates no second ones, and retries those that were refused',
      ),
      validate: CLIENT_TOKEN_LIMITS.nullish(),
    }),
    consistent: t.boolean({
      defaultValue: false,
      description:
        'All or none: they are accepted in one transaction, and when one is refused nothing is created. Each copy is a ' +
        'point in time of its own.',
    }),
  }),
})

const CreateSnapshotsItem = builder.objectRef<SnapshotOutcome>('CreateSnapshotsItem').implement({
  description: 'What became of one disk: a snapshot, or a refusal.',
  fields: (t) => ({
    diskId: t.id({ description: 'The disk.', resolve: ({ id }) => id }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot, CREATING; null when it was refused.',
      resolve: snapshotOf,
    }),
    warnings: t.field({
      type: [SnapshotWarning],
      description: 'What to know about it.',
      resolve: (outcome) => snapshotWarnings(snapshotOf(outcome)?.consistency ?? 'CLEAN'),
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'Why it was refused; null when it was accepted.',
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
    description: 'What became of each disk.',
    fields: (t) => ({
      items: t.expose('items', {
        type: [CreateSnapshotsItem],
        description: 'One for each disk, in the order in which they were named.',
      }),
    }),
  })

const UpdateSnapshotInput = builder.inputType('UpdateSnapshotInput', {
  description: 'What is to be changed about a snapshot; what is left out stays as it is.',
  fields: (t) => ({
    snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }),
    name: t.string({ description: `Its name: ${NAME_RULE_TEXT}` }),
    description: t.string({
      description: `What should be noted about it, at most ${DESCRIPTION_MAX_LENGTH} characters.`,
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    tags: t.field({
      type: [TagInput],
      description: `All of its labels from now on, at most ${TAGS_MAX}, each key once.`,
      validate: TAG_LIMITS.nullish(),
    }),
    retentionDays: t.int({
      description:
        `How many days it is kept, counted from its creation, ${RETENTION_DAYS.min}–${RETENTION_DAYS.max}; null or ${FOREVER} (forever). When that time has ` +
        'passed already, it is deleted soon.',
      validate: RETENTION_LIMITS.nullish(),
    }),
  }),
})

const UpdateSnapshotPayload = payload('UpdateSnapshotPayload', 'The snapshot was changed.')

const DeleteSnapshotInput = builder.inputType('DeleteSnapshotInput', {
  description: 'Which snapshot is to be deleted.',
  fields: (t) => ({ snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }) }),
})

const DeleteSnapshotPayload = payload(
  'DeleteSnapshotPayload',
  'The deletion was accepted: the snapshot is DELETING, and it will become DELETED without further help.',
)

const DeleteSnapshotsInput = builder.inputType('DeleteSnapshotsInput', {
  description: 'Which snapshots are to be deleted.',
  fields: (t) => ({
    snapshotIds: t.idList({
      required: true,
      description: `The snapshots, \`s-…\`, 1–${TOGETHER_MAX}, each once.`,
      validate: idLimits('snapshotIds'),
    }),
  }),
})

const DeleteSnapshotsItem = builder.objectRef<SnapshotOutcome>('DeleteSnapshotsItem').implement({
  description: 'What became of one snapshot.',
  fields: (t) => ({
    snapshotId: t.id({ description: 'The snapshot.', resolve: ({ id }) => id }),
    snapshot: t.field({
      type: Snapshot,
      nullable: true,
      description: 'The snapshot, DELETING; null when its deletion was refused.',
      resolve: snapshotOf,
    }),
    refusal: t.field({
      type: UserError,
      nullable: true,
      description: 'Why its deletion was refused; null when it was accepted.',
      resolve: refusalOf,
    }),
  }),
})

const DeleteSnapshotsPayload = builder
  .objectRef<{ items: SnapshotOutcome[] }>('DeleteSnapshotsPayload')
  .implement({
    description: 'What became of each snapshot.',
    fields: (t) => ({
      items: t.expose('items', {
        type: [DeleteSnapshotsItem],
        description: 'One for each snapshot, in the order in which they were named.',
      }),
    }),
  })

const VerifySnapshotInput = builder.inputType('VerifySnapshotInput', {
  description: 'Which snapshot is to be verified.',
  fields: (t) => ({ snapshotId: t.id({ required: true, description: 'The snapshot, `s-…`.' }) }),
})

const VerifySnapshotPayload = payload(
  'VerifySnapshotPayload',
  'The verification was accepted: `operation` shows it, `snapshotProgress` follows it, and in the end `verifiedAt` is ' +
    'newer or the snapshot UNAVAILABLE.',
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
      'Creates a manual snapshot of each of several disks. Each disk is checked as by `createSnapshot` and answered by itself.',
    errors: {
      types: [InvalidName, ClientTokenReused],
      union: {
        name: 'CreateSnapshotsResult',
        description: 'What became of each disk, or why the whole call was refused.',
      },
    },
    args: { input: t.arg({ type: CreateSnapshotsInput, required: true, description: 'What to create.' }) },
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
      'Changes name, description, tags and retention of a snapshot that is COMPLETED, FAILED or UNAVAILABLE. Checked in ' +
      'this order: name, snapshot, status.',
    errors: {
      types: [InvalidName, SnapshotNotFound, SnapshotStatusForbidsOperation],
      union: { name: 'UpdateSnapshotResult', description: 'The changed snapshot, or why it was refused.' },
    },
    args: { input: t.arg({ type: UpdateSnapshotInput, required: true, description: 'What to change.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.update(viewer, {
        snapshotId: input.snapshotId,
        name: input.name ?? undefined,
        description: input.description ?? undefined,
        tags: input.tags ?? undefined,
        retentionDays: input.retentionDays === undefined ? undefined : storedRetention(input.retentionDays),
      }),
    }),
  }),
  deleteSnapshot: t.field({
    type: DeleteSnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Deletes a snapshot that is COMPLETED, FAILED or UNAVAILABLE. Answers at once, with the snapshot DELETING. When ' +
      'DELETED is announced, its bytes are gone and its place in the quota is free; its history stays (`snapshotHistory`). ' +
      'Checked in this order: snapshot, status, use.',
    errors: {
      types: [SnapshotNotFound, SnapshotStatusForbidsOperation, SnapshotInUse],
      union: { name: 'DeleteSnapshotResult', description: 'The snapshot, DELETING, or why it was refused.' },
    },
    args: { input: t.arg({ type: DeleteSnapshotInput, required: true, description: 'What to delete.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.remove(viewer, input.snapshotId),
    }),
  }),
  deleteSnapshots: t.field({
    type: DeleteSnapshotsPayload,
    authScopes: { may: 'manageSnapshots' },
    description: 'Deletes several snapshots, each as by `deleteSnapshot`, and answers each by itself.',
    errors: {
      union: { name: 'DeleteSnapshotsResult', description: 'What became of each snapshot.' },
    },
    args: { input: t.arg({ type: DeleteSnapshotsInput, required: true, description: 'What to delete.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      items: await gateway.snapshots.removeMany(viewer, input.snapshotIds),
    }),
  }),
  verifySnapshot: t.field({
    type: VerifySnapshotPayload,
    authScopes: { may: 'manageSnapshots' },
    description:
      'Reads the copy of a COMPLETED snapshot again from where it is stored, against its checksum. When its bytes are bad it ' +
      'becomes UNAVAILABLE, with the reason. Checked in this order: snapshot, status, use.',
    errors: {
      types: [SnapshotNotFound, SnapshotStatusForbidsOperation, SnapshotInUse],
      union: { name: 'VerifySnapshotResult', description: 'The snapshot, or why it was refused.' },
    },
    args: { input: t.arg({ type: VerifySnapshotInput, required: true, description: 'What to verify.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      snapshot: await gateway.snapshots.verify(viewer, input.snapshotId),
    }),
  }),
}))
