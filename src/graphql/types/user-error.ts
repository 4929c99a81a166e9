import { CANCEL_OBSTACLES } from '../../domain/cancel-obstacle.ts'
import { CREDENTIALS_PROBLEMS } from '../../domain/connection.ts'
import { DISK_PATH_PROBLEMS } from '../../domain/disk-path.ts'
import { NAME_RULES } from '../../domain/name.ts'
import { POLICY_RULES } from '../../domain/policy-input.ts'
import { refusalCode, type Documented, type FactTypes, type Refusal } from '../../domain/refusal.ts'
import * as refusals from '../../domain/refusals.ts'
import { UPSTREAM_REFUSALS } from '../../domain/upstream.ts'
import { builder } from '../builder.ts'
import { ConnectionState, Provider } from './connection-enums.ts'
import { DiskKind, DiskOperation, DiskStatus } from './disk-enums.ts'
import { OperationKind } from './operation.ts'
import { SnapshotOperation, SnapshotStatus, SnapshotType } from './snapshot-enums.ts'

type Catalogue = typeof refusals

/** Every refusal, by the name of its type. */
const CATALOGUE: { [Name in keyof Catalogue]: Documented<InstanceType<Catalogue[Name]>> } = refusals
const CLASSES = Object.values(CATALOGUE)

export const RefusalCode = builder.enumType('RefusalCode', {
  description: 'Why something was refused: one code for each type that implements `UserError`.',
  values: Object.fromEntries(
    CLASSES.map(({ name }) => [refusalCode(name), { description: `See \`${name}\`.` }]),
  ),
})

/** A refusal that is a value in an answer. */
type RefusalFacts = Pick<Refusal, 'code' | 'message'>

/** GraphQL takes an Error anywhere in an answer for a failure, so a refusal that is a value is given as its facts. */
export function factsOf(refusal: Refusal): RefusalFacts {
  return Object.assign({}, refusal, { message: refusal.message })
}

const NAME_OF = new Map(CLASSES.map(({ name }) => [refusalCode(name), name]))

export const UserError = builder.interfaceRef<RefusalFacts>('UserError').implement({
  description: 'A refusal: the request was understood, and the answer is no. Nothing was changed.',
  resolveType: ({ code }) => NAME_OF.get(code),
  fields: (t) => ({
    code: t.expose('code', { type: RefusalCode, description: 'Why, for programs.' }),
    message: t.exposeString('message', { description: 'Why, and what would be right, for people.' }),
  }),
})

/** An enum of rules, whose sentences are their descriptions. */
function rulesType<Rule extends string>(name: string, description: string, rules: Record<Rule, string>) {
  const values = Object.entries<string>(rules).map(([rule, text]) => [rule, { description: text }] as const)
  return builder.enumType(name, { description, values: Object.fromEntries(values) })
}

/** The types that facts have. */
const TYPES: Record<keyof FactTypes, unknown> = {
  ID: 'ID',
  Int: 'Int',
  String: 'String',
  DateTime: 'DateTime',
  AutoSnapshotPolicyRule: rulesType(
    'AutoSnapshotPolicyRule',
    'A rule of automatic snapshot policies.',
    POLICY_RULES,
  ),
  CancelObstacle: rulesType('CancelObstacle', 'Why an operation cannot be cancelled.', CANCEL_OBSTACLES),
  ConnectionCredentialsProblem: rulesType(
    'ConnectionCredentialsProblem',
    'Why a connection cannot have credentials.',
    CREDENTIALS_PROBLEMS,
  ),
  ConnectionState,
  DiskKind,
  DiskOperation,
  DiskPathProblem: rulesType(
    'DiskPathProblem',
    'Why a path cannot be registered as a disk.',
    DISK_PATH_PROBLEMS,
  ),
  DiskStatus,
  NameRule: rulesType('NameRule', 'A rule of names.', NAME_RULES),
  OperationKind,
  Provider,
  SnapshotOperation,
  SnapshotStatus,
  SnapshotType,
  UpstreamRefusalClass: rulesType('UpstreamRefusalClass', 'What a cloud refused.', UPSTREAM_REFUSALS),
}

for (const refusal of CLASSES) {
  const { name, description, facts = {} } = refusal
  builder.objectType(refusal as unknown as typeof Refusal, {
    name,
    description,
    interfaces: [UserError],
    fields: (t) =>
      Object.fromEntries(
        Object.entries<readonly [string, string]>(facts).map(([field, [type, text]]) => [
          field,
          t.expose(field as 'message', {
            type: typeOf(type) as 'String',
            nullable: !type.endsWith('!'),
            description: text,
          }),
        ]),
      ),
  })
}

/** What the builder calls a type that is written as in the schema. */
function typeOf(text: string): unknown {
  const type = TYPES[text.replace(/[[\]!]/g, '') as keyof FactTypes]
  return text.startsWith('[') ? [type] : type
}
