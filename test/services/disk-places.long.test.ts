import { execFileSync } from 'node:child_process'
import { link, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Disk } from '../../src/generated/prisma/client.ts'
import { canLoop, canMount, loopDevice, mounted, works } from '../support/file-systems.ts'
import { startTestApp, writeImage, type TestApp } from '../support/app.ts'

/** A directory that is gone when the test ends. */
async function temporary(parent = tmpdir()): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(parent, 'snapgate-places-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const REGISTER = `mutation ($path: String!, $name: String!) {
  registerDisk(input: { path: $path, name: $name, kind: DATA }) {
    ... on RegisterDiskPayload { disk { id status } }
    ... on UserError { code }
    ... on DiskPathRefused { problem }
  }
}`

let count = 0
async function register(app: Pick<TestApp, 'graphql'>, path: string): Promise<any> {
  const { data, errors } = await app.graphql(REGISTER, { path, name: `disk-${++count}` })
  return errors ?? data.registerDisk
}

const OUTSIDE = { code: 'DISK_PATH_REFUSED', problem: 'OUTSIDE' }
const ALREADY = { code: 'DISK_ALREADY_REGISTERED' }
const SAME_IMAGE = 'Another disk already uses this image under a different path.'
const REGISTERED = { disk: { id: expect.any(String), status: 'UNMOUNTED' } }

async function statusOf(app: TestApp, id: string): Promise<Pick<Disk, 'status' | 'statusReason'>> {
  await app.looks.lookAtAll()
  const { status, statusReason } = await app.db.disk.findUniqueOrThrow({ where: { id } })
  return { status, statusReason }
}

test('DISK_DIRS that hold what is the gateway’s own, or lie in it, stop the start, however they are named', async () => {
  await using parent = await temporary()
  const data = join(parent.path, 'data')
  const [alias, database] = [join(parent.path, 'alias'), join(parent.path, 'database')]
  await mkdir(join(data, 'disks', 'deeper'), { recursive: true })
  await mkdir(database)
  await symlink(data, alias)
  const start = (DISK_DIRS: string) =>
    startTestApp({ DATA_DIR: data, DATABASE_URL: `file:${database}/snapgate.db`, DISK_DIRS })
  const inside = ['snapshots', 'snapshots/.partial', 'other'].map((name) => join(data, name))
  for (const dir of [
    data,
    parent.path,
    alias,
    join(alias, 'snapshots'),
    database,
    `acme=${data}`,
    ...inside,
  ]) {
    await expect(start(dir)).rejects.toThrow('Invalid configuration:\n  DISK_DIRS must not name')
  }
  await expect(start(`${tmpdir()}/nothing:${data}`)).rejects.toThrow(`which contains DATA_DIR`)
  {
    using mount = canMount ? mounted(join(data, 'disks', 'deeper'), '--bind', join(data)) : undefined
    if (mount) await expect(start(join(data, 'disks', 'deeper'))).rejects.toThrow('contains DATA_DIR')
  }
  await using _app = await start(join(data, 'disks', 'deeper'))
})

test('the database and the copies of snapshots are never disks, under whatever name', async () => {
  await using app = await startTestApp()
  const disks = join(app.dataDir, 'disks')
  const disk = await app.disk()
  const id = await app.snapshot(disk)
  await app.runner.tick()
  const copy = join(app.dataDir, 'snapshots', id, 'image')
  const own = [copy, ...['', '-wal', '-shm'].map((suffix) => join(app.dataDir, `snapgate.db${suffix}`))]
  for (const [index, path] of own.entries()) {
    const name = join(disks, `own-${index}.img`)
    await link(path, name)
    expect([path, await register(app, name)]).toEqual([path, OUTSIDE])
    expect([path, await register(app, path)]).toEqual([path, OUTSIDE])
    await rm(name)
    // A disk whose image becomes one of them later.
    await rename(disk.path, `${disk.path}.away`)
    await link(path, disk.path)
    expect([path, await statusOf(app, disk.id)]).toEqual([
      path,
      { status: 'ERROR', statusReason: 'The image file is outside the directories that disks may be in.' },
    ])
    const resize = `mutation ($id: ID!) { resizeDisk(input: { diskId: $id, sizeGiB: 6 }) { ... on UserError { code } } }`
    expect((await app.graphql(resize, { id: disk.id })).data.resizeDisk).toEqual({
      code: 'DISK_STATUS_FORBIDS_OPERATION',
    })
    await rename(`${disk.path}.away`, disk.path)
  }
  if (canMount) {
    const name = join(disks, 'mounted.img')
    await writeFile(name, '')
    using _mount = mounted(name, '--bind', copy)
    expect(await register(app, name)).toEqual(OUTSIDE)
  }
})

test('a directory that is given to one account is seen and used by that one alone', async () => {
  await using dir = await temporary()
  const [common, acme] = [join(dir.path, 'common'), join(dir.path, 'common', 'acme')]
  await mkdir(acme, { recursive: true })
  await writeImage(join(acme, 'a.img'), 1, 1)
  await writeImage(join(acme, 'b.img'), 1, 1)
  await writeImage(join(common, 'c.img'), 1, 1)
  await symlink(join(acme, 'a.img'), join(common, 'link.img'))
  await using app = await startTestApp({ DISK_DIRS: `${common}:acme=${acme}` })
  const [ours, theirs] = [await app.token('ADMIN', 'acme'), await app.token('ADMIN', 'other')]

  for (const name of ['acme/a.img', 'acme/missing.img', 'link.img']) {
    expect([name, await register(theirs, join(common, name))]).toEqual([name, OUTSIDE])
  }
  expect(await register(ours, join(acme, 'a.img'))).toEqual(REGISTERED)
  expect(await register(ours, join(acme, 'missing.img'))).toEqual({ ...OUTSIDE, problem: 'MISSING' })
  expect(await register(theirs, join(common, 'c.img'))).toEqual(REGISTERED)

  // One that was registered by another account before the directory was given away.
  const { disk } = await register(ours, join(acme, 'b.img'))
  await app.db.disk.update({ where: { id: disk.id }, data: { accountId: theirs.accountId } })
  expect(await statusOf(app, disk.id)).toMatchObject({ status: 'ERROR' })
})

test('two names of one file are one disk, however many ask at once', async () => {
  await using app = await startTestApp()
  const disks = join(app.dataDir, 'disks')
  await writeImage(join(disks, 'a.img'), 1, 1)
  await link(join(disks, 'a.img'), join(disks, 'b.img'))
  const answers = await Promise.all(['a.img', 'b.img'].map((name) => register(app, join(disks, name))))
  expect(answers).toEqual(expect.arrayContaining([REGISTERED, ALREADY]))
  expect(await app.db.disk.count()).toBe(1)
  // Also for a database that knows no identities yet.
  await app.db.disk.updateMany({ data: { identity: null } })
  await link(join(disks, 'a.img'), join(disks, 'c.img'))
  expect(await register(app, join(disks, 'c.img'))).toEqual(ALREADY)
})

test('a disk whose image becomes another name of another disk is in ERROR until it has one of its own', async () => {
  await using app = await startTestApp()
  const [first, second] = [await app.disk(), await app.disk()]
  await rename(second.path, `${second.path}.away`)
  await link(first.path, second.path)
  const error = { status: 'ERROR', statusReason: SAME_IMAGE }
  for (let i = 0; i < 2; i++) {
    expect(await statusOf(app, second.id)).toEqual(error)
    expect(await statusOf(app, first.id)).toEqual({ status: 'UNMOUNTED', statusReason: null })
  }
  await rename(`${second.path}.away`, second.path)
  expect(await statusOf(app, second.id)).toEqual({ status: 'UNMOUNTED', statusReason: null })
})

test('the identity of a former image does not keep another one from being a disk', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await rename(disk.path, `${disk.path}.moved`)
  await writeImage(disk.path, 1, 1)
  expect(await register(app, `${disk.path}.moved`)).toEqual(REGISTERED)
  expect(await statusOf(app, disk.id)).toEqual({ status: 'UNMOUNTED', statusReason: null })
})

test.skipIf(!canMount)('a bind mount of an image is the same disk', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const name = join(app.dataDir, 'disks', 'mounted.img')
  await writeFile(name, '')
  using _mount = mounted(name, '--bind', disk.path)
  expect(await register(app, name)).toEqual(ALREADY)
})

test.skipIf(!canLoop)('a second node of a block device is the same disk', async () => {
  await using dir = await temporary()
  await writeImage(join(dir.path, 'file'), 1, 1)
  using loop = loopDevice(join(dir.path, 'file'))
  const rdev = execFileSync('stat', ['-c', '0x%t 0x%T', loop.device], { encoding: 'utf8' }).trim().split(' ')
  for (const name of ['one', 'two']) execFileSync('mknod', [join(dir.path, name), 'b', ...rdev])
  await using app = await startTestApp({ DISK_DIRS: dir.path })
  expect(await register(app, join(dir.path, 'one'))).toEqual(REGISTERED)
  expect(await register(app, join(dir.path, 'two'))).toEqual(ALREADY)
})

const HUGE = 2n ** 63n - 1n
const LARGE_FILES = '/dev/shm'
const canBeHuge = works(`f=$(mktemp -p ${LARGE_FILES}); trap "rm $f" EXIT; truncate -s ${HUGE.toString()} $f`)

test.skipIf(!canBeHuge)(
  'a file that is larger than numbers are exact is no disk, and one that becomes so is in ERROR and breaks no list',
  async () => {
    await using dir = await temporary(LARGE_FILES)
    await using app = await startTestApp({ DISK_DIRS: dir.path })
    const path = join(dir.path, 'a.img')
    const list = async () =>
      (await app.graphql('{ disks { nodes { status statusReason sizeBytes sizeGiB } totalCount } }')).data
        .disks
    for (const size of [HUGE, 2n ** 53n, 2n ** 53n - 1n]) {
      execFileSync('truncate', ['-s', size.toString(), path])
      expect([size, await register(app, path)]).toEqual([
        size,
        size < 2n ** 53n ? REGISTERED : { ...OUTSIDE, problem: 'TOO_LARGE' },
      ])
    }
    const sizes = { sizeBytes: 2 ** 53 - 1, sizeGiB: (2 ** 53 - 1) / 2 ** 30 }
    for (const size of [2n ** 53n, HUGE]) {
      execFileSync('truncate', ['-s', size.toString(), path])
      await app.looks.lookAtAll()
      expect(await list()).toEqual({
        totalCount: 1,
        nodes: [
          {
            status: 'ERROR',
            statusReason: 'The image file is larger than a disk can be: 9,007,199,254,740,991 bytes.',
            ...sizes,
          },
        ],
      })
    }
    execFileSync('truncate', ['-s', '1M', path])
    await app.looks.lookAtAll()
    expect(await list()).toMatchObject({ nodes: [{ status: 'UNMOUNTED', sizeBytes: 2 ** 20 }] })
  },
)
