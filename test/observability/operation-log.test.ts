import { createHash } from 'node:crypto'
import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'
import { postGraphql, streamEvents } from '../support/clients.ts'

const LOGGED = { LOG_LEVEL: 'info', LOG_OPERATIONS_PERCENT: '100' }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`

const hashOf = (document: string) => createHash('sha256').update(document).digest('hex')

/** The lines of operations and ended streams, once there are this many. */
async function lines(app: TestApp, count: number) {
  const found = () => app.logged.filter(({ msg }) => msg === 'operation' || msg === 'stream ended')
  await expect.poll(found).toHaveLength(count)
  return found()
}

test('each operation is one line of its name, kind, document, cost, outcome, account, client, request and trace', async () => {
  await using app = await startTestApp(LOGGED)
  const document = 'query Who($first: Int) { viewer { role } disks(first: $first) { nodes { id } } }'

  const { headers } = await postGraphql(
    app.endpoint,
    document,
    { first: 3 },
    {
      'graphql-client-name': 'reporter',
      'graphql-client-version': '1.2',
      'x-request-id': 'request-1',
      traceparent: TRACEPARENT,
    },
  )

  expect(await lines(app, 1)).toEqual([
    {
      level: 30,
      time: expect.any(Number),
      pid: process.pid,
      hostname: expect.any(String),
      requestId: 'request-1',
      traceId: TRACE,
      operation: 'Who',
      kind: 'query',
      document: hashOf(document),
      transport: 'http',
      durationMs: expect.any(Number),
      cost: Number(headers.get('x-query-cost')),
      outcome: 'OK',
      account: app.viewer.accountId,
      client: 'reporter',
      clientVersion: '1.2',
      msg: 'operation',
    },
  ])
})

test('an answer of the fast path, a compiled one and an executed one are logged alike', async () => {
  await using app = await startTestApp({ ...LOGGED, ANSWER_CACHE_BYTES: '1000000' })
  for (let round = 0; round < 4; round++) await app.graphql('query Again { viewer { role } }')

  const facts = (await lines(app, 4)).map(({ operation, cost, outcome }) => [operation, cost, outcome])
  expect(new Set(facts.map(String)).size).toBe(1)
  expect(facts[0]).toEqual(['Again', expect.any(Number), 'OK'])
})

test('a refused operation is logged with the code of its error', async () => {
  await using app = await startTestApp({ ...LOGGED, MAX_COST: '1', RATE_COST: '1' })
  await app.graphql('{')
  await app.graphql('{ nothing }')
  await app.graphql('{ disks(first: 100) { nodes { id } } }')

  expect((await lines(app, 3)).map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['none', 'GRAPHQL_PARSE_FAILED'],
    ['none', 'GRAPHQL_VALIDATION_FAILED'],
    ['query', 'COST_LIMIT_EXCEEDED'],
  ])
})

test('over a WebSocket, operations carry the client and the trace of connection_init', async () => {
  await using app = await startTestApp(LOGGED)
  const named = createClient({
    url: app.endpoint.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { 'apollographql-client-name': 'tail', traceparent: TRACEPARENT },
  })
  for await (const answer of named.iterate({ query: '{ viewer { role } }' }))
    expect(answer.errors).toBeUndefined()
  await expect(Array.fromAsync(named.iterate({ query: '{ nothing }' }))).rejects.toHaveLength(1)
  await named.dispose()

  expect(
    (await lines(app, 2)).map(({ transport, client, traceId, outcome }) => [
      transport,
      client,
      traceId,
      outcome,
    ]),
  ).toEqual([
    ['websocket', 'tail', TRACE, 'OK'],
    ['websocket', 'tail', TRACE, 'GRAPHQL_VALIDATION_FAILED'],
  ])
})

test('the end of a stream is a line with its events, on both transports, and with how it ended', async () => {
  await using app = await startTestApp(LOGGED)
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  const document = 'subscription Watch($id: ID!) { snapshotStatus(id: $id) { to } }'
  const overEvents = Array.fromAsync(streamEvents(app.endpoint, document, { id }))
  const client = app.webSocket()
  const overSocket = Array.fromAsync(client.iterate({ query: document, variables: { id } }))
  const left = client.iterate({ query: 'subscription Left { snapshotTransitions { to } }' })
  const first = left.next()
  await app.runner.tick()
  await Promise.all([overEvents, overSocket, first])
  await left.return?.()
  await client.dispose()

  const ended = (await lines(app, 7)).filter(({ msg }) => msg === 'stream ended')
  const facts = ended.map(({ operation, transport, outcome, events, kind }) => ({
    operation,
    kind,
    transport,
    outcome,
    events,
  }))
  expect(facts).toHaveLength(3)
  expect(facts).toEqual(
    expect.arrayContaining([
      { operation: 'Watch', kind: 'subscription', transport: 'sse', outcome: 'OK', events: 2 },
      { operation: 'Watch', kind: 'subscription', transport: 'websocket', outcome: 'OK', events: 2 },
      { operation: 'Left', kind: 'subscription', transport: 'websocket', outcome: 'LEFT', events: 1 },
    ]),
  )
})

test('an operation that fails is logged, however small the share of the others is', async () => {
  await using app = await startTestApp({ ...LOGGED, LOG_OPERATIONS_PERCENT: '0' })
  await app.graphql('{ viewer { role } }')
  await app.graphql('{ nothing }')
  await app.graphql('{ viewer { role } }')

  expect(await lines(app, 1)).toMatchObject([{ outcome: 'GRAPHQL_VALIDATION_FAILED' }])
})

test('a share of the operations is logged, and every slow one as a warning', async () => {
  await using app = await startTestApp({ ...LOGGED, LOG_OPERATIONS_PERCENT: '25' })
  for (let count = 0; count < 8; count++) await app.graphql('{ viewer { role } }')
  expect(await lines(app, 2)).toMatchObject([{ level: 30 }, { level: 30 }])

  await using slow = await startTestApp({ LOG_LEVEL: 'warn', LOG_OPERATIONS_PERCENT: '0', LOG_SLOW_MS: '0' })
  for (let count = 0; count < 3; count++) await slow.graphql('{ viewer { role } }')
  expect((await lines(slow, 3)).map(({ level }) => level)).toEqual([40, 40, 40])
})

test('neither variables nor secrets nor the text of a document come into any line, whatever holds them', async () => {
  await using app = await startTestApp({ ...LOGGED, LOG_LEVEL: 'trace' })
  const { token } = await app.token('ADMIN')
  const secret = 'hunter2-variable'
  const headers = {
    authorization: `Bearer ${token}`,
    'graphql-client-name': `me ${token}`,
    'graphql-client-version': `${token}${'x'.repeat(100)}`,
    'x-request-id': token,
    traceparent: `00-${token}-00f067aa0ba902b7-01`,
  }
  const ask = (query: string, variables?: Record<string, unknown>) =>
    postGraphql(app.endpoint, query, variables, headers)
  for (let round = 0; round < 3; round++) {
    await ask(`query ${token}($id: ID!) { disk(id: $id) { id } }`, { id: secret })
    await ask(`{ disk(id: "${secret}") { id } }`)
    await ask(`query ($id: Int!) { disk(id: $id) { id } }`, { id: secret })
    await ask(`mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename } }`, {
      input: { diskId: secret, name: secret, clientToken: token },
    })
    await ask(`{ ${token} }`)
  }
  await lines(app, 15)

  const text = JSON.stringify(app.logged)
  expect([token, token.slice(0, 40), secret].filter((one) => text.includes(one))).toEqual([])
  expect(app.logged.filter(({ msg }) => msg === 'operation')[0]).toMatchObject({
    operation: '[secret]',
    client: 'me [secret]',
    requestId: expect.stringMatching(/^[\da-f-]{36}$/),
  })
})
