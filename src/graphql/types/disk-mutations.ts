import type { Disk as DiskRow } from '../../generated/prisma/client.ts'
import { z } from 'zod'
import { DISK_LABEL_MAX_LENGTH } from '../../domain/disk.ts'
import { DISK_PATH_MAX_LENGTH } from '../../domain/disk-path.ts'
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
  OperationNotOffered,
  SnapshotInUse,
  SnapshotProtected,
  SnapshotNotFound,
  SnapshotOfOtherDisk,
  SnapshotStatusForbidsOperation,
  SystemSnapshotForbidsDisk,
  DiskCreationLimitExceeded,
} from '../../domain/refusals.ts'
import { DESCRIPTION_MAX_LENGTH, TAGS_MAX } from '../../domain/tag.ts'
import type { CreateDisk } from '../../services/disk-creation.ts'
import { builder } from '../builder.ts'
import { text } from '../text.ts'
import { CLIENT_TOKEN_LIMITS, clientTokenText } from './client-token.ts'
import { Disk } from './nodes.ts'
import { DiskKind } from './disk-enums.ts'
import { TAG_LIMITS, TagInput } from './tag.ts'

const AttachmentInput = builder.inputType('DiskAttachmentInput', {
  description: 'The instance that a disk is attached to, and the device name.',
  fields: (t) => ({
    instanceId: t.id({
      required: true,
      description: 'The id of the instance.',
      validate: text('instanceId', 0, DISK_LABEL_MAX_LENGTH),
    }),
    device: t.string({
      description: 'The device name, such as `/dev/vdb`.',
      validate: text('device', 0, DISK_LABEL_MAX_LENGTH).nullish(),
    }),
  }),
})

const RegisterDiskInput = builder.inputType('RegisterDiskInput', {
  description: 'Input of `registerDisk`.',
  fields: (t) => ({
    path: t.string({
      required: true,
      description:
        "Absolute path on the gateway's machine. Symbolic links are resolved. The file must be in a directory of " +
        'DISK_DIRS, or in `disks` of the data directory.',
      validate: text('path', 0, DISK_PATH_MAX_LENGTH),
    }),
    name: t.string({ required: true, description: `Its name: ${NAME_RULE_TEXT}` }),
    kind: t.field({ type: DiskKind, required: true, description: 'Its kind.' }),
    description: t.string({
      description: `A description, at most ${DESCRIPTION_MAX_LENGTH} characters (UTF-16 code units).`,
      defaultValue: '',
      validate: text('description', 0, DESCRIPTION_MAX_LENGTH).nullish(),
    }),
    storageType: t.string({
      description: 'Its storage type.',
      defaultValue: 'local',
      validate: text('storageType', 0, DISK_LABEL_MAX_LENGTH).nullish(),
    }),
    zone: t.string({
      description: 'Its availability zone.',
      defaultValue: 'local',
      validate: text('zone', 0, DISK_LABEL_MAX_LENGTH).nullish(),
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
  description:
    'Input of `createDisk`: either `sizeGiB` for an empty disk, or `snapshotId` for one with the content of a ' +
    'snapshot.',
  validate: z
    .looseObject({
      sizeGiB: SIZE_LIMITS,
      snapshotId: z.string().nullish(),
      kind: z.enum(['SYSTEM', 'DATA']).nullish(),
    })
    .refine(
      ({ sizeGiB, snapshotId }) => typeof sizeGiB === 'number' || typeof snapshotId === 'string',
      'Set sizeGiB for an empty disk, or snapshotId for one with the content of a snapshot.',
    )
    .refine(
      ({ snapshotId, kind }) => typeof snapshotId !== 'string' || kind !== 'SYSTEM',
      'A disk created from a snapshot is always a DATA disk.',
    ),
  fields: (t) => ({
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
    kind: t.field({
      type: DiskKind,
      defaultValue: 'DATA',
      description: 'The kind of an empty disk. A disk created from a snapshot is always a DATA disk.',
    }),
    storageType: t.string({
      description: 'Its storage type.',
      defaultValue: 'local',
      validate: text('storageType', 0, DISK_LABEL_MAX_LENGTH).nullish(),
    }),
    zone: t.string({
      description: 'Its availability zone.',
      defaultValue: 'local',
      validate: text('zone', 0, DISK_LABEL_MAX_LENGTH).nullish(),
    }),
    sizeGiB: t.int({
      description: `Its size, ${SIZE_TEXT}; not smaller than the snapshot, whose size is the default.`,
    }),
    snapshotId: t.id({ description: 'The snapshot to copy, `s-…`; it must be of a data disk.' }),
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
  'The disk was accepted and is CREATING. It becomes UNMOUNTED (a system disk NORMAL), or ERROR with a ' +
    'reason.',
)

const UpdateDiskInput = builder.inputType('UpdateDiskInput', {
  description: 'Input of `updateDisk`. Omitted fields stay unchanged.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
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
  }),
})

const UpdateDiskPayload = payload('UpdateDiskPayload', 'The disk was changed.')

const AttachDiskInput = builder.inputType('AttachDiskInput', {
  description: 'Input of `attachDisk`.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    instanceId: t.id({
      required: true,
      description: `The id of the instance, 1–${DISK_LABEL_MAX_LENGTH} characters.`,
      validate: text('instanceId', 1, DISK_LABEL_MAX_LENGTH),
    }),
    device: t.string({
      description: 'The device name, such as `/dev/vdb`.',
      validate: text('device', 0, DISK_LABEL_MAX_LENGTH).nullish(),
    }),
  }),
})

const AttachDiskPayload = payload(
  'AttachDiskPayload',
  'The disk is ATTACHING. It becomes IN_USE, or returns to its previous status with a reason in the ' +
    'transition.',
)

const DetachDiskInput = builder.inputType('DetachDiskInput', {
  description: 'Input of `detachDisk`.',
  fields: (t) => ({ diskId: t.id({ required: true, description: 'The disk, `v-…`.' }) }),
})

const DetachDiskPayload = payload(
  'DetachDiskPayload',
  'The disk is DETACHING. It becomes UNMOUNTED (a system disk NORMAL), or IN_USE if a program still has it ' +
    'open.',
)

const ResizeDiskInput = builder.inputType('ResizeDiskInput', {
  description: 'Input of `resizeDisk`.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    sizeGiB: t.int({
      required: true,
      description: `Its new size, ${SIZE_TEXT}; larger than the current size.`,
    }),
  }),
})

const ResizeDiskPayload = payload(
  'ResizeDiskPayload',
  'The disk is SCALING. It returns to its previous status, enlarged, or with a reason in the transition.',
)

const RollBackDiskInput = builder.inputType('RollBackDiskInput', {
  description: 'Input of `rollBackDisk`.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    snapshotId: t.id({ required: true, description: 'A snapshot of this disk, `s-…`.' }),
  }),
})

const RollBackDiskPayload = payload(
  'RollBackDiskPayload',
  'The disk is ROLLING_BACK. It becomes UNMOUNTED (a system disk NORMAL) with the content of the snapshot, ' +
    'or with its old content and a reason in the transition.',
)

const ReleaseDiskInput = builder.inputType('ReleaseDiskInput', {
  description: 'Input of `releaseDisk`.',
  fields: (t) => ({
    diskId: t.id({ required: true, description: 'The disk, `v-…`.' }),
    withSnapshots: t.boolean({
      defaultValue: false,
      description:
        'Whether to delete its snapshots first, in the background. The call is refused if one of them cannot be deleted now; one that is protected after the call is kept. Otherwise all are kept, and their `disk` becomes null.',
    }),
  }),
})

const ReleaseDiskPayload = payload(
  'ReleaseDiskPayload',
  'The disk is DELETING, and becomes DELETED in the background.',
)

builder.mutationFields((t) => ({
  registerDisk: t.field({
    type: RegisterDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      "Registers an existing raw image file or block device on the gateway's machine as a disk. The size of the " +
      'disk is the size of the file.',
    errors: {
      types: [InvalidName, DiskPathRefused, DiskAlreadyRegistered],
      union: { name: 'RegisterDiskResult', description: 'The registered disk, or a refusal.' },
    },
    args: { input: t.arg({ type: RegisterDiskInput, required: true, description: 'The input.' }) },
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
      "Creates an empty disk, or one with the content of a data disk's snapshot, whose checksum is verified. " +
      'Returns immediately with the disk CREATING; watch it with `diskStatus`. An account can create at most ' +
      `${DISKS_FROM_SNAPSHOTS_AT_ONCE} disks from snapshots at a time. Order of checks: name, client token, ` +
      'snapshot, its kind and status, size, creations in progress.',
    errors: {
      types: [
        InvalidName,
        ClientTokenReused,
        SnapshotNotFound,
        OperationNotOffered,
        SystemSnapshotForbidsDisk,
        SnapshotStatusForbidsOperation,
        DiskSizeRefused,
        DiskCreationLimitExceeded,
      ],
      union: { name: 'CreateDiskResult', description: 'The accepted disk, or a refusal.' },
    },
    args: { input: t.arg({ type: CreateDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.create(viewer, {
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
      'Changes name, description and tags of a disk that is not being released. Order of checks: name, disk, ' +
      'status.',
    errors: {
      types: [InvalidName, DiskNotFound, OperationNotOffered, DiskStatusForbidsOperation],
      union: { name: 'UpdateDiskResult', description: 'The changed disk, or a refusal.' },
    },
    args: { input: t.arg({ type: UpdateDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.update(viewer, {
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
      'Attaches a disk to an instance. A data disk must be UNMOUNTED, a system disk NORMAL. Order of checks: ' +
      'disk, status.',
    errors: {
      types: [DiskNotFound, OperationNotOffered, DiskStatusForbidsOperation],
      union: { name: 'AttachDiskResult', description: 'The disk, ATTACHING, or a refusal.' },
    },
    args: { input: t.arg({ type: AttachDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.attach(viewer, { ...input, device: input.device ?? null }),
    }),
  }),
  detachDisk: t.field({
    type: DetachDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Detaches a disk from its instance. The disk must be IN_USE. Order of checks: disk, status, attachment.',
    errors: {
      types: [DiskNotFound, OperationNotOffered, DiskStatusForbidsOperation, DiskNotAttached],
      union: { name: 'DetachDiskResult', description: 'The disk, DETACHING, or a refusal.' },
    },
    args: { input: t.arg({ type: DetachDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.detach(viewer, input),
    }),
  }),
  resizeDisk: t.field({
    type: ResizeDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Enlarges a disk. A data disk must be IN_USE or UNMOUNTED, a system disk IN_USE or NORMAL. Disks cannot be ' +
      'shrunk. Order of checks: disk, status, size.',
    errors: {
      types: [DiskNotFound, OperationNotOffered, DiskStatusForbidsOperation, DiskSizeRefused],
      union: { name: 'ResizeDiskResult', description: 'The disk, SCALING, or a refusal.' },
    },
    args: { input: t.arg({ type: ResizeDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.resize(viewer, input),
    }),
  }),
  rollBackDisk: t.field({
    type: RollBackDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Rolls a disk back to one of its own COMPLETED snapshots, whose checksum is verified first. A data disk ' +
      'must be UNMOUNTED, a system disk NORMAL. Data written since the snapshot is lost. At any moment, even ' +
      'after a crash, the disk has either the old or the new content. A disk that was enlarged since keeps its ' +
      'size, with zeros after the content. Order of checks: disk, snapshot, its disk, its status, status of the ' +
      'disk.',
    errors: {
      types: [
        DiskNotFound,
        SnapshotNotFound,
        OperationNotOffered,
        SnapshotOfOtherDisk,
        SnapshotStatusForbidsOperation,
        DiskStatusForbidsOperation,
      ],
      union: { name: 'RollBackDiskResult', description: 'The disk, ROLLING_BACK, or a refusal.' },
    },
    args: { input: t.arg({ type: RollBackDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.rollBack(viewer, input),
    }),
  }),
  releaseDisk: t.field({
    type: ReleaseDiskPayload,
    authScopes: { may: 'manageDisks' },
    description:
      'Removes a disk from the gateway. A data disk must be UNMOUNTED, EXPIRED or ERROR, a system disk NORMAL, ' +
      'EXPIRED or ERROR. The image is deleted if `createDisk` made it, and kept if it was registered. Order of ' +
      'checks: disk, status; with its snapshots, also the status, protection and use of each.',
    errors: {
      types: [
        DiskNotFound,
        OperationNotOffered,
        DiskStatusForbidsOperation,
        SnapshotStatusForbidsOperation,
        SnapshotProtected,
        SnapshotInUse,
      ],
      union: { name: 'ReleaseDiskResult', description: 'The disk, DELETING, or a refusal.' },
    },
    args: { input: t.arg({ type: ReleaseDiskInput, required: true, description: 'The input.' }) },
    resolve: async (_root, { input }, { gateway, viewer }) => ({
      disk: await gateway.disks.release(viewer, {
        diskId: input.diskId,
        withSnapshots: input.withSnapshots ?? false,
      }),
    }),
  }),
}))
