/**
 * The catalogue of refusals: understood, and no. Each says what is wrong and what would be right,
 * and carries the facts. A rule returns one, a service throws it, GraphQL gives it as a union member. They are data and
 * not errors of JavaScript: they need no stack, and GraphQL would take an Error inside an answer for a fault.
 */
import type { DiskKind, DiskOperation, DiskStatus } from './disk.ts'
import { quoted } from './echo.ts'
import type { JobKind } from './job.ts'
import { NAME_RULES, type NameRule } from './name.ts'
import { POLICIES_MAX, POLICY_RULES, type PolicyRule } from './policy-input.ts'
import type { SnapshotOperation, SnapshotStatus, SnapshotType } from './snapshot.ts'

export const REFUSAL_CODES = [
  'DISK_NOT_FOUND',
  'DISK_STATUS_FORBIDS_SNAPSHOT',
  'SNAPSHOT_QUOTA_EXCEEDED',
  'INVALID_NAME',
  'CLIENT_TOKEN_REUSED',
  'DISK_PATH_REFUSED',
  'DISK_ALREADY_REGISTERED',
  'API_TOKEN_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_STATUS_FORBIDS_OPERATION',
  'SNAPSHOT_IN_USE',
  'SNAPSHOT_OF_OTHER_DISK',
  'SYSTEM_SNAPSHOT_FORBIDS_DISK',
  'DISK_STATUS_FORBIDS_OPERATION',
  'DISK_NOT_ATTACHED',
  'DISK_SIZE_REFUSED',
  'TOO_MANY_DISKS_UNDER_WAY',
  'OTHER_SNAPSHOT_REFUSED',
  'POLICY_NOT_FOUND',
  'INVALID_POLICY',
  'POLICY_QUOTA_EXCEEDED',
  'DISK_STATUS_FORBIDS_POLICY',
  'DISK_LINKED_ELSEWHERE',
  'NOTHING_IN_PROGRESS',
  'OPERATION_NOT_CANCELLABLE',
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
    super('DISK_NOT_FOUND', `There is no disk ${quoted(diskId)}. Query disks for those there are.`)
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
  /** What the same call created before, if that no longer exists; null when the token came with other input. */
  readonly createdId: string | null

  constructor(createdId: string | null) {
    super(
      'CLIENT_TOKEN_REUSED',
      createdId === null
        ? 'This client token was used before with other input. Use a new token, or repeat the call as it was.'
        : `This call was made before and created ${createdId}, which no longer exists. To create another one, use a new token.`,
    )
    this.createdId = createdId
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
  TOO_LARGE: 'The file at this path is larger than a disk can be: 9,007,199,254,740,991 bytes.',
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
      `There is no API token ${quoted(apiTokenId)}. Query apiTokens for those there are.`,
    )
    this.apiTokenId = apiTokenId
  }
}

export class SnapshotNotFound extends Refusal {
  readonly snapshotId: string

  constructor(snapshotId: string) {
    super(
      'SNAPSHOT_NOT_FOUND',
      `There is no snapshot ${quoted(snapshotId)}. Query snapshots for those there are.`,
    )
    this.snapshotId = snapshotId
  }
}

export class SnapshotStatusForbidsOperation extends Refusal {
  readonly operation: SnapshotOperation
  readonly actual: SnapshotStatus
  readonly allowed: readonly SnapshotStatus[]

  constructor(operation: SnapshotOperation, actual: SnapshotStatus, allowed: readonly SnapshotStatus[]) {
    super(
      'SNAPSHOT_STATUS_FORBIDS_OPERATION',
      `The snapshot is ${actual}; ${operation} is possible while it is ${allowed.join(' or ')}.`,
    )
    this.operation = operation
    this.actual = actual
    this.allowed = allowed
  }
}

export class SnapshotInUse extends Refusal {
  readonly snapshotId: string

  constructor(snapshotId: string) {
    super(
      'SNAPSHOT_IN_USE',
      `Snapshot ${snapshotId} is being read: it is verified, or a disk is rolled back to it or made from it. Wait until that has ended.`,
    )
    this.snapshotId = snapshotId
  }
}

export class SnapshotOfOtherDisk extends Refusal {
  constructor() {
    super(
      'SNAPSHOT_OF_OTHER_DISK',
      'The snapshot was not taken of this disk. Roll back to a snapshot of its own, or create a disk from this one.',
    )
  }
}

export class SystemSnapshotForbidsDisk extends Refusal {
  constructor() {
    super(
      'SYSTEM_SNAPSHOT_FORBIDS_DISK',
      'The snapshot was taken of a system disk; a disk is created from a snapshot of a data disk.',
    )
  }
}

export class DiskStatusForbidsOperation extends Refusal {
  readonly operation: DiskOperation
  readonly kind: DiskKind
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(operation: DiskOperation, kind: DiskKind, actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(
      'DISK_STATUS_FORBIDS_OPERATION',
      operation === 'UPDATE'
        ? `The disk is ${actual}; nothing about it can be changed any more.`
        : `The disk is ${actual}; ${operation} of a ${kind} disk is possible while it is ${allowed.join(' or ')}.`,
    )
    this.operation = operation
    this.kind = kind
    this.actual = actual
    this.allowed = allowed
  }
}

export class DiskNotAttached extends Refusal {
  constructor() {
    super(
      'DISK_NOT_ATTACHED',
      'The disk is not attached to an instance: a program has it open. Close it there.',
    )
  }
}

export class DiskSizeRefused extends Refusal {
  readonly sizeGiB: number
  readonly minGiB: number
  readonly maxGiB: number

  constructor(sizeGiB: number, minGiB: number, maxGiB: number) {
    super(
      'DISK_SIZE_REFUSED',
      minGiB > maxGiB
        ? `The size would be ${sizeGiB} GiB; the disk is as large as a disk may be already.`
        : `The size would be ${sizeGiB} GiB; it must be from ${minGiB} to ${maxGiB} GiB.`,
    )
    this.sizeGiB = sizeGiB
    this.minGiB = minGiB
    this.maxGiB = maxGiB
  }
}

export class TooManyDisksUnderWay extends Refusal {
  readonly limit: number

  constructor(limit: number) {
    super(
      'TOO_MANY_DISKS_UNDER_WAY',
      `${limit} disks are being made from snapshots already, which is as many as may be at once. Wait until one has ended.`,
    )
    this.limit = limit
  }
}

export class OtherSnapshotRefused extends Refusal {
  constructor() {
    super(
      'OTHER_SNAPSHOT_REFUSED',
      'Nothing speaks against this one, but another was refused, and all or none were asked for.',
    )
  }
}

export class PolicyNotFound extends Refusal {
  readonly policyId: string

  constructor(policyId: string) {
    super(
      'POLICY_NOT_FOUND',
      `There is no automatic snapshot policy ${quoted(policyId)}. Query autoSnapshotPolicies for those there are.`,
    )
    this.policyId = policyId
  }
}

export class InvalidPolicy extends Refusal {
  readonly brokenRules: readonly PolicyRule[]

  constructor(brokenRules: readonly PolicyRule[]) {
    super('INVALID_POLICY', brokenRules.map((rule) => POLICY_RULES[rule]).join(' '))
    this.brokenRules = brokenRules
  }
}

export class PolicyQuotaExceeded extends Refusal {
  readonly limit = POLICIES_MAX

  constructor() {
    super(
      'POLICY_QUOTA_EXCEEDED',
      `The account has ${POLICIES_MAX} automatic snapshot policies, as many as it may have. Delete one first.`,
    )
  }
}

export class DiskStatusForbidsPolicy extends Refusal {
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(
      'DISK_STATUS_FORBIDS_POLICY',
      `The disk is ${actual}; a policy can be linked to it while it is ${allowed.join(' or ')}.`,
    )
    this.actual = actual
    this.allowed = allowed
  }
}

export class DiskLinkedElsewhere extends Refusal {
  readonly policyId: string

  constructor(policyId: string) {
    super(
      'DISK_LINKED_ELSEWHERE',
      `The disk is linked to the policy ${policyId}, and it can have one only. Unlink it from that one first.`,
    )
    this.policyId = policyId
  }
}

export class NothingInProgress extends Refusal {
  readonly id: string

  constructor(id: string) {
    super('NOTHING_IN_PROGRESS', `No operation on ${id} is in progress, so there is nothing to cancel.`)
    this.id = id
  }
}

export class OperationNotCancellable extends Refusal {
  readonly kind: JobKind

  constructor(kind: JobKind) {
    super(
      'OPERATION_NOT_CANCELLABLE',
      'The snapshot is being deleted to make room for a newer automatic snapshot. Its quota slot is already taken.',
    )
    this.kind = kind
  }
}
