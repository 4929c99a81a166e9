import { getIntrospectionQuery, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { schema } from '../../../src/graphql/schema.ts'
import { costOf } from '../../../src/server/limits/cost.ts'

function cost(text: string, variables?: Record<string, unknown>, operationName?: string) {
  const document = parse(text)
  expect(validate(schema, document)).toEqual([])
  return costOf(schema, document, operationName, variables)
}

const points = (text: string, variables?: Record<string, unknown>) => cost(text, variables).points

test.each<[what: string, points: number, text: string, variables?: Record<string, unknown>]>([
  ['scalars are free', 0, '{ __typename }'],
  ['an object counts 1', 1, '{ disk(id: "v-abcdefgh") { id name status } }'],
  ['a page counts 1, and 1 for each entry', 11, '{ disks(first: 10) { nodes { id } } }'],
  [
    'edges and page info are free',
    11,
    '{ disks(first: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }',
  ],
  ['a total counts 1', 2, '{ disks(first: 10) { totalCount } }'],
  ['a page has 20 entries when nobody says', 21, '{ disks { nodes { id } } }'],
  ['the last entries count as the first', 6, '{ disks(last: 5) { nodes { id } } }'],
  [
    'more than a page may have costs no more: it is refused',
    101,
    '{ disks(first: 1000000) { nodes { id } } }',
  ],
  ['less than nothing is nothing', 1, '{ disks(first: -5) { nodes { id } } }'],
  [
    'nested pages multiply',
    1 + 10 * (1 + 1 + 30),
    '{ disks(first: 10) { nodes { snapshots(first: 30) { nodes { id } } } } }',
  ],
  [
    'what is asked of an entry counts for each',
    1 + 10 * (1 + 4),
    '{ disks(first: 10) { nodes { snapshotQuota { manual { used } automatic { used } total { used } } } } }',
  ],
  ['a list without pages counts 5', 1 + 5, '{ snapshot(id: "s-abcdefgh") { tags { key } } }'],
  ['ids are counted', 3, '{ nodes(ids: ["v-abcdefgh", "v-abcdefgh", "v-abcdefgh"]) { id } }'],
  [
    'a fragment counts where it is spread',
    2 * 11,
    '{ a: disks(first: 10) { ...F } b: disks(first: 10) { ...F } } fragment F on DiskConnection { nodes { id } }',
  ],
  [
    'a fragment counts for the page it is in',
    11 + 6,
    '{ a: disks(first: 10) { ...F } b: disks(first: 5) { ...F } } fragment F on DiskConnection { nodes { id } }',
  ],
  [
    'an inline fragment counts as what it has',
    11,
    '{ ... on Query { disks(first: 10) { ... { nodes { id } } } } }',
  ],
  ['what is skipped counts', 11, '{ disks(first: 10) @skip(if: true) { nodes { id } } }'],
  ['a page size may be a variable', 8, 'query ($n: Int) { disks(first: $n) { nodes { id } } }', { n: 7 }],
  ['its default counts', 6, 'query ($n: Int = 5) { disks(first: $n) { nodes { id } } }'],
  ['without one, what the field has', 21, 'query ($n: Int) { disks(first: $n) { nodes { id } } }'],
  ['null too', 21, 'query ($n: Int = 5) { disks(first: $n) { nodes { id } } }', { n: null }],
  [
    'a variable inside a fragment counts',
    1 + 7 * (2 + 3),
    'query ($n: Int, $m: Int) { disks(first: $n) { ...F } } fragment F on DiskConnection { nodes { snapshots(first: $m) { ...G } } } fragment G on SnapshotConnection { nodes { id } }',
    { n: 7, m: 3 },
  ],
  [
    'ids in a variable are counted',
    4,
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: ['a', 'b', 'c', 'd'] },
  ],
  ['one id in a variable is a list', 1, 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: 'a' }],
  [
    'a variable named like a property of every object is none',
    21,
    'query ($constructor: Int) { disks(first: $constructor) { nodes { id } } }',
    {},
  ],
  [
    'a change counts 10 more',
    10 + 1 + 1,
    'mutation { createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { ... on CreateSnapshotPayload { snapshot { id } } } }',
  ],
  ['a stream counts as its first event', 2, 'subscription { snapshotTransitions { to snapshot { id } } }'],
  ['introspection counts 10 for each field', 30, '{ __schema { queryType { name } } }'],
])('%s: %d', (_what, expected, text, variables) => {
  expect(points(text, variables)).toBe(expected)
})

test('introspection as GraphiQL asks for it may be asked for', () => {
  expect(
    points(getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true })),
  ).toBeLessThan(3_000)
})

test('what is created is counted, and nothing else', () => {
  const create = 'createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { __typename }'
  const register = 'registerDisk(input: { path: "/a", name: "a", kind: DATA }) { __typename }'

  expect(cost(`mutation { a: ${create} b: ${create} c: ${register} }`).creates).toBe(3)
  expect(cost('{ disks { nodes { id } } }').creates).toBe(0)
})

test('of several operations, the one that is run counts', () => {
  const document = 'query A { disk(id: "v-abcdefgh") { id } } query B { disks(first: 10) { nodes { id } } }'

  expect([cost(document, {}, 'A').points, cost(document, {}, 'B').points]).toEqual([1, 11])
})

test('fragments that double at each level are counted at once', () => {
  const levels = Array.from(
    { length: 40 },
    (_, i) =>
      `fragment F${i} on Disk { a: snapshots(first: 100) { nodes { disk { ...F${i + 1} } } } b: snapshots(first: $n) { nodes { disk { ...F${i + 1} } } } }`,
  )
  const text = `query ($n: Int) { disk(id: "v-abcdefgh") { ...F0 } } ${levels.join(' ')} fragment F40 on Disk { id }`

  expect(costOf(schema, parse(text), undefined, { n: 100 }).points).toBeGreaterThan(1e90)
})
