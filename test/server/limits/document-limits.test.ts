import { getIntrospectionQuery } from 'graphql'
import { expect, test } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { parseDocument } from '../../../src/server/document-rules.ts'

const { documentLimits } = readConfig({})

function refusal(text: string): string | undefined {
  try {
    parseDocument(text, documentLimits)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

const nested = (depth: number) => `${'{ a '.repeat(depth)}${'}'.repeat(depth)}`
const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ')

test.each<[what: string, most: string, tooMuch: string, message: string]>([
  [
    'bytes',
    `{ a(b: "${'é'.repeat(16_000)}") }`,
    `{ a(b: "${'é'.repeat(16_400)}") }`,
    'has 32812 bytes; at most 32768 are allowed',
  ],
  [
    'characters',
    `{ a }${' '.repeat(32_763)}`,
    `{ a }${' '.repeat(32_764)}`,
    'has 32769 bytes; at most 32768 are allowed',
  ],
  [
    'tokens',
    `{ a(b: [${times(991, () => '1')}]) }`,
    `{ a(b: [${times(992, () => '1')}]) }`,
    'has more than 1000 tokens',
  ],
  ['levels', nested(16), nested(17), 'nests fields 17 levels deep; at most 16 are allowed'],
  [
    'levels, through fragments',
    `{ a { b { ...F } } } fragment F on T ${nested(14)}`,
    `{ a { b { ...F } } } fragment F on T ${nested(15)}`,
    'nests fields 17 levels deep; at most 16 are allowed',
  ],
  [
    'root fields',
    `{ ${times(20, (i) => `f${i}`)} }`,
    `{ ${times(21, (i) => `f${i}`)} }`,
    'has 21 root fields in one operation; at most 20 are allowed',
  ],
  [
    'root fields, through fragments',
    `{ ...F ... { ...F } } fragment F on Query { ${times(10, (i) => `f${i}`)} }`,
    `{ ...F ... { ...F b } } fragment F on Query { ${times(10, (i) => `f${i}`)} }`,
    'has 21 root fields in one operation; at most 20 are allowed',
  ],
  [
    'aliases',
    `{ a { ${times(50, (i) => `f${i}: b`)} } }`,
    `{ a { ${times(51, (i) => `f${i}: b`)} } }`,
    'has 51 aliases; at most 50 are allowed',
  ],
  [
    'aliases of __typename',
    `{ a { ${times(50, (i) => `f${i}: __typename`)} } }`,
    `{ a { ${times(51, (i) => `f${i}: __typename`)} } }`,
    'has 51 aliases; at most 50 are allowed',
  ],
  [
    'directives',
    `{ a ${times(50, () => '@x')} }`,
    `{ a ${times(51, () => '@x')} }`,
    'has 51 directives; at most 50 are allowed',
  ],
  [
    'directives, anywhere',
    `query ($v: Int @x) @x { ...F @x } fragment F on T @x { ... @x { a ${times(45, () => '@x')} } }`,
    `query ($v: Int @x) @x { ...F @x } fragment F on T @x { ... @x { a ${times(46, () => '@x')} } }`,
    'has 51 directives; at most 50 are allowed',
  ],
  [
    'fragments',
    `{ a } ${times(50, (i) => `fragment F${i} on T { a }`)}`,
    `{ a } ${times(51, (i) => `fragment F${i} on T { a }`)}`,
    'has 51 fragments; at most 50 are allowed',
  ],
  [
    'repetitions',
    `{ a { ${times(40, () => 'b')} } }`,
    `{ a { ${times(41, () => 'b')} } }`,
    'has "b" more than 40 times in one selection set',
  ],
  [
    'repetitions, through inline fragments',
    `{ a { ${times(40, () => '... { b }')} } }`,
    `{ a { ${times(40, () => '... { b }')} b } }`,
    'has "b" more than 40 times in one selection set',
  ],
  [
    'characters of a name in the answer',
    `{ ${'a'.repeat(200)}: b }`,
    `{ ${'a'.repeat(201)}: b }`,
    'has a name of 201 characters in its answer; at most 200 are allowed',
  ],
  [
    'characters of a label',
    `{ a { ... @defer(label: "${'b'.repeat(200)}") { c } } }`,
    `{ a { ... @defer(label: "${'b'.repeat(201)}") { c } } }`,
    'has a text of 201 characters in @defer; at most 200 are allowed',
  ],
  [
    'introspections',
    '{ __schema { a } __type { a } }',
    '{ __schema { a } ...F } fragment F on Query { __type { a } __type { a } }',
    'asks for the schema 3 times; at most 2 are allowed',
  ],
  [
    'levels of values',
    `{ a(b: [{ c: ${'['.repeat(8)}${']'.repeat(8)} }]) }`,
    `{ a(b: [{ c: ${'['.repeat(9)}${']'.repeat(9)} }]) }`,
    'nests lists and objects 11 levels deep in an argument; at most 10 are allowed',
  ],
])('the number of %s in a document is limited', (_what, most, tooMuch, message) => {
  expect([refusal(most), refusal(tooMuch)]).toEqual([undefined, `The document ${message}.`])
})

test('introspection as GraphiQL asks for it is within the limits', () => {
  const whole = getIntrospectionQuery({
    inputValueDeprecation: true,
    schemaDescription: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    oneOf: true,
  })
  expect(refusal(whole)).toBeUndefined()
})

test('fragments that spread each other in circles are measured, and left to validation', () => {
  expect(refusal('{ ...A } fragment A on Query { a ...B } fragment B on Query { b ...A }')).toBeUndefined()
})

test('a document of fragments that double at each level is measured at once', () => {
  const doubling = times(49, (i) => `fragment F${i} on Query { ...F${i + 1} ... { ...F${i + 1} } }`)

  expect(refusal(`{ ...F0 } ${doubling} fragment F49 on Query { a }`)).toMatch(/root fields/)
})
