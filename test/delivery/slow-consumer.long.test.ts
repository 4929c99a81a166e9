import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'
import { announce, range, sequences, subscriber } from '../support/subscribers.ts'

const DOCUMENT = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }`
const BIG = 'x'.repeat(16 * 1024)
const SMALL_BUFFER = { STREAM_BUFFER_EVENTS: '100000', STREAM_BUFFER_BYTES: String(1024 ** 2) }
const SLOW = [{ extensions: { code: 'SLOW_CONSUMER', requestId: expect.any(String) } }]
/** What a client that has fallen behind is given to read on: before 1013, and again before it is cut off. */
const GRACE_MS = 5_000

/** Writes until the streams that are not read have been ended. */
async function flood(app: TestApp, untilMembers: number): Promise<number> {
  let written = 0
  while (app.hub.groups.counts.members > untilMembers) {
    await announce(app, 20, { reason: BIG })
    written += 20
    await sleep(5)
  }
  return written
}

async function stalled(app: TestApp) {
  const one = subscriber(app, 'WebSocket', DOCUMENT)
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  one.stall()
  return { one, written: await flood(app, 0) }
}

test('a WebSocket that is read again within 5 s is told SLOW_CONSUMER, and stays open', async () => {
  await using app = await startTestApp(SMALL_BUFFER)
  const { one } = await stalled(app)
  one.resume()
  await expect.poll(() => one.error).toMatchObject(SLOW)
  const got = sequences(one)
  expect(got).toEqual(range(1, got.length))
  await sleep(3 * GRACE_MS)
  expect(one.isClosed).toBe(false)
  one.vanish()
})

test('a WebSocket that is read again after 5 s finds, behind what it had missed, SLOW_CONSUMER and 1013', async () => {
  await using app = await startTestApp(SMALL_BUFFER)
  const { one, written } = await stalled(app)
  await sleep(GRACE_MS + 1_000)
  one.resume()
  await expect.poll(() => one.closeCode).toBe(1013)
  expect(one.error).toMatchObject(SLOW)
  const got = sequences(one)
  expect(got).toEqual(range(1, got.length))
  const resumed = subscriber(app, 'WebSocket', DOCUMENT, {
    after: one.answers.at(-1)?.data.snapshotTransitions.cursor,
  })
  await expect.poll(() => sequences(resumed)).toEqual(range(got.length + 1, written))
  resumed.vanish()
})

test('a WebSocket that is not read for 10 s is cut off: what it had got by then is whole, and it can resume', async () => {
  await using app = await startTestApp(SMALL_BUFFER)
  const { one, written } = await stalled(app)
  await sleep(2 * GRACE_MS + 2_000)
  one.resume()
  await expect.poll(() => one.closeCode).toBe(1006)
  expect(one.error).toBeUndefined()
  const got = sequences(one)
  expect(got).toEqual(range(1, got.length))
  const resumed = subscriber(app, 'WebSocket', DOCUMENT, {
    after: one.answers.at(-1)?.data.snapshotTransitions.cursor,
  })
  await expect.poll(() => sequences(resumed)).toEqual(range(got.length + 1, written))
  resumed.vanish()
})

test('the official client comes back by itself after 1013, with the subscriptions that were not to blame', async () => {
  await using app = await startTestApp(SMALL_BUFFER)
  const sockets: WebSocket[] = []
  class Watched extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols)
      sockets.push(this)
    }
  }
  const codes: number[] = []
  const client = createClient({
    url: app.endpoint.replace('http', 'ws'),
    webSocketImpl: Watched,
    on: { closed: (event) => void codes.push((event as CloseEvent).code) },
  })
  const quiet: number[] = []
  client.subscribe<{ snapshotTransitions: { sequence: number } }>(
    {
      query: `subscription { snapshotTransitions(filter: { diskId: { eq: "v-quiet0000" } }) { sequence } }`,
    },
    {
      next: ({ data }) => void quiet.push(data?.snapshotTransitions.sequence ?? 0),
      error: (error) => {
        throw new Error(JSON.stringify(error))
      },
      complete: () => undefined,
    },
  )
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  const told = Promise.withResolvers<unknown>()
  client.subscribe(
    { query: DOCUMENT },
    { next: () => undefined, error: told.resolve, complete: () => undefined },
  )
  await expect.poll(() => app.hub.groups.counts.members).toBe(2)

  sockets[0]?.pause()
  const written = await flood(app, 1)
  await sleep(GRACE_MS + 1_000)
  sockets[0]?.resume()

  expect(await told.promise).toMatchObject(SLOW)
  await expect.poll(() => codes).toEqual([1013])
  await expect.poll(() => sockets.length).toBe(2)
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  await announce(app, 1, { diskId: 'v-quiet0000' })
  await expect.poll(() => quiet).toEqual([written + 1])
  await client.dispose()
})
