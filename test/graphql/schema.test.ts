import { readFile } from 'node:fs/promises'
import {
  getIntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  lexicographicSortSchema,
  printSchema,
  buildSchema,
} from 'graphql'
import { expect, test } from 'vitest'
import { ID_PREFIXES } from '../../src/domain/id.ts'
import { PERMISSIONS } from '../../src/domain/role.ts'
import * as refusals from '../../src/domain/refusals.ts'
import { saysColumns } from '../../src/graphql/hints.ts'
import { printSdl, schema } from '../../src/graphql/schema.ts'
import { startTestApp } from '../support/app.ts'

/** The types that are ours, not GraphQL's. */
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
)
/** Those whose names are ours, not those of the subgraph specification of Apollo Federation. */
const named = types.filter(({ name }) => !name.startsWith('_'))

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {})

test('schema.graphql is what the code says', async () => {
  const committed = await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8')

  expect(committed).toBe(printSdl())
})

test('schema.graphql is sorted, so that a diff shows only what changed', () => {
  expect(printSdl()).toBe(`${printSchema(lexicographicSortSchema(buildSchema(printSdl())))}\n`)
})

test('a gateway answers introspection with this very schema', async () => {
  await using app = await startTestApp()
  const { data } = await app.graphql(getIntrospectionQuery())
  const names = (data.__schema.types as { name: string }[]).map(({ name }) => name)

  expect(names.sort()).toEqual(Object.keys(schema.getTypeMap()).sort())
})

test('every type, field, argument, enum value and input field has a description', () => {
  const described = types.flatMap((type) => {
    const own: [string, string | null | undefined][] = [[type.name, type.description]]
    if (isEnumType(type)) {
      for (const { name, description } of type.getValues()) own.push([`${type.name}.${name}`, description])
    }
    if (isInputObjectType(type)) {
      for (const { name, description } of Object.values(type.getFields())) {
        own.push([`${type.name}.${name}`, description])
      }
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const { name, description, args } of Object.values(type.getFields())) {
        own.push([`${type.name}.${name}`, description])
        for (const arg of args) own.push([`${type.name}.${name}(${arg.name}:)`, arg.description])
      }
    }
    return own
  })

  expect(described.length).toBeGreaterThan(200)
  expect(described.filter(([, description]) => !description?.trim()).map(([name]) => name)).toEqual([])
})

test('every description is a sentence', () => {
  const unfinished = types.filter(({ description }) => !/[.!?]$/.test(description?.trim() ?? ''))

  expect(unfinished.map(({ name }) => name)).toEqual([])
})

test.each(mutations.map((field) => [field.name, field] as const))(
  'the mutation %s takes one input named for it, and answers a result named for it',
  (name, { args, type }) => {
    const VerbNoun = name.charAt(0).toUpperCase() + name.slice(1)

    expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)+$/)
    expect(args.map((arg) => `${arg.name}: ${String(arg.type)}`)).toEqual([`input: ${VerbNoun}Input!`])
    expect(String(type)).toBe(`${VerbNoun}Result!`)
    expect(schema.getType(`${VerbNoun}Payload`)).toBeDefined()
  },
)

interface Scopes {
  may?: string
}
/** Where the permission depends on what the id names. */
type ScopesOf = (root: object, args: { input: { id: string } }) => Scopes

test.each(mutations.map((field) => [field.name, field] as const))(
  'the mutation %s declares the permission that it takes',
  (_name, { extensions }) => {
    const { authScopes } = extensions['pothosOptions'] as { authScopes?: Scopes | ScopesOf }

    const declared =
      typeof authScopes === 'function'
        ? Object.values(ID_PREFIXES).map((prefix) => authScopes({}, { input: { id: `${prefix}-abcdefgh` } }))
        : [authScopes]
    for (const scopes of declared) expect(Object.keys(PERMISSIONS)).toContain(scopes?.may)
  },
)

test.each(named.filter((type) => isUnionType(type)).map((type) => [type.name, type] as const))(
  'every member of %s but the payload is a UserError',
  (name, union) => {
    expect(name).toMatch(/Result$/)
    const others = union.getTypes().filter((member) => member.name !== name.replace(/Result$/, 'Payload'))
    const refusals = others.filter((member) =>
      member.getInterfaces().some((implemented) => implemented.name === 'UserError'),
    )

    expect(others).toHaveLength(union.getTypes().length - 1)
    expect(refusals).toEqual(others)
  },
)

test('every refusal of the catalogue has its code, its type and its documentation, and there are no others', () => {
  const codes = schema.getType('RefusalCode')
  const userError = schema.getType('UserError')
  if (!isEnumType(codes) || !isInterfaceType(userError))
    throw new Error('RefusalCode or UserError is missing')
  const names = Object.keys(refusals).toSorted()

  expect(names.length).toBeGreaterThan(20)
  expect(
    schema
      .getPossibleTypes(userError)
      .map(({ name, description }) => [name, Boolean(description)])
      .toSorted(),
  ).toEqual(names.map((name) => [name, true]))
  expect(codes.getValues().map(({ name, description }) => [name, description])).toEqual(
    names.map((name) => [name.replace(/(?<=.)[A-Z]/g, '_$&').toUpperCase(), `See \`${name}\`.`]).toSorted(),
  )
})

test('types, fields, arguments and enum values are spelled one way', () => {
  for (const type of named) {
    expect(type.name).toMatch(/^([A-Z]+[a-z]*)+$/)
    if (isEnumType(type)) {
      for (const { name } of type.getValues()) expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    } else if (isInputObjectType(type) || isObjectType(type) || isInterfaceType(type)) {
      for (const name of Object.keys(type.getFields()))
        expect(name).toMatch(/^(_entities|_service|[a-z]+([A-Z]+[a-z]*)*)$/)
    }
  }
})

test('every id, time and number of bytes has its scalar', () => {
  const fields: [name: string, of: string][] = types.flatMap((type) => {
    if (!isInputObjectType(type) && !isObjectType(type)) return []
    const own: { name: string; type: unknown }[] = Object.values(type.getFields())
    return own.map(({ name, type: of }) => [name, String(of).replace(/!$/, '')] as [string, string])
  })

  for (const [name, of] of fields) {
    if (/^id$|Id$/.test(name)) expect(['ID', 'IDFilter']).toContain(of)
    if (/At$|^at$/.test(name)) expect(['DateTime', 'DateTimeFilter']).toContain(of)
    if (name.endsWith('Bytes')) expect(of).toBe('SafeInt')
  }
})

test.each(['Disk', 'Snapshot'])('every field of %s says which columns it reads', (name) => {
  const type = schema.getType(name)
  if (!isObjectType(type)) throw new Error(`${name} is missing`)
  const fields = Object.values(type.getFields())
  expect(fields.length).toBeGreaterThan(20)
  expect(fields.filter((field) => !saysColumns(field)).map((field) => field.name)).toEqual([])
})
