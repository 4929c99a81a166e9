import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp } from '../support/app.ts'
import { canDropNetwork } from '../support/dropped-network.ts'
import { announce, MULTIPART, sequences, subscriber, TRANSPORTS } from '../support/subscribers.ts'

const WATCH = 'subscription { snapshotTransitions { sequence } }'

/** A client of the protocol; `answers` tells whether it answers the pings of the transport. */
async function connect(endpoint: string, answers: boolean): Promise<WebSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws', { autoPong: answers })
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: WATCH } }))
  return socket
}

test('a socket whose other side has gone without a word is found and closed, and its stream with it; a living one stays', async () => {
  await using app = await startTestApp()
  const gone = await connect(app.endpoint, false)
  const living = await connect(app.endpoint, true)
  await expect.poll(() => app.hub.listeners).toBe(2)

  await once(gone, 'close')

  await expect.poll(() => app.hub.listeners).toBe(1)
  expect(living.readyState).toBe(WebSocket.OPEN)
  living.terminate()
  await expect.poll(() => app.hub.listeners).toBe(0)
}, 60_000)

test.skipIf(!canDropNetwork).each(TRANSPORTS)(
  'when the network is gone, an idle stream over %s is found and closed within a minute (Linux); a living one stays',
  async (transport) => {
    await using app = await startTestApp()
    const [lost, living] = [subscriber(app, transport, WATCH), subscriber(app, transport, WATCH)]
    await expect.poll(() => app.hub.listeners).toBe(2)
    await announce(app, 1)
    await expect.poll(() => [sequences(lost), sequences(living)]).toEqual([[1], [1]])

    lost.loseNetwork()
    await expect.poll(() => app.hub.listeners, { timeout: 60_000 }).toBe(1)

    // Nobody has told the client.
    expect(lost.isClosed).toBe(false)
    await announce(app, 1)
    await expect.poll(() => sequences(living)).toEqual([1, 2])
    expect(sequences(lost)).toEqual([1])
    for (const one of [lost, living]) one.vanish()
    await expect.poll(() => app.hub.listeners).toBe(0)
  },
  90_000,
)

const PART = '\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql'

test.each([
  ['server-sent events', 'text/event-stream', /^:\n\nid: [^\n]+\n\n:\n\n:\n\n$/],
  ['multipart', MULTIPART, new RegExp(`^\\r\\n--graphql${PART}${PART}${PART}$`)],
])(
  'an idle stream over %s shows that it lives, more often than each 15 seconds, and then sends events',
  async (_transport, accept, heartbeats) => {
    await using app = await startTestApp()
    const client = new AbortController()
    const response = await fetch(app.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify({ query: WATCH }),
      signal: client.signal,
    })
    let text = ''
    void response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeTo(new WritableStream({ write: (chunk) => void (text += chunk) }))
      .catch(() => undefined)

    await expect.poll(() => text, { timeout: 30_000, interval: 500 }).toMatch(heartbeats)
    await announce(app, 1)
    await expect.poll(() => text).toContain('{"data":{"snapshotTransitions":{"sequence":1}}}')
    client.abort()
    await expect.poll(() => app.hub.listeners).toBe(0)
  },
  60_000,
)
