import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import {
  buildSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLObjectType,
} from 'graphql'
import { ERROR_CODES } from '../src/graphql/errors.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** The arguments that choose a page of a connection. */
const PAGING = ['after', 'before', 'first', 'last']

/** Builds @snapgate/client: what its caches need to know of the schema, the types of documents, and the package itself. */
export function generateClientPackage(): void {
  mkdirSync(`${ROOT}client/src/generated`, { recursive: true })
  writeFileSync(`${ROOT}client/src/generated/schema.ts`, schemaModule())
  command('tsc', '-p', 'client')
  command('gql.tada', 'generate-output', '-c', 'console/tsconfig.json')
}

function command(program: string, ...args: string[]): void {
  execFileSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
}

/** What is left to the caches to know, as a module. */
function schemaModule(): string {
  const schema = buildSchema(readFileSync(`${ROOT}schema.graphql`, 'utf8'))
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'))
  const objects = types.filter(isObjectType)
  const entities = objects.filter((type) => type !== schema.getQueryType() && hasId(type))
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  const values = {
    possibleTypes: Object.fromEntries(
      types.filter(isAbstractType).map((type) => [type.name, schema.getPossibleTypes(type).map(nameOf)]),
    ),
    embedded: objects.filter((type) => !entities.includes(type) && !roots.includes(type)).map(nameOf),
    connections: objects.flatMap((type) =>
      fieldsOf(type)
        .filter((field) => getNamedType(field.type).name.endsWith('Connection'))
        .map(({ name, args }) => [type.name, name, args.map(nameOf).filter((arg) => !PAGING.includes(arg))]),
    ),
    lookups: fieldsOf(schema.getQueryType())
      .filter(
        ({ args, type }) => args.length === 1 && args[0]?.name === 'id' && entities.includes(type as never),
      )
      .map(({ name, type }) => [name, getNamedType(type).name]),
    logStreams: Object.fromEntries(
      fieldsOf(schema.getSubscriptionType())
        .filter(({ args }) => args.some(({ name }) => name === 'after'))
        .map(({ name, args }) => [name, args.some(isRequiredArgument) ? 'HISTORY_FIRST' : 'LIVE']),
    ),
  }
  return `/** Generated from schema.graphql: npm run generate. */

/** The types of each interface and union: \`possibleTypes\` of Apollo's InMemoryCache. */
export const possibleTypes: Record<string, string[]> = ${json(values.possibleTypes)}

/** The types without an id, which a cache keeps with their parent. */
export const embedded: readonly string[] = ${json(values.embedded)}

/** The fields that are pages: type, field, and the arguments that make it another list. */
export const connections: readonly (readonly [type: string, field: string, keyArgs: readonly string[]])[] = ${json(values.connections)}

/** The queries of one object by its id, and its type. */
export const lookups: readonly (readonly [field: string, type: string])[] = ${json(values.lookups)}

/** The subscriptions that resume: those that are live from the first event, and those that send the history first. */
export const logStreams: Record<string, 'LIVE' | 'HISTORY_FIRST'> = ${json(values.logStreams)}

/** \`extensions.code\` of an error. */
export type ErrorCode = ${Object.keys(ERROR_CODES)
    .map((code) => `'${code}'`)
    .join(' | ')}
`
}

function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

function nameOf({ name }: { name: string }): string {
  return name
}

function fieldsOf(type: GraphQLObjectType | null | undefined): GraphQLField<unknown, unknown>[] {
  return Object.values(type?.getFields() ?? {})
}

function hasId(type: GraphQLObjectType): boolean {
  return 'id' in type.getFields()
}
