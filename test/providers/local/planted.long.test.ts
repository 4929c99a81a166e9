import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { createLocalProvider } from '../../../src/providers/local/local.ts'
import { canMake, madeFileSystem } from '../../support/file-systems.ts'
import { diskAt, makeWorld, MIB, startOther, type World } from './world.ts'

/** Another local user who may write where disks are, and wants the gateway to write somewhere else. */

const isRoot = process.getuid?.() === 0
const NOBODY = 65_534

/** Plants links at every name that a gateway may be about to write to, as fast as it can, until it is ended. */
const PLANT = `
  const fs = require('node:fs')
  const directory = process.argv[1]
  const victim = directory + '/../victim'
  const quietly = (work) => { try { work() } catch {} }
  const plant = () => {
    for (let i = 0; i < 50; i++) quietly(() => fs.symlinkSync(victim, directory + '/.a.img.v-1.new'))
    for (const name of fs.readdirSync(directory)) {
      if (!name.startsWith('.')) continue
      const path = directory + '/' + name
      quietly(() => fs.symlinkSync(victim, path + '/image'))
      if (Math.random() < 0.1) {
        quietly(() => fs.renameSync(path, path + '.away'))
        quietly(() => fs.symlinkSync(directory + '/..', path))
      }
    }
    setImmediate(plant)
  }
  plant()
  console.log('ready')
`

const request = {
  onProgress: () => undefined,
  signal: new AbortController().signal,
  commit: <T>(act: () => Promise<T>) => act(),
}

/** A directory for disks that everybody may write in, beside a file that only the gateway may. */
async function shared(base: string) {
  const directory = join(base, 'shared')
  await mkdir(directory)
  await chmod(directory, 0o777)
  await writeFile(join(base, 'victim'), 'precious', { mode: 0o600 })
  const location = join(directory, 'a.img')
  await writeFile(location, Buffer.alloc(MIB, 'old'))
  const snapshotsDir = join(base, 'snapshots')
  const provider = createLocalProvider({ snapshotsDir, diskDirs: [directory] })
  const copy = await provider.copy({ ...request, snapshotId: 's-1', disk: diskAt(location) })
  if (copy.outcome !== 'copied') throw new Error(copy.reason)
  return { directory, location, provider, to: { snapshotId: 's-1', checksum: copy.checksum } }
}

async function attack(world: World, base: string): Promise<void> {
  await chmod(world.dir, 0o755)
  const { directory, location, provider, to } = await shared(base)
  await using _provider = provider
  const attacker = await startOther(PLANT, directory, { uid: NOBODY })
  let done = 0
  for (let round = 0; round < 3; round++) {
    await writeFile(location, Buffer.alloc(MIB, 'new'))
    const outcome = await provider.rollBack({ ...request, disk: diskAt(location), to }).catch(() => undefined)
    if (outcome?.outcome !== 'done') continue
    done++
    expect((await readFile(location)).equals(Buffer.alloc(MIB, 'old'))).toBe(true)
  }
  await attacker.end()
  expect(await readFile(join(base, 'victim'), 'utf8')).toBe('precious')
  expect(done).toBeGreaterThan(0)
}

test.skipIf(!isRoot)(
  'links that others plant while a disk is rolled back are not written through',
  async () => {
    await using world = await makeWorld()
    await attack(world, world.dir)
  },
)

test.skipIf(!isRoot || !canMake('xfs'))('nor are they where the file system clones', async () => {
  await using world = await makeWorld()
  const base = join(world.dir, 'mounted')
  using _volume = await madeFileSystem('xfs', base)
  await attack(world, base)
})

test('what others have put where an attempt would be is left alone, and does not stop a roll back', async () => {
  await using world = await makeWorld()
  const { directory, location, provider, to } = await shared(world.dir)
  await using _provider = provider
  const victims = join(world.dir, 'victims')
  await mkdir(victims)
  await writeFile(join(victims, 'image'), 'precious')
  await symlink(victims, join(directory, '.snapgate.v-1.000000000000'))
  await mkdir(join(directory, '.snapgate.v-1.111111111111'))
  await chmod(join(directory, '.snapgate.v-1.111111111111'), 0o777)
  await writeFile(join(directory, '.snapgate.v-1.111111111111', 'image'), 'of somebody')
  expect(await provider.rollBack({ ...request, disk: diskAt(location), to })).toEqual({ outcome: 'done' })
  expect(await readFile(join(victims, 'image'), 'utf8')).toBe('precious')
  expect((await readdir(directory)).toSorted()).toEqual([
    '.snapgate.v-1.000000000000',
    '.snapgate.v-1.111111111111',
    'a.img',
  ])
})

test('what is being prepared cannot be registered as a disk', async () => {
  await using world = await makeWorld()
  await mkdir(join(world.disks, '.snapgate.v-1.222222222222'))
  const path = await world.image('.snapgate.v-1.222222222222/image', MIB)
  expect(await world.provider.locate(path, 'acc-1')).toMatchObject({ ok: false, code: 'OUTSIDE' })
})

test('a directory that is replaced by a link while a disk in it is rolled back gets the new image nowhere else', async () => {
  await using world = await makeWorld()
  const tenant = join(world.disks, 'tenant')
  await mkdir(tenant)
  await mkdir(join(world.dir, 'outside'))
  await writeFile(join(world.dir, 'outside', 'a.img'), 'precious')
  const location = await world.image('tenant/a.img', MIB, [[0, Buffer.alloc(MIB, 'old')]])
  const copy = await world.copy(location)
  if (copy.outcome !== 'copied') throw new Error(copy.reason)
  await writeFile(location, Buffer.alloc(MIB, 'new'))
  let swapped: Promise<void> | undefined
  const swap = async () => {
    await rename(tenant, `${tenant}.away`)
    await symlink(join(world.dir, 'outside'), tenant)
  }
  const outcome = await world.provider.rollBack({
    ...request,
    disk: diskAt(location),
    to: { snapshotId: 's-1', checksum: copy.checksum },
    commit: async (act) => {
      await (swapped ??= swap())
      return act()
    },
  })
  // The directory that was checked still is where disks may be, under another name.
  expect(outcome).toEqual({ outcome: 'done' })
  expect((await readFile(join(`${tenant}.away`, 'a.img'))).equals(Buffer.alloc(MIB, 'old'))).toBe(true)
  expect(await readFile(join(world.dir, 'outside', 'a.img'), 'utf8')).toBe('precious')
})

test('a disk is not made through a link where its image belongs', async () => {
  await using world = await makeWorld()
  const location = await world.provider.place('v-1')
  await writeFile(join(world.dir, 'victim'), 'precious')
  await symlink(join(world.dir, 'victim'), location)
  expect(await world.provider.create({ ...request, disk: diskAt(location), sizeBytes: BigInt(MIB) })).toEqual(
    {
      outcome: 'refused',
      reason: 'Something else is where the image of the disk belongs. Remove it, then create the disk again.',
    },
  )
  expect(await readFile(join(world.dir, 'victim'), 'utf8')).toBe('precious')
  await rm(location)
  expect(await world.provider.create({ ...request, disk: diskAt(location), sizeBytes: BigInt(MIB) })).toEqual(
    { outcome: 'done' },
  )
})
