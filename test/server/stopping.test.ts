import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'

const UPGRADE = [
  'GET /graphql HTTP/1.1',
  'host: localhost',
  'connection: Upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
  '',
  '',
].join('\r\n')

const WATCH = JSON.stringify({ query: 'subscription { snapshotTransitions { to } }' })
const EVENTS = [
  'POST /graphql HTTP/1.1',
  'host: localhost',
  'content-type: application/json',
  'accept: text/event-stream',
  `content-length: ${WATCH.length}`,
  '',
  WATCH,
].join('\r\n')

/** A TCP connection that has sent this, got `answer` back where one is expected, and then neither reads nor writes. */
async function stubborn({ url }: TestApp, text: string, answer = ''): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  let received = ''
  socket.setEncoding('utf8').on('data', (part: string) => (received += part))
  socket.write(text)
  await vi.waitFor(() => expect(received).toContain(answer))
  socket.pause()
  return socket
}

test('a client that neither reads nor answers holds up the end of the gateway for 2 s at most', async () => {
  const app = await startTestApp()
  const sockets = [
    await stubborn(app, ''),
    await stubborn(app, 'POST /graphql HTTP/1.1\r\nhost: loc'),
    await stubborn(
      app,
      'POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"que',
    ),
    await stubborn(app, 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n', 'ok\n'),
    // Never says connection_init.
    await stubborn(app, UPGRADE, '101 Switching Protocols'),
    await stubborn(app, EVENTS, '200 OK'),
  ]
  const frozen = await openSocket(app)
  frozen.pause()

  const start = performance.now()
  await app[Symbol.asyncDispose]()

  expect(performance.now() - start).toBeLessThan(5_000)
  for (const socket of sockets) socket.destroy()
  frozen.terminate()
})

test('a socket that is opened while the gateway stops is answered with 503', async () => {
  const app = await startTestApp({ SHUTDOWN_MS: '1000' })
  const sockets = [await openSocket(app), await openSocket(app)]
  // The second one is let go half a second after the first.
  const closed = sockets.map((socket) => once(socket, 'close'))
  const stopped = app[Symbol.asyncDispose]()
  const late = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  late.on('error', () => undefined)
  const [, response] = (await once(late, 'unexpected-response')) as [unknown, { statusCode: number }]

  expect(response.statusCode).toBe(503)
  expect((await Promise.all(closed)).map(([code]) => code as number)).toEqual([1001, 1001])
  await stopped
})

/** A WebSocket that has been let in. */
async function openSocket({ endpoint }: TestApp): Promise<WebSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  return socket
}
