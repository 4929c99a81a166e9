import { constants } from 'node:fs'
import { access, lstat, mkdir, open, realpath, rename, rm, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CopyReference, Damaged, DiskWork, Done, Refused } from '../provider.ts'
import { isInUse } from './copying.ts'
import { openDisk } from './disk-file.ts'
import { withinSpace } from './space.ts'
import { restoreCopy } from './stored-copy.ts'
import { tryLock } from './system-calls.ts'

/**
 * What is done to the images of disks. An image is made or replaced as a whole: the new one is prepared beside it, in
 * the same directory, flushed, and moved into place, so a crash leaves the old content or the new, and something beside
 * it that the next attempt removes. Each piece of work holds the disk's lock, which the kernel gives back when its
 * process dies, and asks once more whether it is still its own before it changes the disk: so a process that was
 * suspended and has been replaced meanwhile cannot undo what came after it.
 */

export interface DiskWorkOptions {
  snapshotsDir: string
  /** The directories that disks may be in; new ones are made in the first. */
  diskDirs: readonly string[]
}

const DONE: Done = { outcome: 'done' }

function refused(reason: string): Refused {
  return { outcome: 'refused', reason }
}

/** Where the image of a disk that is made here is. */
export async function placeOf(diskId: string, { diskDirs: [dir] }: DiskWorkOptions): Promise<string> {
  if (!/^[\w-]+$/.test(diskId)) throw new TypeError(`Not a disk id: ${JSON.stringify(diskId)}`)
  if (dir === undefined) throw new Error('There is no directory for disks.')
  return join(await realpath(dir), `${diskId}.img`)
}

export async function createDisk(
  { disk, sizeBytes, from, ...work }: DiskWork & { sizeBytes: bigint; from?: CopyReference },
  options: DiskWorkOptions,
): Promise<Done | Refused | Damaged> {
  const directory = dirname(disk.location)
  const remedy = 'where disks are kept, then create the disk again'
  return withinSpace({ of: 'the disk', remedy, directory }, work, async (onProgress) => {
    await using _lock = await lockDisk(disk.id, options)
    // Whatever is there was put there whole, by an attempt that could not say so any more.
    if (await exists(disk.location)) return DONE
    await using fresh = await freshImage(disk)
    if (from) {
      const restored = await restoreCopy(from, fresh.path, { ...work, onProgress }, options.snapshotsDir)
      if (restored.outcome !== 'done') return restored
    }
    await using image = await open(
      fresh.path,
      constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW,
      0o600,
    )
    if (!(await lengthened(image, sizeBytes))) return refused(TOO_LARGE)
    await image.sync()
    await work.confirm()
    await putInPlace(fresh.path, disk.location)
    return DONE
  })
}

export async function rollBackDisk(
  { disk, to, ...work }: DiskWork & { to: CopyReference },
  { snapshotsDir, diskDirs }: DiskWorkOptions,
): Promise<Done | Refused | Damaged> {
  const directory = dirname(disk.location)
  const remedy = 'where the disk is, then roll it back again'
  return withinSpace({ of: 'the content of the snapshot', remedy, directory }, work, async (onProgress) => {
    await using _lock = await lockDisk(disk.id, { snapshotsDir })
    const old = await openDisk(disk.location, diskDirs)
    if (!old.ok) return refused(`${old.reason} Put it right, then roll the disk back again.`)
    await using _handle = old.handle
    if (!old.stat.isFile()) return refused(NO_DEVICE)
    if (!(await isWritable(directory))) return refused(NOT_WRITABLE)
    await using fresh = await freshImage(disk)
    const restored = await restoreCopy(to, fresh.path, { ...work, onProgress }, snapshotsDir)
    if (restored.outcome !== 'done') return restored
    await using image = await open(fresh.path, constants.O_RDWR | constants.O_NOFOLLOW)
    // A disk that has been made larger since stays as large.
    await lengthened(image, old.sizeBytes)
    await image.chmod(Number(old.stat.mode) & 0o7777)
    await image.chown(Number(old.stat.uid), Number(old.stat.gid)).catch(() => undefined)
    await image.sync()
    if (await isInUse(disk, old)) return refused(CAME_INTO_USE)
    const there = await lstat(disk.location, { bigint: true })
    if (there.ino !== old.stat.ino || there.dev !== old.stat.dev) return refused(REPLACED)
    await work.confirm()
    work.signal.throwIfAborted()
    await putInPlace(fresh.path, disk.location)
    return DONE
  })
}

export async function resizeDisk(
  { disk, sizeBytes, confirm }: DiskWork & { sizeBytes: bigint },
  { snapshotsDir, diskDirs }: DiskWorkOptions,
): Promise<Done | Refused> {
  await using _lock = await lockDisk(disk.id, { snapshotsDir })
  const found = await openDisk(disk.location, diskDirs)
  if (!found.ok) return refused(`${found.reason} Put it right, then resize the disk again.`)
  await using handle = found.handle
  if (!found.stat.isFile()) return refused(NO_DEVICE)
  // The file that was checked, whatever its path leads to by now.
  const writable = await open(`/proc/self/fd/${handle.fd}`, constants.O_RDWR).catch(() => undefined)
  if (!writable) return refused(NOT_WRITABLE)
  await using image = writable
  await confirm()
  if (!(await lengthened(image, sizeBytes))) return refused(TOO_LARGE)
  await image.sync()
  return DONE
}

export async function attachDisk({ disk }: DiskWork, { diskDirs }: DiskWorkOptions): Promise<Done | Refused> {
  const found = await openDisk(disk.location, diskDirs)
  if (!found.ok) return refused(`${found.reason} Put it right, then attach the disk again.`)
  await using _handle = found.handle
  return (await isInUse(disk, found)) ? refused(CAME_INTO_USE) : DONE
}

export async function releaseDisk({ disk, confirm }: DiskWork, options: DiskWorkOptions): Promise<Done> {
  await using _lock = await lockDisk(disk.id, options)
  await confirm()
  await rm(besideOf(disk), { force: true })
  if (disk.location === (await placeOf(disk.id, options))) {
    await rm(disk.location, { force: true })
    await flush(dirname(disk.location))
  }
  return DONE
}

const NO_DEVICE =
  'The disk is a block device, which cannot be replaced as a whole or resized here. Do it where the device comes from.'
const NOT_WRITABLE =
  'The gateway has no right to write where the image is. Give it that right, then try again.'
const CAME_INTO_USE = 'A program has the disk open. Close it there, then try again.'
const REPLACED = 'The image of the disk was replaced meanwhile. Look at it, then try again.'
const TOO_LARGE = 'The file system cannot hold a file of this size. Ask for less.'

/** Makes a file at least this long, by a hole; false when no file can be that long. */
async function lengthened(image: Awaited<ReturnType<typeof open>>, sizeBytes: bigint): Promise<boolean> {
  const { size } = await image.stat()
  if (BigInt(size) >= sizeBytes) return true
  try {
    await image.truncate(Number(sizeBytes))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EFBIG') return false
    throw error
  }
}

interface Placed {
  id: string
  location: string
}

function besideOf({ id, location }: Placed): string {
  return join(dirname(location), `.${basename(location)}.${id}.new`)
}

/** A path for a new image, free of what a dead attempt has left; what is still there in the end is removed. */
async function freshImage(disk: Placed): Promise<AsyncDisposable & { path: string }> {
  const path = besideOf(disk)
  await rm(path, { force: true })
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

async function putInPlace(fresh: string, location: string): Promise<void> {
  await rename(fresh, location)
  await flush(dirname(location))
}

async function flush(directory: string): Promise<void> {
  await using handle = await open(directory, constants.O_RDONLY)
  await handle.sync()
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  )
}

/** Holds the only lock of a disk. Another process that holds it is a fault that passes when it lets go or dies. */
async function lockDisk(
  diskId: string,
  { snapshotsDir }: Pick<DiskWorkOptions, 'snapshotsDir'>,
): Promise<AsyncDisposable> {
  const directory = join(snapshotsDir, '.partial')
  const path = join(directory, `${diskId}.lock`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  for (;;) {
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
    if (!tryLock(handle.fd)) {
      await handle.close()
      throw Object.assign(new Error('Another process is at work on this disk.'), { code: 'EBUSY' })
    }
    const [here, there] = [await handle.stat(), await stat(path).catch(() => undefined)]
    // Who held it before has removed it between the opening and the lock.
    if (there?.ino !== here.ino) {
      await handle.close()
      continue
    }
    return {
      async [Symbol.asyncDispose]() {
        await unlink(path).catch(() => undefined)
        await handle.close()
      },
    }
  }
}
