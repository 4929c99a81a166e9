import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { InterestIndex } from '../../src/transitions/interest.ts'
import { writeTags } from '../../src/transitions/tags.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { onServer } from '../support/new-database.ts'
import {
  announce,
  commit,
  range,
  sequences,
  subscriber,
  TRANSPORTS,
  type Subscriber,
} from '../support/subscribers.ts'

const ALL = `subscription { snapshotTransitions { sequence to } }`
const AFTER = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence to } }`
const OF_DISK = `subscription ($disk: ID!) { snapshotTransitions(filter: { diskId: { eq: $disk } }) { sequence diskId } }`
const STATUS = `subscription ($id: ID!) { snapshotStatus(id: $id) { sequence to } }`

const many = (app: TestApp, count: number, query: string, variables?: object): Subscriber[] =>
  Array.from({ length: count }, (_, index) =>
    subscriber(app, TRANSPORTS[index % 2] ?? 'WebSocket', query, variables),
  )

const members = (app: TestApp) => () => app.hub.groups.counts.members

test('subscribers of the same operation share one execution of each transition, over both transports', async () => {
  await using app = await startTestApp()
  const all = many(app, 20, ALL)
  await expect.poll(members(app)).toBe(20)
  expect(app.hub.groups.counts).toEqual({
    members: 20,
    newcomers: 0,
    groups: 1,
    selections: 1,
    executions: 0,
    replayed: 0,
    indexed: 1,
  })

  await announce(app, 5)
  await announce(app, 1)
  for (const one of all) await expect.poll(() => sequences(one)).toEqual(range(1, 6))
  expect(app.hub.groups.counts.executions).toBe(6)
  expect(new Set(all.map(({ answers }) => JSON.stringify(answers))).size).toBe(1)
  all.forEach((one) => one.vanish())
})

test('what resolvers read of a transition is read once for all', async () => {
  const statements: string[] = []
  await using app = await startTestApp({}, { onStatement: (sql) => statements.push(sql) })
  const all = many(app, 10, `subscription { snapshotTransitions { sequence snapshot { name } } }`)
  await expect.poll(members(app)).toBe(10)
  statements.length = 0

  await announce(app, 3)
  for (const one of all) await expect.poll(() => sequences(one)).toEqual([1, 2, 3])
  expect(statements.filter((sql) => /\*\W+FROM\W+(main\W+)?Snapshot\W+(t )?WHERE/i.test(sql))).toHaveLength(3)
  all.forEach((one) => one.vanish())
})

test('the same cursor or another makes no difference to the group, the same selection does', async () => {
  await using app = await startTestApp()
  await announce(app, 3)
  const cursors = [0, 1, 2, 3].map((sequence) => ({ after: cursorAt(app, sequence) }))
  const all = cursors.map((variables) => subscriber(app, 'WebSocket', AFTER, variables))
  const literal = subscriber(
    app,
    'WebSocket',
    `subscription { snapshotTransitions(after: "${cursorAt(app, 3)}") { sequence to } }`,
  )
  const other = subscriber(app, 'WebSocket', `subscription { snapshotTransitions { sequence } }`)
  await expect.poll(members(app)).toBe(6)
  expect(app.hub.groups.counts).toMatchObject({ groups: 2, selections: 2 })

  await announce(app, 1)
  for (const [index, one] of all.entries())
    await expect.poll(() => sequences(one)).toEqual(range(index + 1, 4))
  await expect.poll(() => sequences(literal)).toEqual([4])
  await expect.poll(() => sequences(other)).toEqual([4])
  expect(other.answers).toEqual([{ data: { snapshotTransitions: { sequence: 4 } } }])
  expect(app.hub.groups.counts.executions).toBe(2)
  for (const one of [...all, literal, other]) one.vanish()
})

test('variables that are used below the root field keep subscribers apart, with their defaults', async () => {
  await using app = await startTestApp()
  const document = (fallback: boolean) =>
    `subscription ($to: Boolean! = ${fallback}) { snapshotTransitions { sequence to @include(if: $to) } }`
  const cases = [
    [subscriber(app, 'WebSocket', document(true)), true],
    [subscriber(app, 'WebSocket', document(false)), false],
    [subscriber(app, 'WebSocket', document(true), { to: false }), false],
    [subscriber(app, 'WebSocket', document(true), { to: true }), true],
  ] as const
  await expect.poll(members(app)).toBe(4)
  await announce(app, 1)
  for (const [one, withStatus] of cases) {
    const transition = withStatus ? { sequence: 1, to: 'CREATING' } : { sequence: 1 }
    await expect.poll(() => one.answers).toEqual([{ data: { snapshotTransitions: transition } }])
    one.vanish()
  }
})

test('other disks are other groups, found by the disk and not by looking through all', async () => {
  await using app = await startTestApp()
  const disks = Array.from({ length: 10 }, (_, index) => `v-0000000${index}`)
  const watchers = disks.map((disk) => subscriber(app, 'WebSocket', OF_DISK, { disk }))
  await expect.poll(members(app)).toBe(10)
  expect(app.hub.groups.counts).toMatchObject({ groups: 10, indexed: 10 })

  await announce(app, 2, { diskId: 'v-00000003' })
  await announce(app, 1, { diskId: 'v-00000007' })
  await announce(app, 1, { diskId: 'v-unwatched' })
  await announce(app, 1, { diskId: 'v-00000003', accountId: 'acc-other' })
  await expect.poll(() => watchers.map(sequences)).toEqual([[], [], [], [1, 2], [], [], [], [3], [], []])
  expect(app.hub.groups.counts.executions).toBe(3)
  watchers.forEach((one) => one.vanish())
})

test('the index tells only those under the transition’s own account, snapshot, disk, name and tags, and each of them once', () => {
  const told: string[] = []
  const index = new InterestIndex()
  const listen = (name: string, interest: object) =>
    index.add({ accountId: 'acc-1', ...interest }, { push: () => told.push(name) })
  const leave = [
    listen('all', {}),
    listen('snapshot', { snapshotIds: ['s-1'] }),
    listen('disk', { diskIds: ['v-1', 'v-2', 'v-1'] }),
    listen('both', { snapshotIds: ['s-1', 's-2'], diskIds: ['v-1'] }),
    listen('status', { to: ['COMPLETED'] }),
    listen('other', { accountId: 'acc-2' }),
    listen('nothing', { diskIds: [] }),
    listen('name', { name: { oneOf: ['v-1', 'daily', 'daily'] } }),
    listen('part', { name: { contains: 'ail' } }),
    listen('key', { tags: [{ key: 'env', value: {} }] }),
    listen('tags', {
      tags: [
        { key: 'env', value: { oneOf: ['prod', 'test'] } },
        { key: '__proto__', value: {} },
      ],
    }),
    listen('no name', { name: { oneOf: [] } }),
  ]
  const one = {
    position: 1,
    sequence: 1,
    tag: 'tag',
    accountId: 'acc-1',
    snapshotName: null,
    snapshotType: null,
    snapshotTags: null,
    from: null,
    to: 'CREATING',
    reason: null,
    actor: null,
    at: new Date(0),
    upstreamAt: null,
  } as const
  index.tell({ ...one, snapshotId: 's-1', diskId: 'v-1' })
  expect(told.splice(0)).toEqual(['all', 'snapshot', 'both', 'disk'])
  index.tell({ ...one, snapshotId: 's-1', diskId: 'v-2' })
  expect(told.splice(0)).toEqual(['all', 'snapshot', 'disk'])
  index.tell({ ...one, snapshotId: 's-2', diskId: 'v-3', to: 'COMPLETED' })
  expect(told.splice(0)).toEqual(['all', 'status'])
  index.tell({ ...one, accountId: 'acc-2', snapshotId: 's-1', diskId: 'v-1' })
  expect(told.splice(0)).toEqual(['other'])
  const tags = writeTags([
    { key: '__proto__', value: '' },
    { key: 'env', value: 'prod' },
  ])
  const named = { ...one, accountId: 'acc-1', snapshotId: 's-3', diskId: 'v-3' }
  index.tell({ ...named, snapshotName: 'daily', snapshotTags: tags })
  expect(told.splice(0)).toEqual(['all', 'part', 'name', 'key', 'tags'])
  index.tell({ ...named, snapshotName: 'weekly', snapshotTags: writeTags([{ key: 'env', value: 'prod' }]) })
  expect(told.splice(0)).toEqual(['all', 'key'])
  for (const off of [...leave, ...leave]) off()
  expect(index.size).toBe(0)
})

test('a newcomer replays alone what it has not seen, and joins without a gap or a repetition while others watch', async () => {
  await using app = await startTestApp()
  const old = many(app, 4, ALL)
  await expect.poll(members(app)).toBe(4)
  const newcomers: Subscriber[] = []
  let written = 0
  for (let round = 0; round < 40; round++) {
    await announce(app, 10)
    written += 10
    newcomers.push(
      subscriber(app, TRANSPORTS[round % 2] ?? 'WebSocket', AFTER, {
        after: cursorAt(app, round * 5),
      }),
    )
  }
  await expect.poll(members(app)).toBe(44)
  await announce(app, 1)
  for (const one of old) await expect.poll(() => sequences(one).length).toBe(written + 1)
  for (const one of old) expect(sequences(one)).toEqual(range(1, written + 1))
  for (const [round, one] of newcomers.entries()) {
    await expect.poll(() => sequences(one).at(-1)).toBe(written + 1)
    expect(sequences(one)).toEqual(range(round * 5 + 1, written + 1))
  }
  for (const one of [...old, ...newcomers]) one.vanish()
})

test('completion is the subscriber’s own: each stream of a snapshot ends with its final transition, others go on', async () => {
  await using app = await startTestApp()
  await announce(app, 1)
  const status = many(app, 4, STATUS, { id: 's-00000001' })
  const all = many(app, 2, ALL)
  await expect.poll(members(app)).toBe(6)

  await announce(app, 1, { from: 'CREATING', to: 'COMPLETED' })
  for (const one of status) {
    await expect.poll(() => one.isComplete).toBe(true)
    expect(one.answers.map(({ data }) => data.snapshotStatus)).toEqual([
      { sequence: 1, to: 'CREATING' },
      { sequence: 2, to: 'COMPLETED' },
    ])
  }
  await expect.poll(() => app.hub.groups.counts).toMatchObject({ members: 2, groups: 1 })
  for (const one of all) {
    await expect.poll(() => sequences(one)).toEqual([2])
    expect(one.isComplete).toBe(false)
  }
  for (const one of [...status, ...all]) one.vanish()
})

test.skipIf(onServer)(
  'errors of a shared execution reach everyone, masked and with a code and a request id (skipped on PostgreSQL, whose replica cannot be broken like that)',
  async () => {
    await using app = await startTestApp({ LOG_POLL_MS: '60000' })
    const all = many(app, 2, `subscription { snapshotTransitions { sequence snapshot { name } } }`)
    await expect.poll(members(app)).toBe(2)
    await commit(app, 1)
    await app.db.$executeRaw`ALTER TABLE "Snapshot" RENAME TO "Secret"`
    app.hub.wake()
    for (const one of all) {
      await expect
        .poll(() => one.answers)
        .toEqual([
          {
            data: { snapshotTransitions: { sequence: 1, snapshot: null } },
            errors: [
              {
                message: 'Unexpected error.',
                locations: expect.any(Array),
                path: ['snapshotTransitions', 'snapshot'],
                extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) },
              },
            ],
          },
        ])
      one.vanish()
    }
  },
)

test('two operations on one socket have their own ids and ends', async () => {
  await using app = await startTestApp()
  await using client = app.webSocket()
  const got: Record<string, number[]> = { a: [], b: [] }
  const watch = (name: 'a' | 'b') =>
    client.subscribe<{ snapshotTransitions: { sequence: number } }>(
      { query: ALL },
      {
        next: ({ data }) => void got[name]?.push(data?.snapshotTransitions.sequence ?? 0),
        error: () => undefined,
        complete: () => undefined,
      },
    )
  const stopA = watch('a')
  watch('b')
  await expect.poll(members(app)).toBe(2)
  await announce(app, 2)
  await expect.poll(() => got).toEqual({ a: [1, 2], b: [1, 2] })
  stopA()
  await expect.poll(members(app)).toBe(1)
  await announce(app, 1)
  await expect.poll(() => got).toEqual({ a: [1, 2], b: [1, 2, 3] })
})

test('subscribers that leave while transitions are being delivered disturb nobody', async () => {
  await using app = await startTestApp()
  const [staying, leaving] = [many(app, 6, ALL), many(app, 20, ALL)]
  await expect.poll(members(app)).toBe(26)
  for (let round = 0; round < 20; round++) {
    const written = announce(app, 20)
    if (round % 2) leaving[round]?.vanish()
    else leaving[round]?.leave()
    await written
  }
  for (const one of staying) {
    await expect.poll(() => sequences(one).length).toBe(400)
    expect(sequences(one)).toEqual(range(1, 400))
  }
  await expect.poll(members(app)).toBe(6)
  staying.forEach((one) => one.vanish())
})

test('a group that executes more slowly than transitions come reads them from the log, and loses none', async () => {
  await using app = await startTestApp({ STREAM_BUFFER_EVENTS: '10', STREAM_BUFFER_BYTES: '10000000' })
  const one = subscriber(
    app,
    'WebSocket',
    `subscription { snapshotTransitions { sequence snapshot { name } } }`,
  )
  await expect.poll(members(app)).toBe(1)
  for (let round = 0; round < 20; round++) await announce(app, 50)
  await expect.poll(() => sequences(one).length, { timeout: 10_000 }).toBe(1_000)
  expect(sequences(one)).toEqual(range(1, 1_000))
  one.vanish()
})

test('a thousand random connects and disconnects leave no group, listener or timer behind', async () => {
  await using app = await startTestApp()
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  await announce(app, 5)
  const stopWriting = new AbortController()
  const writing = (async () => {
    while (!stopWriting.signal.aborted) {
      await announce(app, 3, { diskId: 'v-00000001' })
      await announce(app, 1, { snapshotId: 's-00000002', diskId: 'v-00000002' })
      await sleep(5)
    }
  })()

  const random = (below: number) => Math.floor(Math.random() * below)
  const documents: (() => [string, object])[] = [
    () => [ALL, {}],
    () => [AFTER, { after: cursorAt(app, random(5)) }],
    () => [OF_DISK, { disk: `v-0000000${random(4)}` }],
    () => [STATUS, { id: `s-0000000${1 + random(3)}` }],
    () => [`subscription { snapshotProgress(id: "s-00000009") { percent } }`, {}],
  ]
  async function visit(): Promise<void> {
    const [query, variables] = documents[random(documents.length)]?.() ?? [ALL, {}]
    const one = subscriber(app, TRANSPORTS[random(2)] ?? 'WebSocket', query, variables)
    const patience = random(60)
    for (let waited = 0; waited < patience && one.answers.length < 3; waited += 10) await sleep(random(20))
    if (random(2)) one.leave()
    else one.vanish()
    await expect.poll(() => one.isClosed, { timeout: 10_000, interval: 10 }).toBe(true)
  }
  await Promise.all(
    range(1, 50).map(async () => {
      for (let i = 0; i < 20; i++) await visit()
    }),
  )
  stopWriting.abort()
  await writing

  await expect
    .poll(() => ({ ...app.hub.groups.counts, listeners: app.hub.listeners }))
    .toEqual({
      members: 0,
      newcomers: 0,
      groups: 0,
      selections: 0,
      executions: 0,
      replayed: expect.any(Number),
      indexed: 0,
      listeners: 0,
    })
  expect(app.progress.watchers).toBe(0)
  // Not by expect.poll, which has a timer of its own.
  for (let waited = 0; timers() > before && waited < 10_000; waited += 50) await sleep(50)
  expect(timers()).toBeLessThanOrEqual(before)
}, 60_000)
