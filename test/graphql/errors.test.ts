import { buildSchema, execute, parse, type ExecutionResult } from 'graphql'
import { expect, test } from 'vitest'
import { maskError } from '../../src/graphql/errors.ts'

const schema = buildSchema(`
  type Query { status: Status list: [Int] node: Node number: Int page(first: Int! = 20): Int }
  enum Status { CREATING }
  interface Node { id: ID }
  type Disk implements Node { id: ID }
`)

/** What an operation is answered whose resolvers give these values, by the engine that serves groups of subscribers. */
function answer(query: string, rootValue: object, variableValues: Record<string, unknown> = {}) {
  const result = execute({ schema, document: parse(query), rootValue, variableValues }) as ExecutionResult
  return (result.errors ?? []).map((error) => {
    const { message, extensions } = maskError(error)
    return [message, extensions.code]
  })
}

const FAULT = [['Unexpected error.', 'INTERNAL_SERVER_ERROR']]

test.each<[what: string, query: string, value: object]>([
  ['an enum value that there is not', '{ status }', { status: 'BOGUS' }],
  ['a number that is none', '{ number }', { number: 'many' }],
  ['a list that is none', '{ list }', { list: 5 }],
  ['a type that nobody knows', '{ node { id } }', { node: { __typename: 'Ghost' } }],
  ['a type that is not one of the interface', '{ node { id } }', { node: { __typename: 'Query' } }],
])('what a resolver gives and the engine cannot answer is a fault: %s', (_what, query, value) => {
  expect(answer(query, value)).toEqual(FAULT)
})

test('an argument that cannot be accepted is not', () => {
  const page = 'query ($first: Int = 5) { page(first: $first) }'

  expect(answer(page, { page: 1 }, { first: null })).toEqual([
    ['Argument "first" of non-null type "Int!" must not be null.', undefined],
  ])
})
