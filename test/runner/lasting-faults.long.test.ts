import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { OperationKind } from '../../src/domain/job.ts'
import { isSettled } from '../../src/domain/lifecycle.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { ALL_CALLS, breakStorage, repairStorage } from '../support/broken-storage.ts'
import { completed, mutate } from '../support/snapshots.ts'

/** Each kind of job on storage that answers every call, or one kind of call, with an error that lasts. */

/** Errors that last, one for each thing that can be wrong. That all others are told from passing ones is tested elsewhere. */
const LASTING = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EIO', 'ENAMETOOLONG', 'ENOTDIR', 'EBUSY']

/** Accepts a job of each kind on a disk that is well, or on a snapshot of it, which is taken where it is needed. */
const ACCEPT: Record<
  OperationKind,
  (app: TestApp, diskId: string, take: () => Promise<string>) => Promise<unknown>
> = {
  COPY_SNAPSHOT: (app, diskId) => mutate(app, 'createSnapshot', { diskId, name: 'taken' }, '__typename'),
  DELETE_SNAPSHOT: async (app, _, take) =>
    mutate(app, 'deleteSnapshot', { snapshotId: await take() }, '__typename'),
  VERIFY_SNAPSHOT: async (app, _, take) =>
    mutate(app, 'verifySnapshot', { snapshotId: await take() }, '__typename'),
  CREATE_DISK: async (app, _, take) =>
    mutate(app, 'createDisk', { name: 'new', snapshotId: await take() }, '__typename'),
  ATTACH_DISK: (app, diskId) => mutate(app, 'attachDisk', { diskId, instanceId: 'i-1' }, '__typename'),
  async DETACH_DISK(app, diskId) {
    await app.db.disk.update({ where: { id: diskId }, data: { status: 'IN_USE', instanceId: 'i-1' } })
    return mutate(app, 'detachDisk', { diskId }, '__typename')
  },
  RESIZE_DISK: (app, diskId) => mutate(app, 'resizeDisk', { diskId, sizeGiB: 6 }, '__typename'),
  ROLL_BACK_DISK: async (app, diskId, take) =>
    mutate(app, 'rollBackDisk', { diskId, snapshotId: await take() }, '__typename'),
  RELEASE_DISK: (app, diskId) => mutate(app, 'releaseDisk', { diskId }, '__typename'),
}

/** What is still in progress after a job has met this error at its first attempt. */
async function inProgress(
  app: TestApp,
  kind: OperationKind,
  directory: string,
  calls: typeof ALL_CALLS,
  code: string,
  { isCancelled = false } = {},
) {
  const disk = await app.disk()
  const accepted = await ACCEPT[kind](app, disk.id, () => completed(app, disk))
  expect([kind, accepted]).toEqual([kind, { __typename: expect.stringMatching(/Payload$/) }])
  if (isCancelled) await app.db.job.updateMany({ where: {}, data: { cancelRequestedAt: new Date() } })
  breakStorage(directory, calls, code)
  await app.runner.tick()
  repairStorage()
  const jobs = await app.db.job.findMany({ select: { kind: true, stallReason: true } })
  await app.db.job.deleteMany()
  const [disks, snapshots] = [await app.db.disk.findMany(), await app.db.snapshot.findMany()]
  const unsettled = [...disks, ...snapshots].filter(({ status }) => !isSettled(status))
  // What has ended in one of them must not be found again in the next.
  await app.db.snapshot.deleteMany()
  await app.db.disk.deleteMany()
  return [
    ...jobs.map(({ kind: of, stallReason }) => stallReason ?? of),
    ...unsettled.map(({ status }) => status),
  ]
}

// In memory, where it takes a fraction of the time.
if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm'

const KINDS = Object.keys(ACCEPT) as OperationKind[]

test.each(KINDS)('%s ends at its first attempt, whatever lasting error the storage has', async (kind) => {
  onTestFinished(repairStorage)
  await using app = await startTestApp()
  const left: unknown[] = []
  for (const place of ['disks', 'snapshots']) {
    const directory = join(app.dataDir, place)
    for (const code of LASTING) {
      const stuck = await inProgress(app, kind, directory, ALL_CALLS, code)
      if (stuck.length > 0) left.push([place, code, stuck])
    }
    for (const call of ALL_CALLS) {
      const stuck = await inProgress(app, kind, directory, [call], 'EACCES')
      if (stuck.length > 0) left.push([place, call, stuck])
    }
  }
  expect(left).toEqual([])
})

test.each(KINDS)('%s that is cancelled ends, whatever lasting error the storage has', async (kind) => {
  onTestFinished(repairStorage)
  await using app = await startTestApp()
  const left: unknown[] = []
  for (const place of ['disks', 'snapshots']) {
    for (const code of LASTING) {
      const directory = join(app.dataDir, place)
      const stuck = await inProgress(app, kind, directory, ALL_CALLS, code, { isCancelled: true })
      if (stuck.length > 0) left.push([place, code, stuck])
    }
  }
  expect(left).toEqual([])
})

/** Errors that pass, one for each way in which storage or the machine can be in trouble for a while. */
const PASSING = ['EMFILE', 'ENOMEM', 'EAGAIN', 'ESTALE', 'ETIMEDOUT']

test.each(KINDS)(
  '%s that is cancelled ends at once, whatever passing fault the storage has',
  async (kind) => {
    onTestFinished(repairStorage)
    await using app = await startTestApp()
    const left: unknown[] = []
    for (const place of ['disks', 'snapshots']) {
      for (const code of PASSING) {
        const directory = join(app.dataDir, place)
        const stuck = await inProgress(app, kind, directory, ALL_CALLS, code, { isCancelled: true })
        if (stuck.some((what) => what !== 'CLEAN_UP')) left.push([place, code, stuck])
      }
    }
    expect(left).toEqual([])
  },
)
