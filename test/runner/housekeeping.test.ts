import { expect, test } from 'vitest'
import { inTransaction } from '../../src/database/database.ts'
import { appendTransitions } from '../../src/transitions/log.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** Ten snapshots of a past that were created and have failed, one a day; of the even ones the rows are gone. */
async function pastOf(app: TestApp): Promise<void> {
  const disk = await app.disk()
  for (let day = 1; day <= 10; day++) {
    const at = new Date(Date.UTC(2026, 0, day))
    const common = {
      accountId: disk.accountId,
      snapshotId: `s-past${String(day).padStart(4, '0')}`,
      diskId: disk.id,
      at,
    }
    await inTransaction(app.db, async (tx) => {
      appendTransitions(
        tx,
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
      await tx.snapshot.create({ data: { ...row, type: 'MANUAL', status: 'FAILED' } })
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

  await app.housekeeping.tick()

  expect(await app.transitions.parse(app.transitions.cursor(0))).toBe('EXPIRED')
  expect(await app.transitions.parse(app.transitions.cursor(1))).toBe(1)
})

test('a cursor from before what was forgotten is answered with CURSOR_EXPIRED, a later one goes on', async () => {
  await using app = await startTestApp(
    { LOG_RETENTION_DAYS: '3', LOG_RETENTION_EVENTS: '0' },
    { now: january(10) },
  )
  await pastOf(app)
  await app.housekeeping.tick()
  const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }'

  const [expired] = await Array.fromAsync(app.sse(watch, { after: app.transitions.cursor(11) }))
  expect(expired?.errors?.map(({ extensions, message }) => [extensions.code, message])).toEqual([
    ['CURSOR_EXPIRED', 'The stream cursor is older than the log. List again, and watch from the new cursor.'],
  ])

  const seen: number[] = []
  for await (const { data } of app.sse(watch, { after: app.transitions.cursor(12) })) {
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
