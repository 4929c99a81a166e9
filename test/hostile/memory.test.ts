import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Clients } from '../../src/observability/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const MIB = 1024 ** 2

/** A quarter of a megabyte on the wire, five in memory: ten of them are fifty. */
const JUNK = `[${Array(80_000).fill('{}').join()}]`
const FEW = 15 * MIB
/** As much as there may be in connection_init. */
const LESS_JUNK = `[${Array(5_000).fill('{}').join()}]`
const QUERY = '"query":"subscription { snapshotTransitions { to } }"'

/** How much more memory is held while what is opened, as often as said, is open. */
async function heldBy(open: (index: number) => Promise<() => void>, count = 10): Promise<number> {
  // The first one brings in what all of them need.
  const closings = [await open(0)]
  const before = held()
  for (let index = 1; index <= count; index++) closings.push(await open(index))
  const more = held() - before
  for (const close of closings) close()
  return more
}

function held(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

async function socketWith({ endpoint }: TestApp, init: string): Promise<WebSocket> {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  await new Promise((resolve) => socket.once('open', resolve))
  const acknowledged = new Promise((resolve) => socket.once('message', resolve))
  socket.send(init)
  expect(String(await acknowledged)).toContain('connection_ack')
  return socket
}

test.each([
  ['objects in connection_init', `{"type":"connection_init","payload":{"junk":${LESS_JUNK}}}`],
  ['a traceparent of objects', `{"type":"connection_init","payload":{"traceparent":${LESS_JUNK}}}`],
])('an open WebSocket holds nothing of %s', async (_what, init) => {
  await using app = await startTestApp()
  const more = await heldBy(async () => {
    const socket = await socketWith(app, init)
    return () => socket.terminate()
  }, 100)
  expect(more).toBeLessThan(FEW)
})

test('the names of clients are remembered without the texts that they are pieces of', async () => {
  const clients = new Clients()
  const more = await heldBy(async (index) => {
    clients.of({ 'graphql-client-name': `${index} ${'x'.repeat(MIB)}` })
    return () => undefined
  })
  expect(clients.of({ 'graphql-client-name': `1 ${'x'.repeat(MIB)}` }).name).toBe(`1 ${'x'.repeat(62)}`)
  expect(more).toBeLessThan(MIB)
})

test.each([
  ['extensions', `{"type":"subscribe","id":"ID","payload":{${QUERY},"extensions":{"junk":${JUNK}}}}`],
  ['other variables', `{"type":"subscribe","id":"ID","payload":{${QUERY},"variables":{"junk":${JUNK}}}}`],
  ['what is beside its payload', `{"type":"subscribe","id":"ID","payload":{${QUERY}},"junk":${JUNK}}`],
])('an open stream of a WebSocket holds nothing of %s', async (_what, message) => {
  await using app = await startTestApp()
  const socket = await socketWith(app, '{"type":"connection_init"}')
  const more = await heldBy(async (index) => {
    const { listeners } = app.hub
    socket.send(message.replace('ID', String(index)))
    await expect.poll(() => app.hub.listeners).toBe(listeners + 1)
    return () => socket.send(`{"type":"complete","id":"${index}"}`)
  })
  socket.terminate()
  expect(more).toBeLessThan(FEW)
})

test.each([
  ['extensions', `{${QUERY},"extensions":{"junk":${JUNK}}}`],
  ['other variables', `{${QUERY},"variables":{"junk":${JUNK}}}`],
])('an open stream of events holds nothing of %s', async (_what, body) => {
  await using app = await startTestApp()
  const more = await heldBy(async () => {
    const leaving = new AbortController()
    const { status } = await fetch(app.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body,
      signal: leaving.signal,
    })
    expect(status).toBe(200)
    return () => leaving.abort()
  })
  expect(more).toBeLessThan(FEW)
})
