import { setImmediate as nextRound } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { PolicyInput } from '../../src/services/policies.ts'
import { startTestApp } from '../support/app.ts'
import { EVERY_NIGHT, linkMany, policyOf, runMany, runsOf, schedulerOf } from '../support/policies.ts'

const at = (time: string) => new Date(`2026-${time}Z`)

/** A gateway whose clock the test moves. */
async function appAt(time: string) {
  const clock = { now: at(time) }
  const app = await startTestApp({ SNAPSHOT_QUOTA_AUTOMATIC: '3' }, { now: () => clock.now })
  return Object.assign(app, {
    /** Moves the clock there and lets the scheduler work. */
    async tickAt(time: string): Promise<void> {
      clock.now = at(time)
      await app.scheduler.tick()
    },
    moveTo: (time: string) => void (clock.now = at(time)),
  })
}

test('at its time, and not before, each linked disk gets an automatic snapshot', async () => {
  await using app = await appAt('05-01T00:00')
  const disks = [await app.disk(), await app.disk()]
  await policyOf(app, { ...EVERY_NIGHT, retentionDays: 7 }, ...disks)

  await app.tickAt('05-01T01:59')
  expect(await runsOf(app)).toEqual([])

  await app.tickAt('05-01T02:00')
  expect(await runsOf(app)).toEqual(['2026-05-01T02:00[UTC] | RUN | CREATED | CREATED'])
  const snapshots = await app.db.snapshot.findMany({ orderBy: { diskId: 'asc' } })
  expect(snapshots.map(({ diskId }) => diskId)).toEqual(disks.map(({ id }) => id).sort())
  expect(snapshots[0]).toMatchObject({
    name: 'auto-2026-05-01-02.00',
    type: 'AUTOMATIC',
    status: 'CREATING',
    retentionDays: 7,
    expiresAt: at('05-08T02:00'),
  })

  await app.tickAt('05-01T02:01')
  expect(await app.db.snapshot.count()).toBe(2)
})

test('a run is shown with the outcome for each disk', async () => {
  await using app = await appAt('05-01T00:00')
  const [good, gone, other] = [await app.disk(), await app.disk({ status: 'EXPIRED' }), await app.disk()]
  const policyId = await policyOf(app, EVERY_NIGHT, good, gone)
  await app.tickAt('05-01T02:00')

  const { data } = await app.graphql(/* GraphQL */ `{
    autoSnapshotPolicy(id: "${policyId}") {
      lastRun { slot good: disk(id: "${good.id}") { outcome } gone: disk(id: "${gone.id}") { outcome }
        other: disk(id: "${other.id}") { outcome } }
      runs { totalCount nodes { slot scheduledFor decidedAt outcome disks { totalCount nodes {
        disk { name } outcome snapshot { name type } refusalCode refusalMessage } } } }
    }
  }`)
  const [run] = data.autoSnapshotPolicy.runs.nodes
  expect(data.autoSnapshotPolicy).toMatchObject({
    lastRun: {
      slot: '2026-05-01T02:00[UTC]',
      good: { outcome: 'CREATED' },
      gone: { outcome: 'SKIPPED' },
      other: null,
    },
    runs: { totalCount: 1 },
  })
  expect(run).toMatchObject({
    slot: '2026-05-01T02:00[UTC]',
    scheduledFor: '2026-05-01T02:00:00.000Z',
    decidedAt: '2026-05-01T02:00:00.000Z',
    outcome: 'RUN',
    disks: { totalCount: 2 },
  })
  expect(run.disks.nodes).toEqual(
    expect.arrayContaining([
      {
        disk: { name: good.name },
        outcome: 'CREATED',
        snapshot: { name: 'auto-2026-05-01-02.00', type: 'AUTOMATIC' },
        refusalCode: null,
        refusalMessage: null,
      },
      {
        disk: { name: gone.name },
        outcome: 'SKIPPED',
        snapshot: null,
        refusalCode: 'DISK_STATUS_FORBIDS_SNAPSHOT',
        refusalMessage: expect.stringContaining('EXPIRED'),
      },
    ]),
  )
})

test('what was missed is made up once, and what lies before it was missed', async () => {
  await using app = await appAt('05-01T00:00')
  await policyOf(app, EVERY_NIGHT, await app.disk())

  await app.tickAt('05-04T12:00')
  expect(await runsOf(app)).toEqual([
    '2026-05-01T02:00[UTC] | MISSED',
    '2026-05-02T02:00[UTC] | MISSED',
    '2026-05-03T02:00[UTC] | MISSED',
    '2026-05-04T02:00[UTC] | RUN | CREATED',
  ])
})

test('an hour that the clocks leave out is said to be so, and none runs for it', async () => {
  await using app = await appAt('03-28T12:00')
  await policyOf(app, { ...EVERY_NIGHT, timeZone: 'Europe/Berlin' }, await app.disk())

  await app.tickAt('03-29T12:00')
  expect(await runsOf(app)).toEqual(['2026-03-29T02:00[Europe/Berlin] | NO_SUCH_HOUR'])
  expect(await app.db.snapshot.count()).toBe(0)
})

test('an hour that the clocks show twice is run once', async () => {
  await using app = await appAt('10-24T12:00')
  await policyOf(app, { ...EVERY_NIGHT, timeZone: 'Europe/Berlin' }, await app.disk())
  for (const time of ['10-25T00:00', '10-25T00:59', '10-25T01:00', '10-25T01:30']) await app.tickAt(time)

  expect(await runsOf(app)).toEqual(['2026-10-25T02:00[Europe/Berlin] | RUN | CREATED'])
})

test('a disk that may not have one is passed over and not tried again until the next run', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk({ status: 'RECHARGING' })
  await policyOf(app, EVERY_NIGHT, disk)
  const skipped = '2026-05-01T02:00[UTC] | RUN | SKIPPED DISK_STATUS_FORBIDS_SNAPSHOT'

  await app.tickAt('05-01T02:00')
  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })
  await app.tickAt('05-01T03:00')
  expect(await runsOf(app)).toEqual([skipped])
  await app.tickAt('05-02T02:00')
  expect(await runsOf(app)).toEqual([skipped, '2026-05-02T02:00[UTC] | RUN | CREATED'])
})

test('where the budget is full the oldest automatic one makes room, never a manual one', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk()
  await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await app.heldSnapshots(disk, 2, 'MANUAL')
  await policyOf(app, EVERY_NIGHT, disk)
  await app.tickAt('05-01T02:00')

  const left = await app.db.snapshot.findMany({ orderBy: { createdAt: 'asc' } })
  const automatic = left.filter(({ type }) => type === 'AUTOMATIC').map(({ status }) => status)
  expect(automatic).toEqual(['DELETING', 'COMPLETED', 'COMPLETED', 'CREATING'])
  expect(left.filter(({ type }) => type === 'MANUAL').every(({ status }) => status === 'COMPLETED')).toBe(
    true,
  )

  const { data } = await app.graphql(
    `{ disk(id: "${disk.id}") { snapshotQuota { automatic { used limit } manual { used } } } }`,
  )
  expect(data.disk.snapshotQuota).toEqual({ automatic: { used: 3, limit: 3 }, manual: { used: 2 } })
  const evicted = left.find(({ status }) => status === 'DELETING')
  expect(
    await app.db.snapshotTransition.findFirst({ where: { snapshotId: evicted?.id ?? '' } }),
  ).toMatchObject({
    from: 'COMPLETED',
    to: 'DELETING',
    reason: expect.stringContaining('to make room'),
  })
})

test('one that made room and is not deleted yet takes no place: the next run gives up one more, not two', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk()
  await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await policyOf(app, EVERY_NIGHT, disk)
  await app.tickAt('05-01T02:00')
  // The copy ends before the deletion.
  await app.db.snapshot.updateMany({ where: { status: 'CREATING' }, data: { status: 'COMPLETED' } })
  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })
  await app.tickAt('05-02T02:00')

  const left = await app.db.snapshot.findMany({ orderBy: { createdAt: 'asc' } })
  expect(left.map(({ status }) => status)).toEqual([
    'DELETING',
    'DELETING',
    'COMPLETED',
    'COMPLETED',
    'CREATING',
  ])
})

test('where a new one is refused, none has made room', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk({ status: 'EXPIRED' })
  await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await policyOf(app, EVERY_NIGHT, disk)
  await app.tickAt('05-01T02:00')

  expect(await app.db.snapshot.count({ where: { status: 'COMPLETED' } })).toBe(3)
})

test('where nothing can make room, the disk is passed over', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk()
  await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await app.db.snapshot.updateMany({ data: { status: 'UNAVAILABLE' } })
  await policyOf(app, EVERY_NIGHT, disk)
  await app.tickAt('05-01T02:00')

  expect(await runsOf(app)).toEqual(['2026-05-01T02:00[UTC] | RUN | SKIPPED SNAPSHOT_QUOTA_EXCEEDED'])
})

test('however many schedulers there are, each disk gets one', async () => {
  await using app = await appAt('05-01T00:00')
  const disks = await Promise.all(Array.from({ length: 10 }, () => app.disk()))
  await policyOf(app, EVERY_NIGHT, ...disks)
  app.moveTo('05-01T02:00')
  const schedulers = Array.from({ length: 5 }, () => schedulerOf(app, { now: () => at('05-01T02:00') }))

  await Promise.all(schedulers.map((scheduler) => scheduler.tick()))

  expect(await runsOf(app)).toEqual([
    ['2026-05-01T02:00[UTC] | RUN', ...disks.map(() => 'CREATED')].join(' | '),
  ])
  expect(await app.db.snapshot.count()).toBe(10)
})

test('what a scheduler had begun when it was killed is finished by the next', async () => {
  await using app = await appAt('05-01T00:00')
  const disks = [await app.disk(), await app.disk(), await app.disk()]
  await policyOf(app, EVERY_NIGHT, ...disks)
  app.moveTo('05-01T02:00')
  let admitted = 0
  const dying = schedulerOf(app, {
    now: () => at('05-01T02:00'),
    snapshots: {
      ...app.snapshots,
      admitAutomatic: (...args) => (admitted++ === 0 ? app.snapshots.admitAutomatic(...args) : kill()),
    },
  })
  await dying.tick()
  expect(await app.db.snapshot.count()).toBe(1)

  await app.tickAt('05-01T02:01')
  expect(await runsOf(app)).toEqual(['2026-05-01T02:00[UTC] | RUN | CREATED | CREATED | CREATED'])
  expect(await app.db.snapshot.count()).toBe(3)
})

test('what was begun and not finished by the next time is missed then', async () => {
  await using app = await appAt('05-01T00:00')
  await policyOf(app, EVERY_NIGHT, await app.disk())
  app.moveTo('05-01T02:00')
  const dying = schedulerOf(app, {
    now: () => at('05-01T02:00'),
    snapshots: { ...app.snapshots, admitAutomatic: kill },
  })
  await dying.tick()

  await app.tickAt('05-02T02:00')
  expect(await runsOf(app)).toEqual([
    '2026-05-01T02:00[UTC] | RUN | MISSED',
    '2026-05-02T02:00[UTC] | RUN | CREATED',
  ])
})

test('unlinked while a run is in progress, a disk is left out of it', async () => {
  await using app = await appAt('05-01T00:00')
  const [stays, goes] = [await app.disk(), await app.disk()]
  const policyId = await policyOf(app, EVERY_NIGHT, stays, goes)
  app.moveTo('05-01T02:00')
  const dying = schedulerOf(app, {
    now: () => at('05-01T02:00'),
    snapshots: { ...app.snapshots, admitAutomatic: kill },
  })
  await dying.tick()
  await app.policies.unlink(app.viewer, policyId, [goes.id])

  await app.tickAt('05-01T02:01')
  const snapshots = await app.db.snapshot.findMany()
  expect(snapshots.map(({ diskId }) => diskId)).toEqual([stays.id])
})

test('a new schedule holds from now on', async () => {
  await using app = await appAt('05-01T03:00')
  const policyId = await policyOf(app, EVERY_NIGHT, await app.disk())
  app.moveTo('05-01T12:00')
  await app.policies.update(app.viewer, policyId, { timePoints: [6] })

  await app.tickAt('05-01T13:00')
  expect(await runsOf(app)).toEqual([])
  await app.tickAt('05-02T06:00')
  expect(await runsOf(app)).toEqual(['2026-05-02T06:00[UTC] | RUN | CREATED'])
})

test('a clock that is set back runs nothing twice', async () => {
  await using app = await appAt('05-01T00:00')
  const disk = await app.disk()
  await policyOf(app, EVERY_NIGHT, disk)
  await app.tickAt('05-01T02:00')
  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })

  for (const time of ['05-01T01:00', '05-01T02:00', '05-01T03:00']) await app.tickAt(time)
  expect(await runsOf(app)).toEqual(['2026-05-01T02:00[UTC] | RUN | CREATED'])
})

test('old runs are forgotten after their time', async () => {
  await using app = await appAt('05-01T00:00')
  await policyOf(app, EVERY_NIGHT)
  await app.tickAt('05-01T02:00')
  await app.tickAt('07-31T02:00')
  await app.housekeeping.tick()

  expect((await runsOf(app)).at(0)).toBe('2026-05-02T02:00[UTC] | MISSED')
})

test('an old run of very many disks is forgotten in parts', async () => {
  await using app = await appAt('07-31T00:00')
  const policyId = await policyOf(app, EVERY_NIGHT)
  const own = { accountId: app.viewer.accountId, policyId }
  await linkMany(app.db, { ...own, count: 1_200 })
  await runMany(app.db, { ...own, outcome: 'MISSED' })
  const left = () => app.db.autoSnapshotRunDisk.count()

  const state = { isDone: false }
  const ticked = app.housekeeping.tick().finally(() => (state.isDone = true))
  const counts = new Set<number>()
  while (!state.isDone) {
    await nextRound()
    counts.add(await left())
  }
  await ticked

  expect([...counts]).toEqual([1_200, 700, 200, 0])
  expect(await app.db.autoSnapshotRun.count()).toBe(0)
})

const EVERY_HOUR = { ...EVERY_NIGHT, timePoints: Array.from({ length: 24 }, (_, hour) => hour) }
const NOON = '2026-05-01T12:00[UTC]'

describe('a time that has come before its policy is changed', () => {
  test.each<[what: string, changes: Partial<PolicyInput>]>([
    ['hours', { timePoints: [6] }],
    ['weekdays', { repeatWeekdays: [0] }],
    ['time zone', { timeZone: 'Asia/Kolkata' }],
    ['name', { name: 'another' }],
  ])('is run as the policy was: %s', async (_what, changes) => {
    await using app = await appAt('05-01T11:30')
    const policyId = await policyOf(app, { ...EVERY_NIGHT, timePoints: [12] }, await app.disk())
    app.moveTo('05-01T12:00:01')
    await app.policies.update(app.viewer, policyId, changes)

    await app.tickAt('05-01T12:00:03')
    expect(await runsOf(app)).toEqual([`${NOON} | RUN | CREATED`])
  })

  test('keeps its snapshots as long as the policy said then', async () => {
    await using app = await appAt('05-01T11:30')
    const policyId = await policyOf(app, { ...EVERY_HOUR, retentionDays: 7 }, await app.disk())
    app.moveTo('05-01T12:00:01')
    await app.policies.update(app.viewer, policyId, { retentionDays: 1 })

    await app.tickAt('05-01T12:00:03')
    expect(await app.db.snapshot.findMany({ select: { retentionDays: true } })).toEqual([
      { retentionDays: 7 },
    ])
  })

  test('is not run for a disk that is linked after it, and is missed for one that is unlinked', async () => {
    await using app = await appAt('05-01T11:30')
    const [stays, goes, comes] = [await app.disk(), await app.disk(), await app.disk({ attachedTo: 'i-1' })]
    const policyId = await policyOf(app, EVERY_HOUR, stays, goes)
    app.moveTo('05-01T12:00:01')
    expect(await app.policies.link(app.viewer, policyId, [comes.id])).toMatchObject([{ id: comes.id }])
    await app.policies.unlink(app.viewer, policyId, [goes.id])

    await app.tickAt('05-01T12:00:03')
    const disks = await app.db.autoSnapshotRunDisk.findMany({ select: { diskId: true, outcome: true } })
    expect(disks.toSorted((a, b) => (a.outcome < b.outcome ? -1 : 1))).toEqual([
      { diskId: stays.id, outcome: 'CREATED' },
      { diskId: goes.id, outcome: 'MISSED' },
    ])
  })

  test('is recorded with all that was missed before it, however much that is', async () => {
    await using app = await appAt('05-01T00:00')
    const policyId = await policyOf(app, EVERY_HOUR)
    app.moveTo('05-31T00:30')
    await app.policies.update(app.viewer, policyId, { timePoints: [6] })

    expect(await app.db.autoSnapshotRun.count()).toBe(30 * 24)
    expect((await runsOf(app)).at(-1)).toBe('2026-05-31T00:00[UTC] | RUN')
  })
})

describe('a clock that was ahead', () => {
  /** Hourly, run at eleven, then decided by a clock that is three days ahead, then set right. */
  async function aheadForSeconds() {
    const app = await appAt('05-01T10:30')
    const disk = await app.disk()
    const policyId = await policyOf(app, EVERY_HOUR, disk)
    const free = () => app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })
    await app.tickAt('05-01T11:00')
    await free()
    await app.tickAt('05-04T11:00:03')
    await free()
    return Object.assign(app, { policyId, free })
  }
  const RUN = ['2026-05-01T11:00[UTC] | RUN | CREATED', '2026-05-04T11:00[UTC] | RUN | CREATED']

  test('silences no policy, and none of its times is run twice', async () => {
    await using app = await aheadForSeconds()

    await app.tickAt('05-01T11:00:09')
    expect(await runsOf(app)).toEqual(RUN)
    await app.tickAt('05-01T12:00')
    expect(await runsOf(app)).toEqual([RUN[0], `${NOON} | RUN | CREATED`, RUN[1]])

    await app.free()
    await app.tickAt('05-04T11:00')
    const runs = await runsOf(app)
    expect(runs.filter((run) => run.includes('CREATED'))).toEqual([RUN[0], `${NOON} | RUN | CREATED`, RUN[1]])
    expect(runs).toHaveLength(73)
  })

  test('stops nothing when the policy is changed before the next tick', async () => {
    await using app = await aheadForSeconds()
    app.moveTo('05-01T11:00:05')
    await app.policies.update(app.viewer, app.policyId, { timePoints: [11, 12, 13] })

    await app.tickAt('05-01T12:00')
    expect(await runsOf(app)).toEqual([RUN[0], `${NOON} | RUN | CREATED`, RUN[1]])
  })
})

test('a policy that cannot be run, and a disk that cannot be looked at, hold up no other', async () => {
  await using app = await appAt('05-01T00:00')
  const [broken, bad, good] = [await app.disk(), await app.disk(), await app.disk()]
  const brokenId = await policyOf(app, EVERY_NIGHT, broken)
  await app.db.autoSnapshotPolicy.update({ where: { id: brokenId }, data: { timeZone: 'Mars/Olympus' } })
  await policyOf(app, EVERY_NIGHT, bad, good)
  app.moveTo('05-01T02:00')
  const scheduler = schedulerOf(app, {
    now: () => at('05-01T02:00'),
    looks: {
      lookAt: (viewer, id) =>
        id === bad.id ? Promise.reject(new Error('broken')) : app.looks.lookAt(viewer, id),
    },
  })

  await scheduler.tick()

  expect(await runsOf(app)).toEqual(['2026-05-01T02:00[UTC] | RUN | CREATED | CREATED'])
  // It can still be put right.
  await app.policies.update(app.viewer, brokenId, { timeZone: 'UTC', timePoints: [3] })
  await app.tickAt('05-01T03:00')
  expect((await runsOf(app)).at(-1)).toBe('2026-05-01T03:00[UTC] | RUN | CREATED')
})

test('what was missed before runs are kept is not noted, and the latest time is run all the same', async () => {
  const clock = { now: at('01-01T00:00') }
  await using app = await startTestApp({ AUTO_SNAPSHOT_RUN_RETENTION_DAYS: '2' }, { now: () => clock.now })
  await policyOf(app, EVERY_HOUR)
  // Sundays; the last one is three days back.
  await policyOf(app, { ...EVERY_NIGHT, repeatWeekdays: [0] }, await app.disk())
  clock.now = at('12-30T00:30')
  await app.scheduler.tick()

  const runs = await runsOf(app)
  expect(runs[0]).toBe('2026-12-27T02:00[UTC] | RUN | CREATED')
  expect(runs.slice(1)).toHaveLength(48)
  expect(runs[1]).toBe('2026-12-28T01:00[UTC] | MISSED')
  expect(runs.at(-1)).toBe('2026-12-30T00:00[UTC] | RUN')
})

function kill(): never {
  throw new Error('killed')
}

test('a run for very many disks is noted in parts, each disk once, also when it is cut short', async () => {
  await using app = await appAt('05-01T00:00')
  const policyId = await policyOf(app, EVERY_NIGHT)
  const own = { accountId: app.viewer.accountId, policyId }
  const diskIds = await linkMany(app.db, { ...own, count: 1_200 })
  await runMany(app.db, { ...own, outcome: 'PENDING' })
  app.moveTo('05-01T02:00')
  const decide = () =>
    app.db.write(function* (sql) {
      const policy = yield* sql.get('AutoSnapshotPolicy', { id: policyId })
      return policy && (yield* app.runs.decide(sql, policy))
    })
  const noted = async () => {
    const count = (outcome: 'PENDING' | 'MISSED', run: object) =>
      app.db.autoSnapshotRunDisk.count({ where: { outcome, run } })
    return [await count('MISSED', { slot: 'once' }), await count('PENDING', { slot: { not: 'once' } })]
  }
  const steps: unknown[] = []
  for (let step = 0; step < 4; step++) steps.push([await decide(), ...(await noted())])
  expect(steps).toEqual([
    [true, 500, 0],
    [true, 1_000, 0],
    [true, 1_200, 500],
    [true, 1_200, 1_000],
  ])

  // Another process goes on where this one ended.
  await app.tickAt('05-01T02:01')
  const run = await app.db.autoSnapshotRun.findFirstOrThrow({
    where: { slot: { not: 'once' } },
    include: { disks: { orderBy: { diskId: 'asc' } } },
  })
  expect(run.disks.map(({ diskId, outcome }) => [diskId, outcome])).toEqual(
    diskIds.map((id) => [id, 'SKIPPED']),
  )
  expect(await decide()).toBe(false)
})
