import { parse, type OperationDefinitionNode } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { coerceVariables } from '../../src/graphql/variables.ts'

function errorsOf(variable: string, value: unknown): string[] {
  const [operation] = parse(`query (${variable}) { __typename }`).definitions as [OperationDefinitionNode]
  const { errors } = coerceVariables(schema, operation, { value })
  return (errors ?? []).map(({ message }) => message)
}

const many = Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`namd${index}`, 1]))

test.each<[where: string, variable: string, value: unknown, place: string, type: string]>([
  ['a filter', '$value: DiskFilter', many, '', 'DiskFilter'],
  ['a comparison in it', '$value: DiskFilter', { name: many }, ' at "value.name"', 'StringFilter'],
  [
    'an entry of a list',
    '$value: [DiskFilter!]!',
    [{}, { name: many }],
    ' at "value[1].name"',
    'StringFilter',
  ],
  ['one in place of a list', '$value: [DiskFilter]', many, '', 'DiskFilter'],
])(
  '%s with more fields than its type has is refused as a whole, with one error',
  (_where, variable, value, place, type) => {
    const input = schema.getType(type) as unknown as { getFields: () => object }
    const fields = Object.keys(input.getFields()).length

    expect(errorsOf(variable, value)).toEqual([
      `Variable "$value" has too many fields${place}; type "${type}" has only ${fields}.`,
    ])
  },
)

test('the keys of a value with too many are listed once, and nothing else of it is looked at', () => {
  let listed = 0
  const value = new Proxy(many, {
    ownKeys(target) {
      listed++
      return Reflect.ownKeys(target)
    },
    get: () => expect.fail('A value was read.'),
  })

  expect(errorsOf('$value: DiskFilter', value)).toHaveLength(1)
  expect(listed).toBe(1)
})

test('an unknown field among few is named, with what was perhaps meant', () => {
  expect(errorsOf('$value: DiskFilter', { namd: { eq: 'a' } })).toEqual([
    'Variable "$value" got invalid value { namd: { eq: "a" } }; Field "namd" is not defined by type "DiskFilter". Did you mean "name"?',
  ])
})
