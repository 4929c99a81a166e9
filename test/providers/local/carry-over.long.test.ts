import { execFileSync } from 'node:child_process'
import { chmod, link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { createLocalProvider } from '../../../src/providers/local/local.ts'
import { canMake, canMount, madeFileSystem, mounted, run, works } from '../../support/file-systems.ts'
import { diskAt, makeWorld, MIB, type World } from './world.ts'

/** What an image has besides its bytes is there after a roll back, or the roll back is refused with the reason. */

const isRoot = process.getuid?.() === 0
const hasTools = works('command -v setfacl getfacl setfattr getfattr chattr lsattr')

const request = {
  onProgress: () => undefined,
  signal: new AbortController().signal,
  commit: <T>(act: () => Promise<T>) => act(),
}

const OLD = Buffer.alloc(MIB, 'old')

/** A disk with a snapshot, in a directory of its own on the file system that is mounted at `base`. */
async function rollable(base: string, name = 'a.img') {
  const [disks, snapshotsDir] = [join(base, 'images'), join(base, 'snapshots')]
  await mkdir(disks)
  const location = join(disks, name)
  await writeFile(location, OLD)
  const provider = createLocalProvider({ snapshotsDir, diskDirs: [disks] })
  const copy = await provider.copy({ ...request, snapshotId: 's-1', disk: diskAt(location) })
  if (copy.outcome !== 'copied') throw new Error(copy.reason)
  const to = { snapshotId: 's-1', checksum: copy.checksum }
  return {
    disks,
    snapshotsDir,
    location,
    to,
    rollBack: () => provider.rollBack({ ...request, disk: diskAt(location), to }),
  }
}

/** All that the tools show of a file but its bytes and times. */
function attributes(path: string): string[] {
  return [
    run('stat', '--format', '%a %u %g %s', path),
    run('getfacl', '--numeric', '--omit-header', '--absolute-names', path),
    run('getfattr', '--dump', '--match=-', '--encoding=hex', '--absolute-names', path),
    run('lsattr', path),
  ]
}

async function onVolume(
  world: World,
  type: string,
  work: (base: string) => Promise<void>,
  ...options: string[]
) {
  const base = join(world.dir, 'mounted')
  using _volume = await madeFileSystem(type, base, 512, ...options)
  await work(base)
}

for (const type of ['ext4', 'xfs', 'btrfs']) {
  test.skipIf(!isRoot || !hasTools || !canMake(type))(
    `a roll back keeps owner, mode, access control list, attributes and flags on ${type}`,
    async () => {
      await using world = await makeWorld()
      await onVolume(world, type, async (base) => {
        const { disks, location, rollBack } = await rollable(base)
        // What every new file there would get.
        run('setfacl', '--default', '--modify', 'user:1234:rwx', disks)
        run('chown', '1001:1002', location)
        run('chmod', '2640', location)
        run('setfacl', '--modify', 'user:1003:rw,group:1004:r,mask::r', location)
        run('setfattr', '--name=user.note', '--value=kept', location)
        run('setfattr', '--name=trusted.note', '--value=kept', location)
        run('chattr', '+Ad', location)
        const before = attributes(location)
        expect(await rollBack()).toEqual({ outcome: 'done' })
        expect(attributes(location)).toEqual(before)
        expect((await readFile(location)).equals(OLD)).toBe(true)

        // And one without a list has none afterwards: the bits of the group are its rights, not a mask.
        run('setfacl', '--remove-all', location)
        run('chmod', '0604', location)
        const plain = attributes(location)
        expect(await rollBack()).toEqual({ outcome: 'done' })
        expect(attributes(location)).toEqual(plain)
      })
    },
  )
}

test.skipIf(!isRoot || !hasTools || !canMake('btrfs'))(
  'a roll back keeps that an image is not copied on write',
  async () => {
    await using world = await makeWorld()
    await onVolume(world, 'btrfs', async (base) => {
      const { location, rollBack } = await rollable(base)
      await rm(location)
      run('touch', location)
      run('chattr', '+C', location)
      await writeFile(location, Buffer.alloc(MIB, 'new'), { flag: 'r+' })
      const before = attributes(location)
      expect(before.at(-1)).toContain('C')
      expect(await rollBack()).toEqual({ outcome: 'done' })
      expect(attributes(location)).toEqual(before)
      expect((await readFile(location)).equals(OLD)).toBe(true)
    })
  },
)

test.skipIf(!isRoot || !canMake('xfs') || !works('command -v xfs_io'))(
  'a roll back keeps project and extent size, and all blocks of an image that had them',
  async () => {
    await using world = await makeWorld()
    await onVolume(world, 'xfs', async (base) => {
      const { location, rollBack } = await rollable(base)
      await rm(location)
      run('xfs_io', '-f', '-c', 'extsize 1m', '-c', 'chproj 42', '-c', 'falloc 0 4m', location)
      const shown = () => run('xfs_io', '-r', '-c', 'extsize', '-c', 'lsproj', location)
      const before = shown()
      expect(before).toMatch(/1048576[^]*42/)
      expect(await rollBack()).toEqual({ outcome: 'done' })
      expect(shown()).toEqual(before)
      const { size, blocks } = await stat(location)
      expect([size, blocks * 512 >= 4 * MIB]).toEqual([4 * MIB, true])
    })
  },
)

test.skipIf(!isRoot || !hasTools || !canMake('ext4'))(
  'an image that cannot be replaced without loss is left as it is, and the reason is said',
  async () => {
    await using world = await makeWorld()
    await onVolume(world, 'ext4', async (base) => {
      const { disks, location, rollBack } = await rollable(base)
      await writeFile(location, Buffer.alloc(MIB, 'new'))
      const ways: [prepare: () => unknown, reason: string, undo: () => unknown][] = [
        [() => link(location, `${location}.2`), 'hard links', () => rm(`${location}.2`)],
        [() => run('chattr', '+i', location), 'immutable', () => run('chattr', '-i', location)],
        [() => run('chattr', '+a', location), 'append-only', () => run('chattr', '-a', location)],
      ]
      for (const [prepare, reason, undo] of ways) {
        await prepare()
        expect(await rollBack()).toEqual({ outcome: 'refused', reason: expect.stringContaining(reason) })
        await undo()
        expect(await readdir(disks)).toEqual(['a.img'])
        expect((await readFile(location)).equals(Buffer.alloc(MIB, 'new'))).toBe(true)
      }
      using _mount = mounted(location, '--bind', location)
      expect(await rollBack()).toEqual({ outcome: 'refused', reason: expect.stringContaining('mount point') })
    })
  },
)

test.skipIf(!isRoot)(
  'the image of another owner is refused to a gateway that cannot give it away',
  async () => {
    await using world = await makeWorld()
    await chmod(world.dir, 0o755)
    const base = join(world.dir, 'base')
    await mkdir(base)
    const { disks, snapshotsDir, location, to } = await rollable(base)
    await chmod(disks, 0o777)
    run('chown', '-R', '65534:65534', snapshotsDir)
    await chmod(location, 0o644)
    const module = new URL('../../../src/providers/local/local.ts', import.meta.url).href
    const script = `import(${JSON.stringify(module)}).then(async ({ createLocalProvider }) => {
    const provider = createLocalProvider(${JSON.stringify({ snapshotsDir, diskDirs: [disks] })})
    console.log(JSON.stringify(await provider.rollBack({
      disk: ${JSON.stringify(diskAt(location))}, to: ${JSON.stringify(to)}, onProgress() {},
      signal: new AbortController().signal, commit: (act) => act(),
    })))
  })`
    const said = execFileSync(process.execPath, ['--eval', script], {
      uid: 65_534,
      gid: 65_534,
      encoding: 'utf8',
    })
    expect(JSON.parse(said)).toEqual({
      outcome: 'refused',
      reason: expect.stringContaining('an owner or group of its own'),
    })
    expect(await readdir(disks)).toEqual(['a.img'])
  },
)

test('an image with the longest of names is rolled back', async () => {
  await using world = await makeWorld()
  const { location, rollBack } = await rollable(world.dir, `${'n'.repeat(251)}.img`)
  await writeFile(location, 'new')
  expect(await rollBack()).toEqual({ outcome: 'done' })
  expect((await readFile(location)).equals(OLD)).toBe(true)
})

test.skipIf(!canMount || !canMake('ext2'))(
  'a copy that is larger than a file can be where snapshots are kept is refused with the reason, and nothing is kept',
  async () => {
    await using world = await makeWorld()
    using _volume = await madeFileSystem('ext2', world.snapshots, 64, '-b', '1024')
    const location = await world.image('a.img', 2 ** 40)
    expect(await world.copy(location)).toEqual({
      outcome: 'refused',
      reason:
        'The file would be larger than the file system or the limit of the gateway (ulimit -f) allows. Raise the limit, or use another file system. Then try again.',
    })
    expect((await world.kept()).filter((name) => name !== 'lost+found')).toEqual([])
  },
)
