/**
 * The catalogue of refusals: understood, and no. Each says what is wrong and what would be right,
 * and carries the facts. A rule returns one, a service throws it, GraphQL gives it as a union member. They are data and
 * not errors of JavaScript: they need no stack, and GraphQL would take an Error inside an answer for a fault.
 */
import type { DiskKind, DiskStatus } from './disk.ts'
import { NAME_RULES, type NameRule } from './name.ts'
import type { SnapshotType } from './snapshot.ts'

export const REFUSAL_CODES = [
  'DISK_NOT_FOUND',
  'DISK_STATUS_FORBIDS_SNAPSHOT',
  'SNAPSHOT_QUOTA_EXCEEDED',
  'INVALID_NAME',
  'CLIENT_TOKEN_REUSED',
  'DISK_PATH_REFUSED',
  'DISK_ALREADY_REGISTERED',
  'API_TOKEN_NOT_FOUND',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

export class Refusal {
  readonly code: RefusalCode
  readonly message: string

  constructor(code: RefusalCode, message: string) {
    this.code = code
    this.message = message
  }
}

export class DiskNotFound extends Refusal {
  readonly diskId: string

  constructor(diskId: string) {
    super('DISK_NOT_FOUND', `There is no disk ${JSON.stringify(diskId)}. Query disks for those there are.`)
    this.diskId = diskId
  }
}

export class DiskStatusForbidsSnapshot extends Refusal {
  readonly kind: DiskKind
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(kind: DiskKind, actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(
      'DISK_STATUS_FORBIDS_SNAPSHOT',
      actual === 'SNAPSHOTTING'
        ? 'A snapshot of this disk is already being made. Wait until it has ended.'
        : `The disk is ${actual}; a snapshot of a ${kind} disk can be taken while it is ${allowed.join(' or ')}.`,
    )
    this.kind = kind
    this.actual = actual
    this.allowed = allowed
  }
}

export class SnapshotQuotaExceeded extends Refusal {
  readonly type: SnapshotType
  readonly used: number
  readonly limit: number

  constructor(type: SnapshotType, used: number, limit: number) {
    super(
      'SNAPSHOT_QUOTA_EXCEEDED',
      `The disk holds ${used} of ${limit} ${type} snapshots. Delete one that is no longer needed first.`,
    )
    this.type = type
    this.used = used
    this.limit = limit
  }
}

export class InvalidName extends Refusal {
  readonly brokenRules: readonly NameRule[]

  constructor(brokenRules: readonly NameRule[]) {
    super('INVALID_NAME', brokenRules.map((rule) => NAME_RULES[rule]).join(' '))
    this.brokenRules = brokenRules
  }
}

export class ClientTokenReused extends Refusal {
  constructor() {
    super(
      'CLIENT_TOKEN_REUSED',
      'This client token was used before with other input. Use a new token, or repeat the call as it was.',
    )
  }
}

/** Why a path cannot be registered as a disk. */
export const DISK_PATH_PROBLEMS = {
  NOT_ABSOLUTE: 'The path is not absolute. Write it from the root, such as /srv/disks/vm.img.',
  OUTSIDE:
    'The path does not lead into one of the directories that disks may be registered from (DISK_DIRS).',
  MISSING: 'There is no file at this path.',
  NOT_A_DISK: 'The path leads to something that is neither a regular file nor a block device.',
  UNREADABLE: 'The file at this path cannot be read by the gateway. Give it read permission.',
  EMPTY: 'The file at this path is empty. A disk has at least 1 byte.',
} as const
export type DiskPathProblem = keyof typeof DISK_PATH_PROBLEMS

export class DiskPathRefused extends Refusal {
  readonly problem: DiskPathProblem

  constructor(problem: DiskPathProblem) {
    super('DISK_PATH_REFUSED', DISK_PATH_PROBLEMS[problem])
    this.problem = problem
  }
}

export class DiskAlreadyRegistered extends Refusal {
  constructor() {
    super('DISK_ALREADY_REGISTERED', 'The file at this path is already registered as a disk.')
  }
}

export class ApiTokenNotFound extends Refusal {
  readonly apiTokenId: string

  constructor(apiTokenId: string) {
    super(
      'API_TOKEN_NOT_FOUND',
      `There is no API token ${JSON.stringify(apiTokenId)}. Query apiTokens for those there are.`,
    )
    this.apiTokenId = apiTokenId
  }
}
