import { EventSource } from 'eventsource'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { ask } from '../support/ask.ts'
import { rawConnection } from '../support/raw-connection.ts'
import { appendMany, range } from '../support/watch.ts'

const SSE = { accept: 'text/event-stream' }
const TRANSITIONS = 'subscription { snapshotTransitions { cursor sequence } }'

const urlOf = ({ endpoint }: TestApp, query: string) => `${endpoint}?query=${encodeURIComponent(query)}`

/** An `EventSource` with the statuses and the events that it gets; `cut` breaks its connection. */
function source(app: TestApp, query: string, headers: () => Record<string, string> = () => ({})) {
  const statuses: number[] = []
  const events: { id: string; data: any }[] = []
  let cut = () => {}
  const eventSource = new EventSource(urlOf(app, query), {
    fetch: async (url, init) => {
      const connection = new AbortController()
      const response = await fetch(url, {
        ...init,
        headers: { ...init.headers, ...headers() },
        signal: connection.signal,
      })
      statuses.push(response.status)
      const { body, status, redirected } = response
      const broken = new TransformStream<Uint8Array, Uint8Array>({
        start(controller) {
          cut = () => {
            controller.terminate()
            connection.abort()
          }
        },
      })
      body?.pipeTo(broken.writable).catch(() => undefined)
      return {
        body: body && broken.readable,
        url: response.url,
        status,
        headers: response.headers,
        redirected,
      }
    },
  })
  eventSource.addEventListener('next', ({ lastEventId, data }) =>
    events.push({ id: lastEventId, data: JSON.parse(data) as unknown }),
  )
  return { eventSource, events, statuses, cut: () => cut(), [Symbol.dispose]: () => eventSource.close() }
}

async function* take<T>(count: number, all: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const one of all) {
    yield one
    if (--count === 0) return
  }
}

/** The events of a stream until it ends, as they are on the wire. */
async function wire(app: TestApp, query: string, headers: Record<string, string> = {}): Promise<string> {
  return (await ask(urlOf(app, query), { ...SSE, ...headers })).body.toString()
}

test('the id of an event is the cursor after it, of snapshots and of disks', async () => {
  await using app = await startTestApp()
  using snapshots = source(app, TRANSITIONS)
  using disks = source(app, 'subscription { diskTransitions { cursor } }')
  await expect.poll(() => app.hub.listeners + app.diskHub.listeners).toBe(2)

  await appendMany(app, 3)
  const disk = await app.disk({ status: 'UNMOUNTED' })
  await app.graphql(
    `mutation { attachDisk(input: { diskId: "${disk.id}", instanceId: "i-1" }) { __typename } }`,
  )

  await expect.poll(() => snapshots.events.length).toBe(3)
  for (const { id, data } of snapshots.events) expect(data.data.snapshotTransitions.cursor).toBe(id)
  await expect.poll(() => disks.events.length).toBeGreaterThan(0)
  for (const { id, data } of disks.events) expect(data.data.diskTransitions.cursor).toBe(id)
})

test('an EventSource whose connection breaks misses nothing and gets nothing twice', async () => {
  await using app = await startTestApp()
  using watching = source(app, TRANSITIONS)
  await expect.poll(() => app.hub.listeners).toBe(1)

  await appendMany(app, 5)
  await expect.poll(() => watching.events.length).toBe(5)
  watching.cut()
  await expect.poll(() => app.hub.listeners).toBe(0)
  await appendMany(app, 5)
  await expect.poll(() => app.hub.listeners, { timeout: 10_000 }).toBe(1)
  await appendMany(app, 1)

  await expect
    .poll(() => watching.events.map(({ data }) => data.data.snapshotTransitions.sequence as number))
    .toEqual(range(1, 11))
})

test('a stream from now on says first where it begins, for a client that comes again before its first event', async () => {
  await using app = await startTestApp()
  await appendMany(app, 2)
  using connection = rawConnection(app.url)
  connection.send(
    `GET ${urlOf(app, TRANSITIONS).slice(app.url.length)} HTTP/1.0\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`,
  )
  await expect.poll(() => app.hub.listeners).toBe(1)
  const [, begin = ''] = /\r\n\r\n:\n\nid: (.+)\n\n$/.exec(connection.received()) ?? []
  await appendMany(app, 1)

  expect(app.transitions.parse(begin, app.viewer)).toBe(2)
  const query = `subscription { snapshotTransitions(after: "${begin}") { sequence } }`
  const [event] = await Array.fromAsync(take(1, app.sse(query)))
  expect(event).toEqual({ data: { snapshotTransitions: { sequence: 3 } } })
})

test('an EventSource whose credential ends resumes with the next one that is sent for it, and stops when there is none', async () => {
  await using app = await startTestApp()
  const tokens = [await app.token('VIEWER'), await app.token('VIEWER')]
  let current = 0
  using watching = source(app, TRANSITIONS, () => ({ authorization: `Bearer ${tokens[current]?.token}` }))
  await expect.poll(() => app.hub.listeners).toBe(1)
  const sequences = () =>
    watching.events.flatMap(
      ({ data }) => (data.data?.snapshotTransitions.sequence as number | undefined) ?? [],
    )

  await appendMany(app, 2)
  await expect.poll(sequences).toHaveLength(2)
  current = 1
  await app.tokens.revoke(app.viewer, tokens[0]?.id ?? '')
  await expect.poll(() => app.hub.listeners).toBe(0)
  await appendMany(app, 2)
  await expect.poll(sequences, { timeout: 10_000 }).toEqual(range(1, 4))

  await app.tokens.revoke(app.viewer, tokens[1]?.id ?? '')
  await expect.poll(() => watching.statuses, { timeout: 10_000 }).toEqual([200, 200, 401])
  await expect.poll(() => watching.eventSource.readyState).toBe(EventSource.CLOSED)
})

test('Last-Event-ID says more than the cursor in the URL', async () => {
  await using app = await startTestApp()
  await appendMany(app, 4)
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  await app.runner.tick()
  const query = (after: string) =>
    `subscription { snapshotStatus(id: "${id}", after: ${after}) { sequence cursor } }`
  const [, first = '', last = ''] = [...(await wire(app, query('null'))).matchAll(/^id: (.+)$/gm)].map(
    ([, value]) => value,
  )

  expect(await wire(app, query(`"${first}"`), { 'last-event-id': last })).not.toContain('event: next')
})

test('after the end of a stream, or of a query, an EventSource is told to stop', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  await app.runner.tick()

  for (const query of [
    `subscription { snapshotStatus(id: "${id}") { to } }`,
    '{ viewer { role } }',
    '{ nothing }',
  ]) {
    using watching = source(app, query)
    await expect.poll(() => watching.statuses, { timeout: 10_000 }).toEqual([200, 204])
    await expect.poll(() => watching.eventSource.readyState).toBe(EventSource.CLOSED)
  }
})

test.each([
  [
    'a stream that was refused for good',
    'subscription { snapshotStatus(id: "s-none0000") { to } }',
    {},
    true,
  ],
  ['an expired cursor', 'subscription { snapshotTransitions(after: "s99.AAAAAAAA") { to } }', {}, true],
  ['an exhausted budget', '{ viewer { role } }', { RATE_REQUESTS: '1' }, false],
])(
  '%s ends with a complete event that tells an EventSource whether to come again',
  async (_what, query, settings, isFinal) => {
    await using app = await startTestApp(settings)
    if (!isFinal) await app.graphql('{ viewer { role } }')

    const text = await wire(app, query)

    expect(text).toContain('"errors":')
    expect(
      text.endsWith(isFinal ? 'event: complete\nid: complete\ndata:\n\n' : 'event: complete\ndata:\n\n'),
    ).toBe(true)
  },
)

test('a query that was complete over server-sent events is still answered as JSON', async () => {
  await using app = await startTestApp()
  const { status } = await ask(urlOf(app, '{ viewer { role } }'), {
    accept: 'application/json',
    'last-event-id': 'complete',
  })

  expect(status).toBe(200)
})
