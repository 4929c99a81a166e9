import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DISKS_FROM_SNAPSHOTS_AT_ONCE } from '../../src/domain/disk-operation.ts'
import { POLICIES_MAX } from '../../src/domain/policy-input.ts'
import { SNAPSHOT_QUOTA } from '../../src/domain/quota.ts'
import { Refusal } from '../../src/domain/refusal.ts'
import type { Disk } from '../../src/generated/prisma/client.ts'
import type { Clock } from '../../src/services/clock.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { scrape } from '../support/metrics.ts'
import { EVERY_NIGHT, policyOf, runsOf } from '../support/policies.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { run } from '../support/process.ts'
import { connect } from '../support/replica.ts'
import { runnerOf } from '../support/runner.ts'
import { completed, stepsOf } from '../support/snapshots.ts'

/** Who waits for a lock. */
const WAITING = `SELECT 1 FROM pg_stat_activity WHERE "datname" = current_database() AND "wait_event_type" = 'Lock'`

/** Two gateways on one database and one storage. */
interface Two extends AsyncDisposable {
  a: TestApp
  b: TestApp
  url: string
}

describe.skipIf(!hasPostgres)('two gateways (skipped where there is no PostgreSQL)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  async function startTwo(now?: Clock): Promise<Two> {
    await using stack = new AsyncDisposableStack()
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'snapgate-two-'))
    stack.defer(() => rm(DATA_DIR, { recursive: true }))
    const url = await cluster.migrated()
    const environment = { DATABASE_URL: url, DATA_DIR, LOG_LEVEL: 'warn' }
    const a = stack.use(await startTestApp(environment, { now }))
    const b = stack.use(await startTestApp(environment, { now }))
    const both = stack.move()
    return { a, b, url, [Symbol.asyncDispose]: () => both.disposeAsync() }
  }

  /**
   * How many of several calls at both are accepted, the others being refused. All of them have read what they want to before
   * any can write to this table: each that decides by what another one changes is wrong.
   */
  async function acceptedOf(
    { a, b, url }: Two,
    table: string,
    calls: ((app: TestApp) => Promise<unknown>)[],
  ): Promise<number> {
    await using client = await connect(url)
    await client.query(`BEGIN; LOCK TABLE "${table}" IN EXCLUSIVE MODE`)
    const called = calls.map((call, index) => call(index % 2 === 0 ? a : b))
    const results = Promise.allSettled(called)
    await expect
      .poll(async () => (await client.query(WAITING)).rowCount)
      .toBeGreaterThanOrEqual(Math.min(calls.length, 8))
    await client.query('COMMIT')
    const failures = (await results).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    expect(failures.filter((failure) => !(failure instanceof Refusal))).toEqual([])
    return calls.length - failures.length
  }

  const times = <T>(count: number, one: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => one(index))

  test('a query at one sees what the other has answered', async () => {
    await using two = await startTwo()
    const { a, b } = two
    for (let round = 0; round < 10; round++) {
      const [writer, reader] = round % 2 === 0 ? [a, b] : [b, a]
      const disk = await writer.disk({ name: `disk-${round}`, dataMiB: 0 })
      const id = await writer.snapshot(disk)
      const { data } = await reader.graphql(`{ snapshot(id: "${id}") { status disk { status } } }`)
      expect(data).toEqual({ snapshot: { status: 'CREATING', disk: { status: 'SNAPSHOTTING' } } })
    }
  })

  test('transitions come to the streams of both with the same numbers, and cursors of one are good at the other', async () => {
    await using two = await startTwo()
    const { a, b } = two
    const watch = (after?: string) =>
      `subscription { snapshotTransitions${after === undefined ? '' : `(after: "${after}")`} { sequence to cursor } }`
    const streams = [a.sse(watch()), b.sse(watch())]
    const first = streams.map((stream) => stream.next())
    await expect.poll(() => [a.hub.listeners, b.hub.listeners]).toEqual([1, 1])
    await completed(a, await a.disk({ name: 'one', dataMiB: 0 }))
    const begun = (await Promise.all(first)).map(({ value }) => value)
    const ended = (await Promise.all(streams.map((stream) => stream.next()))).map(({ value }) => value)
    expect(begun[0]).toMatchObject({ data: { snapshotTransitions: { sequence: 1, to: 'CREATING' } } })
    expect(ended[0]).toMatchObject({ data: { snapshotTransitions: { sequence: 2, to: 'COMPLETED' } } })
    expect([begun[1], ended[1]]).toEqual([begun[0], ended[0]])
    const { cursor } = begun[0]?.data.snapshotTransitions
    for (const app of [a, b]) {
      const resumed = app.sse(watch(cursor))
      expect((await resumed.next()).value).toEqual(ended[0])
      await resumed.return()
    }
    for (const stream of streams) await stream.return()
  })

  test('commands work on the database of gateways that run, and those that are for a file refuse it', async () => {
    await using two = await startTwo()
    const { a, b, url } = two
    const environment = { DATABASE_URL: url, DATA_DIR: a.dataDir }
    const made = await run(
      'src/commands/token.ts',
      ['create', '--name', 'x', '--role', 'viewer'],
      environment,
    )
    expect(made.exitCode).toBe(0)
    for (const app of [a, b]) {
      const { data } = await app.client(`Bearer ${made.stdout.trim()}`).graphql('{ viewer { role } }')
      expect(data).toEqual({ viewer: { role: 'VIEWER' } })
      expect((await app.graphql('{ viewer { role } }')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
    }
    const backup = await run('src/commands/backup.ts', ['to', join(a.dataDir, 'backup')], environment)
    expect([backup.exitCode, backup.stderr]).toEqual([
      1,
      expect.stringContaining('The database url must be file:'),
    ])
  })

  test('of 200 creates at the last place of the quota, one is accepted', async () => {
    await using two = await startTwo()
    const { a } = two
    const disk = await a.disk({ dataMiB: 0 })
    await a.heldSnapshots(disk, SNAPSHOT_QUOTA.MANUAL - 1)
    const input = { diskId: disk.id, name: 'last', description: '', tags: [], retentionDays: null }
    const create = (app: TestApp) => app.snapshots.create(app.viewer, { ...input, clientToken: null })
    expect(
      await acceptedOf(
        two,
        'Snapshot',
        times(200, () => create),
      ),
    ).toBe(1)
    expect(await a.db.snapshot.count({ where: { diskId: disk.id } })).toBe(SNAPSHOT_QUOTA.MANUAL)
  })

  test('each of 64 client tokens that are sent to both at once makes one snapshot', async () => {
    await using two = await startTwo()
    const { a, b } = two
    const disks = await Promise.all(times(64, (index) => a.disk({ name: `disk-${index}`, dataMiB: 0 })))
    const create = (app: TestApp, index: number) =>
      app.snapshot(disks[index] as Disk, { clientToken: `token-${index}` })
    const [ofA, ofB] = await Promise.all([
      Promise.all(times(64, (index) => create(a, index))),
      Promise.all(times(64, (index) => create(b, index))),
    ])
    expect(ofA).toEqual(ofB)
    expect(await a.db.snapshot.count()).toBe(64)
  })

  test('no more disks than allowed are created from snapshots at once', async () => {
    await using two = await startTwo()
    const snapshotId = await completed(two.a, await two.a.disk({ dataMiB: 0 }))
    const labels = { description: '', storageType: 'local', zone: 'local', tags: [], clientToken: null }
    const create = times(12, (index) => (app: TestApp) => {
      const input = { ...labels, name: `clone-${index}`, content: { snapshotId, sizeGiB: 5 } }
      return app.disks.create(app.viewer, input)
    })
    expect(await acceptedOf(two, 'Disk', create)).toBe(DISKS_FROM_SNAPSHOTS_AT_ONCE)
  })

  test('an account has no more policies than allowed', async () => {
    await using two = await startTwo()
    const create = (app: TestApp) => app.policies.create(app.viewer, EVERY_NIGHT)
    for (let held = 1; held < POLICIES_MAX; held++) await create(two.a)
    expect(
      await acceptedOf(
        two,
        'AutoSnapshotPolicy',
        times(10, () => create),
      ),
    ).toBe(1)
  })

  test('a snapshot is rolled back to or deleted, not both', async () => {
    await using two = await startTwo()
    const disk = await two.a.disk({ dataMiB: 0 })
    const snapshotId = await completed(two.a, disk)
    const input = { diskId: disk.id, snapshotId }
    const calls = [
      (app: TestApp) => app.disks.rollBack(app.viewer, input),
      (app: TestApp) => app.snapshots.delete(app.viewer, snapshotId),
    ]
    expect(await acceptedOf(two, 'Job', calls)).toBe(1)
  })

  test('of several deletions of a snapshot, one is accepted', async () => {
    await using two = await startTwo()
    const snapshotId = await completed(two.a, await two.a.disk({ dataMiB: 0 }))
    const remove = (app: TestApp) => app.snapshots.delete(app.viewer, snapshotId)
    expect(
      await acceptedOf(
        two,
        'Job',
        times(10, () => remove),
      ),
    ).toBe(1)
    const steps = await stepsOf(two.a, snapshotId)
    expect(steps.map(([, to]) => to)).toEqual(['CREATING', 'COMPLETED', 'DELETING'])
  })

  test('what is past its retention is deleted once, by either housekeeper', async () => {
    await using two = await startTwo()
    const { a, b } = two
    const disk = await a.disk({ dataMiB: 0 })
    await a.heldSnapshots(disk, 60)
    await a.db.snapshot.updateMany({ data: { expiresAt: new Date(0), retentionDays: 1 } })
    const deleted = await Promise.all([a.snapshots.expire(), b.snapshots.expire()])
    expect(deleted[0] + deleted[1]).toBe(60)
    expect(await a.db.job.count({ where: { kind: 'DELETE_SNAPSHOT' } })).toBe(60)
    expect(await a.db.snapshotTransition.count({ where: { to: 'DELETING' } })).toBe(60)
  })

  test('gateways that start together make one demo', async () => {
    await using stack = new AsyncDisposableStack()
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'snapgate-demo-'))
    stack.defer(() => rm(DATA_DIR, { recursive: true, force: true }))
    const environment = { DATABASE_URL: await cluster.migrated(), DATA_DIR, DEMO: 'true' }
    const started = await Promise.all(times(3, () => startTestApp(environment)))
    for (const app of started) stack.use(app)
    const [one] = started as [TestApp]
    expect(await one.db.disk.count()).toBe(8)
    expect(await one.db.snapshotTransition.count()).toBe(2 * (await one.db.snapshot.count()))
    const kept = await readdir(join(DATA_DIR, 'snapshots'))
    const completed = await one.db.snapshot.count({ where: { status: 'COMPLETED' } })
    expect(kept.filter((name) => name.startsWith('s-'))).toHaveLength(completed)
  })

  test('each job is done once, by either runner', async () => {
    await using two = await startTwo()
    const { a, b } = two
    for (let index = 0; index < 12; index++)
      await a.snapshot(await a.disk({ name: `disk-${index}`, dataMiB: 0 }))
    await Promise.all([a.runner.tick(), b.runner.tick()])
    expect(await a.db.job.count()).toBe(0)
    expect(await a.db.snapshot.count({ where: { status: 'COMPLETED' } })).toBe(12)
    // A runner that has a job which another one has, too, finds that out, and says so.
    expect([...a.logged, ...b.logged]).toEqual([])
    const transitions = await a.db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })
    expect(transitions.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1))
  })

  test('a runner passes over what another one has, and takes it over when the lease has run out', async () => {
    let at = new Date('2026-03-01T12:00:00Z')
    await using two = await startTwo(() => at)
    const { a, b } = two
    const [firstProvider, secondProvider] = [createMemoryProvider(), createMemoryProvider()]
    await using first = runnerOf(a, firstProvider, { now: () => at, concurrency: 1 })
    await using second = runnerOf(b, secondProvider, { now: () => at, concurrency: 1 })
    const held = await a.snapshot(await a.disk({ name: 'held', dataMiB: 0 }))
    const firstWork = first.tick()
    const late = await firstProvider.next()
    const free = await a.snapshot(await a.disk({ name: 'free', dataMiB: 0 }))

    const secondWork = second.tick()
    const other = await secondProvider.next()
    expect(other.request.snapshotId).toBe(free)
    other.complete()
    await secondWork
    expect(secondProvider.asked).toBe(1)

    at = new Date(at.getTime() + 15_001)
    const takeover = second.tick()
    const takenOver = await secondProvider.next()
    expect(takenOver.request.snapshotId).toBe(held)
    late.refuse('Too late.')
    await firstWork
    takenOver.complete()
    await takeover
    expect((await stepsOf(a, held)).map(([, to]) => to)).toEqual(['CREATING', 'COMPLETED'])
  })

  test('the progress of a copy is seen at the other gateway, and so is its end', async () => {
    await using two = await startTwo()
    const { a, b } = two
    const provider = createMemoryProvider()
    await using runner = runnerOf(a, provider, { leaseMs: 300 })
    const id = await a.snapshot(await a.disk())
    const work = runner.tick()
    const copy = await provider.next()
    const watching = b.sse(`subscription { snapshotProgress(id: "${id}") { percent } }`)
    const next = async () => (await watching.next()).value
    expect(await next()).toEqual({ data: { snapshotProgress: { percent: null } } })
    copy.request.onProgress(512, 1024)
    expect(await next()).toEqual({ data: { snapshotProgress: { percent: 50 } } })
    const { data } = await b.graphql(`{ snapshot(id: "${id}") { progress } }`)
    expect(data).toEqual({ snapshot: { progress: 50 } })
    copy.complete()
    await work
    expect(await next()).toEqual({ data: { snapshotProgress: { percent: 100 } } })
    expect(await next()).toBeUndefined()
  })

  test('each time of a policy is run once, by either scheduler', async () => {
    let at = new Date('2026-03-01T12:00:00Z')
    await using two = await startTwo(() => at)
    const { a, b } = two
    const disks = await Promise.all(
      Array.from({ length: 3 }, (_, index) => a.disk({ name: `disk-${index}`, dataMiB: 0 })),
    )
    for (let policy = 0; policy < 3; policy++)
      await policyOf(a, { ...EVERY_NIGHT, name: `policy-${policy}` }, ...disks.slice(policy, policy + 1))
    at = new Date('2026-03-02T02:00:30Z')
    await Promise.all([a.scheduler.tick(), b.scheduler.tick()])
    expect(await runsOf(a)).toEqual(Array.from({ length: 3 }, () => '2026-03-02T02:00[UTC] | RUN | CREATED'))
    expect(await a.db.snapshot.count()).toBe(3)
  })

  test('commits and refusals are in the metrics of the gateway that made them', async () => {
    await using app = await startTestApp({
      METRICS: '127.0.0.1:0',
      SNAPSHOT_QUOTA_MANUAL: '1',
      DATABASE_URL: await cluster.migrated(),
    })
    const disk = await app.disk()
    await app.snapshot(disk)
    await app.runner.tick()
    await expect(app.snapshot(disk)).rejects.toThrow('1 of 1')

    const samples = await scrape(app)
    expect(samples.get('snapgate_refusals_total{code="SNAPSHOT_QUOTA_EXCEEDED"}')).toBe(1)
    expect(samples.get('snapgate_database_commit_seconds_count')).toBeGreaterThan(2)
    expect(samples.get('snapgate_snapshots{status="COMPLETED"}')).toBe(1)
  })
})
