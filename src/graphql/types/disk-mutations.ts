import type { Disk as DiskRow } from '../../generated/prisma/client.ts'
import { z } from 'zod'
import { DISK_SIZE_GIB, DISKS_FROM_SNAPSHOTS_AT_ONCE } from '../../domain/disk-operation.ts'
import { NAME_RULE_TEXT } from '../../domain/name.ts'
import {
  ClientTokenReused,
  DiskAlreadyRegistered,
  DiskNotAttached,
  DiskNotFound,
  DiskPathRefused,
  DiskSizeRefused,
  DiskStatusForbidsOperation,
  InvalidName,
  SnapshotInUse,
  SnapshotNotFound,
  SnapshotOfOtherDisk,
  SnapshotStatusForbidsOperation,
  SystemSnapshotForbidsDisk,
  TooManyDisksUnderWay,
} from '../../domain/refusals.ts'
import { DESCRIPTION_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import type { CreateDisk } from '../../services/disk-operations.ts'
import { builder } from '../builder.ts'
import { text } from '../text.ts'
import { CLIENT_TOKEN_LIMITS, clientTokenText } from './client-token.ts'
import { Disk } from './nodes.ts'
import { DiskKind } from './disk-enums.ts'
import { TAG_LIMITS, TagInput } from './tag.ts'

const AttachmentInput = builder.inputType('DiskAttachmentInput', {
  description: 'Where a disk is attached.',
  fields: (t) => ({
    instanceId: t.id({ required: true, description: 'The instance.', validate: text('instanceId', 0, 64) }),
    device: t.string({
      description: 'As which device, such as `/dev/vdb`.',
      validate: text('device', 0, 64).nullish(),
    }),
  }),
})

const RegisterDiskInput = builder.inputType('RegisterDiskInput', {
  description: 'An image file or block device to be registered as a disk.',
  fields: (t) => ({
    path: t.string({
      required: true,
      description:
        'Where it is, on the machine of the gateway. Symbolic links are followed, and the end must lie in one of the ' +
        'directories named by DISK_DIRS, or in `disks` of the data directory.',
      validate: text('path', 0, 4096),
    }),
    name: t.string({ required: true, description: `Its name: ${NAME_RULE_TEXT}` }),
    kind: t.field({ type: DiskKind, required: true, description: 'What it is for.' }),
    description: t.string({
      description: `What should be noted about it, at most ${DESCRIPTION_MAX_LENGTH} characters.`,
      defaultValue: '',
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    storageType: t.string({
      description: 'The kind of storage it lies on.',
      defaultValue: 'local',
      validate: text('storageType', 0, 64).nullish(),
    }),
    zone: t.string({
      description: 'The availability zone it is in.',
      defaultValue: 'local',
      validate: text('zone', 0, 64).nullish(),
    }),
    attachment: t.field({ type: AttachmentInput, description: 'The instance it is attached to, if any.' }),
  }),
})

const RegisterDiskPayload = payload('RegisterDiskPayload', 'The disk was registered.')

function payload(name: string, description: string) {
  return builder.objectRef<{ disk: DiskRow }>(name).implement({
    description,
    fields: (t) => ({ disk: t.expose('disk', { type: Disk, description: 'The disk.' }) }),
  })
}

const SIZE_LIMITS = z.int().nullish()
const SIZE_TEXT = `${DISK_SIZE_GIB.min}–${DISK_SIZE_GIB.max} GiB`

const CreateDiskInput = builder.inputType('CreateDiskInput', {
  description: 'A disk to be made: an empty one of a size, or one with the content of a snapshot.',
  validate: z
    .looseObject({
      sizeGiB: SIZE_LIMITS,
      snapshotId: z.string().nullish(),
      kind: z.enum(['SYSTEM', 'DATA']).nullish(),
    })
    .refine(
      ({ sizeGiB, snapshotId }) => typeof sizeGiB === 'number' || typeof snapshotId === 'string',
      'Give sizeGiB for an empty disk, or snapshotId for one with the content of a snapshot.',
    )
    .refine(
      ({ snapshotId, kind }) => typeof snapshotId !== 'string' || kind !== 'SYSTEM',
      'A disk with the content of a snapshot is a DATA disk.',
    ),
  fields: (t) => ({
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
    kind: t.field({
      type: DiskKind,
      defaultValue: 'DATA',
      description: 'What an empty disk is for; one made from a snapshot is a DATA disk.',
    }),
    storageType: t.string({
      description: 'The kind of storage it lies on.',
      defaultValue: 'local',
      validate: text('storageType', 0, 64).nullish(),
    }),
    zone: t.string({
      description: 'The availability zone it is in.',
      defaultValue: 'local',
      validate: text('zone', 0, 64).nullish(),
    }),
    sizeGiB: t.int({
      description: `Its size, ${SIZE_TEXT}; not below that of the snapshot, which is the default.`,
    }),
    snapshotId: t.id({ description: 'The snapshot of a data disk whose content it gets, `s-…`.' }),
    clientToken: t.string({
      description: clientTokenText('the same disk and creates no second one'),
      validate: CLIENT_TOKEN_LIMITS.nullish(),
    }),
  }),
})

/** What is to be in the disk; the input has been held to giving one of the two. */
function contentOf({ kind, sizeGiB, snapshotId }: typeof CreateDiskInput.$inferInput): CreateDisk['content'] {
  return typeof snapshotId === 'string'
    ? { snapshotId, sizeGiB: sizeGiB ?? null }
    : { kind: kind ?? 'DATA', sizeGiB: sizeGiB ?? 0 }
}

const CreateDiskPayload = payload(
  'CreateDiskPayload',
  'The disk was accepted: it is CREATING, and it will become UNMOUNTED (a system disk NORMAL), or ERROR with the reason.',
)

const UpdateDiskInput = builder.inputType('UpdateDiskInput', {
  description: 'What is to be changed about a disk; what is left out stays as it is.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
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
  }),
})

const UpdateDiskPayload = payload('UpdateDiskPayload', 'The disk was changed.')

const AttachDiskInput = builder.inputType('AttachDiskInput', {
  description: 'Which disk is to be attached, and where.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    instanceId: t.id({
      required: true,
      description: 'The instance, 1–64 characters.',
      validate: text('instanceId', 1, 64),
    }),
    device: t.string({
      description: 'As which device, such as `/dev/vdb`.',
      validate: text('device', 0, 64).nullish(),
    }),
  }),
})

const AttachDiskPayload = payload(
  'AttachDiskPayload',
  'It was accepted: the disk is ATTACHING, and it will become IN_USE, or what it was, with the reason in the transition.',
)

const DetachDiskInput = builder.inputType('DetachDiskInput', {
  description: 'Which disk is to be detached.',
  fields: (t) => ({ diskId: t.id({ required: true, description: 'The disk, `v-…`.' }) }),
})

const DetachDiskPayload = payload(
  'DetachDiskPayload',
  'It was accepted: the disk is DETACHING, and it will become UNMOUNTED (a system disk NORMAL), or IN_USE when a program ' +
    'still has it open.',
)

const ResizeDiskInput = builder.inputType('ResizeDiskInput', {
  description: 'Which disk is to be made larger, and how large.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    sizeGiB: t.int({
      required: true,
      description: `Its size from now on, ${SIZE_TEXT}; larger than it is.`,
    }),
  }),
})

const ResizeDiskPayload = payload(
  'ResizeDiskPayload',
  'It was accepted: the disk is SCALING, and it will become what it was, larger, or with the reason in the transition.',
)

const RollBackDiskInput = builder.inputType('RollBackDiskInput', {
  description: 'Which disk is to be set back, and to which snapshot.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    snapshotId: t.id({ required: true, description: 'A snapshot of this disk, `s-…`.' }),
  }),
})

const RollBackDiskPayload = payload(
  'RollBackDiskPayload',
  'It was accepted: the disk is ROLLING_BACK, and it will become UNMOUNTED (a system disk NORMAL) with the content of the ' +
    'snapshot, or with its old content and the reason in the transition.',
)

const ReleaseDiskInput = builder.inputType('ReleaseDiskInput', {
  description: 'Which disk is to be given up.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    withSnapshots: t.boolean({
      defaultValue: false,
      description:
        'Whether its snapshots are deleted with it. If not, they stay, and their `disk` becomes null.',
    }),
  }),
})

const ReleaseDiskPayload = payload(
  'ReleaseDiskPayload',
  'It was accepted: the disk is DELETING, and it will be DELETED without further help.',
)

builder.mutationFields((t) => ({
  registerDisk: t.field({
    type: RegisterDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Registers a raw image file or block device on the machine of the gateway as a disk. Its size is the size of the file.',
    errors: {
      types: [InvalidName, DiskPathRefused, DiskAlreadyRegistered],
      union: { name: 'RegisterDiskResult', description: 'The registered disk, or why it was refused.' },
    },
    args: { input: t.arg({ type: RegisterDiskInput, required: true, description: 'What to register.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.register(viewer, {
        ...input,
        description: input.description ?? '',
        storageType: input.storageType ?? 'local',
        zone: input.zone ?? 'local',
        attachment: input.attachment
          ? { ...input.attachment, device: input.attachment.device ?? null }
          : null,
      }),
    }),
  }),
  createDisk: t.field({
    type: CreateDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Makes a disk, empty or with the content of a snapshot of a data disk, whose checksum is verified. Answers at once, ' +
      'with the disk CREATING; watch it with `diskStatus`. From snapshots, an account may make ' +
      `${DISKS_FROM_SNAPSHOTS_AT_ONCE} at once. Checked in this order: name, client token, snapshot, its kind and status, ` +
      'size, how many are in progress.',
    errors: {
      types: [
        InvalidName,
        ClientTokenReused,
        SnapshotNotFound,
        SystemSnapshotForbidsDisk,
        SnapshotStatusForbidsOperation,
        DiskSizeRefused,
        TooManyDisksUnderWay,
      ],
      union: { name: 'CreateDiskResult', description: 'The accepted disk, or why it was refused.' },
    },
    args: { input: t.arg({ type: CreateDiskInput, required: true, description: 'What to make.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.create(viewer, {
        content: contentOf(input),
        name: input.name,
        description: input.description ?? '',
        tags: input.tags ?? [],
        storageType: input.storageType ?? 'local',
        zone: input.zone ?? 'local',
        clientToken: input.clientToken ?? null,
      }),
    }),
  }),
  updateDisk: t.field({
    type: UpdateDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Changes name, description and tags of a disk that is not being released. Checked in this order: name, disk, status.',
    errors: {
      types: [InvalidName, DiskNotFound, DiskStatusForbidsOperation],
      union: { name: 'UpdateDiskResult', description: 'The changed disk, or why it was refused.' },
    },
    args: { input: t.arg({ type: UpdateDiskInput, required: true, description: 'What to change.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.update(viewer, {
        diskId: input.diskId,
        name: input.name ?? undefined,
        description: input.description ?? undefined,
        tags: input.tags ?? undefined,
      }),
    }),
  }),
}))

builder.mutationFields((t) => ({
  attachDisk: t.field({
    type: AttachDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Attaches a disk to an instance: a data disk that is UNMOUNTED, a system disk that is NORMAL. Checked in this order: ' +
      'disk, status.',
    errors: {
      types: [DiskNotFound, DiskStatusForbidsOperation],
      union: { name: 'AttachDiskResult', description: 'The disk, ATTACHING, or why it was refused.' },
    },
    args: { input: t.arg({ type: AttachDiskInput, required: true, description: 'What to attach.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.attach(viewer, { ...input, device: input.device ?? null }),
    }),
  }),
  detachDisk: t.field({
    type: DetachDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Detaches a disk that is IN_USE from its instance. Checked in this order: disk, status, attachment.',
    errors: {
      types: [DiskNotFound, DiskStatusForbidsOperation, DiskNotAttached],
      union: { name: 'DetachDiskResult', description: 'The disk, DETACHING, or why it was refused.' },
    },
    args: { input: t.arg({ type: DetachDiskInput, required: true, description: 'What to detach.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.detach(viewer, input),
    }),
  }),
  resizeDisk: t.field({
    type: ResizeDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Makes a disk larger: a data disk that is IN_USE or UNMOUNTED, a system disk that is IN_USE or NORMAL. It never becomes ' +
      'smaller. Checked in this order: disk, status, size.',
    errors: {
      types: [DiskNotFound, DiskStatusForbidsOperation, DiskSizeRefused],
      union: { name: 'ResizeDiskResult', description: 'The disk, SCALING, or why it was refused.' },
    },
    args: { input: t.arg({ type: ResizeDiskInput, required: true, description: 'What to make larger.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.resize(viewer, input),
    }),
  }),
  rollBackDisk: t.field({
    type: RollBackDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Sets the content of a disk that is not attached (a data disk UNMOUNTED, a system disk NORMAL) back to a COMPLETED ' +
      'snapshot of its own, whose checksum is verified first. What was written since is lost. At every moment, crashes ' +
      'included, the disk has the old content or the new. A disk that was made larger since stays as large, with zeros ' +
      'behind. Checked in this order: disk, snapshot, whose it is, its status, status of the disk.',
    errors: {
      types: [
        DiskNotFound,
        SnapshotNotFound,
        SnapshotOfOtherDisk,
        SnapshotStatusForbidsOperation,
        DiskStatusForbidsOperation,
      ],
      union: { name: 'RollBackDiskResult', description: 'The disk, ROLLING_BACK, or why it was refused.' },
    },
    args: { input: t.arg({ type: RollBackDiskInput, required: true, description: 'What to set back.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.rollBack(viewer, input),
    }),
  }),
  releaseDisk: t.field({
    type: ReleaseDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Removes a disk from the gateway: a data disk that is UNMOUNTED, EXPIRED or ERROR, a system disk that is NORMAL, ' +
      'EXPIRED or ERROR. If `createDisk` made it, its image is deleted; if it was registered, its image stays where it is. ' +
      'Checked in this order: disk, status, and with snapshots, status and use of each.',
    errors: {
      types: [DiskNotFound, DiskStatusForbidsOperation, SnapshotStatusForbidsOperation, SnapshotInUse],
      union: { name: 'ReleaseDiskResult', description: 'The disk, DELETING, or why it was refused.' },
    },
    args: { input: t.arg({ type: ReleaseDiskInput, required: true, description: 'What to give up.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.diskOperations.release(viewer, {
        diskId: input.diskId,
        withSnapshots: input.withSnapshots ?? false,
      }),
    }),
  }),
}))
