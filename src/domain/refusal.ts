import type { CancelObstacle } from './cancel-obstacle.ts'
import type { ConnectionState, CredentialsProblem, Provider } from './connection.ts'
import type { DiskPathProblem } from './disk-path.ts'
import type { DiskKind, DiskOperation, DiskStatus } from './disk.ts'
import type { OperationKind } from './job.ts'
import type { NameRule } from './name.ts'
import type { PolicyRule } from './policy-input.ts'
import type { SnapshotOperation, SnapshotStatus, SnapshotType } from './snapshot.ts'
import type { UpstreamRefusalClass } from './upstream.ts'

/**
 * A refusal: the request was understood, and the answer is no. It says what is wrong and what would be right, and carries
 * the facts. A rule returns one, a service throws it, GraphQL returns it as a union member. It is data and not an error of
 * JavaScript: it needs no stack, and GraphQL would take an Error inside an answer for a fault.
 */
export class Refusal {
  /** The name of its class in capitals: `DISK_NOT_FOUND`. */
  readonly code: string
  readonly message: string

  constructor(message: string) {
    this.code = refusalCode(new.target.name)
    this.message = message
  }
}

/** The code of the refusals of a class. */
export function refusalCode(className: string): string {
  return className.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase()
}

/** What the schema needs to know of a class of refusals: a class that lacks it does not compile. */
export type Documented<R extends Refusal> = {
  readonly name: string
  readonly description: string
} & (keyof R extends keyof Refusal ? { readonly facts?: undefined } : { readonly facts: FactsOf<R> })

/** The properties of a refusal in the schema, each with its type there and its description. */
export type FactsOf<R extends Refusal> = {
  readonly [Property in Exclude<keyof R, keyof Refusal>]: readonly [type: TypeOf<R[Property]>, string]
}

/** What the values of each type of the schema are here. */
export interface FactTypes {
  ID: string
  Int: number
  String: string
  DateTime: Date
  AutoSnapshotPolicyRule: PolicyRule
  CancelObstacle: CancelObstacle
  ConnectionCredentialsProblem: CredentialsProblem
  ConnectionState: ConnectionState
  DiskKind: DiskKind
  DiskOperation: DiskOperation
  DiskPathProblem: DiskPathProblem
  DiskStatus: DiskStatus
  NameRule: NameRule
  OperationKind: OperationKind
  Provider: Provider
  SnapshotOperation: SnapshotOperation
  SnapshotStatus: SnapshotStatus
  SnapshotType: SnapshotType
  UpstreamRefusalClass: UpstreamRefusalClass
}

type TypeOf<Value> = [Value] extends [readonly (infer Member)[]]
  ? `[${NameOf<Member>}!]!`
  : [null] extends [Value]
    ? NameOf<NonNullable<Value>>
    : `${NameOf<Value>}!`

type NameOf<Value> = {
  [Name in keyof FactTypes]: [Value] extends [FactTypes[Name]]
    ? [FactTypes[Name]] extends [Value]
      ? Name
      : never
    : never
}[keyof FactTypes]
