import type { Refusal } from '../../domain/refusals.ts'
import {
  ApiTokenNotFound,
  ClientTokenReused,
  DiskAlreadyRegistered,
  DiskNotFound,
  DiskPathRefused,
  DiskStatusForbidsSnapshot,
  DISK_PATH_PROBLEMS,
  InvalidName,
  SnapshotQuotaExceeded,
} from '../../domain/refusals.ts'
import { NAME_RULES } from '../../domain/name.ts'
import { builder } from '../builder.ts'
import { DiskKind, DiskStatus } from './disk-enums.ts'
import { SnapshotType } from './snapshot-enums.ts'

const RefusalCode = builder.enumType('RefusalCode', {
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
    'or NORMAL. While one snapshot is being made the disk is SNAPSHOTTING, so a disk has one under way at a time.',
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
  description: 'The client token was used before, with other input.',
  interfaces: [UserError],
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
