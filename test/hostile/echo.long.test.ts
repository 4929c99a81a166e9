import {
  getNamedType,
  isCompositeType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
  type GraphQLField,
  type GraphQLInputType,
} from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { startTestApp } from '../support/app.ts'

const LONG = 'namd'.repeat(5_000)

/** A value of the type with nothing but what is required. */
function least(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return least(type.ofType)
  if (isListType(type)) return [least(type.ofType)]
  if (!isInputObjectType(type)) return type.name === 'Int' ? 1 : type.name === 'Boolean' ? true : 'x'
  const required = Object.values(type.getFields()).filter(isRequiredInputField)
  return Object.fromEntries(required.map((field) => [field.name, least(field.type)]))
}

/** Values of the type, each with the long text in one place; objects of objects once. */
function eachWithLong(
  type: GraphQLInputType,
  seen: readonly string[] = [],
): { at: string; value: unknown }[] {
  if (isNonNullType(type)) return eachWithLong(type.ofType, seen)
  if (isListType(type)) return eachWithLong(type.ofType, seen).map((one) => ({ ...one, value: [one.value] }))
  if (!isInputObjectType(type)) return [{ at: '', value: LONG }]
  if (seen.includes(type.name)) return []
  return Object.values(type.getFields()).flatMap((field) =>
    eachWithLong(field.type, [...seen, type.name]).map(({ at, value }) => ({
      at: `.${field.name}${at}`,
      value: { ...(least(type) as object), [field.name]: value },
    })),
  )
}

/** A value as GraphQL writes it; names of enums as texts, which are wrong everywhere but bounded alike. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value).map(([name, of]) => `${name}: ${literal(of)}`)
  return `{${fields.join()}}`
}

/** For each place in the arguments of a root field, an operation with the long text there, as a literal and as a variable. */
function operationsOf(kind: 'query' | 'mutation', field: GraphQLField<unknown, unknown>) {
  const type = getNamedType(field.type)
  const selected = isUnionType(type)
    ? '{ __typename ... on UserError { message } }'
    : isCompositeType(type)
      ? '{ __typename }'
      : ''
  const required = field.args.filter(isRequiredArgument)
  return field.args.flatMap((argument) =>
    eachWithLong(argument.type).flatMap(({ at, value }) => {
      const others = required
        .filter((other) => other !== argument)
        .map((other) => `${other.name}: ${literal(least(other.type))}`)
      const call = (given: string) =>
        `{ ${field.name}(${[...others, `${argument.name}: ${given}`].join()}) ${selected} }`
      return [
        {
          at: `${field.name}(${argument.name}${at})`,
          query: `${kind} ${call(literal(value))}`,
          variables: {},
        },
        {
          at: `${field.name}(${argument.name}${at}) as a variable`,
          query: `${kind} ($v: ${String(argument.type)}) ${call('$v')}`,
          variables: { v: value },
        },
      ]
    }),
  )
}

test('no answer repeats more than 200 characters of what is given for any argument', async () => {
  await using app = await startTestApp({ MAX_DOCUMENT_BYTES: '100000' })
  const operations = [
    ...Object.values(schema.getQueryType()?.getFields() ?? {}).flatMap((field) =>
      operationsOf('query', field),
    ),
    ...Object.values(schema.getMutationType()?.getFields() ?? {}).flatMap((field) =>
      operationsOf('mutation', field),
    ),
  ]
  expect(operations.length).toBeGreaterThan(200)
  const tooMuch = LONG.slice(0, 201)
  for (const { at, query, variables } of operations) {
    // The second time it takes the fast path.
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(app.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      })
      const text = await answer.text()
      expect(text.includes(tooMuch), at).toBe(false)
      expect(text, at).not.toContain('RATE_LIMITED')
    }
  }
})
