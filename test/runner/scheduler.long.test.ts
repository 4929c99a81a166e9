import { randomInt } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { DISK_STATUSES } from '../../src/domain/disk.ts'
import { COUNTED_SNAPSHOT_STATUSES } from '../../src/domain/quota.ts'
import type { Schedule } from '../../src/domain/schedule.ts'
import type { Disk } from '../../src/generated/prisma/client.ts'
import { appendTransitions, factsOf } from '../../src/transitions/append.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { policyOf, schedulerOf } from '../support/policies.ts'

const HOUR_MS = 3_600_000
const START = Date.parse('2026-01-01T00:00Z')
const END = Date.parse('2027-01-01T00:00Z')
const QUOTA = 5
const HELD_MANUALLY = 2

const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/New_York',
  'America/Havana',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Pacific/Auckland',
  'America/Santiago',
  'Asia/Kolkata',
]

test('in a year of policies over 100 disks, with restarts and statuses at random, none is doubled or missing', async () => {
  let now = START
  await using app = await startTestApp(
    { SNAPSHOT_QUOTA_AUTOMATIC: String(QUOTA) },
    { now: () => new Date(now) },
  )
  const schedules = new Map<string, Schedule>()
  const disks: Disk[] = []
  for (const timeZone of ZONES) {
    const linked: Disk[] = []
    for (let i = 0; i < 10; i++) linked.push(await app.disk({ sizeMiB: 1, dataMiB: 0 }))
    const schedule = { timePoints: [0, 2], repeatWeekdays: [0, randomInt(1, 7)], timeZone }
    const policyId = await policyOf(app, { name: 'policy', retentionDays: -1, ...schedule }, ...linked)
    schedules.set(policyId, schedule)
    disks.push(...linked)
  }
  for (const disk of disks) await app.heldSnapshots(disk, HELD_MANUALLY)
  const manual = await manualOnes(app)
  const times = new Map([...schedules].map(([policyId, schedule]) => [policyId, timesOf(schedule)]))

  // A day or two at a time, now and then with the gateway down for longer, and with a kill in the middle of the work.
  let kills = 0
  while (now < END) {
    now = Math.min(END, now + (chance(0.05) ? 200 : randomInt(1, 48)) * HOUR_MS)
    await change(app, disks, new Date(now))
    if (chance(0.3)) {
      kills++
      await killed(app, randomInt(5))
    }
    const schedulers = chance(0.3) ? [app.scheduler, another(app)] : [app.scheduler]
    await Promise.all(schedulers.map((scheduler) => scheduler.tick()))
    await expectBudgetsKept(app)
    await expectEachOnce(app, times, now)
    expect(await manualOnes(app)).toEqual(manual)
  }
  expect(kills).toBeGreaterThan(50)

  // Every time that there was, and no other, once.
  for (const [policyId, expected] of times) {
    const runs = await app.db.autoSnapshotRun.findMany({
      where: { policyId },
      select: { slot: true, outcome: true },
    })
    expect(runs.map(({ slot }) => slot).sort()).toEqual([...expected.keys()].sort())
    for (const { slot, outcome } of runs) {
      expect([slot, outcome === 'NO_SUCH_HOUR'], slot).toEqual([slot, expected.get(slot)?.exists === false])
    }
  }
  // Every run saw to each of its ten disks, and what it created is there, or was evicted.
  const appointed = await app.db.autoSnapshotRunDisk.findMany({ include: { run: true } })
  expect(appointed).toHaveLength(10 * (await app.db.autoSnapshotRun.count({ where: { outcome: 'RUN' } })))
  const outcomes = Map.groupBy(appointed, ({ outcome }) => outcome)
  expect(outcomes.get('PENDING')).toBeUndefined()
  expect(outcomes.get('CREATED')?.length).toBeGreaterThan(5_000)
  expect(outcomes.get('SKIPPED')?.length).toBeGreaterThan(500)
  const created = await app.db.snapshotTransition.findMany({ where: { from: null, to: 'CREATING' } })
  expect(created.map(({ snapshotId }) => snapshotId).sort()).toEqual(
    outcomes
      .get('CREATED')
      ?.map(({ snapshotId }) => snapshotId)
      .sort(),
  )
  expect(
    await app.db.snapshotTransition.count({ where: { reason: { contains: 'to make room' } } }),
  ).toBeGreaterThan(1_000)
})

const chance = (probability: number) => Math.random() < probability

const UNSEEN = { lookAt: () => Promise.resolve() }
const another = (app: TestApp) => schedulerOf(app, { looks: UNSEEN, now: app.now })

/** A process that is killed after a number of snapshots. */
async function killed(app: TestApp, after: number): Promise<void> {
  let made = 0
  const { admitAutomatic } = app.snapshots
  await schedulerOf(app, {
    looks: UNSEEN,
    now: app.now,
    snapshots: {
      ...app.snapshots,
      admitAutomatic: (...args) => (made++ < after ? admitAutomatic(...args) : kill()),
    },
  }).tick()
}

/** What goes on meanwhile: copies end well or not, what was evicted is deleted, and disks change as they please. */
async function change(app: TestApp, disks: readonly Disk[], at: Date): Promise<void> {
  await app.db.write(function* (sql) {
    const working = yield* sql.all('Snapshot', { status: { in: ['CREATING', 'DELETING'] } })
    for (const snapshot of working) {
      const { id: snapshotId, diskId, status: from } = snapshot
      if (chance(0.1)) continue
      const to = from === 'DELETING' ? 'DELETED' : chance(0.1) ? 'FAILED' : 'COMPLETED'
      const of = { ...factsOf(snapshot), diskId: diskId ?? '' }
      yield* appendTransitions(sql, { ...of, from, to, reason: null, at })
      if (to === 'DELETED') yield* sql.delete('Snapshot', { id: snapshotId })
      else {
        yield* sql.update('Snapshot', { status: to }, { id: snapshotId })
        yield* sql.update('Disk', { status: 'UNMOUNTED' }, { id: diskId ?? '' })
      }
    }
    for (let i = 0; i < 5; i++) {
      const { id } = disks[randomInt(disks.length)] ?? { id: '' }
      const status = chance(0.5) ? 'IN_USE' : DISK_STATUSES[randomInt(DISK_STATUSES.length)]
      if (status === undefined || status === 'SNAPSHOTTING') continue
      yield* sql.update('Disk', { status }, { id, status: { not: 'SNAPSHOTTING' } })
    }
    for (let i = 0; i < 5; i++) {
      const { id } = disks[randomInt(disks.length)] ?? { id: '' }
      yield* sql.update('Disk', { status: 'UNMOUNTED' }, { id, status: { not: 'SNAPSHOTTING' } })
    }
  })
}

async function expectBudgetsKept(app: TestApp): Promise<void> {
  const held = await app.db.snapshot.groupBy({
    by: ['diskId'],
    where: { type: 'AUTOMATIC', evicted: false, status: { in: [...COUNTED_SNAPSHOT_STATUSES] } },
    _count: true,
  })
  expect(Math.max(0, ...held.map(({ _count }) => _count))).toBeLessThanOrEqual(QUOTA)
}

interface Time {
  /** False for one that the clock never showed. */
  exists: boolean
  /** The first instant at which the clock showed this time, or a later one. */
  at: number
}

/** So far there is a run for each time that has come, and no more; and a snapshot for each disk that is said to have one. */
async function expectEachOnce(
  app: TestApp,
  times: ReadonlyMap<string, ReadonlyMap<string, Time>>,
  now: number,
): Promise<void> {
  for (const [policyId, expected] of times) {
    const come = [...expected.values()].filter(({ at }) => at <= now).length
    expect(await app.db.autoSnapshotRun.count({ where: { policyId } })).toBe(come)
  }
  const created = await app.db.snapshotTransition.count({ where: { from: null, to: 'CREATING' } })
  expect(await app.db.autoSnapshotRunDisk.count({ where: { outcome: 'CREATED' } })).toBe(created)
}

const manualOnes = (app: TestApp) =>
  app.db.snapshot.findMany({ where: { type: 'MANUAL' }, orderBy: { id: 'asc' } })

/** Every time of a schedule in the year, found out by looking at a clock on the wall each half hour. */
function timesOf({ timePoints, repeatWeekdays, timeZone }: Schedule): Map<string, Time> {
  const clock = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const show = (instant: number) => clock.format(instant).replace(', ', 'T')
  const looks: { instant: number; shown: string }[] = []
  for (let instant = START + HOUR_MS / 2; instant <= END; instant += HOUR_MS / 2) {
    looks.push({ instant, shown: show(instant) })
  }
  const [first, last] = [show(START), show(END)]
  const times = new Map<string, Time>()
  for (let day = START - 24 * HOUR_MS; day <= END + 24 * HOUR_MS; day += 24 * HOUR_MS) {
    if (!repeatWeekdays.includes(new Date(day).getUTCDay())) continue
    for (const hour of timePoints) {
      const time = `${new Date(day).toISOString().slice(0, 10)}T${String(hour).padStart(2, '0')}:00`
      if (time <= first || time > last) continue
      const look = looks.find(({ shown }) => shown >= time)
      times.set(`${time}[${timeZone}]`, { exists: look?.shown === time, at: look?.instant ?? Infinity })
    }
  }
  return times
}

function kill(): never {
  throw new Error('killed')
}

test('30 hourly policies are caught up after a year, and nothing else waits for it', async () => {
  const clock = { now: START }
  await using app = await startTestApp({}, { now: () => new Date(clock.now) })
  const timePoints = Array.from({ length: 24 }, (_, hour) => hour)
  const schedule = { timePoints, repeatWeekdays: [0, 1, 2, 3, 4, 5, 6], timeZone: 'Europe/Berlin' }
  for (let i = 0; i < 30; i++) {
    await policyOf(
      app,
      { name: `hourly-${i}`, retentionDays: -1, ...schedule },
      await app.disk({ dataMiB: 0 }),
    )
  }
  clock.now = END
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()

  await app.scheduler.tick()

  delay.disable()
  expect(await app.db.snapshot.count()).toBe(30)
  // As far back as runs are kept: 90 days.
  expect(await app.db.autoSnapshotRun.count()).toBe(30 * 90 * 24)
  // 30 ms on an idle machine; a single turn that did all of it would take seconds.
  expect(delay.percentile(99) / 1e6).toBeLessThan(100)
  expect(delay.max / 1e6).toBeLessThan(1_000)
})
