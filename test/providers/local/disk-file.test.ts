import { once } from 'node:events'
import { chmod, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { resolveDiskPath as resolvePath } from '../../../src/providers/local/disk-file.ts'
import { createPlaces } from '../../../src/providers/local/places.ts'
import { diskAt, makeWorld } from './world.ts'

async function resolveDiskPath(path: string, diskDirs: readonly string[]) {
  return resolvePath(path, await createPlaces({ diskDirs, snapshotsDir: '/nowhere' }).look())
}

const isRoot = process.getuid?.() === 0

test('a file in one of the directories is a disk', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 12_345)
  expect(await resolveDiskPath(location, ['/nowhere', world.disks])).toEqual({
    ok: true,
    path: location,
    sizeBytes: 12_345n,
  })
})

test('symbolic links that stay inside are followed, and the real path is registered', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 4096)
  await symlink('a.img', join(world.disks, 'link.img'))
  await symlink(world.disks, join(world.dir, 'linked-directory'))
  const resolved = { ok: true, path: location, sizeBytes: 4096n }
  expect(await resolveDiskPath(join(world.disks, 'link.img'), [world.disks])).toEqual(resolved)
  expect(await resolveDiskPath(join(world.dir, 'linked-directory', 'a.img'), [world.disks])).toEqual(resolved)
  expect(await resolveDiskPath(location, [join(world.dir, 'linked-directory')])).toEqual(resolved)
})

test('a path that leads outside is refused, by traversal, by a link, or by a name that only begins alike', async () => {
  await using world = await makeWorld()
  const secret = join(world.dir, 'secret.img')
  await writeFile(secret, 'secret')
  await mkdir(`${world.disks}-other`)
  await writeFile(join(`${world.disks}-other`, 'a.img'), 'secret')
  await symlink(secret, join(world.disks, 'link.img'))
  await symlink(world.dir, join(world.disks, 'up'))
  const outside = {
    ok: false,
    code: 'OUTSIDE',
    reason: 'The image file is outside the directories that disks may be in.',
  }
  const paths = [
    `${world.disks}/../secret.img`,
    `${world.disks}/link.img`,
    `${world.disks}/up/secret.img`,
    `${world.disks}-other/a.img`,
  ]
  for (const path of paths) expect(await resolveDiskPath(path, [world.disks])).toEqual(outside)
})

test('what is missing, empty, no file, or not absolute is refused with its reason', async () => {
  await using world = await makeWorld()
  const empty = await world.image('empty.img', 0)
  await using server = createServer()
  await once(server.listen(join(world.disks, 'socket')), 'listening')
  const codeOf = async (path: string) => {
    const resolved = await resolveDiskPath(path, [world.disks, '/dev'])
    return resolved.ok ? 'ok' : resolved.code
  }
  expect(await codeOf(join(world.disks, 'missing.img'))).toBe('MISSING')
  expect(await codeOf(join(empty, 'below-a-file.img'))).toBe('MISSING')
  expect(await codeOf(empty)).toBe('EMPTY')
  expect(await codeOf(join(world.disks, 'socket'))).toBe('NOT_A_DISK')
  expect(await codeOf('/dev/null')).toBe('NOT_A_DISK')
  await mkdir(join(world.disks, 'directory'))
  expect(await codeOf(join(world.disks, 'directory'))).toBe('NOT_A_DISK')
  expect(await codeOf(relative(process.cwd(), empty))).toBe('NOT_ABSOLUTE')
})

test.skipIf(isRoot)('an unreadable file is refused (root can read everything)', async () => {
  await using world = await makeWorld()
  const location = await world.image('a.img', 4096)
  await chmod(location, 0)
  expect(await resolveDiskPath(location, [world.disks])).toEqual({
    ok: false,
    code: 'UNREADABLE',
    reason: 'The image file cannot be read.',
  })
})

test('a registered disk that was swapped for a link to the outside is neither copied nor said to be well', async () => {
  await using world = await makeWorld()
  const secret = join(world.dir, 'secret.img')
  await writeFile(secret, 'secret')
  const location = await world.image('a.img', 4096)
  await rm(location)
  await symlink(secret, location)
  expect(await world.copy(location)).toEqual({
    outcome: 'refused',
    reason:
      'The image file is outside the directories that disks may be in. Put it right, then create the snapshot again.',
  })
  expect(await world.provider.observe([diskAt(location)])).toEqual(
    new Map([
      [
        'v-1',
        {
          status: 'ERROR',
          statusReason: 'The image file is outside the directories that disks may be in.',
          sizeBytes: null,
          identity: null,
        },
      ],
    ]),
  )
  expect(await world.kept()).toEqual([])
})

test('a registered disk whose directory was swapped for a link to the outside is not copied', async () => {
  await using world = await makeWorld()
  await mkdir(join(world.disks, 'tenant'))
  const location = await world.image('tenant/a.img', 4096)
  await mkdir(join(world.dir, 'outside'))
  await rename(location, join(world.dir, 'outside', 'a.img'))
  await rm(join(world.disks, 'tenant'), { recursive: true })
  await symlink(join(world.dir, 'outside'), join(world.disks, 'tenant'))
  expect(await world.copy(location)).toMatchObject({ outcome: 'refused' })
  expect(await world.kept()).toEqual([])
})

test('what lies outside the directories of disks is not told: whether it exists, is a directory or can be read', async () => {
  await using world = await makeWorld()
  const outside = join(world.dir, 'outside')
  await mkdir(outside)
  const paths = [
    'outside',
    'outside/missing',
    'missing/deeper',
    'disks/../outside/missing',
    'disks/../missing',
  ]
  const codes = await Promise.all(
    paths.map(async (path) => {
      const found = await resolveDiskPath(`${world.dir}/${path}`, [world.disks])
      return found.ok || found.code
    }),
  )
  expect(codes).toEqual(paths.map(() => 'OUTSIDE'))
  expect(await resolveDiskPath(`${world.disks}/missing/deeper.img`, [world.disks])).toMatchObject({
    code: 'MISSING',
  })
})
