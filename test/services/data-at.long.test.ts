import { mkdtempDisposable, open, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { sweepShelf } from '../../src/providers/local/shelf.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { canMake, madeFileSystem } from '../support/file-systems.ts'
import { mutate } from '../support/snapshots.ts'

const MIB = 1024 ** 2

async function overwrite(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(Buffer.alloc(MIB, 'later'), 0, MIB, 0)
  await file.sync()
}

async function snapshotNow(app: TestApp, id: string) {
  const query = `query ($id: ID!) { snapshot(id: $id) { status consistency dataAt } }`
  const { status, consistency, dataAt } = (await app.graphql(query, { id })).data.snapshot
  return { status, consistency, dataAt: dataAt === null ? null : Date.parse(dataAt as string) }
}

const image = (app: TestApp, id: string) => readFile(join(app.config.snapshotsDir, id, 'image'))

/** Accepts a snapshot, writes to the disk before any runner has looked at it, and then lets it be copied. */
async function acceptedThenWritten(app: TestApp, input: object = {}) {
  const disk = await app.disk()
  const before = await readFile(disk.path)
  const { snapshot } = await mutate(
    app,
    'createSnapshot',
    { diskId: disk.id, name: 'taken', ...input },
    'snapshot { id dataAt }',
  )
  expect(snapshot.dataAt).toBeNull()
  const acceptedAt = Date.now()
  await overwrite(disk.path)
  const writtenAt = Date.now()
  await app.runner.tick()
  return { id: snapshot.id as string, disk, before, acceptedAt, writtenAt }
}

test('without clones a snapshot holds the data of the moment that dataAt says, when its copy begins', async () => {
  await using app = await startTestApp()
  const { id, disk, writtenAt } = await acceptedThenWritten(app)
  const { dataAt, ...rest } = await snapshotNow(app, id)
  expect(rest).toEqual({ status: 'COMPLETED', consistency: 'CLEAN' })
  expect(dataAt).toBeGreaterThanOrEqual(writtenAt)
  expect((await image(app, id)).equals(await readFile(disk.path))).toBe(true)
})

const cloning = ['xfs', 'btrfs'].find(canMake)

/** A gateway whose data directory is on a file system that clones files. */
async function appWithClones() {
  const stack = new AsyncDisposableStack()
  const { path } = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const mounted = join(path, 'mounted')
  stack.use(await madeFileSystem(cloning ?? '', mounted))
  const before = process.env.TMPDIR
  process.env.TMPDIR = mounted
  try {
    const app = stack.use(await startTestApp())
    return Object.assign(app, { [Symbol.asyncDispose]: () => stack.disposeAsync() })
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
}

describe.skipIf(cloning === undefined)('where the file system clones', () => {
  test('a snapshot holds what the disk held when it was accepted, however long its copy waits', async () => {
    await using app = await appWithClones()
    const { id, before, acceptedAt } = await acceptedThenWritten(app)
    const { dataAt, ...rest } = await snapshotNow(app, id)
    expect(rest).toEqual({ status: 'COMPLETED', consistency: 'CLEAN' })
    expect(dataAt).toBeLessThanOrEqual(acceptedAt)
    expect((await image(app, id)).equals(before)).toBe(true)
    expect(await readdir(join(app.config.snapshotsDir, '.captured'))).toEqual([])
  })

  test('the consistency is that of the moment of acceptance', async () => {
    await using app = await appWithClones()
    const disk = await app.disk()
    const accept = async () =>
      (await mutate(app, 'createSnapshot', { diskId: disk.id, name: 'taken' }, 'snapshot { id }')).snapshot
        .id as string
    const free = await accept()
    await app.db.disk.update({ where: { id: disk.id }, data: { instanceId: 'i-1' } })
    await app.runner.tick()
    const used = await accept()
    await app.db.disk.update({ where: { id: disk.id }, data: { instanceId: null } })
    await app.runner.tick()
    expect((await snapshotNow(app, free)).consistency).toBe('CLEAN')
    expect((await snapshotNow(app, used)).consistency).toBe('CRASH_CONSISTENT')
  })

  test('each of several snapshots is captured, and a repeated call captures nothing again', async () => {
    await using app = await appWithClones()
    const disks = [await app.disk(), await app.disk()]
    const input = {
      diskIds: disks.map(({ id }) => id),
      name: 'all',
      consistent: true,
      clientToken: 'once',
    }
    const create = () => mutate(app, 'createSnapshots', input, 'items { snapshot { id } }')
    const { items } = (await create()) as { items: { snapshot: { id: string } }[] }
    const ids = items.map(({ snapshot }) => snapshot.id)
    const captured = () => readdir(join(app.config.snapshotsDir, '.captured'))
    expect((await captured()).sort()).toEqual(ids.toSorted())
    await app.runner.tick()
    await create()
    expect(await captured()).toEqual([])
  })

  test('what was captured survives a restart, and goes when the snapshot is cancelled', async () => {
    await using app = await appWithClones()
    const disk = await app.disk()
    const { snapshot } = await mutate(
      app,
      'createSnapshot',
      { diskId: disk.id, name: 'taken' },
      'snapshot { id }',
    )
    const captured = () => readdir(join(app.config.snapshotsDir, '.captured'))
    await sweepShelf(app.config.snapshotsDir, (ids) => Promise.resolve(new Set(ids)))
    expect(await captured()).toEqual([snapshot.id])
    await mutate(app, 'cancelOperation', { id: snapshot.id }, '__typename')
    await app.runner.tick()
    expect(await captured()).toEqual([])
  })
})
