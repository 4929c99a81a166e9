import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { onServer } from '../support/new-database.ts'
import { runnerOf } from '../support/runner.ts'

/** A clock that stands still until it is set on. */
function clockAt(time: string) {
  let now = new Date(time)
  return { now: () => now, advance: (ms: number) => (now = new Date(now.getTime() + ms)) }
}

async function createSnapshot(app: TestApp, name = 'carried'): Promise<string> {
  const disk = await app.disk({ sizeMiB: 1 })
  return app.snapshot(disk, { name })
}

async function shown(app: TestApp, id: string): Promise<any> {
  const query = `query ($id: ID!) {
    snapshot(id: $id) { status progress failureReason consistency disk { status } transitions { to reason } }
  }`
  return (await app.graphql(query, { id })).data.snapshot
}

const CREATING = {
  status: 'CREATING',
  progress: null,
  failureReason: null,
  consistency: 'CLEAN',
  disk: { status: 'SNAPSHOTTING' },
  transitions: [{ to: 'CREATING', reason: null }],
}
const COMPLETED = {
  status: 'COMPLETED',
  progress: 100,
  failureReason: null,
  consistency: 'CLEAN',
  disk: { status: 'UNMOUNTED' },
  transitions: [
    { to: 'CREATING', reason: null },
    { to: 'COMPLETED', reason: null },
  ],
}

const leaseOf = (app: TestApp, snapshotId: string) =>
  app.db.job.findFirst({
    where: { snapshotId },
    select: { leaseOwner: true, leaseUntil: true, attempts: true, retryAt: true },
  })

test('a copy that breaks down is tried again after 1 second, then 2, and completes', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { now: clock.now })
  const id = await createSnapshot(app)

  for (const [attempt, waitMs] of [
    [1, 1_000],
    [2, 2_000],
  ] as const) {
    const work = runner.tick()
    ;(await provider.next()).fail(new Error('The network is gone.'))
    await work
    expect(await shown(app, id)).toEqual(CREATING)
    expect(await leaseOf(app, id)).toEqual({
      leaseOwner: null,
      leaseUntil: null,
      attempts: attempt,
      retryAt: new Date(clock.now().getTime() + waitMs),
    })
    clock.advance(waitMs - 1)
    await runner.tick()
    expect(provider.asked).toBe(attempt)
    clock.advance(1)
  }
  const work = runner.tick()
  ;(await provider.next()).complete()
  await work

  expect(await shown(app, id)).toEqual(COMPLETED)
})

test('a copy that is refused ends as FAILED with the reason, and the disk is free again', async () => {
  await using app = await startTestApp()
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider)
  const id = await createSnapshot(app)

  const work = runner.tick()
  ;(await provider.next()).refuse('A part of the disk cannot be read.')
  await work

  const reason = 'A part of the disk cannot be read.'
  expect(await shown(app, id)).toEqual({
    status: 'FAILED',
    progress: null,
    failureReason: reason,
    consistency: null,
    disk: { status: 'UNMOUNTED' },
    transitions: [
      { to: 'CREATING', reason: null },
      { to: 'FAILED', reason },
    ],
  })
  expect(await leaseOf(app, id)).toBeNull()
})

test('a runner leaves alone what another has leased, takes over when the lease has run out, and the first changes nothing any more', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const [firstProvider, secondProvider] = [createMemoryProvider(), createMemoryProvider()]
  await using first = runnerOf(app, firstProvider, { now: clock.now })
  await using second = runnerOf(app, secondProvider, { now: clock.now })
  const id = await createSnapshot(app)

  const firstWork = first.tick()
  const late = await firstProvider.next()
  clock.advance(15_000)
  await second.tick()
  expect(secondProvider.asked).toBe(0)

  clock.advance(1)
  const secondWork = second.tick()
  const takenOver = await secondProvider.next()
  expect(await leaseOf(app, id)).toMatchObject({ leaseOwner: second.owner, attempts: 2 })

  late.refuse('Too late.')
  await firstWork
  expect(await shown(app, id)).toEqual(CREATING)
  expect(await leaseOf(app, id)).toMatchObject({ leaseOwner: second.owner })

  takenOver.complete()
  await secondWork
  expect(await shown(app, id)).toEqual(COMPLETED)
})

test('a runner that was fenced cannot give the lease of its successor back either', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const [firstProvider, secondProvider] = [createMemoryProvider(), createMemoryProvider()]
  await using first = runnerOf(app, firstProvider, { now: clock.now })
  await using second = runnerOf(app, secondProvider, { now: clock.now })
  const id = await createSnapshot(app)
  const firstWork = first.tick()
  const late = await firstProvider.next()
  clock.advance(15_001)
  const secondWork = second.tick()
  const takenOver = await secondProvider.next()

  late.fail(new Error('The network is gone.'))
  await firstWork

  expect(await leaseOf(app, id)).toMatchObject({ leaseOwner: second.owner, retryAt: null })
  takenOver.complete()
  await secondWork
})

test.each(['another runner', 'no runner', 'nobody: the job is gone'])(
  'a runner that lost its lease logs who has the job: %s',
  async (who) => {
    const clock = clockAt('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: clock.now })
    const logged: Record<string, unknown>[] = []
    const log = pino({}, { write: (line) => logged.push(JSON.parse(line) as Record<string, unknown>) })
    const [firstProvider, secondProvider] = [createMemoryProvider(), createMemoryProvider()]
    await using first = runnerOf(app, firstProvider, { now: clock.now, log })
    await using second = runnerOf(app, secondProvider, { now: clock.now })
    await createSnapshot(app)
    const firstWork = first.tick()
    const late = await firstProvider.next()
    clock.advance(15_001)
    const secondWork = who === 'another runner' ? second.tick() : undefined
    const takenOver = secondWork && (await secondProvider.next())
    if (who === 'no runner') await app.db.job.updateMany({ data: { leaseOwner: null, leaseUntil: null } })
    if (who.startsWith('nobody')) await app.db.job.deleteMany()

    late.complete()
    // Without a runner, it takes the job again.
    if (who === 'no runner') (await firstProvider.next()).complete()
    await firstWork
    expect(logged.filter(({ msg }) => String(msg).startsWith('fenced'))).toMatchObject([
      {
        msg: 'fenced: the lease is lost, nothing was changed',
        jobExists: !who.startsWith('nobody'),
        leaseOwner: who === 'another runner' ? second.owner : null,
      },
    ])
    takenOver?.complete()
    await secondWork
  },
)

test('a runner whose own lease ran out while it could not renew it does not start the same copy twice', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { now: clock.now })
  const id = await createSnapshot(app)
  const work = runner.tick()
  const copy = await provider.next()

  clock.advance(3_600_000)
  const again = runner.tick()
  const other = await createSnapshot(app)
  runner.wake()
  const otherCopy = await provider.next()

  expect([otherCopy.request.snapshotId, provider.asked]).toEqual([other, 2])
  copy.complete()
  otherCopy.complete()
  await Promise.all([work, again])
  expect(await shown(app, id)).toEqual(COMPLETED)
})

test('the lease of a long copy is renewed, with its progress, so that nobody else takes it', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const [provider, otherProvider] = [createMemoryProvider(), createMemoryProvider()]
  await using runner = runnerOf(app, provider, { now: clock.now, leaseMs: 30 })
  await using other = runnerOf(app, otherProvider, { now: clock.now })
  const id = await createSnapshot(app)
  const work = runner.tick()
  const copy = await provider.next()
  copy.request.onProgress(1, 3)

  for (let i = 0; i < 5; i++) {
    const now = clock.advance(29)
    await expect.poll(() => leaseOf(app, id)).toMatchObject({ leaseUntil: new Date(now.getTime() + 30) })
    await other.tick()
  }

  expect(otherProvider.asked).toBe(0)
  expect(await app.db.job.findFirst({ where: { snapshotId: id } })).toMatchObject({
    progress: 33,
    attempts: 1,
  })
  copy.complete()
  await work
  expect(await shown(app, id)).toEqual(COMPLETED)
})

test('a runner that has lost its lease stops the copy', async () => {
  await using app = await startTestApp()
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { leaseMs: 30 })
  const id = await createSnapshot(app)
  const work = runner.tick()
  const { request } = await provider.next()

  const successor = { leaseOwner: 'another', leaseUntil: new Date(Date.now() + 60_000) }
  await app.db.job.updateMany({ where: { snapshotId: id }, data: successor })
  await work

  expect(request.signal.reason).toEqual(new Error('The lease was lost.'))
  expect(await leaseOf(app, id)).toMatchObject(successor)
})

test('a runner that is stopped gives its leases back, and the next one continues at once', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const provider = createMemoryProvider()
  const runner = runnerOf(app, provider, { now: clock.now })
  const id = await createSnapshot(app)
  const work = runner.tick()
  const { request } = await provider.next()

  await runner[Symbol.asyncDispose]()
  await work
  expect(request.signal.reason).toEqual(new Error('The gateway is stopping.'))
  expect(await leaseOf(app, id)).toEqual({ leaseOwner: null, leaseUntil: null, attempts: 1, retryAt: null })
  expect(await shown(app, id)).toEqual(CREATING)

  await using next = runnerOf(app, createMemoryProvider({ immediate: true }), { now: clock.now })
  await next.tick()
  expect(await shown(app, id)).toEqual(COMPLETED)
})

test('a runner that is stopped takes no more work', async () => {
  await using app = await startTestApp()
  const provider = createMemoryProvider()
  const runner = runnerOf(app, provider)
  await runner[Symbol.asyncDispose]()
  await createSnapshot(app)
  await runner.tick()
  expect(provider.asked).toBe(0)
})

test('the progress of a copy is shown by Snapshot.progress and streamed by snapshotProgress, which ends with the copy', async () => {
  await using app = await startTestApp()
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider)
  const id = await createSnapshot(app)
  const query = `subscription ($id: ID!) { snapshotProgress(id: $id) { snapshotId percent copiedBytes totalBytes } }`
  const stream = app.sse(query, { id })
  const next = async () => (await stream.next()).value?.data?.snapshotProgress
  const progress = (percent: number | null, copiedBytes: number | null, totalBytes: number | null) => ({
    snapshotId: id,
    percent,
    copiedBytes,
    totalBytes,
  })

  expect(await next()).toEqual(progress(null, null, null))
  const work = runner.tick()
  const copy = await provider.next()
  copy.request.onProgress(0, 8)
  expect(await next()).toEqual(progress(0, 0, 8))
  copy.request.onProgress(3, 8)
  expect(await next()).toEqual(progress(37, 3, 8))
  expect(await shown(app, id)).toEqual({ ...CREATING, progress: 37 })
  copy.complete()
  expect(await next()).toEqual(progress(100, 1024 ** 2, 1024 ** 2))
  expect(await stream.next()).toEqual({ value: undefined, done: true })
  await work
  expect(app.progress.watchers).toBe(0)
})

test('work that moves no bytes does not wait for copies', async () => {
  await using app = await startTestApp()
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { concurrency: 1 })
  await createSnapshot(app)
  await createSnapshot(app, 'waits')
  const work = runner.tick()
  const copy = await provider.next()
  const disk = await app.disk()
  await app.disks.attach(app.viewer, { diskId: disk.id, instanceId: 'i-1', device: null })

  runner.wake()
  await expect
    .poll(() => app.db.disk.findUnique({ where: { id: disk.id } }))
    .toMatchObject({ status: 'IN_USE', instanceId: 'i-1' })

  expect([provider.asked, provider.underWay]).toEqual([1, 1])
  copy.complete()
  ;(await provider.next()).complete()
  await work
})

test.skipIf(onServer)(
  'a job of which the snapshot cannot be read keeps no other from being done (skipped on PostgreSQL, which takes no such value)',
  async () => {
    await using app = await startTestApp({}, { now: clockAt('2026-01-01T00:00:00Z').now })
    const [bad, good] = [await createSnapshot(app), await createSnapshot(app)]
    await app.db.$executeRaw`UPDATE "Snapshot" SET "sizeBytes" = 'no number' WHERE "id" = ${bad}`
    await app.runner.tick()
    expect((await app.db.snapshot.findUniqueOrThrow({ where: { id: good } })).status).toBe('COMPLETED')
    expect((await app.db.job.findMany()).map(({ snapshotId, attempts }) => [snapshotId, attempts])).toEqual([
      [bad, 1],
    ])
  },
)

test('no more copies run at once than COPY_CONCURRENCY, oldest first, and the next begins when one has ended', async () => {
  const clock = clockAt('2026-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: clock.now })
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { now: clock.now, concurrency: 3 })
  const ids = []
  for (let i = 0; i < 7; i++) {
    ids.push(await createSnapshot(app))
    clock.advance(1_000)
  }

  const work = runner.tick()
  const begun: string[] = []
  const copies = [await provider.next(), await provider.next(), await provider.next()]
  for (;;) {
    expect(provider.underWay).toBeLessThanOrEqual(3)
    const copy = copies.shift()
    if (!copy) break
    begun.push(copy.request.snapshotId)
    copy.complete()
    if (begun.length + copies.length < ids.length) copies.push(await provider.next())
  }
  await work

  expect(begun).toEqual(ids)
  expect(await app.db.snapshot.count({ where: { status: 'COMPLETED' } })).toBe(7)
})

test('accounts take turns: a job does not wait for all that another account asked for before it', async () => {
  await using app = await startTestApp()
  const others = [await app.token('ADMIN', 'one'), await app.token('ADMIN', 'two')]
  for (const { accountId } of [app.viewer, ...others]) {
    const disk = await app.disk({ accountId })
    await app.heldSnapshots(disk, 16)
    const viewer = { ...app.viewer, accountId }
    await app.disks.release(viewer, { diskId: disk.id, withSnapshots: true })
  }

  await app.runner.tick()

  const deleted = await app.db.snapshotTransition.findMany({
    where: { to: 'DELETED' },
    orderBy: { position: 'asc' },
  })
  expect(deleted).toHaveLength(48)
  expect(new Set(deleted.slice(0, 12).map(({ accountId }) => accountId)).size).toBe(3)
})
