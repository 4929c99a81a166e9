import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Reading } from '../../src/server/websocket/reading.ts'
import { startTestApp } from '../support/app.ts'

test('what an account sends over all its sockets is parsed at 16 MiB a second, and 4 MiB of it at once', () => {
  let now = 5_000
  const reading = new Reading(() => now)
  const quarter = 256 * 1024 - 400
  const waits = (account: string, count: number) =>
    Array.from({ length: count }, () => reading.waitFor(account, quarter))

  expect(waits('a', 16)).toEqual(Array(16).fill(0))
  expect(waits('a', 2)).toEqual([15.625, 31.25])
  expect(waits('b', 1)).toEqual([0])
  now += 1_000
  expect(waits('a', 1)).toEqual([0])
})

test('messages that wait are handled in their order', async () => {
  await using app = await startTestApp()
  const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  await new Promise((resolve) => socket.once('open', resolve))
  const seen: unknown[] = []
  socket.on('message', (message: Buffer) => {
    const { type, payload } = JSON.parse(message.toString()) as { type: string; payload?: { n: number } }
    if (type !== 'ping') seen.push(payload?.n ?? type)
  })
  socket.send('{"type":"connection_init"}')
  await expect.poll(() => seen).toEqual(['connection_ack'])
  const long = 'x'.repeat(250_000)
  for (let n = 0; n < 80; n++)
    socket.send(JSON.stringify({ type: 'ping', payload: n % 10 === 9 ? { n } : { n, long } }))
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(81)
  expect(seen.slice(1)).toEqual(Array.from({ length: 80 }, (_, n) => n))
  socket.terminate()
})

test('a first message of more than 16 KiB closes the socket with 1009', async () => {
  await using app = await startTestApp()
  const outcome = async (padding: number) => {
    const socket = new WebSocket(app.endpoint.replace('http', 'ws'), 'graphql-transport-ws')
    await new Promise((resolve) => socket.once('open', resolve))
    const first = new Promise((resolve) => {
      socket.once('message', (message: Buffer) => resolve(JSON.parse(message.toString())))
      socket.once('close', resolve)
    })
    socket.send(`{"type":"connection_init"}${' '.repeat(padding)}`)
    const seen = await first
    socket.terminate()
    return seen
  }
  const most = 16 * 1024 - '{"type":"connection_init"}'.length
  expect(await outcome(most)).toEqual({ type: 'connection_ack' })
  expect(await outcome(most + 1)).toBe(1009)
})
