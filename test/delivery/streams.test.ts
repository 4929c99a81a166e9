import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { appendTransitions } from '../../src/transitions/append.ts'
import { startTestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { runnerOf } from '../support/runner.ts'
import { appendMany, joinWhileWriting, numbersTo, range, TRANSPORTS, watch } from '../support/watch.ts'

const STATUS = `subscription ($id: ID!, $after: String) {
  snapshotStatus(id: $id, after: $after) { sequence cursor from to reason snapshot { status } }
}`

const ALL = `subscription ($filter: SnapshotTransitionFilter, $after: String) {
  snapshotTransitions(filter: $filter, after: $after) { sequence cursor snapshotId from to }
}`

const step = (
  sequence: number,
  from: string | null,
  to: string,
  status = to,
  reason: string | null = null,
) => ({
  data: {
    snapshotStatus: { sequence, cursor: expect.any(String), from, to, reason, snapshot: { status } },
  },
})

test.each(TRANSPORTS)(
  'snapshotStatus over %s gives the history, then what happens, and completes by itself after the final transition',
  async (transport) => {
    await using app = await startTestApp()
    await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
    const id = await app.snapshot(await app.disk())

    const events = []
    for await (const event of watch(app, transport, STATUS, { id })) {
      if (events.push(event) === 1) await runner.tick()
    }

    expect(events).toEqual([step(1, null, 'CREATING'), step(2, 'CREATING', 'COMPLETED')])
    await expect.poll(() => app.hub.listeners).toBe(0)
  },
)

test.each(TRANSPORTS)(
  'snapshotStatus over %s of a failed snapshot says why and completes',
  async (transport) => {
    await using app = await startTestApp()
    const provider = createMemoryProvider()
    await using runner = runnerOf(app, provider)
    const id = await app.snapshot(await app.disk())

    const events = []
    for await (const event of watch(app, transport, STATUS, { id })) {
      if (events.push(event) > 1) continue
      const work = runner.tick()
      ;(await provider.next()).refuse('It was written to.')
      await work
    }

    expect(events).toEqual([
      step(1, null, 'CREATING'),
      step(2, 'CREATING', 'FAILED', 'FAILED', 'It was written to.'),
    ])
  },
)

test.each(TRANSPORTS)(
  'snapshotStatus over %s of a snapshot that has ended replays its history, or what comes after a cursor, and completes',
  async (transport) => {
    await using app = await startTestApp()
    await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
    const id = await app.snapshot(await app.disk())
    await runner.tick()
    const cursor = (sequence: number) => cursorAt(app, sequence)
    const seen = (after?: string) => Array.fromAsync(watch(app, transport, STATUS, { id, after }))

    expect(await seen()).toEqual([step(1, null, 'CREATING', 'COMPLETED'), step(2, 'CREATING', 'COMPLETED')])
    expect(await seen(cursor(1))).toEqual([step(2, 'CREATING', 'COMPLETED')])
    expect(await seen(cursor(2))).toEqual([])
  },
)

test('snapshotStatus of a snapshot that is gone tells its whole life from the log', async () => {
  await using app = await startTestApp()
  const common = {
    accountId: app.viewer.accountId,
    snapshotId: 's-longgone1',
    snapshotName: null,
    snapshotType: null,
    diskId: 'v-disk00001',
    reason: null,
  }
  const life = ['CREATING', 'COMPLETED', 'UNAVAILABLE', 'DELETING', 'DELETED'] as const
  await app.db.write((sql) =>
    appendTransitions(
      sql,
      ...life.map((to, i) => ({ ...common, from: life[i - 1] ?? null, to, at: new Date(0) })),
    ),
  )

  const events = await Array.fromAsync(app.sse(STATUS, { id: 's-longgone1' }))
  expect(events.map(({ data }) => data.snapshotStatus.to as string)).toEqual(life)
})

test.each(TRANSPORTS)(
  'snapshotStatus over %s of a snapshot that never was is NOT_FOUND',
  async (transport) => {
    await using app = await startTestApp()
    const events = await Array.fromAsync(watch(app, transport, STATUS, { id: 's-nosuchone' }))
    expect(events).toEqual([
      {
        data: undefined,
        errors: [
          {
            message: 'Snapshot "s-nosuchone" not found.',
            path: ['snapshotStatus'],
            locations: expect.any(Array),
            extensions: { code: 'NOT_FOUND', requestId: expect.any(String) },
          },
        ],
      },
    ])
    expect(app.hub.listeners).toBe(0)
  },
)

test('a client that joins while a writer is at full speed sees every transition after its cursor exactly once, in order', async () => {
  await using app = await startTestApp()
  const { froms } = await joinWhileWriting(app, { streams: 30, burst: 3 })
  expect(new Set(froms).size).toBeGreaterThan(5)
})

test('a list and the stream from its cursor make one picture: no change is missing, none comes twice', async () => {
  await using app = await startTestApp()
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
  const disks = []
  for (let i = 0; i < 4; i++) disks.push(await app.disk({ sizeMiB: 1 }))
  const list = async () => {
    const { data } = await app.graphql(`{ snapshots(first: 100) { streamCursor nodes { id status } } }`)
    const nodes = data.snapshots.nodes as { id: string; status: string }[]
    return {
      picture: new Map(nodes.map(({ id, status }) => [id, status])),
      after: data.snapshots.streamCursor as string,
    }
  }
  const last = disks.length * 3 * 2
  const pictures: Promise<Map<string, string>>[] = []

  async function follow(): Promise<Map<string, string>> {
    const { picture, after } = await list()
    for await (const { data } of watch(app, TRANSPORTS[pictures.length % 2] ?? 'WebSocket', ALL, { after })) {
      const { snapshotId, from, to, sequence } = data.snapshotTransitions
      expect({ snapshotId, status: picture.get(snapshotId as string) ?? null }).toEqual({
        snapshotId,
        status: from,
      })
      picture.set(snapshotId as string, to as string)
      if (sequence === last) break
    }
    return picture
  }

  for (let round = 0; round < 3; round++) {
    for (const disk of disks) {
      if (round < 2) pictures.push(follow())
      await Promise.all([app.snapshot(disk), runner.tick()])
      await runner.tick()
    }
  }

  const truth = (await list()).picture
  expect(truth.size).toBe(12)
  for (const picture of await Promise.all(pictures)) expect(picture).toEqual(truth)
})

test('a watch that is opened at the cursor of any transition brings the same rest', async () => {
  await using app = await startTestApp()
  for (let i = 0; i < 4; i++) await appendMany(app, 5)
  const start = cursorAt(app, 0)
  const first: { sequence: number; cursor: string }[] = []
  for await (const { data } of app.sse(ALL, { after: start })) {
    if (first.push(data.snapshotTransitions) === 20) break
  }
  expect(first.map(({ sequence }) => sequence)).toEqual(range(1, 20))

  await using client = app.webSocket()
  const rests = await Promise.all(
    first
      .slice(0, -1)
      .map(({ cursor: after }) => numbersTo(20, client.iterate({ query: ALL, variables: { after } }))),
  )
  expect(rests).toEqual(range(1, 19).map((sequence) => range(sequence + 1, 20)))
})

test('snapshotTransitions gives only what its filter lets through', async () => {
  await using app = await startTestApp()
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
  const [one, two] = [await app.disk(), await app.disk()]
  const a = await app.snapshot(one)
  const b = await app.snapshot(two)
  await runner.tick()
  await appendMany(app, 1)
  const after = cursorAt(app, 0)
  const rows = await app.db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })

  // The last one passes every filter below, and ends the watch.
  async function seen(filter: object, count: number): Promise<string[]> {
    const got: string[] = []
    for await (const { data } of app.sse(ALL, { filter, after })) {
      const { snapshotId, to } = data.snapshotTransitions
      if (got.push(`${snapshotId as string} ${to as string}`) === count) break
    }
    return got
  }
  const expected = (wanted: (row: (typeof rows)[number]) => boolean) =>
    rows.filter(wanted).map(({ snapshotId, to }) => `${snapshotId} ${to}`)

  expect(await seen({}, 5)).toEqual(expected(() => true))
  expect(await seen({ snapshotId: { eq: a } }, 2)).toEqual(expected(({ snapshotId }) => snapshotId === a))
  expect(await seen({ snapshotId: { in: [a, b] } }, 4)).toEqual(
    expected(({ snapshotId }) => snapshotId === a || snapshotId === b),
  )
  expect(await seen({ diskId: { eq: two.id } }, 2)).toEqual(expected(({ diskId }) => diskId === two.id))
  expect(await seen({ to: { eq: 'COMPLETED' } }, 2)).toEqual(expected(({ to }) => to === 'COMPLETED'))
  expect(await seen({ diskId: { eq: one.id }, to: { in: ['COMPLETED', 'FAILED'] } }, 1)).toEqual(
    expected(({ diskId, to }) => diskId === one.id && to === 'COMPLETED'),
  )
})

test('a filtered watch goes on live, past transitions that it does not want', async () => {
  await using app = await startTestApp()
  await using client = app.webSocket()
  await appendMany(app, 1)
  const filter = { snapshotId: { eq: 's-only-in-log-0' } }
  const got = []
  for await (const { data } of client.iterate<any>({
    query: ALL,
    variables: { filter, after: cursorAt(app, 0) },
  })) {
    if (got.push(data.snapshotTransitions.sequence) === 3) break
    await appendMany(app, 3)
  }
  expect(got).toEqual([1, 2, 5])
})

test.each(TRANSPORTS)(
  'streams over %s let go of everything when their clients disconnect',
  async (transport) => {
    await using app = await startTestApp()
    const id = await app.snapshot(await app.disk())
    const documents: [string, object][] = [
      [ALL, {}],
      [ALL, { after: cursorAt(app, 0) }],
      [STATUS, { id }],
      [`subscription ($id: ID!) { snapshotProgress(id: $id) { percent } }`, { id }],
    ]
    const watches = documents.map(([query, variables]) => watch(app, transport, query, { ...variables }))
    const firsts = watches.map((events) => events.next())
    await expect.poll(() => [app.hub.listeners, app.progress.watchers]).toEqual([3, 1])

    await appendMany(app, 1)
    await Promise.all(firsts)
    await Promise.all(watches.map((events) => events.return()))

    await expect.poll(() => [app.hub.listeners, app.progress.watchers]).toEqual([0, 0])
  },
)

test('an event stream over HTTP/1.0 has no chunks, catches up, goes on live and ends with its connection', async () => {
  await using app = await startTestApp()
  const id = await app.snapshot(await app.disk())
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
  const body = JSON.stringify({ query: `subscription { snapshotStatus(id: "${id}") { to } }` })
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  socket.write(
    `POST /graphql HTTP/1.0\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  )
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  await runner.tick()
  await once(socket, 'close')

  const [head, ...events] = text.split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(head).not.toMatch(/transfer-encoding/i)
  const event = (to: string) => `event: next\nid: ID\ndata: {"data":{"snapshotStatus":{"to":"${to}"}}}\n\n`
  expect(events.join('\r\n\r\n').replace(/id: s\d+\..+/g, 'id: ID')).toBe(
    `:\n\n${event('CREATING')}${event('COMPLETED')}event: complete\nid: complete\ndata:\n\n`,
  )
})
