import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdir, readdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLocalProvider } from '../../../src/providers/local/local.ts'
import {
  canLoop,
  canMake,
  canMount,
  loopDevice,
  madeFileSystem,
  mounted,
  run,
} from '../../support/file-systems.ts'
import { diskAt, makeWorld, MIB } from './world.ts'

const reflinking = ['xfs', 'btrfs'].find(canMake)

const request = { snapshotId: 's-1', onProgress: () => undefined, signal: new AbortController().signal }

test.skipIf(!canMount)(
  'a copy without enough space is refused with the numbers, and nothing is kept',
  async () => {
    await using world = await makeWorld()
    await mkdir(world.snapshots)
    using _small = mounted(world.snapshots, '-t', 'tmpfs', '-o', 'size=8m', 'tmpfs')
    const location = await world.image('a.img', 64 * MIB, [[20 * MIB, randomBytes(12 * MIB)]])
    expect(await world.copy(location)).toEqual({
      outcome: 'refused',
      reason:
        'There is not enough space for the snapshot: it needs up to 12.0 MiB, and 8.0 MiB are free. ' +
        'Free space where snapshots are kept, then create the snapshot again.',
    })
    expect(await world.kept()).toEqual([])
    expect(await readdir(join(world.snapshots, '.partial'))).toEqual([])
  },
)

test.skipIf(!reflinking)('a file system with reflinks shares the blocks of disk and snapshot', async () => {
  await using world = await makeWorld()
  const directory = join(world.dir, 'mounted')
  using _volume = await madeFileSystem(reflinking ?? '', directory)
  const bytes = randomBytes(64 * MIB)
  const location = join(directory, 'a.img')
  const file = openSync(location, 'w', 0o444)
  writeSync(file, bytes)
  fsyncSync(file)
  closeSync(file)
  const free = async () => {
    const { bfree, bsize } = await statfs(directory)
    return bfree * bsize
  }
  const before = await free()
  const snapshotsDir = join(directory, 'snapshots')
  await using provider = createLocalProvider({ snapshotsDir, diskDirs: [directory] })
  expect(await provider.copy({ ...request, disk: diskAt(location) })).toMatchObject({
    outcome: 'copied',
    dataBytes: BigInt(bytes.length),
    checksum: (
      (await world.copy(await world.image('same.img', bytes.length, [[0, bytes]]))) as { checksum: string }
    ).checksum,
  })
  expect((await readFile(join(snapshotsDir, 's-1', 'image'))).equals(bytes)).toBe(true)
  expect(before - (await free())).toBeLessThan(8 * MIB)
})

test.skipIf(!canLoop)('a block device is a disk: it is observed, copied and checked', async () => {
  await using world = await makeWorld()
  const file = await world.image('device', 4 * MIB, [[MIB, randomBytes(MIB)]])
  using loop = loopDevice(file)
  const snapshotsDir = world.snapshots
  await using provider = createLocalProvider({ snapshotsDir, diskDirs: ['/dev'] })
  const disk = diskAt(loop.device)
  expect((await provider.observe([disk])).get('v-1')).toEqual({
    status: 'UNMOUNTED',
    statusReason: null,
    sizeBytes: BigInt(4 * MIB),
    identity: expect.any(String),
  })
  expect(await provider.copy({ ...request, disk })).toMatchObject({
    outcome: 'copied',
    dataBytes: BigInt(MIB),
    consistency: 'CLEAN',
  })
  expect((await world.read()).equals(await readFile(file))).toBe(true)
})

test.skipIf(!canLoop)('a file behind a loop device is IN_USE', async () => {
  await using world = await makeWorld()
  const file = await world.image('device', 4 * MIB)
  using _loop = loopDevice(file)
  expect((await world.provider.observe([diskAt(file)])).get('v-1')).toMatchObject({ status: 'IN_USE' })
})

test.skipIf(!canLoop || !canMount)('a mounted block device is IN_USE until it is unmounted', async () => {
  await using world = await makeWorld()
  const file = await world.image('device', 4 * MIB)
  using loop = loopDevice(file)
  run('mkfs.ext4', '-q', loop.device)
  const directory = join(world.dir, 'mounted')
  await mkdir(directory)
  await using provider = createLocalProvider({ snapshotsDir: world.snapshots, diskDirs: ['/dev'] })
  const statusOf = async () => {
    const seen = (await provider.observe([diskAt(loop.device)])).get('v-1')
    return seen instanceof Error ? seen : seen?.status
  }
  {
    using _mount = mounted(directory, loop.device)
    expect(await statusOf()).toBe('IN_USE')
  }
  expect(await statusOf()).toBe('UNMOUNTED')
})

test.skipIf(!canLoop)('a block device that is written to between its two readings is refused', async () => {
  await using world = await makeWorld()
  const size = 32 * MIB
  const file = await world.image('device', size, [[0, randomBytes(size)]])
  using loop = loopDevice(file)
  await using provider = createLocalProvider({ snapshotsDir: world.snapshots, diskDirs: ['/dev'] })
  const outcome = await provider.copy({
    ...request,
    disk: diskAt(loop.device),
    onProgress: (copied, total) => {
      if (copied < total) return
      const device = openSync(loop.device, 'r+')
      writeSync(device, randomBytes(512), 0, 512, size - 512)
      closeSync(device)
    },
  })
  expect(outcome).toMatchObject({ outcome: 'refused' })
  expect(await world.kept()).toEqual([])
})
