import { getIntrospectionQuery, isObjectType, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { costOf } from '../../../src/server/limits/cost.ts'
import { COMPOSED, OF_PLUGINS, TEXTS } from '../../../src/server/limits/field-costs.ts'

function cost(text: string, variables?: Record<string, unknown>, operationName?: string) {
  const document = parse(text)
  expect(validate(schema, document)).toEqual([])
  return costOf(schema, document, operationName, variables)
}

const points = (text: string, variables?: Record<string, unknown>) => cost(text, variables).points

const PAGE = 10
const READ = 4
const FILTER = 100

/** What is selected of an entry with nothing but its id. */
const ID = 1 + 0.2

test.each<[what: string, points: number, text: string, variables?: Record<string, unknown>]>([
  ['a value counts a fifth, rounded up in the end', 1, '{ __typename }'],
  [
    'an object that is read by itself counts 5',
    1 + READ + 4 * 0.2,
    '{ disk(id: "v-abcdefgh") { id name status } }',
  ],
  [
    'a page counts 10, and each entry with what is asked of it',
    PAGE + 0.4 + 10 * ID,
    '{ disks(first: 10) { nodes { id } } }',
  ],
  [
    'an alias counts like a field',
    PAGE + 0.4 + 10 * (1 + 3 * 0.2),
    '{ disks(first: 10) { nodes { id a: id b: id } } }',
  ],
  [
    'an edge counts as its entry, and a cursor as something to be read',
    PAGE + 0.8 + READ + 10 * (0.2 + READ + 1 + 0.2 + 0.2),
    '{ disks(first: 10) { edges { cursor node { id } } pageInfo { hasNextPage } } }',
  ],
  ['a total counts 20', PAGE + 0.2 + 20 + 0.2, '{ disks(first: 10) { totalCount } }'],
  [
    'a filter counts 100, for the page and for its total',
    PAGE + 0.2 + FILTER + 20 + FILTER + 0.2,
    '{ disks(filter: { name: { contains: "a" } }) { totalCount } }',
  ],
  [
    'whether there is more is asked with the filter again',
    PAGE + 0.6 + 2 * FILTER + READ,
    '{ disks(filter: { search: "a" }) { pageInfo { hasNextPage } } }',
  ],
  ['no filter counts nothing', PAGE + 0.2 + 20 + 0.2, '{ disks(filter: {}) { totalCount } }'],
  [
    'nor does null',
    PAGE + 0.2 + 20 + 0.2,
    'query ($f: DiskFilter) { disks(filter: $f) { totalCount } }',
    { f: null },
  ],
  [
    'a filter may be a variable, or have one in it',
    2 * (PAGE + 0.4 + FILTER),
    'query ($f: DiskFilter, $s: String) { a: disks(first: 0, filter: $f) { nodes { id } } b: disks(first: 0, filter: { search: $s }) { nodes { id } } }',
    { f: { search: 'a' }, s: 'a' },
  ],
  [
    'values in lists of a filter count 3 each',
    PAGE + 0.4 + FILTER + 2 * 3,
    '{ disks(first: 0, filter: { name: { in: ["a", "b"] } }) { nodes { id } } }',
  ],
  [
    'the snapshots of one disk are filtered for 20',
    1 + READ + 0.2 + PAGE + 0.4 + 20,
    '{ disk(id: "v-abcdefgh") { snapshots(first: 0, filter: { name: { contains: "a" } }) { nodes { id } } } }',
  ],
  ['a page has 20 entries when nobody says', PAGE + 0.4 + 20 * ID, '{ disks { nodes { id } } }'],
  ['the last entries count as the first', PAGE + 0.4 + 5 * ID, '{ disks(last: 5) { nodes { id } } }'],
  [
    'more than a page may have costs no more: it is refused',
    PAGE + 0.4 + 100 * ID,
    '{ disks(first: 1000000) { nodes { id } } }',
  ],
  ['less than nothing is nothing', PAGE + 0.4, '{ disks(first: -5) { nodes { id } } }'],
  [
    'nested pages multiply',
    PAGE + 0.4 + 10 * (1 + PAGE + 0.4 + 30 * ID),
    '{ disks(first: 10) { nodes { snapshots(first: 30) { nodes { id } } } } }',
  ],
  [
    'texts count by what they may have',
    PAGE + 0.4 + 10 * (1 + 0.2 + 10),
    '{ disks(first: 10) { nodes { description } } }',
  ],
  [
    'what is read for an entry counts for each, what is put together less',
    PAGE + 0.4 + 10 * (1 + 0.2 + READ + 1 + 2 * (0.2 + 1 + 0.2)),
    '{ disks(first: 10) { nodes { snapshotQuota { manual { used } total { used } } } } }',
  ],
  [
    'times that are worked out count 20',
    PAGE + 0.4 + 100 * (1 + 2 * 20.2),
    '{ autoSnapshotPolicies(first: 100) { nodes { nextRuns again: nextRuns } } }',
  ],
  [
    'a list without pages counts as some entries',
    1 + 2 * READ + 0.4 + 10 * (1 + 0.2),
    '{ snapshot(id: "s-abcdefgh") { tags { key } } }',
  ],
  [
    'ids are counted',
    0.2 + 3 * (READ + ID),
    '{ nodes(ids: ["v-abcdefgh", "v-abcdefgi", "v-abcdefgj"]) { id } }',
  ],
  [
    'a fragment counts where it is spread',
    2 * (PAGE + 0.4 + 10 * ID),
    '{ a: disks(first: 10) { ...F } b: disks(first: 10) { ...F } } fragment F on DiskConnection { nodes { id } }',
  ],
  [
    'a fragment counts for the page it is in',
    PAGE + 0.4 + 10 * ID + PAGE + 0.4 + 5 * ID,
    '{ a: disks(first: 10) { ...F } b: disks(first: 5) { ...F } } fragment F on DiskConnection { nodes { id } }',
  ],
  [
    'and for its filter',
    2 * (PAGE + 0.2 + 20 + 0.2) + 2 * FILTER,
    '{ a: disks { ...F } b: disks(filter: { search: "a" }) { ...F } } fragment F on DiskConnection { totalCount }',
  ],
  [
    'an inline fragment counts as what it has',
    PAGE + 0.4 + 10 * ID,
    '{ ... on Query { disks(first: 10) { ... { nodes { id } } } } }',
  ],
  ['what is skipped counts', PAGE + 0.4 + 10 * ID, '{ disks(first: 10) @skip(if: true) { nodes { id } } }'],
  [
    'a page size may be a variable',
    PAGE + 0.4 + 7 * ID,
    'query ($n: Int) { disks(first: $n) { nodes { id } } }',
    { n: 7 },
  ],
  ['its default counts', PAGE + 0.4 + 5 * ID, 'query ($n: Int = 5) { disks(first: $n) { nodes { id } } }'],
  [
    'without one, what the field has',
    PAGE + 0.4 + 20 * ID,
    'query ($n: Int) { disks(first: $n) { nodes { id } } }',
  ],
  [
    'null too',
    PAGE + 0.4 + 20 * ID,
    'query ($n: Int = 5) { disks(first: $n) { nodes { id } } }',
    { n: null },
  ],
  [
    'a variable inside a fragment counts',
    PAGE + 0.4 + 7 * (1 + PAGE + 0.4 + 3 * ID),
    'query ($n: Int, $m: Int) { disks(first: $n) { ...F } } fragment F on DiskConnection { nodes { snapshots(first: $m) { ...G } } } fragment G on SnapshotConnection { nodes { id } }',
    { n: 7, m: 3 },
  ],
  [
    'ids in a variable are counted',
    0.2 + 4 * (READ + ID),
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: ['a', 'b', 'c', 'd'] },
  ],
  [
    'one id in a variable is a list',
    0.2 + READ + ID,
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    { ids: 'a' },
  ],
  [
    'a variable named like a property of every object is none',
    PAGE + 0.4 + 20 * ID,
    'query ($constructor: Int) { disks(first: $constructor) { nodes { id } } }',
    {},
  ],
  [
    'a change counts 20 more',
    20 + 1 + 0.2 + 0.2 + ID,
    'mutation { createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { ... on CreateSnapshotPayload { snapshot { id } } } }',
  ],
  [
    'for each thing that it changes, and is answered of',
    3 * 20 + 1 + 0.2 + 0.2 + 3 * (1 + 0.2),
    'mutation { deleteSnapshots(input: { snapshotIds: ["s-abcdefg1", "s-abcdefg2", "s-abcdefg3"] }) { ... on DeleteSnapshotsPayload { items { snapshotId } } } }',
  ],
  [
    'also in a variable',
    2 * 20 + 1 + 0.2 + 0.2,
    'mutation ($i: LinkAutoSnapshotPolicyInput!) { linkAutoSnapshotPolicy(input: $i) { __typename } }',
    { i: { policyId: 'asp-abcdefgh', diskIds: ['v-abcdefg1', 'v-abcdefg2'] } },
  ],
  [
    'a stream counts as its first event',
    2 * (READ + 1 + 0.2) + 0.4,
    'subscription { snapshotTransitions { to snapshot { id } } }',
  ],
  [
    'an entry of a list in the filter of a stream counts 1, for what is kept of it',
    0.4 + READ + 1 + 3,
    'subscription { snapshotTransitions(filter: { tags: [{ key: "a", value: { in: ["b", "c"] } }] }) { to } }',
  ],
  [
    'also in a variable',
    0.4 + READ + 1 + 2,
    'subscription ($f: DiskTransitionFilter) { diskTransitions(filter: $f) { to } }',
    { f: { diskId: { in: ['v-abcdefg1', 'v-abcdefg2'] } } },
  ],
  [
    'transitions count as many as are told at most',
    0.4 + (1 + READ) + READ + 10 * (1 + 0.2),
    '{ snapshot(id: "s-abcdefgh") { transitions { to } } }',
  ],
  [
    'or as many as are asked for',
    0.4 + (1 + READ) + READ + 3 * (1 + 0.2) + (0.2 + READ + 100 * (1 + 0.2)),
    'query ($n: Int) { snapshot(id: "s-abcdefgh") { transitions(last: $n) { to } } snapshotHistory(id: "s-abcdefgh") { to } }',
    { n: 3 },
  ],
  [
    'introspection counts each object and each value',
    1 + 0.2 + 1 + 2 * 0.2,
    '{ __schema { queryType { ...T } } } fragment T on __Type { name kind: name @skip(if: false) }',
  ],
  [
    'for each entry of its lists, as many as there are',
    1 + 0.2 + (1 + 0.2 + 3 * (1 + 0.2)),
    '{ __type(name: "PageInfo") { name } again: __type(name: "SnapshotQuota") { fields { name } } }',
  ],
  ['a list of values counts each', 1 + READ + 0.2 + 0.2 + 450 * 0.2, '{ limits { timeZones } }'],
])('%s: %d', (_what, expected, text, variables) => {
  // The sums of tenths are exact there, and not here.
  expect(points(text, variables)).toBe(Math.ceil(Number(expected.toFixed(1))))
})

test('what is known of fields and types by their names is of those that there are', () => {
  const fields = Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) ? Object.keys(type.getFields()).map((field) => [type.name, field]) : [],
  )
  const places = fields.map((place) => place.join('.'))
  const names = fields.map(([, name]) => name)

  expect(Object.keys(OF_PLUGINS).filter((place) => !places.includes(place))).toEqual([])
  expect(Object.keys(TEXTS).filter((name) => !names.includes(name))).toEqual([])
  expect([...COMPOSED].filter((name) => !schema.getType(name))).toEqual([])
})

/** What an attack review found to take seconds for a few points; each has to be refused by the default. */
test.each<[what: string, text: string]>([
  [
    'times of runs, 48 for each policy of disks of policies',
    `{ disks { nodes { autoSnapshotPolicy { disks(first: 20) { nodes { autoSnapshotPolicy { ${aliases(48, 'nextRuns')} } } } } } } }`,
  ],
  [
    'descriptions, 48 for each of 9,700 snapshots',
    `{ disks(first: 97) { nodes { snapshots(first: 100) { nodes { ${aliases(48, 'description')} } } } } }`,
  ],
  [
    'totals of pages, 48 for each disk',
    `{ disks(first: 100) { nodes { ${aliases(48, 'snapshots(first: 0) { totalCount }')} } } }`,
  ],
  ['cursors, 48 for each entry', `{ snapshots(first: 100) { edges { ${aliases(48, 'cursor')} } } }`],
  [
    'names of all fields, 625 times',
    `{ __schema { types { ...T } } } fragment T on __Type { ${aliases(25, 'fields { ...F }')} } fragment F on __Field { ${aliases(25, 'name')} }`,
  ],
  [
    'time zones, 580 times',
    `{ ${aliases(20, 'limits { ...L }')} } fragment L on Limits { ${aliases(29, 'timeZones')} }`,
  ],
  [
    'transitions of the snapshots of transitions',
    '{ snapshotHistory(id: "s-abcdefgh") { snapshot { transitions { snapshot { transitions { to } } } } } }',
  ],
  ['reads, 48 for each entry', `{ snapshots(first: 100) { nodes { ${aliases(48, 'disk { id }')} } } }`],
])('too much is asked by %s', (_what, text) => {
  expect(points(text)).toBeGreaterThan(readConfig({}).maxCost)
})

function aliases(count: number, field: string): string {
  return Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ')
}

test('introspection as GraphiQL asks for it may be asked for', () => {
  expect(
    points(getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true })),
  ).toBeLessThan(readConfig({}).maxCost / 2)
})

test('what is created is counted, each thing by itself, and nothing else', () => {
  const create = 'createSnapshot(input: { diskId: "v-abcdefgh", name: "a" }) { __typename }'
  const register = 'registerDisk(input: { path: "/a", name: "a", kind: DATA }) { __typename }'
  const many = 'createSnapshots(input: { diskIds: ["v-abcdefg1", "v-abcdefg2"], name: "a" }) { __typename }'

  expect(cost(`mutation { a: ${create} b: ${create} c: ${register} }`).creates).toBe(3)
  expect(cost(`mutation { a: ${create} b: ${many} }`).creates).toBe(3)
  expect(
    cost(`mutation ($i: CreateSnapshotsInput!) { createSnapshots(input: $i) { __typename } }`, {
      i: { diskIds: ['v-abcdefg1', 'v-abcdefg2', 'v-abcdefg3'], name: 'a' },
    }).creates,
  ).toBe(3)
  expect(
    cost(`mutation ($ids: [ID!]!) { createSnapshots(input: { diskIds: $ids, name: "a" }) { __typename } }`, {
      ids: ['v-abcdefg1', 'v-abcdefg2'],
    }).creates,
  ).toBe(2)
  expect(cost('{ disks { nodes { id } } }').creates).toBe(0)
})

test('of several operations, the one that is run counts', () => {
  const document = 'query A { disk(id: "v-abcdefgh") { id } } query B { disks(first: 10) { nodes { id } } }'

  expect([cost(document, {}, 'A').points, cost(document, {}, 'B').points]).toEqual([6, 23])
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

test('fields that an input type does not have are not looked at, however many a value has', () => {
  const many = (known: object) =>
    new Proxy(known, {
      ownKeys: () => expect.fail('All keys of the value were listed.'),
    })
  const filter = many({ name: many({ in: ['a', 'b'] }) })
  const input = many({ policyId: 'asp-abcdefgh', diskIds: ['v-abcdefg1', 'v-abcdefg2'] })

  expect(
    points('query ($f: DiskFilter) { disks(first: 0, filter: $f) { nodes { id } } }', { f: filter }),
  ).toBe(Math.ceil(PAGE + 0.4 + FILTER + 2 * 3))
  expect(
    points(
      'mutation ($i: LinkAutoSnapshotPolicyInput!) { linkAutoSnapshotPolicy(input: $i) { __typename } }',
      { i: input },
    ),
  ).toBe(Math.ceil(2 * 20 + 1 + 0.2 + 0.2))
})
