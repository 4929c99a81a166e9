import { once } from 'node:events'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp } from '../support/app.ts'

/** A client of the protocol; `answers` tells whether it answers the pings of the transport. */
async function connect(endpoint: string, answers: boolean): Promise<WebSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws', { autoPong: answers })
  await once(socket, 'open')
  socket.send('{"type":"connection_init"}')
  await once(socket, 'message')
  const payload = { query: 'subscription { snapshotTransitions { sequence } }' }
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }))
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
