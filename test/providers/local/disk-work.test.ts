import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { createLocalProvider } from '../../../src/providers/local/local.ts'
import type { DiskWork } from '../../../src/providers/provider.ts'
import { diskAt, HOLD_OPEN, makeWorld, MIB, startOther, type World } from './world.ts'

/** A disk whose content has been changed since a snapshot of it was taken. */
async function rollable(world: World) {
  const location = await world.image('a.img', 4 * MIB, [[0, Buffer.alloc(2 * MIB, 'old')]])
  const copy = await world.copy(location)
  if (copy.outcome !== 'copied') throw new Error(copy.reason)
  await using file = await open(location, 'r+')
  await file.write(Buffer.alloc(2 * MIB, 'new'), 0, 2 * MIB, MIB)
  return {
    location,
    now: await readFile(location),
    then: await world.read(),
    to: { snapshotId: 's-1', checksum: copy.checksum },
  }
}

const workOn = (location: string, work?: Partial<DiskWork>): DiskWork => ({
  disk: diskAt(location),
  onProgress: () => undefined,
  signal: new AbortController().signal,
  commit: (act) => act(),
  ...work,
})

const besides = async (location: string) =>
  (await readdir(dirname(location))).filter((name) => name !== 'a.img')

test('a roll back replaces the content as a whole, and repeated it does the same', async () => {
  await using world = await makeWorld()
  const { location, then, to } = await rollable(world)
  for (let i = 0; i < 2; i++) {
    expect(await world.provider.rollBack({ ...workOn(location), to })).toEqual({ outcome: 'done' })
    expect(await readFile(location)).toEqual(then)
    expect(await besides(location)).toEqual([])
  }
  expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
})

test('a roll back whose lease has gone changes nothing, however late that is noticed', async () => {
  await using world = await makeWorld()
  const { location, now, to } = await rollable(world)
  const commit = () => Promise.reject(new Error('The lease was lost.'))
  await expect(world.provider.rollBack({ ...workOn(location, { commit }), to })).rejects.toThrow(
    'lease was lost',
  )
  expect(await readFile(location)).toEqual(now)
  expect(await besides(location)).toEqual([])
})

test('a roll back that is stopped while it writes changes nothing, and leaves nothing', async () => {
  await using world = await makeWorld()
  const { location, now, to } = await rollable(world)
  const abort = new AbortController()
  const onProgress = () => abort.abort(new Error('enough'))
  await expect(
    world.provider.rollBack({ ...workOn(location, { signal: abort.signal, onProgress }), to }),
  ).rejects.toThrow('enough')
  expect(await readFile(location)).toEqual(now)
  expect(await besides(location)).toEqual([])
})

test('of two at work on one disk the second has to wait until the first lets go', async () => {
  await using world = await makeWorld()
  const { location, then, to } = await rollable(world)
  await using other = createLocalProvider({ snapshotsDir: world.snapshots, diskDirs: [world.disks] })
  const [reached, go] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
  const commit: DiskWork['commit'] = async (act) => {
    reached.resolve(undefined)
    await go.promise
    return act()
  }
  const first = world.provider.rollBack({ ...workOn(location, { commit }), to })
  await reached.promise
  await expect(other.rollBack({ ...workOn(location), to })).rejects.toMatchObject({ code: 'EBUSY' })
  await expect(other.resize({ ...workOn(location), sizeBytes: 8n * BigInt(MIB) })).rejects.toMatchObject({
    code: 'EBUSY',
  })
  go.resolve(undefined)
  expect(await first).toEqual({ outcome: 'done' })
  expect(await other.rollBack({ ...workOn(location), to })).toEqual({ outcome: 'done' })
  expect(await readFile(location)).toEqual(then)
})

test('what a dead attempt has left beside the image is not taken for anything', async () => {
  await using world = await makeWorld()
  const { location, then, to } = await rollable(world)
  await writeFile(join(dirname(location), '.a.img.v-1.new'), Buffer.alloc(9 * MIB, 'dead'))
  await writeFile(join(world.snapshots, '.partial', 'v-1.lock'), '')
  expect(await world.provider.rollBack({ ...workOn(location), to })).toEqual({ outcome: 'done' })
  expect(await readFile(location)).toEqual(then)
  expect(await besides(location)).toEqual([])
})

test('a disk that comes into use while it is rolled back keeps its content', async () => {
  await using world = await makeWorld()
  const { location, now, to } = await rollable(world)
  await using _other = await startOther(HOLD_OPEN, location)
  expect(await world.provider.rollBack({ ...workOn(location), to })).toEqual({
    outcome: 'refused',
    reason: 'A program has the disk open. Close it there, then try again.',
  })
  expect(await readFile(location)).toEqual(now)
  expect(await besides(location)).toEqual([])
})

test('an image that is replaced while it is rolled back stays replaced', async () => {
  await using world = await makeWorld()
  const { location, to } = await rollable(world)
  const other = await world.image('b.img', MIB, [[0, Buffer.from('another')]])
  const replaced = await readFile(other)
  let done: Promise<void> | undefined
  const onProgress = () => void (done ??= rename(other, location))
  const outcome = await world.provider.rollBack({ ...workOn(location, { onProgress }), to })
  await done
  expect(outcome).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('was replaced meanwhile'),
  })
  expect(await readFile(location)).toEqual(replaced)
})

test.each([
  ['missing', (image: string) => rm(image), 'The stored copy is missing.'],
  [
    'longer',
    async (image: string) => {
      await using file = await open(image, 'r+')
      await file.truncate(5 * MIB)
    },
    'The stored copy is corrupt: checksum mismatch.',
  ],
])('a copy that is %s is damaged, and the disk keeps its content', async (_how, damage, reason) => {
  await using world = await makeWorld()
  const { location, now, to } = await rollable(world)
  await damage(join(world.snapshots, 's-1', 'image'))
  const { snapshotId, checksum } = to
  expect(await world.provider.verify({ ...workOn(location), snapshotId, checksum })).toEqual({
    outcome: 'damaged',
    reason,
  })
  expect(await world.provider.rollBack({ ...workOn(location), to })).toEqual({ outcome: 'damaged', reason })
  expect(await readFile(location)).toEqual(now)
})

test('a disk is made whole or not at all, and once', async () => {
  await using world = await makeWorld()
  const { to, then } = await rollable(world)
  const location = await world.provider.place('v-1')
  const work = workOn(location)
  const refused = () => Promise.reject(new Error('The lease was lost.'))
  await expect(world.provider.create({ ...work, commit: refused, sizeBytes: 4n, from: to })).rejects.toThrow(
    'lease was lost',
  )
  expect(existsSync(location)).toBe(false)

  const create = () => world.provider.create({ ...work, sizeBytes: 4n, from: to })
  expect(await create()).toEqual({ outcome: 'done' })
  expect(await readFile(location)).toEqual(then)
  await writeFile(location, 'in use since')
  expect(await create()).toEqual({ outcome: 'done' })
  expect(await readFile(location, 'utf8')).toBe('in use since')
})

/** Whether the file system of the tests has a limit below the largest size that can be asked for; some have none. */
const hasLimit = await (async () => {
  await using world = await makeWorld()
  await using file = await open(await world.image('probe', 1), 'r+')
  return await file.truncate(Number.MAX_SAFE_INTEGER).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'EFBIG',
  )
})()

test.skipIf(!hasLimit)(
  'a size that the file system cannot hold is refused, and nothing is left',
  async () => {
    await using world = await makeWorld()
    const sizeBytes = BigInt(Number.MAX_SAFE_INTEGER)
    const reason = 'The file system cannot hold a file of this size. Ask for less.'
    const location = await world.provider.place('v-1')
    const created = await world.provider.create({ ...workOn(location), sizeBytes })
    expect(created).toEqual({ outcome: 'refused', reason })
    expect(await readdir(world.disks)).toEqual([])
    const image = await world.image('a.img', MIB)
    expect(await world.provider.resize({ ...workOn(image), sizeBytes })).toEqual({
      outcome: 'refused',
      reason,
    })
    expect((await stat(image)).size).toBe(MIB)
  },
)

test('releasing removes what was made here, and leaves what was there before', async () => {
  await using world = await makeWorld()
  const [own, other] = [await world.provider.place('v-1'), await world.image('a.img', MIB)]
  await world.provider.create({ ...workOn(own), sizeBytes: 4096n })
  for (let i = 0; i < 2; i++) {
    for (const location of [own, other]) {
      expect(await world.provider.release(workOn(location))).toEqual({ outcome: 'done' })
    }
  }
  expect(await readdir(world.disks)).toEqual(['a.img'])
})

test('removing a copy leaves nothing of it, also of a removal that was cut short, and may be repeated', async () => {
  await using world = await makeWorld()
  await rollable(world)
  await mkdir(join(world.snapshots, '.partial', 's-1.cutoff'))
  await writeFile(join(world.snapshots, '.partial', 's-1.cutoff', 'image'), 'half')
  for (let i = 0; i < 2; i++) {
    await world.provider.delete('s-1')
    expect(await world.kept()).toEqual([])
    expect(await readdir(join(world.snapshots, '.partial'))).toEqual([])
  }
})

test('an id that could name another place is none', async () => {
  await using world = await makeWorld()
  await expect(world.provider.place('../v-1')).rejects.toThrow('Not a disk id')
  await expect(world.provider.delete('../s-1')).rejects.toThrow('Not a snapshot id')
})
