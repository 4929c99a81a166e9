import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'
import { outcomeOf, type GraphqlError, type Outcome } from '../support/clients.ts'

const CREATE = `mutation ($input: CreateSnapshotInput!) {
  createSnapshot(input: $input) { __typename ... on CreateSnapshotPayload { snapshot { id status } } ... on UserError { code } }
}`
const WATCH = 'subscription ($id: ID!, $after: String) { snapshotStatus(id: $id, after: $after) { from to } }'
const WATCH_ALL = 'subscription { snapshotTransitions { to } }'
const WATCH_PROGRESS = 'subscription ($id: ID!) { snapshotProgress(id: $id) { percent } }'

type Operation = [query: string, variables?: Record<string, unknown>]

/** The results of an operation over one connection; an operation that was refused has one, its errors. */
async function overWebSocket(
  client: ReturnType<TestApp['webSocket']>,
  [query, variables]: Operation,
): Promise<Outcome[]> {
  try {
    return await Array.fromAsync(client.iterate({ query, variables }), (result) =>
      outcomeOf(result as Outcome),
    )
  } catch (errors) {
    return [{ errors: errors as GraphqlError[] }]
  }
}

/** A connection as it is on the wire, after `connection_init`. */
async function openSocket({ endpoint }: TestApp, headers: Record<string, string> = {}) {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws', { headers })
  const messages: { type: string; id?: string; payload?: unknown }[] = []
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  const refused = new Promise<number | undefined>((resolve) =>
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode)),
  )
  socket.on('error', () => undefined)
  socket.on('message', (message: Buffer) => messages.push(JSON.parse(message.toString()) as { type: string }))
  const send = (message: object) => socket.send(JSON.stringify(message))
  const opened = new Promise<void>((resolve) => socket.once('open', resolve))
  const outcome = await Promise.race([opened, refused])
  if (outcome === undefined) send({ type: 'connection_init' })
  return {
    socket,
    messages,
    closed,
    send,
    status: outcome,
    [Symbol.asyncDispose]: async () => socket.terminate(),
  }
}

/** A snapshot that is CREATING, and stays so until the test runs a tick. */
async function startSnapshot(app: TestApp): Promise<string> {
  const disk = await app.disk()
  const { data } = await app.graphql(CREATE, { input: { diskId: disk.id, name: 'watched' } })
  return data.createSnapshot.snapshot.id as string
}

const requestId = expect.stringMatching(/^[0-9a-f-]{36}$/)

describe('both transports behave alike', () => {
  test('queries and mutations work over WebSocket as they do over HTTP', async () => {
    await using app = await startTestApp()
    const disk = await app.disk({ name: 'data' })
    await using client = app.webSocket()

    const created = await overWebSocket(client, [CREATE, { input: { diskId: disk.id, name: 'first' } }])
    const again = await overWebSocket(client, [CREATE, { input: { diskId: disk.id, name: 'second' } }])
    const listed = await overWebSocket(client, ['{ snapshots { nodes { name status } } }'])

    const snapshot = { id: expect.stringMatching(/^s-/), status: 'CREATING' }
    expect([created, again, listed]).toEqual([
      [{ data: { createSnapshot: { __typename: 'CreateSnapshotPayload', snapshot } } }],
      [
        {
          data: {
            createSnapshot: { __typename: 'DiskStatusForbidsSnapshot', code: 'DISK_STATUS_FORBIDS_SNAPSHOT' },
          },
        },
      ],
      [{ data: { snapshots: { nodes: [{ name: 'first', status: 'CREATING' }] } } }],
    ])
  })

  test.each<[what: string, operation: Operation]>([
    ['a syntax error', ['{ disks']],
    ['an empty document', ['']],
    ['a document of too many tokens', ['{ a'.repeat(1_000)]],
    ['a document that nests too deep', ['{ a '.repeat(17) + '}'.repeat(17)]],
    ['a document of too many aliases', [`{ disks { ${'a: totalCount '.repeat(51)} } }`]],
    ['a document of too many bytes', [`{ disks { totalCount } } # ${'a'.repeat(32 * 1024)}`]],
    [
      'an operation that costs too much',
      [
        '{ disks(first: 100) { nodes { snapshots(first: 100) { nodes { disk { snapshots(first: 100) { nodes { id } } } } } } } }',
      ],
    ],
    ['an unknown field', ['{ disks { nodes { path } } }']],
    ['a fragment that spreads itself', ['{ ...A } fragment A on Query { ...A }']],
    ['two operations and no name', ['query A { disks { totalCount } } query B { disks { totalCount } }']],
    ['a missing variable', ['query ($id: ID!) { disk(id: $id) { id } }']],
    ['a variable of the wrong type', ['query ($id: ID!) { disk(id: $id) { id } }', { id: [] }]],
    ['a page that is too large', ['{ disks(first: 101) { totalCount } }']],
    ['an id that is none', ['{ node(id: "x") { id } }']],
    [
      'an input that is too long',
      [CREATE, { input: { diskId: 'v-abcdefgh', name: 'a', description: 'a'.repeat(1_001) } }],
    ],
    ['a subscription of the wrong type', ['subscription { snapshotStatus(id: 5.5) { to } }']],
    [
      'a condition at the root of a subscription',
      ['subscription { snapshotTransitions @skip(if: false) { to } }'],
    ],
    [
      'a condition at the root of a subscription, with its variable',
      ['subscription ($x: Boolean!) { snapshotTransitions @include(if: $x) { to } }', { x: true }],
    ],
    [
      'a condition of an inline fragment at the root of a subscription',
      ['subscription ($x: Boolean = true) { ... @include(if: $x) { snapshotTransitions { to } } }'],
    ],
    [
      'a condition in a fragment at the root of a subscription',
      [
        `subscription ($x: Boolean!) { ...A }
         fragment A on Subscription { ... on Subscription { ...B } }
         fragment B on Subscription { snapshotTransitions @skip(if: $x) { to } }`,
        { x: false },
      ],
    ],
    [
      'a condition of a fragment at the root of a subscription',
      [
        `subscription ($x: Boolean!) { ...A @include(if: $x) @skip(if: false) }
         fragment A on Subscription { snapshotTransitions { to } }`,
        { x: true },
      ],
    ],
    ['a snapshot to watch that there is not', [WATCH, { id: 's-gone0000' }]],
    ['progress to watch that there is not', [WATCH_PROGRESS, { id: 's-gone0000' }]],
    ['a stream cursor of another gateway', [WATCH, { id: 's-gone0000', after: '0123456789ab.1' }]],
    ['the id of a disk to watch', [WATCH, { id: 'v-abcdefgh' }]],
  ])(
    '%s gets the same answer over WebSocket as over HTTP, and ends the operation, not the socket',
    async (_what, operation) => {
      await using app = await startTestApp()
      await using client = app.webSocket()

      const overHttp = await Array.fromAsync(app.sse(...operation))
      const answer = await overWebSocket(client, operation)

      const known = (results: Outcome[]) =>
        results.map((result) => ({
          ...result,
          errors: result.errors?.map((error) => ({
            ...error,
            extensions: { ...error.extensions, requestId },
          })),
        }))
      expect(answer).toEqual(known(overHttp))
      expect(answer[0]?.errors?.length).toBeGreaterThan(0)
      expect(await overWebSocket(client, ['{ disks { totalCount } }'])).toEqual([
        { data: { disks: { totalCount: 0 } } },
      ])
    },
  )

  test('a stream brings the same events over both, and completes by itself', async () => {
    await using app = await startTestApp()
    const id = await startSnapshot(app)
    await using client = app.webSocket()

    const streams = [Array.fromAsync(app.sse(WATCH, { id })), overWebSocket(client, [WATCH, { id }])]
    await vi.waitFor(() => expect(app.hub.listeners).toBe(2))
    await app.runner.tick()

    const events = [
      { data: { snapshotStatus: { from: null, to: 'CREATING' } } },
      { data: { snapshotStatus: { from: 'CREATING', to: 'COMPLETED' } } },
    ]
    expect(await Promise.all(streams)).toEqual([events, events])
    expect(app.hub.listeners).toBe(0)
  })
})

describe('nothing is left behind', () => {
  test('when a client disconnects from its streams', async () => {
    await using app = await startTestApp()
    const id = await startSnapshot(app)
    const { socket, send } = await openSocket(app)
    for (const query of [WATCH_ALL, WATCH, WATCH_PROGRESS]) {
      send({ type: 'subscribe', id: query, payload: { query, variables: { id } } })
    }
    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([2, 1]))

    socket.terminate()

    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([0, 0]))
  })

  test('when a client completes its streams and stays connected', async () => {
    await using app = await startTestApp()
    const id = await startSnapshot(app)
    await using connection = await openSocket(app)
    const queries = [WATCH_ALL, WATCH, WATCH_PROGRESS]
    for (const query of queries) {
      connection.send({ type: 'subscribe', id: query, payload: { query, variables: { id } } })
    }
    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([2, 1]))

    for (const query of queries) connection.send({ type: 'complete', id: query })

    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([0, 0]))
    expect(connection.socket.readyState).toBe(WebSocket.OPEN)
  })

  test('when a client leaves its streams over server-sent events', async () => {
    await using app = await startTestApp()
    const id = await startSnapshot(app)
    const streams = [app.sse(WATCH_ALL), app.sse(WATCH, { id }), app.sse(WATCH_PROGRESS, { id })]
    const waiting = streams.map((stream) => stream.next())
    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([2, 1]))
    await Promise.all(waiting.slice(1))
    await startSnapshot(app)
    await Promise.all(waiting)

    await Promise.all(streams.map((stream) => stream.return()))

    await vi.waitFor(() => expect([app.hub.listeners, app.progress.watchers]).toEqual([0, 0]))
  })
})

describe('a socket is closed', () => {
  test('with 1009 when a message is over the limit', async () => {
    await using app = await startTestApp()
    await using connection = await openSocket(app)

    connection.send({
      type: 'subscribe',
      id: '1',
      payload: { query: `{ disks { totalCount } }${' '.repeat(256 * 1024)}` },
    })

    expect(await connection.closed).toBe(1009)
  })

  test('with 4400 when a message is not one of the protocol', async () => {
    await using app = await startTestApp()
    await using connection = await openSocket(app)

    connection.socket.send('hello')

    expect(await connection.closed).toBe(4400)
  })

  test.each([
    ['100 characters', 'x'.repeat(100)],
    ['128 characters of three bytes', '快'.repeat(128)],
    ['64 characters of four bytes', '😀'.repeat(64)],
    ['halves of characters', '\ud83d'.repeat(128)],
  ])('with 4409 when an id is there twice, of %s', async (_what, id) => {
    await using app = await startTestApp()
    await using connection = await openSocket(app)
    const reason = new Promise<string>((resolve) =>
      connection.socket.once('close', (_code, bytes) => resolve(bytes.toString())),
    )

    for (let times = 0; times < 2; times++)
      connection.send({ type: 'subscribe', id, payload: { query: WATCH_ALL } })

    expect(await connection.closed).toBe(4409)
    expect(`Subscriber for ${id.toWellFormed()} already exists`.startsWith(await reason)).toBe(true)
    expect(Buffer.byteLength(await reason)).toBeGreaterThan(117)
  })

  test('with 4400 when an id is too long, and the operation is not run', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await using connection = await openSocket(app)

    const variables = { input: { diskId: disk.id, name: 'not made' } }
    connection.send({ type: 'subscribe', id: 'x'.repeat(129), payload: { query: CREATE, variables } })

    expect(await connection.closed).toBe(4400)
    await using client = app.webSocket()
    expect(await overWebSocket(client, ['{ snapshots { totalCount } }'])).toEqual([
      { data: { snapshots: { totalCount: 0 } } },
    ])
  })

  test('with 4401 when it asks before it has introduced itself', async () => {
    await using app = await startTestApp()
    const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.once('open', () =>
      socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: WATCH_ALL } })),
    )

    expect(await closed).toBe(4401)
  })
})

test('a page of another site cannot open a socket, one of this site and a program can', async () => {
  await using app = await startTestApp()
  await using foreign = await openSocket(app, { origin: 'https://elsewhere.example' })
  await using hidden = await openSocket(app, { origin: 'null' })
  await using own = await openSocket(app, { origin: app.url })
  await using program = await openSocket(app)

  expect([foreign, hidden, own, program].map(({ status }) => status)).toEqual([
    403,
    403,
    undefined,
    undefined,
  ])
})
