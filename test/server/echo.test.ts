import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { subscriber } from '../support/subscribers.ts'

const LONG = 'namd'.repeat(5_000)
const FILTER = 'query ($f: DiskFilter) { disks(filter: $f) { totalCount } }'
const many = Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`namd${index}`, 1]))
const name = LONG.slice(0, 10_000)

/** Requests that repeat a text of 10,000 characters and more wherever a client can put one. */
test.each<[where: string, params: object]>([
  ['15,000 fields of a variable', { query: FILTER, variables: { f: many } }],
  ['the name of a field of a variable', { query: FILTER, variables: { f: { [LONG]: 1 } } }],
  ['an enum of a variable', { query: FILTER, variables: { f: { status: { eq: LONG } } } }],
  ['a time of a variable', { query: FILTER, variables: { f: { createdAt: { gt: LONG } } } }],
  ['a list of a variable', { query: FILTER, variables: { f: { id: { in: Array(9_000).fill({}) } } } }],
  [
    'the pattern of suggestions',
    { query: FILTER, variables: { f: { status: { eq: ' Did you mean '.repeat(16_000) } } } },
  ],
  ['the name of a variable', { query: `query ($${name}: Int!) { disks(first: $${name}) { totalCount } }` }],
  ['a literal of another type', { query: `{ disks(first: "${name}") { totalCount } }` }],
  ['an enum literal', { query: `{ disks(filter: { kind: { eq: ${name} } }) { totalCount } }` }],
  ['a time literal', { query: `{ disks(filter: { createdAt: { gt: "${name}" } }) { totalCount } }` }],
  ['the name of a field', { query: `{ ${name} }` }],
  ['the name of an argument', { query: `{ disks(${name}: 1) { totalCount } }` }],
  ['the name of a type', { query: `{ ... on ${name} { id } }` }],
  ['the name of a directive', { query: `{ disks @${name} { totalCount } }` }],
  ['the name of a fragment', { query: `{ ...${name} }` }],
  ['an alias', { query: `{ ${name}: disks { totalCount } ${name}: snapshots { totalCount } }` }],
  ['what is no document', { query: `{ disks ) ${name} }` }],
  ['a text without an end', { query: `{ disks(after: "${name} ` }],
  ['the operation name', { query: 'query A { __typename }', operationName: LONG }],
  ['the operations', { query: `query ${name} { __typename } query B { __typename }` }],
  ['an unknown parameter', { query: '{ __typename }', [LONG]: 1 }],
  ['an id', { query: 'query ($id: ID!) { disk(id: $id) { id } }', variables: { id: LONG } }],
  ['the id of a node', { query: 'query ($id: ID!) { node(id: $id) { id } }', variables: { id: LONG } }],
  [
    'the id of an input',
    {
      query: `mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "x" }) { ... on UserError { message } } }`,
      variables: { id: LONG },
    },
  ],
])('no message repeats more than 200 characters of %s', async (_where, params) => {
  await using app = await startTestApp({ INTROSPECTION: 'true' })
  const body = JSON.stringify(params)
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  // The way of the second request is another one, when its document is known.
  await fetch(app.endpoint, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...params, variables: {}, operationName: null }),
  })

  for (let round = 0; round < 2; round++) {
    const start = performance.now()
    const text = await (await fetch(app.endpoint, { method: 'POST', headers, body })).text()
    // Unbounded, the first of these took 297 s; a loaded machine takes a second or two.
    expect(performance.now() - start).toBeLessThan(10_000)
    expect(text).toContain('"message"')
    expect(text.length).toBeLessThan(8_000)
    for (const [message] of text.matchAll(/"message":"(?:[^"\\]|\\.)*"/g)) {
      expect(message).not.toContain(LONG.slice(0, 201))
    }
  }
})

test('the variables of a subscription are read in bounded time, over each transport', async () => {
  await using app = await startTestApp()
  const query = 'subscription ($f: SnapshotTransitionFilter) { snapshotTransitions(filter: $f) { to } }'

  const overSocket = subscriber(app, 'WebSocket', query, { f: many })
  const overEvents = subscriber(app, 'server-sent events', query, { f: many })

  for (const one of [overSocket, overEvents]) {
    await expect.poll(() => one.isComplete).toBe(true)
    expect(one.answers.map(({ errors }) => errors?.length)).toEqual([1])
    expect(JSON.stringify(one.answers).length).toBeLessThan(8_000)
    one.vanish()
  }
})
