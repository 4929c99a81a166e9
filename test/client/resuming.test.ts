import { resuming, type ResumingOptions } from '@snapgate/client'
import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { announce, range } from '../support/subscribers.ts'

const WATCH =
  'subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }'
const UNKNOWN_CURSOR = 's7.abcdefghijkl'

type Credential = () => string | undefined
const headersOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

const CLIENTS = {
  'graphql-ws': ({ endpoint }: TestApp, credential: Credential) =>
    createWs({
      url: endpoint.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: () => headersOf(credential()),
    }),
  'graphql-sse': ({ endpoint }: TestApp, credential: Credential) =>
    createSse({ url: endpoint, retryAttempts: 0, headers: () => headersOf(credential()) }),
}
const EVERY = Object.entries(CLIENTS)

/** Watches from the cursor, and keeps what comes. */
function watch(client: Parameters<typeof resuming>[0], after: string, options?: ResumingOptions) {
  const watched = { sequences: [] as number[], errors: [] as any[], completed: 0, end: () => {} }
  watched.end = resuming(client, options).subscribe(
    { query: WATCH, variables: { after } },
    {
      next: ({ data }: any) => watched.sequences.push(data.snapshotTransitions.sequence),
      error: (error: unknown) => watched.errors.push(error),
      complete: () => watched.completed++,
    },
  )
  return watched
}

const isSubscribed = (app: TestApp, count: number) => expect.poll(() => app.hub.listeners).toBe(count)

describe.each(EVERY)('over %s', (_name, connect) => {
  test('a cursor that has expired is replaced by that of the new list, asked for until it is read', async () => {
    await using app = await startTestApp()
    await announce(app, 3)
    const asked: string[] = []
    const watched = watch(
      connect(app, () => undefined),
      UNKNOWN_CURSOR,
      {
        async listAgain(why) {
          asked.push(why)
          if (asked.length === 1) throw new Error('The network is down.')
          return cursorAt(app, 2)
        },
      },
    )

    await expect.poll(() => watched.sequences).toEqual([3])
    await announce(app, 1)
    await expect.poll(() => watched.sequences).toEqual([3, 4])
    expect(asked).toEqual(['CURSOR_EXPIRED', 'CURSOR_EXPIRED'])
    watched.end()
    await isSubscribed(app, 0)
    expect(watched).toMatchObject({ errors: [], completed: 1 })
  })

  test('a cursor that has expired is passed on to an app that cannot list again', async () => {
    await using app = await startTestApp()
    const watched = watch(
      connect(app, () => undefined),
      UNKNOWN_CURSOR,
    )

    await expect.poll(() => watched.errors).toMatchObject([[{ extensions: { code: 'CURSOR_EXPIRED' } }]])
    await isSubscribed(app, 0)
  })

  test('an error that a retry cannot change is passed on, once', async () => {
    await using app = await startTestApp()
    const watched = watch(
      connect(app, () => undefined),
      'not a cursor',
      {
        wait: () => expect.fail('It was tried again.'),
      },
    )

    await expect.poll(() => watched.errors).toMatchObject([[{ extensions: { code: 'BAD_USER_INPUT' } }]])
  })

  test('when its token is revoked, a stream goes on with the next one, after its last event', async () => {
    await using app = await startTestApp()
    const tokens = [await app.token(), await app.token()]
    let asked = 0
    const watched = watch(
      connect(app, () => tokens[asked++]?.token),
      cursorAt(app, 0),
    )
    await announce(app, 2)
    await expect.poll(() => watched.sequences).toEqual([1, 2])

    await app.tokens.revoke(app.viewer, tokens[0]?.id ?? '')
    await announce(app, 2)

    await expect.poll(() => watched.sequences).toEqual([1, 2, 3, 4])
    expect(asked).toBe(2)
    watched.end()
  })

  test('a credential that is refused twice in a row is passed on', async () => {
    await using app = await startTestApp()
    await app.token()
    let asked = 0
    const watched = watch(
      connect(app, () => `wrong-${++asked}`),
      cursorAt(app, 0),
    )

    await expect.poll(() => watched.errors).toHaveLength(1)
    expect(asked).toBe(2)
  })

  test('a loop ends with its stream, and leaving it ends the stream', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const id = await app.snapshot(disk)
    const client = resuming(connect(app, () => undefined))
    const query =
      'subscription ($id: ID!, $after: String) { snapshotStatus(id: $id, after: $after) { to cursor } }'
    const tick = app.runner.tick()
    const steps = await Array.fromAsync(client.iterate({ query, variables: { id } }) as AsyncIterable<any>)
    await tick
    expect(steps.map(({ data }) => data.snapshotStatus.to)).toEqual(['CREATING', 'COMPLETED'])

    const after = cursorAt(app, 0)
    for await (const { data } of client.iterate({ query: WATCH, variables: { after } })) {
      if ((data as any).snapshotTransitions.sequence === 2) break
    }
    await isSubscribed(app, 0)
  })

  test('a client that is disposed of while a stream waits for its next attempt completes it', async () => {
    await using app = await startTestApp()
    await app.token()
    let waits = 0
    const client = resuming(
      connect(app, () => 'wrong'),
      {
        wait: (_delay, signal) => {
          waits++
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
        },
      },
    )
    const steps = Array.fromAsync(client.iterate({ query: WATCH, variables: { after: cursorAt(app, 0) } }))
    await expect.poll(() => waits).toBe(1)
    void client.dispose()
    expect(await steps).toEqual([])
  })

  test('attempts in vain wait twice as long each time, up to 8 s, and each of them up to half more', async () => {
    const app = await startTestApp()
    const client = connect(app, () => undefined)
    await app[Symbol.asyncDispose]()
    async function waitsOf(count: number): Promise<number[]> {
      const waits: number[] = []
      const watched = watch(client, UNKNOWN_CURSOR, {
        wait: async (delayMs) => {
          if (waits.push(delayMs) >= count) watched.end()
        },
      })
      await expect.poll(() => waits.length, { timeout: 10_000 }).toBe(count)
      return waits
    }

    const [some, others] = [await waitsOf(7), await waitsOf(7)]

    for (const waits of [some, others]) {
      for (const [index, delayMs] of waits.entries()) {
        const least = Math.min(250 * 2 ** index, 8_000)
        expect(delayMs).toBeGreaterThanOrEqual(least)
        expect(delayMs).toBeLessThanOrEqual(least * 1.5)
      }
    }
    expect(some).not.toEqual(others)
  })

  test.each([
    [
      'no cursor',
      'subscription ($after: String) { snapshotTransitions(after: $after) { to } }',
      'selects cursor',
    ],
    ['no $after', 'subscription { snapshotTransitions { to cursor } }', 'takes (after: $after)'],
    ['no place to begin', WATCH, 'begins at the streamCursor of a list'],
  ])('a subscription with %s is refused at once: it could not be resumed', async (_what, query, message) => {
    await using app = await startTestApp()
    const client = resuming(connect(app, () => undefined))

    expect(() => client.subscribe({ query }, { next() {}, error() {}, complete() {} })).toThrow(message)
  })
})

test.each([
  ['goes on after its last event', false],
  ['goes on from the new list, if the app gives its cursor', true],
])('a stream that was read too slowly %s', async (_what, fromList) => {
  await using app = await startTestApp({ STREAM_BUFFER_EVENTS: '50', STREAM_BUFFER_BYTES: '1073741824' })
  let wire: WebSocket | undefined
  const client = createWs({
    url: app.endpoint.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    on: { connected: (socket) => (wire = socket as WebSocket) },
  })
  const asked: string[] = []
  let written = 0
  const watched = watch(client, cursorAt(app, 0), {
    async listAgain(why) {
      asked.push(why)
      return fromList ? cursorAt(app, written) : undefined
    },
  })
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  wire?.pause()
  while (app.hub.listeners > 0) {
    await announce(app, 20, { reason: 'x'.repeat(16 * 1024) })
    written += 20
    expect(written).toBeLessThan(4_000)
  }
  wire?.resume()
  await expect.poll(() => asked).toEqual(['SLOW_CONSUMER'])
  await isSubscribed(app, 1)
  await announce(app, 1)

  await expect.poll(() => watched.sequences.at(-1)).toBe(written + 1)
  if (fromList) expect(watched.sequences.length).toBeLessThan(written)
  else expect(watched.sequences).toEqual(range(1, written + 1))
  watched.end()
})
