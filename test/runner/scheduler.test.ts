import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { EVERY_NIGHT, policyOf, runsOf, schedulerOf } from '../support/policies.ts'

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

test('a run is seen, with what became of each disk', async () => {
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
    reason: expect.stringContaining('made room'),
  })
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

test('unlinked while a run is under way, a disk is left out of it', async () => {
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
  await using app = await appAt('05-01T00:00')
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

function kill(): never {
  throw new Error('killed')
}
