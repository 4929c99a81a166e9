import type { Refusal } from '../../domain/refusals.ts'
import {
  ApiTokenNotFound,
  ClientTokenReused,
  DiskAlreadyRegistered,
  DiskLinkedElsewhere,
  DiskNotAttached,
  DiskNotFound,
  DiskPathRefused,
  DiskSizeRefused,
  DiskStatusForbidsOperation,
  DiskStatusForbidsPolicy,
  DiskStatusForbidsSnapshot,
  DISK_PATH_PROBLEMS,
  InvalidName,
  InvalidPolicy,
  NothingInProgress,
  OperationNotCancellable,
  OtherSnapshotRefused,
  PolicyNotFound,
  PolicyQuotaExceeded,
  SnapshotInUse,
  SnapshotNotFound,
  SnapshotOfOtherDisk,
  SnapshotQuotaExceeded,
  SnapshotStatusForbidsOperation,
  SystemSnapshotForbidsDisk,
  TooManyDisksUnderWay,
} from '../../domain/refusals.ts'
import { NAME_RULES } from '../../domain/name.ts'
import { POLICIES_MAX, POLICY_RULES } from '../../domain/policy-input.ts'
import { builder } from '../builder.ts'
import { DiskKind, DiskOperation, DiskStatus } from './disk-enums.ts'
import { OperationKind } from './operation.ts'
import { SnapshotOperation, SnapshotStatus, SnapshotType } from './snapshot-enums.ts'

export const RefusalCode = builder.enumType('RefusalCode', {
  description: 'Why something was refused: one code for each type that implements `UserError`.',
  values: {
    DISK_NOT_FOUND: { description: 'See `DiskNotFound`.' },
    DISK_STATUS_FORBIDS_SNAPSHOT: { description: 'See `DiskStatusForbidsSnapshot`.' },
    SNAPSHOT_QUOTA_EXCEEDED: { description: 'See `SnapshotQuotaExceeded`.' },
    INVALID_NAME: { description: 'See `InvalidName`.' },
    CLIENT_TOKEN_REUSED: { description: 'See `ClientTokenReused`.' },
    DISK_PATH_REFUSED: { description: 'See `DiskPathRefused`.' },
    DISK_ALREADY_REGISTERED: { description: 'See `DiskAlreadyRegistered`.' },
    API_TOKEN_NOT_FOUND: { description: 'See `ApiTokenNotFound`.' },
    SNAPSHOT_NOT_FOUND: { description: 'See `SnapshotNotFound`.' },
    SNAPSHOT_STATUS_FORBIDS_OPERATION: { description: 'See `SnapshotStatusForbidsOperation`.' },
    SNAPSHOT_IN_USE: { description: 'See `SnapshotInUse`.' },
    SNAPSHOT_OF_OTHER_DISK: { description: 'See `SnapshotOfOtherDisk`.' },
    SYSTEM_SNAPSHOT_FORBIDS_DISK: { description: 'See `SystemSnapshotForbidsDisk`.' },
    DISK_STATUS_FORBIDS_OPERATION: { description: 'See `DiskStatusForbidsOperation`.' },
    DISK_NOT_ATTACHED: { description: 'See `DiskNotAttached`.' },
    DISK_SIZE_REFUSED: { description: 'See `DiskSizeRefused`.' },
    TOO_MANY_DISKS_UNDER_WAY: { description: 'See `TooManyDisksUnderWay`.' },
    OTHER_SNAPSHOT_REFUSED: { description: 'See `OtherSnapshotRefused`.' },
    POLICY_NOT_FOUND: { description: 'See `PolicyNotFound`.' },
    INVALID_POLICY: { description: 'See `InvalidPolicy`.' },
    POLICY_QUOTA_EXCEEDED: { description: 'See `PolicyQuotaExceeded`.' },
    DISK_STATUS_FORBIDS_POLICY: { description: 'See `DiskStatusForbidsPolicy`.' },
    DISK_LINKED_ELSEWHERE: { description: 'See `DiskLinkedElsewhere`.' },
    NOTHING_IN_PROGRESS: { description: 'See `NothingInProgress`.' },
    OPERATION_NOT_CANCELLABLE: { description: 'See `OperationNotCancellable`.' },
  },
} as const)

/** A refusal that is a value in an answer. */
type RefusalFacts = Pick<Refusal, 'code' | 'message'>

/** GraphQL takes an Error anywhere in an answer for a failure, so a refusal that is a value is given as its facts. */
export function factsOf(refusal: Refusal): RefusalFacts {
  return Object.assign({}, refusal, { message: refusal.message })
}

export const UserError = builder.interfaceRef<RefusalFacts>('UserError').implement({
  description: 'A refusal: the request was understood, and the answer is no. Nothing was changed.',
  resolveType: ({ code }) =>
    code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  fields: (t) => ({
    code: t.expose('code', { type: RefusalCode, description: 'Why, for programs.' }),
    message: t.exposeString('message', { description: 'Why, and what would be right, for people.' }),
  }),
})

builder.objectType(DiskNotFound, {
  name: 'DiskNotFound',
  description: 'There is no such disk.',
  interfaces: [UserError],
  fields: (t) => ({ diskId: t.exposeID('diskId', { description: 'The id that was asked for.' }) }),
})

builder.objectType(DiskStatusForbidsSnapshot, {
  name: 'DiskStatusForbidsSnapshot',
  description:
    'The status of the disk does not allow a snapshot: a data disk must be IN_USE or UNMOUNTED, a system disk IN_USE ' +
    'or NORMAL. While one snapshot is being made the disk is SNAPSHOTTING, so a disk has one in progress at a time.',
  interfaces: [UserError],
  fields: (t) => ({
    kind: t.expose('kind', {
      type: DiskKind,
      description: 'The kind of the disk, which decides what is allowed.',
    }),
    actual: t.expose('actual', { type: DiskStatus, description: 'The status the disk has.' }),
    allowed: t.expose('allowed', { type: [DiskStatus], description: 'The statuses that would do.' }),
  }),
})

builder.objectType(SnapshotQuotaExceeded, {
  name: 'SnapshotQuotaExceeded',
  description:
    'The disk holds as many snapshots of this type as it may: 256 manual and 256 automatic ones unless configured.',
  interfaces: [UserError],
  fields: (t) => ({
    type: t.expose('type', { type: SnapshotType, description: 'The budget that is full.' }),
    used: t.exposeInt('used', { description: 'Snapshots of this type that count.' }),
    limit: t.exposeInt('limit', { description: 'How many there may be.' }),
  }),
})

const NameRule = builder.enumType('NameRule', {
  description: 'A rule of names.',
  values: {
    EMPTY: { description: NAME_RULES.EMPTY },
    TOO_LONG: { description: NAME_RULES.TOO_LONG },
    FIRST_CHARACTER: { description: NAME_RULES.FIRST_CHARACTER },
    CHARACTERS: { description: NAME_RULES.CHARACTERS },
  },
} as const)

builder.objectType(InvalidName, {
  name: 'InvalidName',
  description: 'The name breaks the rule of names.',
  interfaces: [UserError],
  fields: (t) => ({
    brokenRules: t.expose('brokenRules', { type: [NameRule], description: 'Every rule it breaks.' }),
  }),
})

builder.objectType(ClientTokenReused, {
  name: 'ClientTokenReused',
  description:
    'The client token was used before: with other input, by another mutation, or by the same call, and what that created ' +
    'no longer exists.',
  interfaces: [UserError],
  fields: (t) => ({
    createdId: t.exposeID('createdId', {
      nullable: true,
      description:
        'What the same call created before, if that was deleted since; null if the token came with other input.',
    }),
  }),
})

const DiskPathProblem = builder.enumType('DiskPathProblem', {
  description: 'Why a path cannot be registered as a disk.',
  values: {
    NOT_ABSOLUTE: { description: DISK_PATH_PROBLEMS.NOT_ABSOLUTE },
    OUTSIDE: { description: DISK_PATH_PROBLEMS.OUTSIDE },
    MISSING: { description: DISK_PATH_PROBLEMS.MISSING },
    NOT_A_DISK: { description: DISK_PATH_PROBLEMS.NOT_A_DISK },
    UNREADABLE: { description: DISK_PATH_PROBLEMS.UNREADABLE },
    EMPTY: { description: DISK_PATH_PROBLEMS.EMPTY },
    TOO_LARGE: { description: DISK_PATH_PROBLEMS.TOO_LARGE },
  },
} as const)

builder.objectType(DiskPathRefused, {
  name: 'DiskPathRefused',
  description: 'The path cannot be registered as a disk.',
  interfaces: [UserError],
  fields: (t) => ({
    problem: t.expose('problem', { type: DiskPathProblem, description: 'What is wrong with it.' }),
  }),
})

builder.objectType(DiskAlreadyRegistered, {
  name: 'DiskAlreadyRegistered',
  description: 'The file at this path is a disk already.',
  interfaces: [UserError],
})

builder.objectType(ApiTokenNotFound, {
  name: 'ApiTokenNotFound',
  description: 'There is no such API token.',
  interfaces: [UserError],
  fields: (t) => ({
    apiTokenId: t.exposeID('apiTokenId', { description: 'The id that was asked for.' }),
  }),
})

builder.objectType(SnapshotNotFound, {
  name: 'SnapshotNotFound',
  description: 'There is no such snapshot.',
  interfaces: [UserError],
  fields: (t) => ({ snapshotId: t.exposeID('snapshotId', { description: 'The id that was asked for.' }) }),
})

builder.objectType(SnapshotStatusForbidsOperation, {
  name: 'SnapshotStatusForbidsOperation',
  description:
    'The status of the snapshot does not allow the operation: it is changed or deleted when it is COMPLETED, FAILED or ' +
    'UNAVAILABLE, and verified, rolled back to or made a disk from when it is COMPLETED.',
  interfaces: [UserError],
  fields: (t) => ({
    operation: t.expose('operation', { type: SnapshotOperation, description: 'What was asked of it.' }),
    actual: t.expose('actual', { type: SnapshotStatus, description: 'The status the snapshot has.' }),
    allowed: t.expose('allowed', { type: [SnapshotStatus], description: 'The statuses that would do.' }),
  }),
})

builder.objectType(SnapshotInUse, {
  name: 'SnapshotInUse',
  description: 'The copy is being read: verified, or a disk is rolled back to it or made from it.',
  interfaces: [UserError],
  fields: (t) => ({ snapshotId: t.exposeID('snapshotId', { description: 'The snapshot that is read.' }) }),
})

builder.objectType(SnapshotOfOtherDisk, {
  name: 'SnapshotOfOtherDisk',
  description: 'A disk is rolled back to a snapshot of its own only.',
  interfaces: [UserError],
})

builder.objectType(SystemSnapshotForbidsDisk, {
  name: 'SystemSnapshotForbidsDisk',
  description: 'No disk is created from the snapshot of a system disk.',
  interfaces: [UserError],
})

builder.objectType(DiskStatusForbidsOperation, {
  name: 'DiskStatusForbidsOperation',
  description: 'The status of the disk does not allow the operation.',
  interfaces: [UserError],
  fields: (t) => ({
    operation: t.expose('operation', { type: DiskOperation, description: 'What was asked of it.' }),
    kind: t.expose('kind', {
      type: DiskKind,
      description: 'The kind of the disk, which decides what is allowed.',
    }),
    actual: t.expose('actual', { type: DiskStatus, description: 'The status the disk has.' }),
    allowed: t.expose('allowed', { type: [DiskStatus], description: 'The statuses that would do.' }),
  }),
})

builder.objectType(DiskNotAttached, {
  name: 'DiskNotAttached',
  description: 'The disk is IN_USE because a program has it open, not because it is attached to an instance.',
  interfaces: [UserError],
})

builder.objectType(DiskSizeRefused, {
  name: 'DiskSizeRefused',
  description:
    'A disk cannot have this size, or not any more: a disk only grows, and holds what it is made from.',
  interfaces: [UserError],
  fields: (t) => ({
    sizeGiB: t.exposeInt('sizeGiB', { description: 'The size that was asked for, in GiB.' }),
    minGiB: t.exposeInt('minGiB', { description: 'The smallest size that would do, in GiB.' }),
    maxGiB: t.exposeInt('maxGiB', { description: 'The largest size that would do, in GiB.' }),
  }),
})

builder.objectType(TooManyDisksUnderWay, {
  name: 'TooManyDisksUnderWay',
  description: 'As many disks are being made from snapshots as may be at once in an account.',
  interfaces: [UserError],
  fields: (t) => ({ limit: t.exposeInt('limit', { description: 'How many that is.' }) }),
})

builder.objectType(OtherSnapshotRefused, {
  name: 'OtherSnapshotRefused',
  description: 'Nothing speaks against this one, but another was refused, and all or none were asked for.',
  interfaces: [UserError],
})

builder.objectType(PolicyNotFound, {
  name: 'PolicyNotFound',
  description: 'There is no such automatic snapshot policy.',
  interfaces: [UserError],
  fields: (t) => ({ policyId: t.exposeID('policyId', { description: 'The id that was asked for.' }) }),
})

const PolicyRule = builder.enumType('AutoSnapshotPolicyRule', {
  description: 'A rule of automatic snapshot policies.',
  values: {
    TIME_POINTS: { description: POLICY_RULES.TIME_POINTS },
    REPEAT_WEEKDAYS: { description: POLICY_RULES.REPEAT_WEEKDAYS },
    RETENTION_DAYS: { description: POLICY_RULES.RETENTION_DAYS },
    TIME_ZONE: { description: POLICY_RULES.TIME_ZONE },
  },
} as const)

builder.objectType(InvalidPolicy, {
  name: 'InvalidPolicy',
  description: 'The policy breaks a rule of policies.',
  interfaces: [UserError],
  fields: (t) => ({
    brokenRules: t.expose('brokenRules', { type: [PolicyRule], description: 'Every rule it breaks.' }),
  }),
})

builder.objectType(PolicyQuotaExceeded, {
  name: 'PolicyQuotaExceeded',
  description: `The account has as many policies as it may: ${POLICIES_MAX}.`,
  interfaces: [UserError],
  fields: (t) => ({ limit: t.exposeInt('limit', { description: 'How many there may be.' }) }),
})

builder.objectType(DiskStatusForbidsPolicy, {
  name: 'DiskStatusForbidsPolicy',
  description: 'The status of the disk does not allow a policy to be linked to it: it must be IN_USE.',
  interfaces: [UserError],
  fields: (t) => ({
    actual: t.expose('actual', { type: DiskStatus, description: 'The status the disk has.' }),
    allowed: t.expose('allowed', { type: [DiskStatus], description: 'The statuses that would do.' }),
  }),
})

builder.objectType(DiskLinkedElsewhere, {
  name: 'DiskLinkedElsewhere',
  description: 'The disk is linked to another policy, and a disk has one at most.',
  interfaces: [UserError],
  fields: (t) => ({ policyId: t.exposeID('policyId', { description: 'The policy it is linked to.' }) }),
})

builder.objectType(NothingInProgress, {
  name: 'NothingInProgress',
  description: 'No operation on this snapshot or disk is in progress: there never was one, or it has ended.',
  interfaces: [UserError],
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id of the snapshot or disk.' }) }),
})

builder.objectType(OperationNotCancellable, {
  name: 'OperationNotCancellable',
  description:
    'The operation cannot be cancelled: a snapshot is being deleted to make room for a newer automatic one, which has taken ' +
    'its quota slot.',
  interfaces: [UserError],
  fields: (t) => ({
    kind: t.expose('kind', { type: OperationKind, description: 'What is in progress.' }),
  }),
})
