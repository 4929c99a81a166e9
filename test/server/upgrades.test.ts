import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp } from '../support/app.ts'
import { rawConnection } from '../support/raw-connection.ts'

const run = promisify(execFile)

const BODY = '{"query":"{ __typename }"}'
const ANSWER = /\{"data":\{"__typename":"Query"\}/g
const H2C = 'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n'

/** A request as text; of a body in chunks when `chunked`. */
function raw(line: string, { more = H2C, body = '', chunked = false } = {}): string {
  const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`
  const sent = chunked ? `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body
  const type = body === '' ? '' : `content-type: application/json\r\n${length}\r\n`
  return `${line} HTTP/1.1\r\nhost: localhost\r\n${more}${type}\r\n${sent}`
}

const POST = raw('POST /graphql', { body: BODY })
const speaksHttp2 = spawnSync('curl --version', { shell: true }).stdout.includes('HTTP2')

describe('an upgrade to anything but a WebSocket is ignored', () => {
  test('the request is answered, and the connection goes on', async () => {
    await using app = await startTestApp()

    for (const more of [
      H2C,
      'connection: upgrade\r\nupgrade: TLS/1.0\r\n',
      'connection: keep-alive, Upgrade\r\nupgrade: h2c, websocket\r\n',
      'connection: Upgrade\r\nupgrade: nothing\r\n',
      'connection: Upgrade\r\nupgrade: \r\n',
    ]) {
      using connection = rawConnection(app.url)
      for (let round = 1; round <= 3; round++) {
        connection.send(raw('POST /graphql', { more, body: BODY }))
        await expect.poll(() => connection.received().match(ANSWER)).toHaveLength(round)
      }
      connection.send(raw('GET /readyz', { more }))
      await expect.poll(connection.received).toContain('ok\n')
      expect(connection.received().match(/HTTP\/1\.1 \d+/g)).toEqual(Array(4).fill('HTTP/1.1 200'))
      expect(connection.received()).not.toMatch(/^connection: close/im)
    }
  })

  test('a WebSocket that is asked for by POST too, as the request has a body', async () => {
    await using app = await startTestApp()
    using connection = rawConnection(app.url)

    connection.send(
      raw('POST /graphql', { more: 'connection: Upgrade\r\nupgrade: websocket\r\n', body: BODY }),
    )

    await expect.poll(connection.received).toMatch(ANSWER)
  })

  test('and a request that is pipelined after it is answered too, in order, however it arrives', async () => {
    await using app = await startTestApp()
    const text = [
      POST,
      raw('GET /readyz'),
      raw('POST /graphql', { body: BODY, chunked: true }),
      raw('GET /nothing', { more: '' }),
      POST,
      raw('GET /healthz', { more: 'connection: Upgrade, close\r\nupgrade: h2c\r\n' }),
    ].join('')

    for (const size of [1, 3, 64, 333, text.length]) {
      using connection = rawConnection(app.url)
      connection.socket.setNoDelay(true)
      for (let at = 0; at < text.length; at += size) {
        connection.send(text.slice(at, at + size))
        await new Promise(setImmediate)
      }
      await connection.closed

      const statuses = connection.received().match(/HTTP\/1\.1 \d+/g)
      const expected = [200, 200, 200, 404, 200, 200].map((status) => `HTTP/1.1 ${status}`)
      expect([size, statuses]).toEqual([size, expected])
      expect(connection.received().match(ANSWER)).toHaveLength(3)
      expect(connection.received().match(/ok\n/g)).toHaveLength(2)
    }
  })

  test('and a hundred of them at once are answered, larger than what a connection buffers', async () => {
    await using app = await startTestApp()
    using connection = rawConnection(app.url)
    const body = JSON.stringify({ query: `{ __typename }${' '.repeat(20_000)}` })

    connection.send(raw('POST /graphql', { body }).repeat(100))

    await expect.poll(() => connection.received().match(ANSWER), { timeout: 10_000 }).toHaveLength(100)
  })

  test('and a WebSocket may follow on the same connection', async () => {
    await using app = await startTestApp()
    using connection = rawConnection(app.url)
    connection.send(POST)
    await expect.poll(connection.received).toMatch(ANSWER)

    connection.send(
      raw('GET /graphql', {
        more: 'connection: Upgrade\r\nupgrade: WebSocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n',
      }),
    )

    await expect.poll(connection.received).toMatch(/\r\n\r\nHTTP\/1\.1 101|\}HTTP\/1\.1 101/)
  })

  test('and a subscription over server-sent events comes through', async () => {
    await using app = await startTestApp()
    using connection = rawConnection(app.url)
    const body = '{"query":"subscription { snapshotTransitions { to } }"}'

    connection.send(raw('POST /graphql', { more: `${H2C}accept: text/event-stream\r\n`, body }))

    await expect.poll(() => app.hub.listeners).toBe(1)
    await expect.poll(connection.received).toMatch(/^content-type: text\/event-stream/im)
  })

  test.skipIf(!speaksHttp2)('curl --http2 is answered (skipped where there is no such curl)', async () => {
    await using app = await startTestApp()
    const options = ['--silent', '--http2', '--write-out', ' %{http_code} %{http_version} %{num_connects}\n']

    const { stdout } = await run('curl', [
      ...options,
      ...['-H', 'content-type: application/json', '-d', BODY, app.endpoint],
      ...['--next', ...options, `${app.url}/readyz`],
    ])

    expect(stdout).toMatch(/^\{"data":\{"__typename":"Query"\}.*\} 200 1\.1 1\nok\n 200 1\.1 0\n$/)
  })
})

describe('a WebSocket that is not opened gets the reason as any other error', () => {
  const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const UPGRADE = 'connection: Upgrade\r\nupgrade: websocket\r\n'

  test.each([
    [
      'at another path',
      'GET /',
      `sec-websocket-version: 13\r\n${KEY}`,
      404,
      'NOT_FOUND',
      'Not found. WebSocket connections are accepted at /graphql.',
    ],
    [
      'below the endpoint',
      'GET /graphql/x',
      `sec-websocket-version: 13\r\n${KEY}`,
      404,
      'NOT_FOUND',
      'Not found. WebSocket connections are accepted at /graphql.',
    ],
    [
      'without a key',
      'GET /graphql',
      'sec-websocket-version: 13\r\n',
      400,
      'BAD_REQUEST',
      'Invalid WebSocket handshake: Missing or invalid Sec-WebSocket-Key header.',
    ],
    [
      'of another version',
      'GET /graphql',
      `sec-websocket-version: 7\r\n${KEY}`,
      400,
      'BAD_REQUEST',
      'Invalid WebSocket handshake: Missing or invalid Sec-WebSocket-Version header.',
    ],
    [
      'with a malformed protocol',
      'GET /graphql',
      `sec-websocket-version: 13\r\n${KEY}sec-websocket-protocol: ,\r\n`,
      400,
      'BAD_REQUEST',
      'Invalid WebSocket handshake: Invalid Sec-WebSocket-Protocol header.',
    ],
    [
      'with a long protocol',
      'GET /graphql',
      `sec-websocket-version: 13\r\n${KEY}sec-websocket-protocol: ${'a, '.repeat(1_000)}b\r\n`,
      431,
      'PAYLOAD_TOO_LARGE',
      'The header sec-websocket-protocol is longer than 2048 characters.',
    ],
  ])('%s', async (_what, line, more, status, code, message) => {
    // prettier-ignore
    await using app = await startTestApp()
    using connection = rawConnection(app.url)

    connection.send(raw(line, { more: UPGRADE + more }))
    await connection.closed

    const [head = '', body = ''] = connection.received().split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(head.toLowerCase().split('\r\n')).toEqual(
      expect.arrayContaining([
        'content-type: application/json; charset=utf-8',
        'cache-control: no-store',
        'x-content-type-options: nosniff',
        ...(status === 400 ? ['sec-websocket-version: 13'] : []),
      ]),
    )
    expect(JSON.parse(body)).toEqual({
      errors: [{ message, extensions: { code, requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } }],
    })
  })

  test('and others are opened', async () => {
    await using app = await startTestApp()
    const socket = new WebSocket(`${app.endpoint.replace('http', 'ws')}?a=b`, 'graphql-transport-ws')

    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))

    socket.terminate()
  })
})
