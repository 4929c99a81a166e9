import { once } from 'node:events'
import { request } from 'node:http'
import { setImmediate as nextRound } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../../support/app.ts'
import type { GraphqlError } from '../../support/clients.ts'
import { rawConnection } from '../../support/raw-connection.ts'
import { announce } from '../../support/subscribers.ts'

const QUERY = '{ disks { totalCount } }'
const BODY = JSON.stringify({ query: QUERY })
const POST = rawPost(BODY)
/** An operation that waits for something: a look at a file. */
const LOOK = 'mutation { registerDisk(input: { path: "/nowhere", name: "a", kind: DATA }) { __typename } }'
const WATCH = 'subscription { snapshotTransitions { to } }'

function rawPost(body: string): string {
  return [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
}

/** The body of a raw answer, as JSON. */
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as unknown
const failure = (code: string, message: string) => ({
  errors: [{ message, extensions: { code, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } }],
})

async function openSocket(app: TestApp) {
  const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const closed = once(socket, 'close').then(([code]) => code as number)
  const acknowledged = once(socket, 'message').then(() => 'acknowledged')
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  return { socket, outcome: Promise.race([acknowledged, closed]) }
}

/** A socket that is let in, with all that it is told. */
async function subscribingSocket(app: TestApp) {
  const { socket, outcome } = await openSocket(app)
  await outcome
  const messages: { id?: string; type: string; payload?: any }[] = []
  socket.on('message', (text: Buffer) => messages.push(JSON.parse(text.toString()) as { type: string }))
  const subscribe = (id: string, query: string, variables?: object) =>
    socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }))
  return { socket, messages, subscribe }
}

describe('what does not come in time is cut off, and told', () => {
  const QUICK = { HEADERS_TIMEOUT_MS: '200', REQUEST_TIMEOUT_MS: '300' }
  const TIMEOUT = failure('REQUEST_TIMEOUT', 'The request did not arrive in time.')

  test.each([
    ['nothing of the headers but their start', 'POST /graphql HTTP/1.1\r\nx-a: '],
    ['headers that never end', 'POST /graphql HTTP/1.1\r\nhost: localhost\r\n'],
    ['half a body', POST.slice(0, -10)],
    [
      'chunks that never end',
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ])('%s', async (_what, text) => {
    await using app = await startTestApp(QUICK)
    using connection = rawConnection(app.url)
    connection.send(text)

    await connection.closed

    expect(connection.received()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/)
    expect(bodyOf(connection.received())).toEqual(TIMEOUT)
  })
})

test.each<[what: string, text: string, status: string, code: string, message: string]>([
  [
    'something else than HTTP',
    '\x16\x03\x01\x02\x00\x01\x00',
    '400 Bad Request',
    'BAD_REQUEST',
    'The request is not HTTP/1.1.',
  ],
  [
    'headers that are too large',
    `GET / HTTP/1.1\r\nx-a: ${'a'.repeat(17_000)}\r\n\r\n`,
    '431 Request Header Fields Too Large',
    'PAYLOAD_TOO_LARGE',
    'The headers are larger than 16384 bytes.',
  ],
  [
    'a length that is none',
    'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: x\r\n\r\n',
    '400 Bad Request',
    'BAD_REQUEST',
    'The request is not HTTP/1.1.',
  ],
  [
    'two lengths',
    'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
    '400 Bad Request',
    'BAD_REQUEST',
    'The request is not HTTP/1.1.',
  ],
])('%s is answered with an error as any other', async (_what, text, status, code, message) => {
  await using app = await startTestApp()
  using connection = rawConnection(app.url)
  connection.send(text)

  await connection.closed

  expect(connection.received().split('\r\n')[0]).toBe(`HTTP/1.1 ${status}`)
  expect(bodyOf(connection.received())).toEqual(failure(code, message))
})

test('an address has a limited number of connections, and can open another when one ends', async () => {
  await using app = await startTestApp({ MAX_CONNECTIONS_PER_ADDRESS: '2' })
  using first = rawConnection(app.url)
  using second = rawConnection(app.url)
  for (const { send, received } of [first, second]) {
    send(POST)
    await expect.poll(received).toMatch(/^HTTP\/1\.1 200/)
  }

  using third = rawConnection(app.url)
  await third.closed
  expect(third.received()).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/)
  expect(bodyOf(third.received())).toEqual(
    failure('TOO_MANY_CONNECTIONS', 'Too many connections from this address. Close some of them.'),
  )

  first.socket.destroy()
  await first.closed
  await expect
    .poll(async () => {
      using again = rawConnection(app.url)
      again.send(POST)
      await expect.poll(again.received).not.toBe('')
      return again.received().split('\r\n')[0]
    })
    .toBe('HTTP/1.1 200 OK')
})

describe('the streams of an account are limited', () => {
  test('over WebSocket: another one is asked to try again later, and may when one has ended', async () => {
    await using app = await startTestApp({ MAX_STREAMS_PER_ACCOUNT: '2' })
    const outcome = async () => (await openSocket(app)).outcome
    const first = await openSocket(app)

    expect([await first.outcome, await outcome(), await outcome()]).toEqual([
      'acknowledged',
      'acknowledged',
      1013,
    ])
    first.socket.terminate()
    await expect.poll(outcome).toBe('acknowledged')
  })

  test('subscriptions over WebSocket are counted one by one, until they end in any way', async () => {
    await using app = await startTestApp({ MAX_STREAMS_PER_ACCOUNT: '2' })
    await using client = app.webSocket()
    const subscribe = () => client.iterate({ query: WATCH })
    const code = async (stream: ReturnType<typeof subscribe>) => {
      const { value } = (await stream.next()) as { value?: { errors?: GraphqlError[] } }
      return value?.errors?.[0]?.extensions.code
    }
    const refused = async () =>
      code(subscribe()).catch((error: unknown) => (error as GraphqlError[])[0]?.extensions.code)
    const first = subscribe()
    const second = subscribe()
    void first.next().catch(() => undefined)
    void second.next().catch(() => undefined)
    await expect.poll(() => app.hub.listeners).toBe(2)

    expect(await refused()).toBe('TOO_MANY_CONNECTIONS')
    await first.return?.()
    await expect.poll(() => app.hub.listeners).toBe(1)
    // One that fails gives its place back, and so does one that completes.
    const missing = client.iterate({ query: 'subscription { snapshotStatus(id: "s-missing00") { to } }' })
    expect(await code(missing).catch((error: unknown) => (error as GraphqlError[])[0]?.extensions.code)).toBe(
      'NOT_FOUND',
    )
    const third = subscribe()
    void third.next().catch(() => undefined)
    await expect.poll(() => app.hub.listeners).toBe(2)
    expect(await refused()).toBe('TOO_MANY_CONNECTIONS')

    await client.dispose()
    await expect.poll(() => app.hub.listeners).toBe(0)
    await using other = app.webSocket()
    const fourth = other.iterate({ query: WATCH })
    void fourth.next().catch(() => undefined)
    await expect.poll(() => app.hub.listeners).toBe(1)
  })

  test('what one event may cost in all streams of an account is limited, whatever the number of streams', async () => {
    await using app = await startTestApp({ MAX_COST: '200', MAX_STREAMS_PER_ACCOUNT: '5' })
    await using client = app.webSocket()
    const reasons = Array.from({ length: 45 }, (_, index) => `r${index}: reason`).join(' ')
    const query = `subscription { snapshotTransitions { ${reasons} } }`
    const streams = Array.from({ length: 5 }, () => client.iterate({ query }))
    const refusals: unknown[] = []
    for (const stream of streams)
      void stream.next().then(
        ({ value }) => refusals.push((value as { errors?: unknown } | undefined)?.errors),
        (error: unknown) => refusals.push(error),
      )

    await expect.poll(() => app.hub.listeners + refusals.length).toBe(5)
    expect(app.hub.listeners).toBeGreaterThan(0)
    expect(refusals).not.toEqual([])
    for (const refusal of refusals)
      expect(refusal).toMatchObject([
        {
          message: expect.stringMatching(
            /^The open streams of the account would cost more than 200 points per event/,
          ),
          extensions: { code: 'COST_LIMIT_EXCEEDED' },
        },
      ])
    const open = app.hub.listeners
    for (const stream of streams) await stream.return?.()
    await expect.poll(() => app.hub.listeners).toBe(0)
    for (let again = 0; again < open; again++)
      void client
        .iterate({ query })
        .next()
        .catch(() => undefined)
    await expect.poll(() => app.hub.listeners).toBe(open)
  })

  test('over WebSocket, a stream that the server completes gives its place back', async () => {
    await using app = await startTestApp({ MAX_STREAMS_PER_ACCOUNT: '1' })
    const disk = await app.disk()
    await app.heldSnapshots(disk, 1)
    const { id } = await app.db.snapshot.findFirstOrThrow()
    const client = await subscribingSocket(app)

    for (const operation of ['1', '2', '3']) {
      client.subscribe(operation, `subscription { snapshotStatus(id: "${id}") { to } }`)
      await expect.poll(() => client.messages.at(-1)).toEqual({ id: operation, type: 'complete' })
    }
    client.socket.terminate()
  })

  test('over WebSocket, a stream that is ended with SLOW_CONSUMER gives its place back', async () => {
    await using app = await startTestApp({
      MAX_STREAMS_PER_ACCOUNT: '1',
      STREAM_BUFFER_EVENTS: '50',
      STREAM_BUFFER_BYTES: '1073741824',
    })
    const client = await subscribingSocket(app)
    client.subscribe('1', 'subscription { snapshotTransitions { sequence reason } }')
    await expect.poll(() => app.hub.groups.counts.members).toBe(1)
    client.socket.pause()
    for (let i = 0; i < 200 && app.hub.listeners > 0; i++) {
      await announce(app, 20, { reason: 'x'.repeat(16 * 1024) })
      await nextRound()
    }
    expect(app.hub.listeners).toBe(0)
    client.socket.resume()
    await expect
      .poll(() => client.messages.at(-1))
      .toMatchObject({ id: '1', type: 'error', payload: [{ extensions: { code: 'SLOW_CONSUMER' } }] })

    client.subscribe('2', WATCH)
    await expect.poll(() => app.hub.listeners).toBe(1)
    client.socket.terminate()
  })

  test('over server-sent events', async () => {
    await using app = await startTestApp({ MAX_STREAMS_PER_ACCOUNT: '1' })
    const start = () =>
      fetch(app.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: WATCH }),
      })
    const first = await start()

    const second = await start()
    expect([first.status, second.status]).toEqual([200, 200])
    expect(await second.text()).toContain('"code":"TOO_MANY_CONNECTIONS"')

    await first.body?.cancel()
    await expect.poll(() => app.hub.listeners).toBe(0)
    const third = await start()
    await expect.poll(() => app.hub.listeners).toBe(1)
    await third.body?.cancel()
  })
})

describe('the operations in progress on a connection are limited', () => {
  test('over WebSocket: those that wait have 8 MiB together, over all sockets of an account', async () => {
    await using app = await startTestApp({ MAX_COST: '1000000', MAX_ANSWER_BYTES: '16000000' })
    const disk = await app.disk()
    await app.heldSnapshots(disk, 100)
    await app.db.snapshot.updateMany({ data: { description: 'x'.repeat(4_000) } })
    const [blocked, other] = [await subscribingSocket(app), await subscribingSocket(app)]
    const long = { text: 'x'.repeat(250_000) }
    const descriptions = Array.from({ length: 25 }, (_, n) => `d${n}: description`).join(' ')
    blocked.socket.pause()
    for (let n = 0; n < 4; n++)
      blocked.subscribe(`large ${n}`, `{ snapshots(first: 100) { nodes { ${descriptions} } } }`)
    for (let n = 0; n < 40; n++) blocked.subscribe(`waits ${n}`, '{ __typename }', long)

    let asked = 0
    const code = async () => {
      const id = `other ${++asked}`
      other.subscribe(id, '{ __typename }', long)
      await expect.poll(() => other.messages.some((message) => message.id === id)).toBe(true)
      const answer = other.messages.find((message) => message.id === id) as {
        payload: [{ extensions: { code: string } }] | { data: unknown }
      }
      return Array.isArray(answer.payload) ? answer.payload[0].extensions.code : 'OK'
    }
    await expect.poll(code).toBe('TOO_MANY_OPERATIONS')
    blocked.socket.terminate()
    await expect.poll(code).toBe('OK')
    other.socket.terminate()
  })

  test('over WebSocket: one more gets an error, and the others go on', async () => {
    await using app = await startTestApp({ MAX_OPERATIONS_PER_CONNECTION: '3' })
    const { socket, messages, subscribe: ask } = await subscribingSocket(app)
    for (const id of ['1', '2', '3', '4']) ask(id, WATCH)
    await expect.poll(() => messages.find(({ type }) => type === 'error')).toBeDefined()
    expect(messages.filter(({ type }) => type === 'error')).toEqual([
      {
        id: '4',
        type: 'error',
        payload: [
          {
            message: 'Limit of 3 concurrent operations per connection reached.',
            extensions: { code: 'TOO_MANY_OPERATIONS', requestId: expect.any(String) },
          },
        ],
      },
    ])
    await expect.poll(() => app.hub.listeners).toBe(3)

    socket.send('{"id":"1","type":"complete"}')
    await expect.poll(() => app.hub.listeners).toBe(2)
    ask('5', WATCH)
    await expect.poll(() => app.hub.listeners).toBe(3)
    socket.terminate()
  })

  test('over HTTP: the first pipelined request beyond is answered 429, in its order, and is the last one', async () => {
    await using app = await startTestApp({ MAX_OPERATIONS_PER_CONNECTION: '2' })
    using connection = rawConnection(app.url)

    connection.send(rawPost(JSON.stringify({ query: LOOK })).repeat(10))

    const statuses = () =>
      [...connection.received().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
    await connection.closed
    // Four are executed, two wait.
    expect(statuses()).toEqual([...Array<string>(6).fill('200'), '429'])
    expect(connection.received()).toContain('TOO_MANY_OPERATIONS')
  })
})

test('a WebSocket that sends too fast is read more slowly, and nothing of it is lost', async () => {
  await using app = await startTestApp({ MAX_MESSAGES_PER_SECOND: '20' })
  const { socket } = await openSocket(app)
  let pongs = 0
  socket.on('message', (text: Buffer) => (pongs += text.toString() === '{"type":"pong"}' ? 1 : 0))
  const ping = '{"type":"ping"}'
  const padded = ping + ' '.repeat(100_000)
  const start = performance.now()

  for (let i = 0; i < 40; i++) socket.send(i % 2 ? ping : padded)

  await expect.poll(() => pongs).toBe(40)
  expect(performance.now() - start).toBeGreaterThan(500)
  expect(socket.readyState).toBe(WebSocket.OPEN)
  socket.terminate()
})

describe('pages of other sites', () => {
  const ORIGIN = 'https://console.example.com'
  const ask = (app: TestApp, method: string, headers: Record<string, string>) =>
    new Promise<{ status: number | undefined; headers: Record<string, unknown> }>((resolve, reject) => {
      // Not fetch: it sets headers of this kind itself.
      request(
        app.endpoint,
        { method, headers: { 'content-type': 'application/json', ...headers } },
        (response) => {
          response.resume()
          resolve({ status: response.statusCode, headers: response.headers })
        },
      )
        .on('error', reject)
        .end(method === 'POST' ? BODY : undefined)
    })
  const preflight = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'content-type',
  }

  test('may use the gateway if their site is named', async () => {
    await using app = await startTestApp({ ALLOWED_ORIGINS: `${ORIGIN},http://localhost:5173` })

    const [asked, answered] = [
      await ask(app, 'OPTIONS', { origin: ORIGIN, ...preflight }),
      await ask(app, 'POST', { origin: ORIGIN }),
    ]

    expect([asked.status, answered.status]).toEqual([204, 200])
    expect(asked.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET, POST',
      vary: 'origin',
    })
    expect(answered.headers).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-expose-headers': 'x-request-id, x-query-cost, ratelimit, ratelimit-policy, retry-after',
    })
    expect(answered.headers).not.toHaveProperty('access-control-allow-credentials')
  })

  test('may send the headers of the API, of well-known clients, of tracing, and those that are configured', async () => {
    await using app = await startTestApp({
      ALLOWED_ORIGINS: ORIGIN,
      CORS_REQUEST_HEADERS: 'X-Tenant',
      CORS_RESPONSE_HEADERS: 'server-timing',
    })

    const { headers } = await ask(app, 'OPTIONS', { origin: ORIGIN, ...preflight })

    expect(String(headers['access-control-allow-headers']).split(', ')).toEqual(
      expect.arrayContaining([
        ...['authorization', 'content-type', 'x-request-id', 'last-event-id', 'cache-control'],
        ...['x-graphql-yoga-csrf', 'apollo-require-preflight', 'x-apollo-operation-name'],
        ...['apollographql-client-name', 'apollographql-client-version'],
        ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
        'x-tenant',
      ]),
    )
    expect(headers['access-control-expose-headers']).toBe(
      'x-request-id, x-query-cost, ratelimit, ratelimit-policy, retry-after, server-timing',
    )
  })

  test.each(['https://elsewhere.example', 'https://console.example.com.elsewhere.example', 'null'])(
    'of %s may not, while others are named',
    async (origin) => {
      await using app = await startTestApp({ ALLOWED_ORIGINS: ORIGIN })

      const answers = [
        await ask(app, 'OPTIONS', { origin, ...preflight }),
        await ask(app, 'POST', { origin }),
      ]

      const cors = answers.flatMap(({ headers }) =>
        Object.keys(headers).filter((name) => name.startsWith('access-control-')),
      )
      expect(cors).toEqual([])
      expect(answers.map(({ headers }) => headers.vary)).toEqual(['origin', 'origin'])
    },
  )

  test('may open a WebSocket if their site is named, and others may not', async () => {
    await using app = await startTestApp({ ALLOWED_ORIGINS: ORIGIN })
    const outcome = async (origin: string) => {
      const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws', { origin })
      socket.on('error', () => undefined)
      const refused = new Promise<string>((resolve) =>
        socket.once('unexpected-response', (_request, response) => {
          let text = ''
          response.on('data', (chunk: Buffer) => (text += chunk.toString()))
          response.on('end', () => resolve(text))
        }),
      )
      const result = await Promise.race([once(socket, 'open').then(() => 'open'), refused])
      socket.terminate()
      return result
    }

    expect(await outcome(ORIGIN)).toBe('open')
    expect(JSON.parse(await outcome('https://elsewhere.example'))).toEqual(
      failure('FOREIGN_ORIGIN', 'Pages of this origin may not open WebSocket connections here.'),
    )
  })
})
