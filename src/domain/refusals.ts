import { CANCEL_OBSTACLES, type CancelObstacle } from './cancel-obstacle.ts'
import {
  CONNECTIONS_MAX,
  CREDENTIALS_PROBLEMS,
  PROVIDERS,
  type ConnectionState,
  type CredentialsProblem,
  type Provider,
} from './connection.ts'
import type { DiskKind, DiskOperation, DiskStatus } from './disk.ts'
import { DISK_PATH_PROBLEMS, type DiskPathProblem } from './disk-path.ts'
import { quoted } from './echo.ts'
import type { OperationKind } from './job.ts'
import { NAME_RULES, type NameRule } from './name.ts'
import { POLICIES_MAX, POLICY_RULES, type PolicyRule } from './policy-input.ts'
import { Refusal, type FactsOf } from './refusal.ts'
import type { SnapshotOperation, SnapshotStatus, SnapshotType } from './snapshot.ts'
import { upstreamReason, type UpstreamRefusal, type UpstreamRefusalClass } from './upstream.ts'

/**
 * The catalogue of refusals. A class that is exported here is all it takes: the schema derives its object type, its code
 * and its documentation. What remains is to list it with the mutations that return it.
 */

export class DiskNotFound extends Refusal {
  static readonly description = 'There is no disk with this id.'
  static readonly facts: FactsOf<DiskNotFound> = { diskId: ['ID!', 'The requested id.'] }
  readonly diskId: string

  constructor(diskId: string) {
    super(`Disk ${quoted(diskId)} not found.`)
    this.diskId = diskId
  }
}

export class DiskStatusForbidsSnapshot extends Refusal {
  static readonly description =
    'The status of the disk does not allow a snapshot. A disk takes one snapshot at a time.'
  static readonly facts: FactsOf<DiskStatusForbidsSnapshot> = {
    kind: ['DiskKind!', 'The kind of the disk, which decides the allowed statuses.'],
    actual: ['DiskStatus!', 'The status of the disk.'],
    allowed: ['[DiskStatus!]!', 'The allowed statuses.'],
  }
  readonly kind: DiskKind
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(kind: DiskKind, actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(
      actual === 'SNAPSHOTTING'
        ? 'A snapshot of this disk is already being created. Wait until it ends.'
        : `The disk is ${actual}. A snapshot of a ${kind} disk requires the status ${allowed.join(' or ')}.`,
    )
    this.kind = kind
    this.actual = actual
    this.allowed = allowed
  }
}

export class SnapshotQuotaExceeded extends Refusal {
  static readonly description = 'The disk already holds the maximum number of snapshots of this type.'
  static readonly facts: FactsOf<SnapshotQuotaExceeded> = {
    type: ['SnapshotType!', 'The type whose quota is full.'],
    used: ['Int!', 'Snapshots of this type that count.'],
    limit: ['Int!', 'The maximum number of snapshots of this type.'],
  }
  readonly type: SnapshotType
  readonly used: number
  readonly limit: number

  constructor(type: SnapshotType, used: number, limit: number) {
    super(`The disk holds ${used} of ${limit} ${type} snapshots. Delete one first.`)
    this.type = type
    this.used = used
    this.limit = limit
  }
}

export class StorageSpaceLow extends Refusal {
  static readonly description =
    'The gateway keeps a minimum of its storage free, and takes no new snapshots below it. This does not depend on the disk, so `snapshotEligibility` does not list it.'
  static readonly facts: FactsOf<StorageSpaceLow> = {
    freeMiB: ['Int!', 'The free space, in MiB.'],
    minFreeMiB: ['Int!', 'The free space that new snapshots require, in MiB.'],
  }
  readonly freeMiB: number
  readonly minFreeMiB: number

  constructor(freeMiB: number, minFreeMiB: number) {
    super(
      `New snapshots require ${minFreeMiB} MiB of free storage; ${freeMiB} MiB are free. Delete snapshots, or add storage.`,
    )
    this.freeMiB = freeMiB
    this.minFreeMiB = minFreeMiB
  }
}

export class InvalidName extends Refusal {
  static readonly description = 'The name breaks a naming rule.'
  static readonly facts: FactsOf<InvalidName> = { brokenRules: ['[NameRule!]!', 'Every rule it breaks.'] }
  readonly brokenRules: readonly NameRule[]

  constructor(brokenRules: readonly NameRule[]) {
    super(brokenRules.map((rule) => NAME_RULES[rule]).join(' '))
    this.brokenRules = brokenRules
  }
}

export class ClientTokenReused extends Refusal {
  static readonly description =
    'The client token was used before: with other input, by another mutation, or by the same call whose result no longer exists.'
  static readonly facts: FactsOf<ClientTokenReused> = {
    createdId: [
      'ID',
      'What the same call created before, if that was deleted since; null if the token came with other input.',
    ],
  }
  /** What the same call created before, if that no longer exists; null when the token came with other input. */
  readonly createdId: string | null

  constructor(createdId: string | null) {
    super(
      createdId === null
        ? 'This client token was already used with different input. Use a new token, or repeat the original call.'
        : `This call already created ${createdId}, which has been deleted. Use a new token to create another one.`,
    )
    this.createdId = createdId
  }
}

export class DiskPathRefused extends Refusal {
  static readonly description = 'The path cannot be registered as a disk.'
  static readonly facts: FactsOf<DiskPathRefused> = {
    problem: ['DiskPathProblem!', 'What is wrong with it.'],
  }
  readonly problem: DiskPathProblem

  constructor(problem: DiskPathProblem) {
    super(DISK_PATH_PROBLEMS[problem])
    this.problem = problem
  }
}

export class DiskAlreadyRegistered extends Refusal {
  static readonly description = 'The file at this path is already registered as a disk.'
  constructor() {
    super('The file at this path is already registered as a disk.')
  }
}

export class ApiTokenNotFound extends Refusal {
  static readonly description = 'There is no API token with this id.'
  static readonly facts: FactsOf<ApiTokenNotFound> = { apiTokenId: ['ID!', 'The requested id.'] }
  readonly apiTokenId: string

  constructor(apiTokenId: string) {
    super(`API token ${quoted(apiTokenId)} not found.`)
    this.apiTokenId = apiTokenId
  }
}

export class SnapshotNotFound extends Refusal {
  static readonly description = 'There is no snapshot with this id.'
  static readonly facts: FactsOf<SnapshotNotFound> = { snapshotId: ['ID!', 'The requested id.'] }
  readonly snapshotId: string

  constructor(snapshotId: string) {
    super(`Snapshot ${quoted(snapshotId)} not found.`)
    this.snapshotId = snapshotId
  }
}

export class SnapshotStatusForbidsOperation extends Refusal {
  static readonly description = 'The status of the snapshot does not allow the operation.'
  static readonly facts: FactsOf<SnapshotStatusForbidsOperation> = {
    operation: ['SnapshotOperation!', 'The requested operation.'],
    actual: ['SnapshotStatus!', 'The status of the snapshot.'],
    allowed: ['[SnapshotStatus!]!', 'The allowed statuses.'],
  }
  readonly operation: SnapshotOperation
  readonly actual: SnapshotStatus
  readonly allowed: readonly SnapshotStatus[]

  constructor(operation: SnapshotOperation, actual: SnapshotStatus, allowed: readonly SnapshotStatus[]) {
    super(`The snapshot is ${actual}. ${operation} requires the status ${allowed.join(' or ')}.`)
    this.operation = operation
    this.actual = actual
    this.allowed = allowed
  }
}

export class SnapshotInUse extends Refusal {
  static readonly description =
    'The copy is being read: it is being verified, or a disk is being rolled back to it or created from it.'
  static readonly facts: FactsOf<SnapshotInUse> = { snapshotId: ['ID!', 'The snapshot that is being read.'] }
  readonly snapshotId: string

  constructor(snapshotId: string) {
    super(
      `Snapshot ${snapshotId} is being read by a verification, a rollback or a disk creation. Wait until that ends.`,
    )
    this.snapshotId = snapshotId
  }
}

export class SnapshotProtected extends Refusal {
  static readonly description = 'The snapshot has deletion protection.'
  static readonly facts: FactsOf<SnapshotProtected> = { snapshotId: ['ID!', 'The protected snapshot.'] }
  readonly snapshotId: string

  constructor(snapshotId: string) {
    super(
      `Snapshot ${snapshotId} has deletion protection. Turn it off with updateSnapshot, then delete the snapshot.`,
    )
    this.snapshotId = snapshotId
  }
}

export class SnapshotOfOtherDisk extends Refusal {
  static readonly description = 'A disk can only be rolled back to one of its own snapshots.'
  constructor() {
    super(
      'The snapshot belongs to another disk. Roll back to one of its own snapshots, or create a disk from this one.',
    )
  }
}

export class SystemSnapshotForbidsDisk extends Refusal {
  static readonly description = 'No disk can be created from a snapshot of a system disk.'
  constructor() {
    super('The snapshot is of a system disk. Disks can only be created from snapshots of data disks.')
  }
}

export class DiskStatusForbidsOperation extends Refusal {
  static readonly description = 'The status of the disk does not allow the operation.'
  static readonly facts: FactsOf<DiskStatusForbidsOperation> = {
    operation: ['DiskOperation!', 'The requested operation.'],
    kind: ['DiskKind!', 'The kind of the disk, which decides the allowed statuses.'],
    actual: ['DiskStatus!', 'The status of the disk.'],
    allowed: ['[DiskStatus!]!', 'The allowed statuses.'],
  }
  readonly operation: DiskOperation
  readonly kind: DiskKind
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(operation: DiskOperation, kind: DiskKind, actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(
      operation === 'UPDATE'
        ? `The disk is ${actual} and can no longer be changed.`
        : `The disk is ${actual}. ${operation} of a ${kind} disk requires the status ${allowed.join(' or ')}.`,
    )
    this.operation = operation
    this.kind = kind
    this.actual = actual
    this.allowed = allowed
  }
}

export class DiskNotAttached extends Refusal {
  static readonly description =
    'The disk is IN_USE because a program has it open, not because it is attached to an instance.'
  constructor() {
    super('The disk is not attached to an instance, but open in a program. Close it there.')
  }
}

export class DiskSizeRefused extends Refusal {
  static readonly description =
    'The size is out of range: a disk never shrinks, and must hold the snapshot it is created from.'
  static readonly facts: FactsOf<DiskSizeRefused> = {
    sizeGiB: ['Int!', 'The requested size, in GiB.'],
    minGiB: ['Int!', 'The smallest allowed size, in GiB.'],
    maxGiB: ['Int!', 'The largest allowed size, in GiB.'],
  }
  readonly sizeGiB: number
  readonly minGiB: number
  readonly maxGiB: number

  constructor(sizeGiB: number, minGiB: number, maxGiB: number) {
    super(
      minGiB > maxGiB
        ? `The size cannot be ${sizeGiB} GiB: the disk already has the maximum size.`
        : `The size must be from ${minGiB} to ${maxGiB} GiB; it is ${sizeGiB} GiB.`,
    )
    this.sizeGiB = sizeGiB
    this.minGiB = minGiB
    this.maxGiB = maxGiB
  }
}

export class DiskCreationLimitExceeded extends Refusal {
  static readonly description =
    'The account is already creating the maximum number of disks from snapshots at once.'
  static readonly facts: FactsOf<DiskCreationLimitExceeded> = {
    limit: ['Int!', 'The maximum number of concurrent disk creations from snapshots.'],
  }
  readonly limit: number

  constructor(limit: number) {
    super(`Limit of ${limit} concurrent disk creations from snapshots reached. Wait until one ends.`)
    this.limit = limit
  }
}

export class OtherSnapshotRefused extends Refusal {
  static readonly description = 'Not created: another disk in this all-or-nothing request was refused.'
  constructor() {
    super('Not created: another disk in this all-or-nothing request was refused.')
  }
}

export class PolicyNotFound extends Refusal {
  static readonly description = 'There is no automatic snapshot policy with this id.'
  static readonly facts: FactsOf<PolicyNotFound> = { policyId: ['ID!', 'The requested id.'] }
  readonly policyId: string

  constructor(policyId: string) {
    super(`Automatic snapshot policy ${quoted(policyId)} not found.`)
    this.policyId = policyId
  }
}

export class InvalidPolicy extends Refusal {
  static readonly description = 'The policy breaks a rule of automatic snapshot policies.'
  static readonly facts: FactsOf<InvalidPolicy> = {
    brokenRules: ['[AutoSnapshotPolicyRule!]!', 'Every rule it breaks.'],
  }
  readonly brokenRules: readonly PolicyRule[]

  constructor(brokenRules: readonly PolicyRule[]) {
    super(brokenRules.map((rule) => POLICY_RULES[rule]).join(' '))
    this.brokenRules = brokenRules
  }
}

export class PolicyQuotaExceeded extends Refusal {
  static readonly description = 'The account already has the maximum number of automatic snapshot policies.'
  static readonly facts: FactsOf<PolicyQuotaExceeded> = { limit: ['Int!', 'The maximum number of policies.'] }
  readonly limit: number = POLICIES_MAX

  constructor() {
    super(`Limit of ${POLICIES_MAX} automatic snapshot policies reached. Delete one first.`)
  }
}

export class DiskStatusForbidsPolicy extends Refusal {
  static readonly description = 'The status of the disk does not allow a policy to be linked to it.'
  static readonly facts: FactsOf<DiskStatusForbidsPolicy> = {
    actual: ['DiskStatus!', 'The status of the disk.'],
    allowed: ['[DiskStatus!]!', 'The allowed statuses.'],
  }
  readonly actual: DiskStatus
  readonly allowed: readonly DiskStatus[]

  constructor(actual: DiskStatus, allowed: readonly DiskStatus[]) {
    super(`The disk is ${actual}. Linking a policy requires the status ${allowed.join(' or ')}.`)
    this.actual = actual
    this.allowed = allowed
  }
}

export class DiskLinkedElsewhere extends Refusal {
  static readonly description = 'The disk is linked to another policy. A disk has at most one.'
  static readonly facts: FactsOf<DiskLinkedElsewhere> = { policyId: ['ID!', 'The policy it is linked to.'] }
  readonly policyId: string

  constructor(policyId: string) {
    super(`The disk is already linked to the policy ${policyId}. Unlink it first.`)
    this.policyId = policyId
  }
}

export class NothingInProgress extends Refusal {
  static readonly description =
    'No operation on this snapshot or disk is in progress: there was none, or it has ended.'
  static readonly facts: FactsOf<NothingInProgress> = { id: ['ID!', 'The id of the snapshot or disk.'] }
  readonly id: string

  constructor(id: string) {
    super(`No operation on ${id} is in progress, so there is nothing to cancel.`)
    this.id = id
  }
}

export class OperationNotCancellable extends Refusal {
  static readonly description = 'The operation cannot be cancelled, or no longer.'
  static readonly facts: FactsOf<OperationNotCancellable> = {
    kind: ['OperationKind!', 'The operation in progress.'],
    obstacle: ['CancelObstacle!', 'Why it cannot be cancelled.'],
  }
  readonly kind: OperationKind
  readonly obstacle: CancelObstacle

  constructor(kind: OperationKind, obstacle: CancelObstacle) {
    super(CANCEL_OBSTACLES[obstacle])
    this.kind = kind
    this.obstacle = obstacle
  }
}

export class ConnectionNotFound extends Refusal {
  static readonly description = 'There is no connection with this id.'
  static readonly facts: FactsOf<ConnectionNotFound> = { connectionId: ['ID!', 'The requested id.'] }
  readonly connectionId: string

  constructor(connectionId: string) {
    super(`Connection ${quoted(connectionId)} not found.`)
    this.connectionId = connectionId
  }
}

export class ConnectionLimitExceeded extends Refusal {
  static readonly description = 'The account already has the maximum number of connections.'
  static readonly facts: FactsOf<ConnectionLimitExceeded> = {
    limit: ['Int!', 'The maximum number of connections.'],
  }
  readonly limit: number = CONNECTIONS_MAX

  constructor() {
    super(`Limit of ${CONNECTIONS_MAX} connections reached. Delete one first.`)
  }
}

export class ConnectionCredentialsRefused extends Refusal {
  static readonly description = 'The connection cannot have these credentials.'
  static readonly facts: FactsOf<ConnectionCredentialsRefused> = {
    problem: ['ConnectionCredentialsProblem!', 'What is wrong with them.'],
  }
  readonly problem: CredentialsProblem

  constructor(problem: CredentialsProblem) {
    super(CREDENTIALS_PROBLEMS[problem])
    this.problem = problem
  }
}

export class EndpointNotAllowed extends Refusal {
  static readonly description =
    "The gateway does not call this endpoint. Hosts other than the clouds' own must be named by UPSTREAM_HOSTS."
}

export class OperationNotOffered extends Refusal {
  static readonly description = 'The gateway does not offer this for disks and snapshots of the provider.'
  static readonly facts: FactsOf<OperationNotOffered> = {
    provider: ['Provider!', 'Where the disk or snapshot is.'],
  }
  readonly provider: Provider

  constructor(provider: Provider) {
    const name = PROVIDERS[provider.toUpperCase() as Uppercase<Provider>]
    super(`The gateway does not offer this for disks and snapshots of this provider: ${name}.`)
    this.provider = provider
  }
}

export class ConnectionUnavailable extends Refusal {
  static readonly description =
    'The connection to the cloud cannot be used now. Its `stateReason` says why; `testConnection` tries it again.'
  static readonly facts: FactsOf<ConnectionUnavailable> = {
    connectionId: ['ID!', 'The connection.'],
    state: ['ConnectionState!', 'Its state.'],
    since: ['DateTime!', 'When it entered this state.'],
  }
  readonly connectionId: string
  readonly state: ConnectionState
  readonly since: Date

  constructor({ id, state, stateSince }: { id: string; state: ConnectionState; stateSince: Date }) {
    super(`The connection to the cloud is ${state}. Put that right, and test the connection.`)
    this.connectionId = id
    this.state = state
    this.since = stateSince
  }
}

export class UpstreamRefused extends Refusal {
  static readonly description =
    'The cloud refused. A snapshot that it refused to create remains as a FAILED one, which takes no quota slot.'
  static readonly facts: FactsOf<UpstreamRefused> = {
    class: ['UpstreamRefusalClass!', 'What kind of refusal it is.'],
    upstreamCode: ['String!', "The cloud's own code."],
    upstreamMessage: ['String!', "The cloud's own words, at most 300 characters; can be empty."],
    requestId: ['ID', "The cloud's id of the request, for its support; null if it gave none."],
    snapshotId: ['ID', 'The snapshot; null if it concerns none.'],
  }
  readonly class: UpstreamRefusalClass
  readonly upstreamCode: string
  readonly upstreamMessage: string
  readonly requestId: string | null
  readonly snapshotId: string | null

  constructor(refusal: UpstreamRefusal, snapshotId: string | null) {
    super(upstreamReason(refusal))
    this.class = refusal.class
    this.upstreamCode = refusal.code
    this.upstreamMessage = refusal.message
    this.requestId = refusal.requestId
    this.snapshotId = snapshotId
  }
}
