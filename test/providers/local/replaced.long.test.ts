import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { diskAt, makeWorld, MIB, type World } from './world.ts'

/** What a file was is replaced by something else: a copy that is stored, its manifest, the image of a disk. */

const request = {
  onProgress: () => undefined,
  signal: new AbortController().signal,
  commit: <T>(act: () => Promise<T>) => act(),
}

/** What can stand where a file was. */
const KINDS: Record<string, (path: string) => Promise<void>> = {
  'a symbolic link': async (path) => {
    await rename(path, `${path}.real`)
    await symlink(`${path}.real`, path)
  },
  'a symbolic link to nothing': async (path) => {
    await rm(path)
    await symlink(`${path}.nothing`, path)
  },
  'a directory': async (path) => {
    await rm(path)
    await mkdir(path)
  },
  'a FIFO': async (path) => {
    await rm(path)
    execFileSync('mkfifo', [path])
  },
  'a socket': async (path) => {
    await rm(path)
    const server = createServer()
    await once(server.listen(path), 'listening')
    server.unref()
  },
}

async function copied(world: World) {
  const location = await world.image('a.img', MIB, [[0, Buffer.alloc(MIB, 'old')]])
  const copy = await world.copy(location)
  if (copy.outcome !== 'copied') throw new Error(copy.reason)
  await writeFile(location, Buffer.alloc(MIB, 'new'))
  return {
    location,
    image: join(world.snapshots, 's-1', 'image'),
    manifest: join(world.snapshots, 's-1', 'manifest.json'),
    to: { snapshotId: 's-1', checksum: copy.checksum },
  }
}

/** Damages a copy in several ways, one after the other; each time it is found, nothing is changed, and it can be removed. */
async function damagedBy(
  part: 'image' | 'directory',
  ways: Record<string, (path: string) => Promise<unknown>>,
  reasonOf: (way: string) => string,
): Promise<void> {
  await using world = await makeWorld()
  const { location, image, to } = await copied(world)
  const [directory, kept] = [dirname(image), join(world.dir, 'kept')]
  await cp(directory, kept, { recursive: true })
  for (const [way, damage] of Object.entries(ways)) {
    await rm(directory, { recursive: true, force: true })
    await cp(kept, directory, { recursive: true })
    await chmod(image, 0o600)
    await damage(part === 'image' ? image : directory)
    const outcome = { outcome: 'damaged', reason: reasonOf(way) }
    const disk = diskAt(await world.provider.place('v-2'), { id: 'v-2' })
    expect([
      way,
      await world.provider.verify({ ...request, ...to }),
      await world.provider.rollBack({ ...request, disk: diskAt(location), to }),
      await world.provider.create({ ...request, disk, sizeBytes: 1n, from: to }),
    ]).toEqual([way, outcome, outcome, outcome])
    await world.provider.delete('s-1')
    expect((await world.kept()).filter((name) => !name.startsWith('s-1.real'))).toEqual([])
  }
  expect((await readFile(location)).equals(Buffer.alloc(MIB, 'new'))).toBe(true)
  expect(await readdir(world.disks)).toEqual(['a.img'])
}

test('a stored copy that is something else than a file is damaged, at once, and can be removed', () =>
  damagedBy('image', KINDS, () => 'The stored copy is not a regular file.'))

test('a snapshot whose directory is something else or missing is damaged, and can be removed', () =>
  damagedBy(
    'directory',
    {
      'a link': async (path) => {
        await rename(path, `${path}.real`)
        await symlink(`${path}.real`, path)
      },
      'a file': async (path) => {
        await rm(path, { recursive: true })
        await writeFile(path, '')
      },
      missing: (path) => rm(path, { recursive: true }),
    },
    (way) => (way === 'missing' ? 'The stored copy is missing.' : 'The stored copy is not a regular file.'),
  ))

test('a stored copy of another length is damaged, however long it is', () =>
  damagedBy(
    'image',
    { shorter: (path) => truncate(path, 4096), longer: (path) => truncate(path, 2 ** 43) },
    () => 'The stored copy is corrupt: checksum mismatch.',
  ))

test('a copy whose manifest is none of ours is made anew when it is asked for again', async () => {
  await using world = await makeWorld()
  const { location, manifest } = await copied(world)
  const ways = {
    'a FIFO': KINDS['a FIFO'],
    'a symbolic link': KINDS['a symbolic link'],
    'of another form': (path: string) => writeFile(path, '{"format":2}'),
    'very long': (path: string) => writeFile(path, `"${' '.repeat(100_000)}"`),
  }
  for (const [way, damage] of Object.entries(ways)) {
    await writeFile(location, Buffer.alloc(4096, way))
    await chmod(manifest, 0o600)
    await damage?.(manifest)
    expect([way, await world.copy(location)]).toMatchObject([way, { outcome: 'copied', sizeBytes: 4096n }])
    expect((await world.read()).equals(Buffer.alloc(4096, way))).toBe(true)
    expect(await world.kept()).toEqual(['s-1', 's-1/image', 's-1/manifest.json'])
  }
})

test('a disk whose image is something else than a file by now is in ERROR, and nothing is done with it', async () => {
  await using world = await makeWorld()
  const { location, to } = await copied(world)
  const ways: typeof KINDS = {
    ...KINDS,
    'a character device': async (path) => {
      await rm(path)
      execFileSync('mknod', [path, 'c', '1', '5'])
    },
  }
  if (process.getuid?.() !== 0) delete ways['a character device']
  for (const [way, replace] of Object.entries(ways)) {
    await rm(location, { recursive: true })
    await writeFile(location, 'a disk')
    await replace(location)
    const reason = way.startsWith('a symbolic link')
      ? 'The image file is outside the directories that disks may be in.'
      : 'The image is neither a regular file nor a block device.'
    const work = { ...request, disk: diskAt(location) }
    const refused = { outcome: 'refused', reason: expect.stringContaining(reason) }
    expect([
      way,
      (await world.provider.observe([work.disk])).get('v-1'),
      await world.copy(location, { snapshotId: 's-2' }),
      await world.provider.rollBack({ ...work, to }),
      await world.provider.resize({ ...work, sizeBytes: 2n ** 30n }),
      await world.provider.attach(work),
    ]).toEqual([
      way,
      expect.objectContaining({ status: 'ERROR', statusReason: reason, sizeBytes: null }),
      ...Array.from({ length: 4 }, () => refused),
    ])
  }
})
