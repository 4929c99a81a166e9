import { setImmediate as nextTurn } from 'node:timers/promises'
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { Defer20220824Handler, GraphQL17Alpha9Handler } from '@apollo/client/incremental'
import { Client, fetchExchange } from '@urql/core'
import { buildSchema, parse } from 'graphql'
import { createClient as createSse } from 'graphql-sse'
import { expect, test } from 'vitest'
import { executeInParts } from '../../src/server/incremental/parts.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { askInParts, IN_PARTS, merged, partsIn, type Part } from '../support/parts.ts'

const DISKS = `query ($count: Int) {
  disks {
    nodes {
      name
      ... @defer(label: "held") { snapshots(first: 3) { nodes @stream(initialCount: $count) { name } } }
    }
  }
}`

const WHOLE = {
  disks: {
    nodes: [
      { name: 'disk-1', snapshots: { nodes: [{ name: 'held-2' }, { name: 'held-1' }, { name: 'held-0' }] } },
    ],
  },
}

async function fill(app: TestApp): Promise<void> {
  await app.heldSnapshots(await app.disk(), 3)
}

test('a query with @defer is answered in parts, which end with the closing boundary', async () => {
  await using app = await startTestApp()
  await fill(app)

  const query =
    '{ disks { nodes { name ... @defer(label: "held") { snapshots(first: 2) { nodes { name } } } } } }'
  const response = await askInParts(app, query)

  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'multipart/mixed;boundary="graphql";deferSpec=20220824',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    'x-query-cost': '491',
  })
  const text = (await response.text()).replace(/,"extensions":.*?}}}/, '}')
  const part = (json: string) => `\r\n--graphql\r\ncontent-type: application/json\r\n\r\n${json}`
  expect(text).toBe(
    [
      part('{"data":{"disks":{"nodes":[{"name":"disk-1"}]}},"hasNext":true}'),
      part(
        '{"hasNext":false,"incremental":[{"data":{"snapshots":{"nodes":[{"name":"held-2"},{"name":"held-1"}]}},' +
          '"path":["disks","nodes",0],"label":"held"}]}',
      ),
      '\r\n--graphql--\r\n',
    ].join(''),
  )
})

test('Apollo Client shows first what is not deferred, then everything', async () => {
  await using app = await startTestApp()
  await fill(app)
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: app.endpoint }),
    incrementalHandler: new Defer20220824Handler(),
  })
  const seen: [state: string, data: unknown][] = []
  const query = client.watchQuery({ query: gql(DISKS), variables: { count: 2 } })
  query.subscribe(({ data, dataState }) => seen.push([dataState, data]))

  // With the first items of the stream, everything that the query asks for is there: that is complete already.
  await expect.poll(() => seen.at(-1)).toMatchObject(['complete', WHOLE])
  expect([...new Set(seen.map(([state]) => state))]).toEqual(['empty', 'streaming', 'complete'])
  expect(seen[1]?.[1]).toEqual({
    disks: { __typename: 'DiskConnection', nodes: [{ __typename: 'Disk', name: 'disk-1' }] },
  })
})

test('urql shows first what is not deferred, then everything', async () => {
  await using app = await startTestApp()
  await fill(app)
  const client = new Client({ url: app.endpoint, exchanges: [fetchExchange], preferGetMethod: false })
  const seen: { data: unknown; hasNext: boolean }[] = []

  client
    .query(DISKS, { count: 2 })
    .subscribe(({ data, hasNext }) => seen.push(structuredClone({ data: data as unknown, hasNext })))

  await expect.poll(() => seen.at(-1)?.hasNext).toBe(false)
  expect(seen[0]).toEqual({ data: { disks: { nodes: [{ name: 'disk-1' }] } }, hasNext: true })
  expect(seen.at(-1)).toEqual({ data: WHOLE, hasNext: false })
})

test('graphql-sse receives the parts as events, and then that the answer is complete', async () => {
  await using app = await startTestApp()
  await fill(app)
  const client = createSse({ url: app.endpoint, retryAttempts: 0 })
  const parts = (await Array.fromAsync(client.iterate({ query: DISKS }))) as unknown as Part[]

  expect(parts.map(({ hasNext }) => hasNext)).toEqual([...parts.slice(1).map(() => true), false])
  expect(parts[0]?.data).toEqual({ disks: { nodes: [{ name: 'disk-1' }] } })
  expect(merged(parts)).toEqual({ data: WHOLE, errors: [] })
  const text = await (await askInParts(app, DISKS, {}, { accept: 'text/event-stream' })).text()
  expect(text).toMatch(
    /^event: next\ndata: .*"hasNext":true.*\n\n(event: next\ndata: .*\n\n)+event: complete\nid: complete\ndata:\n\n$/,
  )
})

test('a client that takes no parts, or not these, is answered in one piece, on every transport', async () => {
  await using app = await startTestApp()
  await fill(app)
  await using socket = app.webSocket()

  expect((await app.graphql(DISKS)).data).toEqual(WHOLE)
  const [overWebSocket, ...more] = await Array.fromAsync(socket.iterate({ query: DISKS }))
  expect([overWebSocket?.data, more]).toEqual([WHOLE, []])
  // It knows a later version of the format.
  const apollo = new ApolloClient({
    cache: new InMemoryCache(),
    link: new HttpLink({ uri: app.endpoint }),
    incrementalHandler: new GraphQL17Alpha9Handler(),
  })
  expect((await apollo.query({ query: gql(DISKS) })).data).toMatchObject(WHOLE)
})

test.for<[accept: string, format: string | undefined]>([
  [IN_PARTS, 'multipart/mixed'],
  ['multipart/mixed', 'multipart/mixed'],
  ['application/json, multipart/mixed', 'multipart/mixed'],
  ['text/event-stream, multipart/mixed', 'multipart/mixed'],
  ['Multipart/Mixed; DeferSpec="20220824"', 'multipart/mixed'],
  ['text/event-stream', 'text/event-stream'],
  ['multipart/mixed;subscriptionSpec=1.0, text/event-stream', 'text/event-stream'],
  ['text/event-stream;q=0, application/json', undefined],
  ['text/*, application/json', undefined],
  ['multipart/mixed;q=0, application/json', undefined],
  ['multipart/mixed;deferSpec=20220824;q=0.0, application/json', undefined],
  ['multipart/mixed;deferSpec=20240101, application/json', undefined],
  ['multipart/mixed;incrementalSpec=v0.2, application/json', undefined],
  ['multipart/mixed;subscriptionSpec=1.0, application/json', undefined],
  ['multipart/mixed-replace, application/json', undefined],
  ['*/*', undefined],
  ['application/json', undefined],
])('with accept: %s, a query with @defer is answered in parts as %s', async ([accept, format]) => {
  await using app = await startTestApp()
  await fill(app)

  const deferred = await askInParts(app, DISKS, {}, { accept })
  const plain = await askInParts(app, '{ disks { totalCount } }', {}, { accept })
  const condition = await askInParts(
    app,
    '{ ... @defer(if: false) { disks { totalCount } } }',
    {},
    { accept },
  )

  const isInParts = (text: string) => text.includes('"hasNext":')
  const type = deferred.headers.get('content-type') ?? ''
  if (format === undefined) expect(isInParts(await deferred.text())).toBe(false)
  else expect([type.split(';')[0], isInParts(await deferred.text())]).toEqual([format, true])
  expect(isInParts(await plain.text())).toBe(false)
  expect(isInParts(await condition.text())).toBe(false)
})

test('what is deferred fails for itself, with a code and the id of the request', async () => {
  await using app = await startTestApp()
  const { token } = await app.token('VIEWER')
  const query = '{ disks { totalCount } ... @defer { apiTokens { totalCount } } }'

  const response = await askInParts(app, query, {}, { token })
  const [first, second] = await Array.fromAsync(partsIn(response))

  expect(first?.data).toEqual({ disks: { totalCount: 0 } })
  expect(first?.errors).toBeUndefined()
  expect(second).toEqual({
    hasNext: false,
    incremental: [
      {
        data: null,
        path: [],
        errors: [
          expect.objectContaining({
            path: ['apiTokens'],
            extensions: { code: 'FORBIDDEN', requestId: response.headers.get('x-request-id') },
          }),
        ],
      },
    ],
  })
})

test('what was deferred inside of a fragment that fails is not delivered', async () => {
  await using app = await startTestApp()
  await fill(app)
  const query = `{
    disks {
      nodes {
        ... @defer(label: "fails") {
          deleteEligibility: detachEligibility { ... @defer(label: "inside") { allowed } }
          snapshots(first: 0, last: 0) { totalCount }
        }
        ... @defer(label: "beside") { quota: snapshotQuota { ... @defer(label: "inside beside") { manual { used } } } }
      }
    }
  }`

  const parts = await Array.fromAsync(partsIn(await askInParts(app, query)))

  const { data, errors } = merged(parts)
  expect(data).toEqual({ disks: { nodes: [{ quota: { manual: { used: 3 } } }] } })
  expect(errors.map(({ message, path }) => [message, path])).toEqual([
    ['Give first or last, not both.', ['disks', 'nodes', 0, 'snapshots']],
  ])
  const labels = parts.flatMap(({ incremental = [] }) => incremental.map(({ label }) => label))
  expect(labels).toEqual(['fails', 'beside', 'inside beside'])
})

test('a fault in what is deferred is masked, and logged', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'error' })
  await app.db.$executeRaw`DROP TABLE "Disk"`

  const response = await askInParts(app, '{ viewer { role } ... @defer { disks { totalCount } } }')
  const [, second] = await Array.fromAsync(partsIn(response))

  const requestId = response.headers.get('x-request-id')
  expect(second?.incremental?.[0]?.errors).toEqual([
    expect.objectContaining({
      message: 'Unexpected error.',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
    }),
  ])
  expect(app.logged).toContainEqual(expect.objectContaining({ requestId, path: ['disks'] }))
})

test.for<[document: string, variables: object, code: string, message: string]>([
  [
    'subscription { snapshotTransitions { ...Later @defer } } fragment Later on SnapshotTransition { sequence }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    '@defer cannot be used in a subscription.',
  ],
  [
    'subscription { snapshotTransitions { ...Part } } fragment Part on SnapshotTransition { ... @defer { sequence } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    '@defer cannot be used in a subscription.',
  ],
  [
    'mutation { ... @defer { deleteSnapshot(input: { snapshotId: "s-00000000" }) { __typename } } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    '@defer cannot be used at the root of a mutation.',
  ],
  [
    '{ ... @defer(label: "one") { disks { nodes @stream(label: "one") { id } } } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    'Two @defer or @stream have the same label.',
  ],
  [
    'query ($label: String) { ... @defer(label: $label) { disks { totalCount } } }',
    { label: 'one' },
    'GRAPHQL_VALIDATION_FAILED',
    'The label of @defer must be a string, not a variable.',
  ],
  [
    '{ disks { totalCount @stream } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    '@stream is for lists, and totalCount is none.',
  ],
  [
    '{ disks { nodes @stream(initialCount: -1) { id } } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    'The initialCount of @stream must be 0 or more.',
  ],
  [
    '{ disks { nodes @stream(initialCount: null) { id } } }',
    {},
    'GRAPHQL_VALIDATION_FAILED',
    'The initialCount of @stream must be 0 or more.',
  ],
  [DISKS, { count: -1 }, 'BAD_USER_INPUT', '$count must be 0 or more, as the initialCount of @stream.'],
  [DISKS, { count: null }, 'BAD_USER_INPUT', '$count must be 0 or more, as the initialCount of @stream.'],
  [
    'query ($count: Int = -1) { disks { nodes @stream(initialCount: $count) { id } } }',
    {},
    'BAD_USER_INPUT',
    '$count must be 0 or more, as the initialCount of @stream.',
  ],
  [
    'query ($if: Boolean = true) { disks { nodes { ... @defer(if: $if) { id } } } }',
    { if: null },
    'BAD_USER_INPUT',
    'Argument "if" of non-null type "Boolean!" must not be null.',
  ],
])('%s with %o is refused', async ([query, variables, code, message]) => {
  await using app = await startTestApp({ LOG_LEVEL: 'error' })
  await fill(app)

  const { errors } = (await (await askInParts(app, query, variables)).json()) as { errors: any[] }

  expect(errors.map((error) => [error.extensions.code, error.message])).toEqual([[code, message]])
  expect(app.logged).toEqual([])
})

test('each part that may come costs ten points, whether the client takes parts or not', async () => {
  await using app = await startTestApp()
  const costOf = async (query: string, accept: string) =>
    Number((await askInParts(app, query, {}, { accept })).headers.get('x-query-cost'))
  const plain = await costOf('{ disks(first: 50) { nodes { name id } } }', IN_PARTS)

  for (const accept of [IN_PARTS, 'application/json']) {
    for (const query of [
      '{ disks(first: 50) { nodes { name ... @defer { id } } } }',
      '{ disks(first: 50) { nodes { name ...Rest @defer } } } fragment Rest on Disk { id }',
      '{ disks(first: 50) { nodes @stream { name id } } }',
      '{ disks(first: 50) { nodes @stream(if: false) { name id } } }',
    ])
      expect(await costOf(query, accept)).toBe(plain + 50 * 10)
  }
  const many = await askInParts(app, `{ disks(first: 100) { nodes { ${'... @defer { id } '.repeat(20)} } } }`)
  expect(await many.json()).toMatchObject({ errors: [{ extensions: { code: 'COST_LIMIT_EXCEEDED' } }] })
})

test('parts have together no more bytes than one answer', async () => {
  await using app = await startTestApp({ MAX_ANSWER_BYTES: '2000' })
  const disk = await app.disk()
  await app.heldSnapshots(disk, 40)
  const query = '{ disks { nodes { id } } ... @defer { snapshots(first: 40) { nodes { id name } } } }'

  const parts = await Array.fromAsync(partsIn(await askInParts(app, query)))

  expect(parts[0]?.data).toEqual({ disks: { nodes: [{ id: disk.id }] } })
  expect(parts.slice(1)).toEqual([
    {
      errors: [
        expect.objectContaining({ extensions: expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }) }),
      ],
      hasNext: false,
    },
  ])
})

const schema = buildSchema(`
  directive @defer(if: Boolean! = true, label: String) on INLINE_FRAGMENT
  type Query { now: Int later: Int waited(turns: Int!): Int }
`)
/** A query whose deferred part does not come. */
function executeForever(timeoutMs: number, gone: AbortSignal) {
  const rootValue = { now: 1, later: () => new Promise(() => undefined) }
  return executeInParts(
    { schema, rootValue, document: parse('{ now ... @defer { later } }') },
    { timeoutMs, gone },
  )
}

test('parts that take too long end with OPERATION_TIMEOUT', async () => {
  const parts = (await executeForever(20, new AbortController().signal)) as AsyncIterable<unknown>
  const iterator = parts[Symbol.asyncIterator]()

  expect((await iterator.next()).value).toEqual({ data: { now: 1 }, hasNext: true })
  await expect(iterator.next()).rejects.toThrow('The operation looks at too many rows to end within 20 ms.')
})

test('what is ready within a few milliseconds is delivered together', async () => {
  /** A read that waits for this many turns of the event loop. */
  async function waited({ turns }: { turns: number }): Promise<number> {
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    return turns
  }
  const fields = Array.from({ length: 50 }, (_, i) => `... @defer { a${i}: waited(turns: ${i}) }`)
  const document = parse(`{ now ${fields.join(' ')} }`)

  const parts = (await executeInParts(
    { schema, document, rootValue: { now: 1, waited } },
    { timeoutMs: 60_000, gone: new AbortController().signal },
  )) as AsyncIterable<Part>
  const all = await Array.fromAsync(parts)

  expect(all.flatMap(({ incremental = [] }) => incremental)).toHaveLength(50)
  expect(all.length).toBeLessThan(25)
})

test('parts end when their client has gone', async () => {
  const client = new AbortController()
  const parts = (await executeForever(60_000, client.signal)) as AsyncIterable<unknown>
  const iterator = parts[Symbol.asyncIterator]()
  await iterator.next()

  const next = iterator.next()
  client.abort()

  await expect(next).rejects.toBe(client.signal.reason)
})

test('requests in parts count against the budgets of the account', async () => {
  await using app = await startTestApp({ RATE_REQUESTS: '2' })

  const answers = [await askInParts(app, DISKS), await askInParts(app, DISKS), await askInParts(app, DISKS)]

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429])
})

test('a connection serves other requests after an answer in parts', async () => {
  await using app = await startTestApp()
  await fill(app)
  for (let i = 0; i < 3; i++) {
    const whole = merged(await Array.fromAsync(partsIn(await askInParts(app, DISKS))))
    expect(whole).toEqual({ data: WHOLE, errors: [] })
  }
})
