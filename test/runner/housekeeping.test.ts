import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { trustClock } from '../../src/services/clock-trust.ts'
import { appendTransitions } from '../../src/transitions/append.ts'
import { CursorExpired } from '../../src/transitions/cursor.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'

/** Ten snapshots of a past that were created and have failed, one a day; of the even ones the rows are gone. */
async function pastOf(app: TestApp): Promise<void> {
  const disk = await app.disk()
  for (let day = 1; day <= 10; day++) {
    const at = new Date(Date.UTC(2026, 0, day))
    const common = {
      accountId: disk.accountId,
      snapshotId: `s-past${String(day).padStart(4, '0')}`,
      snapshotName: `day-${day}`,
      snapshotType: null,
      diskId: disk.id,
      at,
    }
    await app.db.write(function* (sql) {
      yield* appendTransitions(
        sql,
        { ...common, from: null, to: 'CREATING', reason: null },
        { ...common, from: 'CREATING', to: 'FAILED', reason: 'no' },
      )
      if (day % 2 === 0) return
      const { accountId, snapshotId: id, diskId } = common
      const row = {
        id,
        accountId,
        diskId,
        diskKind: disk.kind,
        name: `day-${day}`,
        sizeBytes: 1n,
        createdAt: at,
      }
      yield* sql.insert('Snapshot', { ...row, type: 'MANUAL', status: 'FAILED' })
    })
  }
}

const january = (day: number) => () => new Date(Date.UTC(2026, 0, day))

test('transitions past their age are forgotten, but not the history of snapshots that still exist', async () => {
  await using app = await startTestApp(
    { LOG_RETENTION_DAYS: '3', LOG_RETENTION_EVENTS: '0' },
    { now: january(10) },
  )
  await pastOf(app)

  await app.housekeeping.tick()

  const left = await app.db.snapshotTransition.findMany({
    select: { sequence: true },
    orderBy: { sequence: 'asc' },
  })
  expect(left.map(({ sequence }) => sequence)).toEqual([1, 2, 5, 6, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20])
})

test('the last transitions stay, however old they are', async () => {
  await using app = await startTestApp(
    { LOG_RETENTION_DAYS: '3', LOG_RETENTION_EVENTS: '19' },
    { now: january(31) },
  )
  await pastOf(app)
  const cursors = [cursorAt(app, 0), cursorAt(app, 1)]

  await app.housekeeping.tick()

  expect(cursors.map((cursor) => app.transitions.parse(cursor, app.viewer))).toEqual(['EXPIRED', 1])
})

test('a cursor from before what was forgotten is answered with CURSOR_EXPIRED, a later one goes on', async () => {
  await using app = await startTestApp(
    { LOG_RETENTION_DAYS: '3', LOG_RETENTION_EVENTS: '0' },
    { now: january(10) },
  )
  await pastOf(app)
  const [before, behind] = [cursorAt(app, 11), cursorAt(app, 12)]
  await app.housekeeping.tick()
  const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }'

  const [expired] = await Array.fromAsync(app.sse(watch, { after: before }))
  expect(expired?.errors?.map(({ extensions, message }) => [extensions.code, message])).toEqual([
    ['CURSOR_EXPIRED', new CursorExpired().message],
  ])

  const seen: number[] = []
  for await (const { data } of app.sse(watch, { after: behind })) {
    if (seen.push(data.snapshotTransitions.sequence) === 8) break
  }
  expect(seen).toEqual([13, 14, 15, 16, 17, 18, 19, 20])
})

test('client tokens are remembered for 24 hours', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: () => now })
  const disk = await app.disk()
  const create = `mutation ($disk: ID!, $name: String!) {
    createSnapshot(input: { diskId: $disk, name: $name, clientToken: "t" }) { __typename }
  }`
  await app.graphql(create, { disk: disk.id, name: 'one' })
  await app.runner.tick()

  now = new Date('2026-01-01T23:59:59Z')
  await app.housekeeping.tick()
  const within = await app.graphql(create, { disk: disk.id, name: 'two' })
  now = new Date('2026-01-02T00:00:01Z')
  await app.housekeeping.tick()
  const after = await app.graphql(create, { disk: disk.id, name: 'two' })

  expect([within.data, after.data]).toEqual([
    { createSnapshot: { __typename: 'ClientTokenReused' } },
    { createSnapshot: { __typename: 'CreateSnapshotPayload' } },
  ])
})

const DAY_MS = 86_400_000

/** A gateway whose clock and whose running time the test moves, and a snapshot of each retention, in days. */
async function appWithRetentions(...retentions: number[]) {
  const start = Date.parse('2026-05-01T00:00Z')
  const time = { clock: start, ran: 0 }
  const app = await startTestApp(
    { LOG_LEVEL: 'warn', LOG_RETENTION_EVENTS: '0', LOG_RETENTION_DAYS: '1' },
    { now: () => new Date(time.clock), steadyMs: () => time.ran },
  )
  for (const retentionDays of retentions) {
    const disk = await app.disk()
    await app.snapshots.create(app.viewer, {
      diskId: disk.id,
      name: `kept-${retentionDays}`,
      description: '',
      tags: [],
      retentionDays,
      clientToken: `token-${retentionDays}`,
    })
  }
  await app.runner.tick()
  return Object.assign(app, {
    time,
    start,
    /** Advances both by this many hours, in steps of ten minutes. */
    async goOn(hours: number): Promise<void> {
      for (let step = 0; step < hours * 6; step++) {
        time.clock += 600_000
        time.ran += 600_000
        await app.housekeeping.tick()
      }
    },
    left: async () => {
      const rows = await app.db.snapshot.findMany({
        where: { status: 'COMPLETED' },
        orderBy: { retentionDays: 'asc' },
      })
      return rows.map(({ retentionDays }) => retentionDays)
    },
  })
}

describe('a clock that jumps by more than 24 hours', () => {
  test('deletes nothing by its age, says so once, and is trusted again when it is set right', async () => {
    await using app = await appWithRetentions(1, 7)
    const transitions = await app.db.snapshotTransition.count()
    app.time.clock += 3_650 * DAY_MS
    await app.housekeeping.tick()
    await app.goOn(1)

    expect(await app.left()).toEqual([1, 7])
    expect(await app.db.snapshotTransition.count()).toBe(transitions)
    expect(await app.db.idempotencyKey.count()).toBe(2)
    expect(app.logged).toHaveLength(1)
    expect(app.logged[0]).toMatchObject({ msg: expect.stringContaining('npm run clock -- trust') })

    app.time.clock = app.start + 2 * 3_600_000
    await app.goOn(23)
    expect(await app.left()).toEqual([7])
  })

  test('is trusted after 24 hours of running', async () => {
    await using app = await appWithRetentions(1, 7)
    app.time.clock += 3 * DAY_MS
    await app.goOn(24)
    expect(await app.left()).toEqual([1, 7])
    await app.goOn(1)
    expect(await app.left()).toEqual([7])
  })

  test('is trusted at once when an operator says so', async () => {
    await using app = await appWithRetentions(1)
    app.time.clock += 3 * DAY_MS
    await app.housekeeping.tick()
    expect(await app.left()).toEqual([1])

    await trustClock(app.db, new Date(app.time.clock))
    await app.housekeeping.tick()
    expect(await app.left()).toEqual([])
  })

  test('while the gateway is stopped is found out at the start, also at the second one', async () => {
    await using app = await appWithRetentions(1)
    const wrong = app.start + 3_650 * DAY_MS
    for (const later of [0, 60_000, 30 * DAY_MS]) {
      await using again = await startTestApp(
        { DATA_DIR: app.dataDir },
        { now: () => new Date(wrong + later), steadyMs: () => 0 },
      )
      await again.housekeeping.tick()
      expect(await app.left()).toEqual([1])
    }
  })
})

test('a snapshot that cannot be deleted holds up no other, nor any other part of housekeeping', async () => {
  let now = new Date('2026-05-01T00:00:00Z')
  await using app = await startTestApp({}, { now: () => now })
  const disk = await app.disk()
  const common = {
    accountId: disk.accountId,
    diskKind: disk.kind,
    sizeBytes: 1n,
    createdAt: now,
    type: 'MANUAL' as const,
  }
  const expiresAt = new Date('2026-05-02T00:00:00Z')
  // Without a disk and without a history, it is not known what it was taken of.
  for (const [id, diskId] of [
    ['s-broken00', null],
    ['s-good0000', disk.id],
  ] as const) {
    await app.db.snapshot.create({
      data: { ...common, id, diskId, name: id, status: 'COMPLETED', expiresAt },
    })
  }
  await app.db.idempotencyKey.create({
    data: { accountId: disk.accountId, clientToken: 't', inputHash: '', resourceId: '', createdAt: now },
  })
  now = new Date('2026-05-03T00:00:00Z')

  await app.housekeeping.tick()

  const left = await app.db.snapshot.findMany({ orderBy: { id: 'asc' }, select: { status: true } })
  expect(left).toEqual([{ status: 'COMPLETED' }, { status: 'DELETING' }])
  expect(await app.db.idempotencyKey.count()).toBe(0)
})

test('what dead attempts and late captures have left in the storage goes, and nothing else', async () => {
  await using app = await startTestApp()
  const { snapshotsDir } = app.config
  const disk = await app.disk()
  const { id } = await app.snapshots.create(app.viewer, {
    ...{ diskId: disk.id, name: 'waits', description: '' },
    ...{ tags: [], retentionDays: null, clientToken: null },
  })
  for (const left of ['.partial/s-dead.0123', `.captured/${id}`, '.captured/s-ended0000', 's-published0'])
    await mkdir(join(snapshotsDir, left), { recursive: true })
  await app.housekeeping.tick()
  expect((await readdir(snapshotsDir, { recursive: true })).sort()).toEqual(
    ['.captured', `.captured/${id}`, '.partial', 's-published0'].sort(),
  )
})
