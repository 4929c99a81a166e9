import { createClient } from 'graphql-ws'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { run } from '../../support/process.ts'
import { startTestApp, type TestApp } from '../../support/app.ts'
import { announce } from '../../support/subscribers.ts'

const WATCH_ALL = 'subscription { snapshotTransitions { sequence } }'
const WATCH_PROGRESS = 'subscription ($id: ID!) { snapshotProgress(id: $id) { percent } }'
const REVOKED = 'The API token was revoked. Use another one.'

type Token = Awaited<ReturnType<TestApp['token']>>

/** A socket with one subscription; what came, and how it closed. */
function openSocket({ endpoint }: TestApp, token: string | undefined, query: string, variables = {}) {
  const socket = new WebSocket(endpoint.replace('http', 'ws'), 'graphql-transport-ws')
  const payload = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const messages: { type: string; payload?: any }[] = []
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })))
  socket.on('message', (text: Buffer) => {
    const message = JSON.parse(text.toString()) as { type: string }
    messages.push(message)
    if (message.type === 'connection_ack')
      socket.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query, variables } }))
  })
  const closed = new Promise<[number, string]>((resolve) =>
    socket.once('close', (code, reason) => resolve([code, reason.toString()])),
  )
  return { socket, messages, closed }
}

/** Subscribes over both transports, and waits until all of it is there. */
async function subscribe(app: TestApp, { token, sse }: Token) {
  const before = app.hub.listeners
  const socket = openSocket(app, token, WATCH_ALL)
  const events = Array.fromAsync(sse(WATCH_ALL))
  await expect.poll(() => app.hub.listeners).toBe(before + 2)
  return { socket, events }
}

const unauthenticated = (message: string) => ({
  errors: [{ message, extensions: { code: 'UNAUTHENTICATED', requestId: expect.any(String) } }],
})

describe('a token that is revoked', () => {
  test('ends its own streams, and nobody else’s of the same group', async () => {
    await using app = await startTestApp()
    const [revoked, other] = [await app.token('VIEWER'), await app.token('VIEWER')]
    const mine = await subscribe(app, revoked)
    const others = await subscribe(app, other)
    expect(app.hub.groups.counts).toMatchObject({ members: 4, groups: 1, selections: 1 })
    await announce(app, 1)
    await expect.poll(() => others.socket.messages).toHaveLength(2)

    await app.tokens.revoke(app.viewer, revoked.id)

    expect(await mine.socket.closed).toEqual([4403, REVOKED])
    expect(await mine.events).toEqual([
      { data: { snapshotTransitions: { sequence: 1 } } },
      unauthenticated(REVOKED),
    ])
    await announce(app, 1)
    await expect.poll(() => others.socket.messages).toHaveLength(3)
    expect(others.socket.socket.readyState).toBe(WebSocket.OPEN)
    expect([app.hub.listeners, app.credentials.watched]).toEqual([2, 2])
    others.socket.socket.terminate()
    await app.tokens.revoke(app.viewer, other.id)
    await others.events
    await expect.poll(() => [app.hub.listeners, app.credentials.watched]).toEqual([0, 0])
  })

  test('ends a stream of progress too, which is in no group', async () => {
    await using app = await startTestApp()
    const admin = await app.token()
    const disk = await app.disk()
    const id = await admin.snapshot(disk)
    const events = Array.fromAsync(admin.sse(WATCH_PROGRESS, { id }))
    const socket = openSocket(app, admin.token, WATCH_PROGRESS, { id })
    await expect.poll(() => app.progress.watchers).toBe(2)

    await app.tokens.revoke(app.viewer, admin.id)

    expect(await socket.closed).toEqual([4403, REVOKED])
    expect((await events).at(-1)).toEqual(unauthenticated(REVOKED))
    await expect.poll(() => app.progress.watchers).toBe(0)
  })

  test('ends them while they still catch up', async () => {
    await using app = await startTestApp()
    const viewer = await app.token('VIEWER')
    const after = (await viewer.graphql('{ snapshots { streamCursor } }')).data.snapshots
      .streamCursor as string
    await announce(app, 3_000)
    const stream = viewer.sse(`subscription { snapshotTransitions(after: "${after}") { sequence } }`)
    await stream.next()

    await app.tokens.revoke(app.viewer, viewer.id)

    const rest = await Array.fromAsync(stream)
    expect(rest.at(-1)).toEqual(unauthenticated(REVOKED))
    await expect.poll(() => [app.hub.listeners, app.credentials.watched]).toEqual([0, 0])
  })

  test('has its socket do nothing more, though its client does not close it', async () => {
    await using app = await startTestApp()
    const admin = await app.token()
    const { socket, messages, closed } = openSocket(app, admin.token, WATCH_ALL)
    await expect.poll(() => app.hub.listeners).toBe(1)
    socket.pause()
    await app.tokens.revoke(app.viewer, admin.id)

    const query = 'mutation { createApiToken(input: { name: "back", role: ADMIN }) { __typename } }'
    socket.send(JSON.stringify({ type: 'subscribe', id: '2', payload: { query } }))
    socket.resume()

    expect(await closed).toEqual([4403, REVOKED])
    expect(messages.map(({ type }) => type)).toEqual(['connection_ack'])
    expect(await app.db.apiToken.count()).toBe(1)
  })

  test('by the command, beside the running gateway, ends its streams by itself, and requests are refused', async () => {
    await using app = await startTestApp({}, { background: true })
    const viewer = await app.token('VIEWER')
    const { socket, events } = await subscribe(app, viewer)

    const { exitCode, stdout } = await run('src/commands/token.ts', ['revoke', viewer.id], {
      DATA_DIR: app.dataDir,
    })
    const revokedAt = performance.now()

    expect([exitCode, stdout]).toEqual([0, `Revoked ${viewer.id} (test).\n`])
    expect(await socket.closed).toEqual([4403, REVOKED])
    expect(await events).toEqual([unauthenticated(REVOKED)])
    expect(performance.now() - revokedAt).toBeLessThan(5_000)
    expect((await viewer.graphql('{ __typename }')).status).toBe(401)
  })

  test('has the official client come back, and be refused properly', async () => {
    await using app = await startTestApp()
    const viewer = await app.token('VIEWER')
    const closes: unknown[] = []
    const client = createClient({
      url: app.endpoint.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${viewer.token}` },
      retryAttempts: 2,
      retryWait: () => Promise.resolve(),
      on: { closed: (event) => closes.push((event as CloseEvent).code) },
    })
    const ended = Array.fromAsync(client.iterate({ query: WATCH_ALL })).catch((error: unknown) => error)
    await expect.poll(() => app.hub.listeners).toBe(1)

    await app.tokens.revoke(app.viewer, viewer.id)

    expect(await ended).toMatchObject({ code: 4403, reason: REVOKED })
    expect(closes).toEqual([4403, 4403, 4403])
  })
})

test('a token that expires ends its streams', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: () => now })
  const viewer = await app.token('VIEWER', 'local', 1)
  const { socket, events } = await subscribe(app, viewer)
  now = new Date('2026-01-01T23:59:59.999Z')
  await app.credentials.check()
  expect(app.hub.listeners).toBe(2)

  now = new Date('2026-01-02T00:00:00Z')
  await app.credentials.check()

  const message = 'The credential has expired. Use a new one.'
  expect(await socket.closed).toEqual([4403, message])
  expect(await events).toEqual([unauthenticated(message)])
})

test('the first token ends the streams of those who came without one', async () => {
  await using app = await startTestApp()
  const socket = openSocket(app, undefined, WATCH_ALL)
  const events = Array.fromAsync(app.sse(WATCH_ALL))
  await expect.poll(() => app.hub.listeners).toBe(2)

  await app.token()

  const message = 'A credential is required. Send authorization: Bearer <token>.'
  expect(await socket.closed).toEqual([4403, message])
  expect(await events).toEqual([unauthenticated(message)])
})

test('roles of one account do not share an execution, which may show each something else', async () => {
  await using app = await startTestApp()
  const [viewer, admin] = [await app.token('VIEWER'), await app.token('ADMIN')]
  const streams = [viewer.sse(WATCH_ALL), admin.sse(WATCH_ALL)]
  const waiting = streams.map((stream) => stream.next())
  await expect.poll(() => app.hub.groups.counts).toMatchObject({ members: 2, selections: 2 })

  await announce(app, 1)
  await Promise.all(waiting)
  await Promise.all(streams.map((stream) => stream.return()))
})

test('what was read of a token is trusted for 3 s at most', async () => {
  await using app = await startTestApp()
  const viewer = await app.token('VIEWER')
  await viewer.graphql('{ __typename }')
  await app.db.apiToken.update({ where: { id: viewer.id }, data: { revokedAt: new Date() } })
  using clock = vi.spyOn(performance, 'now')
  clock.mockReturnValue(performance.now() + 3_001)

  expect((await viewer.graphql('{ __typename }')).status).toBe(401)
})
