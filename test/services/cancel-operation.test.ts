import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLocalProvider } from '../../src/providers/local/local.ts'
import type { DiskProvider, DiskWork } from '../../src/providers/provider.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { breakStorage, repairStorage } from '../support/broken-storage.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { runnerOf } from '../support/runner.ts'
import { completed, mutate, stepsOf } from '../support/snapshots.ts'

const CANCELLED = 'Cancelled on request.'

const cancel = (app: TestApp, id: string) => mutate(app, 'cancelOperation', { id }, '__typename')

async function accepted(app: TestApp, diskId: string): Promise<string> {
  const { snapshot } = await mutate(app, 'createSnapshot', { diskId, name: 'taken' }, 'snapshot { id }')
  return snapshot.id as string
}

async function shown(app: TestApp, id: string): Promise<any> {
  const query = `query ($id: ID!) {
    node(id: $id) {
      ... on Snapshot {
        status failureReason progress operation { kind cancelRequestedAt }
        disk { status snapshotQuota { manual { used } } }
      }
      ... on Disk { diskStatus: status statusReason operation { kind cancelRequestedAt } }
    }
  }`
  return (await app.graphql(query, { id })).data.node
}

const FAILED = {
  status: 'FAILED',
  failureReason: CANCELLED,
  progress: null,
  operation: null,
  disk: { status: 'UNMOUNTED', snapshotQuota: { manual: { used: 0 } } },
}

/** Everything below the directory of snapshots. */
const stored = async ({ config }: TestApp) => (await readdir(config.snapshotsDir, { recursive: true })).sort()

describe('a copy that is cancelled', () => {
  test('before it starts ends as FAILED, frees the disk and the quota, and leaves no bytes', async () => {
    await using app = await startTestApp()
    const id = await accepted(app, (await app.disk()).id)

    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    expect((await shown(app, id)).operation).toEqual({
      kind: 'COPY_SNAPSHOT',
      cancelRequestedAt: expect.any(String),
    })
    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    await app.runner.tick()

    expect(await shown(app, id)).toEqual(FAILED)
    expect(await stepsOf(app, id)).toEqual([
      [null, 'CREATING'],
      ['CREATING', 'CREATING', 'Cancellation requested.'],
      ['CREATING', 'FAILED', CANCELLED],
    ])
    expect(await stored(app)).toEqual(['.partial'])
  })

  test('while its bytes are copied stops soon, and leaves no bytes', async () => {
    await using app = await startTestApp()
    const id = await accepted(app, (await app.disk({ sizeMiB: 256, dataMiB: 256 })).id)
    const work = app.runner.tick()
    await expect.poll(() => stored(app)).toContainEqual(expect.stringMatching(/\/image$/))

    await cancel(app, id)
    app.runner.wake()
    await work

    expect(await shown(app, id)).toEqual(FAILED)
    expect(await stored(app)).toEqual(['.partial'])
  })

  test('while it waits after a fault ends without another attempt', async () => {
    await using app = await startTestApp()
    const id = await accepted(app, (await app.disk()).id)
    const faulty = createMemoryProvider()
    await using runner = runnerOf(app, faulty)
    const work = runner.tick()
    ;(await faulty.next()).fail(new Error('The network is gone.'))
    await work

    await cancel(app, id)
    await runner.tick()

    expect(faulty.asked).toBe(1)
    expect(await shown(app, id)).toEqual(FAILED)
  })

  test('while another runner holds its lease is stopped there, and not ended here', async () => {
    await using app = await startTestApp()
    const id = await accepted(app, (await app.disk()).id)
    const elsewhere = createMemoryProvider()
    await using holder = runnerOf(app, elsewhere)
    const work = holder.tick()
    const copy = await elsewhere.next()

    await cancel(app, id)
    await app.runner.tick()
    expect((await shown(app, id)).status).toBe('CREATING')
    expect(copy.request.signal.aborted).toBe(false)

    holder.wake()
    await work
    expect(await shown(app, id)).toEqual(FAILED)
  })

  test('by a runner that died is ended by the next one, with the copy that it had published', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const disk = await app.disk()
    const id = await accepted(app, disk.id)
    await using provider = createLocalProvider(app.config)
    const never = createMemoryProvider()
    await using late = runnerOf(app, never, { now: () => now })
    const lateWork = late.tick()
    const copy = await never.next()
    await provider.copy({ snapshotId: id, disk, onProgress: () => undefined, signal: copy.request.signal })
    expect(await stored(app)).toContain(id)

    await cancel(app, id)
    now = new Date(now.getTime() + 20_000)
    await app.runner.tick()

    expect(await shown(app, id)).toEqual(FAILED)
    expect(await stored(app)).toEqual(['.partial'])
    copy.fail(new Error('Too late.'))
    await lateWork
    expect(await shown(app, id)).toEqual(FAILED)
  })
})

test('a cancellation is told to all who follow the snapshot or disk, and lists show it', async () => {
  await using app = await startTestApp()
  const id = await accepted(app, (await app.disk()).id)
  const { disk: made } = await mutate(app, 'createDisk', { name: 'new', sizeGiB: 5 }, 'disk { id }')
  const { snapshots, disks } = (await app.graphql('{ snapshots { streamCursor } disks { streamCursor } }'))
    .data
  await cancel(app, id)
  await cancel(app, made.id)

  const operation = 'operation { cancelRequestedAt }'
  const followed = async (field: string, subject: string, after: string) => {
    const query = `subscription ($after: String!) { ${field}(after: $after) { from to reason ${subject} { ${operation} } } }`
    const events = app.sse(query, { after })
    for await (const { data } of events) return data?.[field]
  }
  const request = { from: 'CREATING', to: 'CREATING', reason: 'Cancellation requested.' }
  const requested = { operation: { cancelRequestedAt: expect.any(String) } }
  expect(await followed('snapshotTransitions', 'snapshot', snapshots.streamCursor)).toEqual({
    ...request,
    snapshot: requested,
  })
  expect(await followed('diskTransitions', 'disk', disks.streamCursor)).toEqual({
    ...request,
    disk: requested,
  })
  const lists = `{ snapshots { nodes { ${operation} } } disks(filter: { id: { eq: "${made.id}" } }) { nodes { ${operation} } } }`
  expect((await app.graphql(lists)).data).toEqual({
    snapshots: { nodes: [requested] },
    disks: { nodes: [requested] },
  })
})

describe('a deletion that is cancelled', () => {
  async function stalled(app: TestApp, snapshotId: string): Promise<void> {
    await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')
    const faulty = createMemoryProvider()
    faulty.delete = () => Promise.reject(Object.assign(new Error('stuck'), { code: 'EPERM' }))
    await using runner = runnerOf(app, faulty)
    await runner.tick()
  }

  test('gives the snapshot back as it was', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    await stalled(app, id)
    await cancel(app, id)
    await app.runner.tick()

    expect(await shown(app, id)).toMatchObject({ status: 'COMPLETED', progress: 100, operation: null })
    expect((await stepsOf(app, id)).slice(-3)).toEqual([
      ['COMPLETED', 'DELETING'],
      ['DELETING', 'DELETING', 'Cancellation requested.'],
      ['DELETING', 'COMPLETED', CANCELLED],
    ])
    expect(await mutate(app, 'verifySnapshot', { snapshotId: id }, '__typename')).toEqual({
      __typename: 'VerifySnapshotPayload',
    })
    await app.runner.tick()
    expect((await shown(app, id)).status).toBe('COMPLETED')
  })

  test('is carried to its end when bytes are gone already', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    await stalled(app, id)
    await rm(join(app.config.snapshotsDir, id), { recursive: true })
    await cancel(app, id)
    await app.runner.tick()
    expect((await stepsOf(app, id)).at(-1)).toEqual(['DELETING', 'DELETED'])
  })

  test('is refused when a newer automatic snapshot has taken the place', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const id = await completed(app, disk)
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.db.snapshot.update({ where: { id }, data: { evicted: true } })
    expect(await cancel(app, id)).toEqual({
      __typename: 'OperationNotCancellable',
      code: 'OPERATION_NOT_CANCELLABLE',
    })
  })
})

describe('a deletion that the storage refuses for good', () => {
  const REASON = 'The file system is read-only. Mount it for writing.'

  async function refused(app: TestApp, id: string): Promise<void> {
    onTestFinished(repairStorage)
    breakStorage(join(app.config.snapshotsDir, id), ['rename'], 'EROFS')
    await app.runner.tick()
    repairStorage()
  }

  test('gives the snapshot back, with the reason, and can be asked for again', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await refused(app, id)

    expect(await shown(app, id)).toMatchObject({ status: 'COMPLETED', operation: null })
    expect((await stepsOf(app, id)).at(-1)).toEqual([
      'DELETING',
      'COMPLETED',
      `The snapshot could not be deleted. ${REASON} Then delete it again.`,
    ])
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.runner.tick()
    expect(await shown(app, id)).toBeNull()
    expect(await stored(app)).toEqual(['.partial'])
  })

  test('is owed where a newer automatic snapshot has taken the place: it waits, with the reason', async () => {
    await using app = await startTestApp()
    const id = await completed(app, await app.disk())
    await mutate(app, 'deleteSnapshot', { snapshotId: id }, '__typename')
    await app.db.snapshot.update({ where: { id }, data: { evicted: true } })
    await refused(app, id)

    const query =
      'query ($id: ID!) { node(id: $id) { ... on Snapshot { status operation { stallReason } } } }'
    expect((await app.graphql(query, { id })).data.node).toEqual({
      status: 'DELETING',
      operation: {
        stallReason: `Attempt 1 to delete the snapshot failed. ${REASON} It is retried automatically.`,
      },
    })
  })

  test('because its retention has passed is tried again after a day', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const id = await completed(app, await app.disk(), { retentionDays: 1 })
    const later = (hours: number) => (now = new Date(now.getTime() + hours * 3_600_000))
    later(24)
    expect(await app.snapshots.expire()).toBe(1)
    await refused(app, id)
    later(23)
    expect(await app.snapshots.expire()).toBe(0)
    later(1)
    expect(await app.snapshots.expire()).toBe(1)
    await app.runner.tick()
    expect(await shown(app, id)).toBeNull()
  })
})

describe('an operation on a disk that is cancelled', () => {
  /** The next runner's provider fails this verb, so that the job stays. */
  async function stall(app: TestApp, verb: keyof DiskProvider): Promise<void> {
    const faulty = Object.assign(createMemoryProvider(), {
      [verb]: () => Promise.reject(Object.assign(new Error('stuck'), { code: 'EBUSY' })),
    })
    await using runner = runnerOf(app, faulty)
    await runner.tick()
  }

  test.each([
    ['attachDisk', 'attach', { instanceId: 'i-1' }],
    ['resizeDisk', 'resize', { sizeGiB: 6 }],
    ['releaseDisk', 'release', {}],
  ] as const)('by %s leaves the disk as it was', async (mutation, verb, input) => {
    await using app = await startTestApp()
    const { id, path } = await app.disk()
    const before = await readFile(path)
    await mutate(app, mutation, { diskId: id, ...input }, '__typename')
    await stall(app, verb)

    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    await app.runner.tick()

    expect(await shown(app, id)).toEqual({ diskStatus: 'UNMOUNTED', statusReason: null, operation: null })
    expect((await stepsOf(app, id)).at(-1)).toEqual([expect.any(String), 'UNMOUNTED', CANCELLED])
    expect((await readFile(path)).equals(before)).toBe(true)
  })

  test('by rollBackDisk leaves the content as it was, and the snapshot free', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    const before = await readFile(disk.path)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId }, '__typename')
    await stall(app, 'rollBack')
    await cancel(app, disk.id)
    await app.runner.tick()

    expect((await readFile(disk.path)).equals(before)).toBe(true)
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual(['disk-1.img'])
    expect((await mutate(app, 'deleteSnapshot', { snapshotId }, '__typename')).code).toBeUndefined()
  })

  test('by rollBackDisk, of which a process was killed, leaves nothing of that beside the image', async () => {
    await using app = await startTestApp()
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId }, '__typename')
    await stall(app, 'rollBack')
    const dead = join(app.dataDir, 'disks', `.snapgate.${disk.id}.0123456789ab`)
    await mkdir(dead, { mode: 0o700 })
    await writeFile(join(dead, 'image'), 'half')
    await cancel(app, disk.id)
    await app.runner.tick()

    expect(await shown(app, disk.id)).toMatchObject({ diskStatus: 'UNMOUNTED', operation: null })
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual(['disk-1.img'])
  })

  test('by createDisk leaves no image, and a disk in ERROR that can be released', async () => {
    await using app = await startTestApp()
    const { disk } = await mutate(app, 'createDisk', { name: 'new', sizeGiB: 5 }, 'disk { id }')
    await cancel(app, disk.id)
    await app.runner.tick()

    expect(await shown(app, disk.id)).toEqual({
      diskStatus: 'ERROR',
      statusReason: CANCELLED,
      operation: null,
    })
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual([])
    await mutate(app, 'releaseDisk', { diskId: disk.id }, '__typename')
    await app.runner.tick()
    expect(await shown(app, disk.id)).toBeNull()
  })
})

describe('while its bytes are read or written', () => {
  /** A snapshot that takes a moment to read, of a disk that has been changed since. */
  async function world(app: TestApp) {
    const disk = await app.disk({ sizeMiB: 256, dataMiB: 256 })
    const snapshotId = await completed(app, disk)
    await using file = await open(disk.path, 'r+')
    await file.write(Buffer.alloc(4096, 'new'))
    return { disk, snapshotId, before: await readFile(disk.path) }
  }

  /** Cancels the operation on this once the first bytes have been moved, and waits until all has ended. */
  async function cancelled(app: TestApp, id: string): Promise<void> {
    const { promise: begun, resolve } = Promise.withResolvers<undefined>()
    const stop = app.progress.watch(id, () => resolve(undefined))
    const work = app.runner.tick()
    await begun
    stop()
    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    app.runner.wake()
    await work
    expect(await app.db.job.count()).toBe(0)
  }

  const images = ({ dataDir }: TestApp) => readdir(join(dataDir, 'disks'))
  const whole = (id: string) => ['.partial', id, `${id}/image`, `${id}/manifest.json`]

  test('a roll back leaves the content and nothing beside it, and the snapshot as it was', async () => {
    await using app = await startTestApp()
    const { disk, snapshotId, before } = await world(app)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId }, '__typename')
    await cancelled(app, disk.id)
    expect((await readFile(disk.path)).equals(before)).toBe(true)
    expect([await images(app), await stored(app)]).toEqual([['disk-1.img'], whole(snapshotId)])
    expect(await shown(app, disk.id)).toEqual({
      diskStatus: 'UNMOUNTED',
      statusReason: null,
      operation: null,
    })
    expect(await shown(app, snapshotId)).toMatchObject({ status: 'COMPLETED', operation: null })
  })

  test('the creation of a disk from a snapshot leaves no image, and a disk in ERROR', async () => {
    await using app = await startTestApp()
    const { snapshotId } = await world(app)
    const { disk } = await mutate(app, 'createDisk', { name: 'new', snapshotId }, 'disk { id }')
    await cancelled(app, disk.id)
    expect([await images(app), await stored(app)]).toEqual([['disk-1.img'], whole(snapshotId)])
    expect(await shown(app, disk.id)).toEqual({
      diskStatus: 'ERROR',
      statusReason: CANCELLED,
      operation: null,
    })
    expect(await shown(app, snapshotId)).toMatchObject({ status: 'COMPLETED', operation: null })
  })

  test('a verification leaves the snapshot as it was', async () => {
    await using app = await startTestApp()
    const { snapshotId } = await world(app)
    await mutate(app, 'verifySnapshot', { snapshotId }, '__typename')
    await cancelled(app, snapshotId)
    expect(await shown(app, snapshotId)).toMatchObject({ status: 'COMPLETED', operation: null })
    expect([await images(app), await stored(app)]).toEqual([['disk-1.img'], whole(snapshotId)])
  })
})

describe('a cancellation that meets the end of the operation', () => {
  /** A disk that is being rolled back by a provider that waits before and after what it cannot undo. */
  async function rollingBack(app: TestApp) {
    const disk = await app.disk()
    const snapshotId = await completed(app, disk)
    await mutate(app, 'rollBackDisk', { diskId: disk.id, snapshotId }, '__typename')
    const [reached, go] = [Promise.withResolvers<DiskWork>(), Promise.withResolvers<undefined>()]
    const [acted, end] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    let acts = 0
    const provider = Object.assign(createMemoryProvider(), {
      async rollBack(work: DiskWork) {
        reached.resolve(work)
        await go.promise
        await work.commit(async () => {
          acts++
        })
        acted.resolve(undefined)
        await end.promise
        return { outcome: 'done' as const }
      },
    })
    return { id: disk.id, provider, reached, go, acted, end, acts: () => acts }
  }

  const eligible = async (app: TestApp, id: string) =>
    (
      await app.graphql(
        `query ($id: ID!) { disk(id: $id) { cancelEligibility { allowed refusals { code ... on OperationNotCancellable { kind obstacle } } } } }`,
        { id },
      )
    ).data.disk.cancelEligibility

  test('before its effect is final ends it as cancelled, and the effect does not happen', async () => {
    await using app = await startTestApp()
    const { id, provider, reached, go, acts } = await rollingBack(app)
    await using runner = runnerOf(app, provider)
    const work = runner.tick()
    await reached.promise
    expect(await eligible(app, id)).toEqual({ allowed: true, refusals: [] })
    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    go.resolve(undefined)
    await work
    expect(acts()).toBe(0)
    expect((await stepsOf(app, id)).slice(-2)).toEqual([
      ['ROLLING_BACK', 'ROLLING_BACK', 'Cancellation requested.'],
      ['ROLLING_BACK', 'UNMOUNTED', CANCELLED],
    ])
  })

  test('once its effect is final is refused as too late, and the operation completes', async () => {
    await using app = await startTestApp()
    const { id, provider, go, acted, end } = await rollingBack(app)
    await using runner = runnerOf(app, provider)
    const work = runner.tick()
    go.resolve(undefined)
    await acted.promise
    expect(await cancel(app, id)).toMatchObject({ code: 'OPERATION_NOT_CANCELLABLE' })
    expect(await eligible(app, id)).toEqual({
      allowed: false,
      refusals: [{ code: 'OPERATION_NOT_CANCELLABLE', kind: 'ROLL_BACK_DISK', obstacle: 'TOO_LATE' }],
    })
    end.resolve(undefined)
    await work
    expect((await stepsOf(app, id)).at(-1)).toEqual(['ROLLING_BACK', 'UNMOUNTED'])
  })

  test('is refused after the death of the runner that made the effect final', async () => {
    let now = new Date()
    await using app = await startTestApp({}, { now: () => now })
    const { id, provider, go, acted, end } = await rollingBack(app)
    await using late = runnerOf(app, provider, { now: () => now })
    const lateWork = late.tick()
    go.resolve(undefined)
    await acted.promise
    now = new Date(now.getTime() + 20_000)
    expect(await cancel(app, id)).toMatchObject({ code: 'OPERATION_NOT_CANCELLABLE' })
    await app.runner.tick()
    expect((await stepsOf(app, id)).at(-1)).toEqual(['ROLLING_BACK', 'UNMOUNTED'])
    end.resolve(undefined)
    await lateWork
  })

  test('is accepted after a fault that kept the effect from happening', async () => {
    await using app = await startTestApp()
    const { id, provider } = await rollingBack(app)
    const fault = () => Promise.reject(Object.assign(new Error('stuck'), { code: 'EMFILE' }))
    provider.rollBack = ({ commit }: DiskWork) => commit(fault)
    await using runner = runnerOf(app, provider)
    await runner.tick()
    expect(await eligible(app, id)).toEqual({ allowed: true, refusals: [] })
    expect(await cancel(app, id)).toEqual({ __typename: 'CancelOperationPayload' })
    await runner.tick()
    expect((await stepsOf(app, id)).at(-1)).toEqual(['ROLLING_BACK', 'UNMOUNTED', CANCELLED])
  })

  test('of a copy that is finished and not yet recorded fails the snapshot, and removes the copy', async () => {
    await using app = await startTestApp()
    const id = await accepted(app, (await app.disk()).id)
    const provider = createMemoryProvider()
    const removed: string[] = []
    provider.delete = async (snapshotId) => {
      removed.push(snapshotId)
      return { outcome: 'done' }
    }
    await using runner = runnerOf(app, provider)
    const work = runner.tick()
    const copy = await provider.next()
    await cancel(app, id)
    copy.complete()
    await work
    expect(await shown(app, id)).toEqual(FAILED)
    expect(removed).toEqual([id])
  })
})

describe('a cancelled operation on storage with passing faults', () => {
  const FAULT = Object.assign(new Error('stuck'), { code: 'ESTALE' })

  test('ends at once; its copy is removed when the storage works again, and nobody sees that', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const disk = await app.disk()
    const id = await accepted(app, disk.id)
    await using provider = createLocalProvider(app.config)
    await provider.copy({
      snapshotId: id,
      disk,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    })
    await cancel(app, id)
    const faulty = Object.assign(createMemoryProvider(), { delete: () => Promise.reject(FAULT) })
    await using runner = runnerOf(app, faulty, { now: () => now })
    await runner.tick()

    expect(await shown(app, id)).toEqual(FAILED)
    expect(await stored(app)).toContain(id)
    expect((await cancel(app, id)).code).toBe('NOTHING_IN_PROGRESS')
    expect((await cancel(app, disk.id)).code).toBe('NOTHING_IN_PROGRESS')
    now = new Date(now.getTime() + 60_000)
    await app.runner.tick()
    expect(await stored(app)).toEqual(['.partial'])
    expect(await app.db.job.count()).toBe(0)
  })

  test('ends at once; the image of a new disk is removed when the storage works again', async () => {
    let now = new Date('2026-01-01T00:00:00Z')
    await using app = await startTestApp({}, { now: () => now })
    const { disk } = await mutate(app, 'createDisk', { name: 'new', sizeGiB: 5 }, 'disk { id }')
    await writeFile(join(app.dataDir, 'disks', `${disk.id}.img`), 'made, and not reported')
    await cancel(app, disk.id)
    const faulty = Object.assign(createMemoryProvider(), { release: () => Promise.reject(FAULT) })
    await using runner = runnerOf(app, faulty, { now: () => now })
    await runner.tick()

    expect(await shown(app, disk.id)).toMatchObject({ diskStatus: 'ERROR', operation: null })
    now = new Date(now.getTime() + 60_000)
    await app.runner.tick()
    expect(await readdir(join(app.dataDir, 'disks'))).toEqual([])
    expect(await app.db.job.count()).toBe(0)
  })
})

test('a copy that is cancelled on storage that refuses to remove its bytes ends, and says so', async () => {
  onTestFinished(repairStorage)
  await using app = await startTestApp()
  const id = await accepted(app, (await app.disk()).id)
  await cancel(app, id)
  breakStorage(app.config.snapshotsDir, ['mkdir', 'rename', 'rm'], 'EROFS')
  await app.runner.tick()
  const reason = `${CANCELLED} Some of its data could not be removed. The file system is read-only. Mount it for writing.`
  expect(await shown(app, id)).toEqual({ ...FAILED, failureReason: reason })
})

test('the cancellation of a verification is told to all who follow the snapshot, to its end, and changes nothing about it', async () => {
  await using app = await startTestApp()
  const id = await completed(app, await app.disk())
  await mutate(app, 'verifySnapshot', { snapshotId: id }, '__typename')
  const query = `subscription ($id: ID!) { snapshotStatus(id: $id) {
    from to reason snapshot { operation { cancelRequestedAt } } } }`
  const events = app.sse(query, { id })
  for (const to of ['CREATING', 'COMPLETED'])
    expect((await events.next()).value).toMatchObject({ data: { snapshotStatus: { to } } })

  await cancel(app, id)
  const SAME = { from: 'COMPLETED', to: 'COMPLETED' }
  const requested = { operation: { cancelRequestedAt: expect.any(String) } }
  expect((await events.next()).value).toMatchObject({
    data: { snapshotStatus: { ...SAME, reason: 'Cancellation requested.', snapshot: requested } },
  })
  await app.runner.tick()
  expect((await events.next()).value).toMatchObject({
    data: { snapshotStatus: { ...SAME, reason: CANCELLED, snapshot: { operation: null } } },
  })
  expect(await events.next()).toEqual({ value: undefined, done: true })

  expect(await shown(app, id)).toMatchObject({ status: 'COMPLETED', failureReason: null, operation: null })
  expect((await app.db.snapshot.findUniqueOrThrow({ where: { id } })).verifiedAt).toBeNull()
})

test('where nothing is in progress, or nothing is there, cancelOperation is refused', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const id = await completed(app, disk)
  for (const settled of [id, disk.id]) {
    expect((await cancel(app, settled)).code).toBe('NOTHING_IN_PROGRESS')
  }
  expect((await cancel(app, 's-nothere0')).code).toBe('SNAPSHOT_NOT_FOUND')
  expect((await cancel(app, 'v-nothere0')).code).toBe('DISK_NOT_FOUND')
  await expect(cancel(app, 'nothing')).rejects.toThrow('is not the id of a snapshot')
})

test('the operations of another account and those above the role cannot be cancelled', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const id = await accepted(app, disk.id)
  const { disk: created } = await mutate(app, 'createDisk', { name: 'new', sizeGiB: 5 }, 'disk { id }')
  const document = `mutation ($id: ID!) { cancelOperation(input: { id: $id }) { __typename } }`
  const as = async (role: 'VIEWER' | 'OPERATOR' | 'ADMIN', subject: string, account?: string) => {
    const { data, errors } = await (await app.token(role, account)).graphql(document, { id: subject })
    return data?.cancelOperation.__typename ?? errors?.[0]?.extensions.code
  }
  expect(await as('ADMIN', id, 'other')).toBe('SnapshotNotFound')
  expect(await as('ADMIN', created.id, 'other')).toBe('DiskNotFound')
  expect(await as('VIEWER', id)).toBe('FORBIDDEN')
  expect(await as('OPERATOR', created.id)).toBe('FORBIDDEN')
  expect(await as('OPERATOR', id)).toBe('CancelOperationPayload')
})
