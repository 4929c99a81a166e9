import { constants } from 'node:fs'
import { lstat, open, realpath, rename, unlink, type FileHandle } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { REASONS } from '../../domain/reasons.ts'
import { DISK_SIZE_BYTES_MAX } from '../../domain/disk.ts'
import type { CopyReference, Damaged, DiskReference, DiskWork, Done, Refused } from '../provider.ts'
import {
  attributesOf,
  carryOver,
  carryOverBlocks,
  carryOverToEmpty,
  replacementRefusal,
} from './carry-over.ts'
import { isInUse } from './copying.ts'
import { openDirectoryOf, openDisk } from './disk-file.ts'
import { absent, codeOf, PassingFault } from './faults.ts'
import {
  createFile,
  ensureDirectory,
  makePrivateDirectory,
  removeDeadPrivateDirectories,
  type OpenDirectory,
} from './open-directory.ts'
import type { Places } from './places.ts'
import { withinSpace } from './space.ts'
import { restoreCopy } from './stored-copy.ts'
import { tryLock } from './system-calls.ts'

/**
 * What is done to the images of disks. An image is made or replaced as a whole: the new one is prepared in a directory of
 * the gateway's own beside it, flushed, and moved into place, so a crash leaves the old content or the new, and a directory
 * beside it that the next attempt removes. Others may be able to write where images are, so nothing there is looked up
 * twice: directories stay open, and names are used within them. Each piece of work holds the disk's lock, which the kernel
 * gives back when its process dies, and commits the job before it changes the disk: so a process that was suspended and has
 * been replaced meanwhile cannot undo what came after it.
 */

export interface DiskWorkOptions {
  snapshotsDir: string
  places: Places
  /** How much of each file system stays free of new disks, in bytes. */
  minFreeBytes: number
}

const DONE: Done = { outcome: 'done' }

function refused(reason: string): Refused {
  return { outcome: 'refused', reason }
}

/** The location of the image of a disk that is made here. */
export async function placeOf(diskId: string, places: Places): Promise<string> {
  if (!/^[\w-]+$/.test(diskId)) throw new TypeError(`Not a disk id: ${JSON.stringify(diskId)}`)
  const [dir] = places.options.diskDirs
  if (dir === undefined) throw new Error('There is no directory for disks.')
  return places.locationOf(join(await realpath(dir), `${diskId}.img`))
}

export async function createDisk(
  { disk, sizeBytes, from, ...work }: DiskWork & { sizeBytes: bigint; from?: CopyReference },
  { snapshotsDir, places, minFreeBytes }: DiskWorkOptions,
): Promise<Done | Refused | Damaged> {
  const path = places.pathOf(disk.location)
  const name = basename(path)
  const opened = await openDirectoryOf(path, await places.look(), disk.accountId)
  if (!opened) return refused(NO_DIRECTORY)
  await using directory = opened
  return await withinSpace(
    { need: 'DISK', directory: directory.at('.'), minFreeBytes },
    work,
    async (within) => {
      await using _lock = await lockDisk(disk.id, snapshotsDir)
      const there = await lstat(directory.at(name)).catch(ignoring('ENOENT'))
      // A file was put there whole, by an attempt that could not report it any more.
      if (there) return there.isFile() ? DONE : refused(IN_THE_WAY)
      await removeDead(directory, disk.id, name)
      const made = await makePrivateDirectory(directory, disk.id)
      if (!made) return refused(NOT_PRIVATE)
      await using own = made
      await using image = await createFile(own.at(IMAGE))
      if (from) {
        const restored = await restoreCopy(from, image, { ...work, ...within }, snapshotsDir)
        if (restored.outcome !== 'done') return restored
      }
      if (!(await lengthened(image, sizeBytes))) return refused(TOO_LARGE)
      await image.sync()
      await putInPlace(own, directory, name, work)
      return DONE
    },
  )
}

export async function rollBackDisk(
  { disk, to, ...work }: DiskWork & { to: CopyReference },
  { snapshotsDir, places, minFreeBytes }: DiskWorkOptions,
): Promise<Done | Refused | Damaged> {
  const now = await places.look()
  const old = await openDisk(places.pathOf(disk.location), now, disk.accountId)
  if (!old.ok) return refused(`${old.reason} ${REASONS.REPAIR_AND_ROLL_BACK}`)
  await using _handle = old.handle
  if (!old.stat.isFile()) return refused(NO_DEVICE)
  if (await now.isMountPoint(old.path)) return refused(MOUNT_POINT)
  const opened = await openDirectoryOf(old.path, now, disk.accountId)
  if (!opened) return refused(REPLACED)
  await using directory = opened
  const name = basename(old.path)
  const place = { need: 'ROLLBACK' as const, directory: directory.at('.'), minFreeBytes }
  return await withinSpace(place, work, async (within) => {
    await using _lock = await lockDisk(disk.id, snapshotsDir)
    const cannotReplace = replacementRefusal(old.stat, await attributesOf(old.handle))
    if (cannotReplace !== undefined) return refused(cannotReplace)
    await removeDead(directory, disk.id, name)
    const made = await makePrivateDirectory(directory, disk.id).catch(notWritable)
    if (made === 'not writable') return refused(NOT_WRITABLE)
    if (!made) return refused(NOT_PRIVATE)
    await using own = made
    await using image = await createFile(own.at(IMAGE))
    // At first, so that hours of copying do not end in a refusal; and in the end, as writing may take some of it away.
    const before = await attributesOf(old.handle)
    const notCarried = carryOverToEmpty(image.fd, before) ?? (await carryOver(image, before))
    if (notCarried !== undefined) return refused(notCarried)
    const restored = await restoreCopy(to, image, { ...work, ...within }, snapshotsDir)
    if (restored.outcome !== 'done') return restored
    // A disk that has been made larger since stays as large.
    await lengthened(image, old.sizeBytes)
    await carryOverBlocks(image, before, old.sizeBytes)
    const after = await attributesOf(old.handle)
    const notKept = await carryOver(image, after)
    if (notKept !== undefined) return refused(notKept)
    await image.sync()
    if (await isInUse(disk, old)) return refused(CAME_INTO_USE)
    const there = await lstat(directory.at(name), { bigint: true }).catch(ignoring('ENOENT'))
    if (there?.ino !== old.stat.ino || there.dev !== old.stat.dev) return refused(REPLACED)
    const cannotReplaceNow = replacementRefusal(there, after)
    if (cannotReplaceNow !== undefined) return refused(cannotReplaceNow)
    await putInPlace(own, directory, name, work)
    return DONE
  })
}

export async function resizeDisk(
  { disk, sizeBytes, commit }: DiskWork & { sizeBytes: bigint },
  { snapshotsDir, places }: DiskWorkOptions,
): Promise<Done | Refused> {
  await using _lock = await lockDisk(disk.id, snapshotsDir)
  const found = await openDisk(places.pathOf(disk.location), await places.look(), disk.accountId)
  if (!found.ok) return refused(`${found.reason} ${REASONS.REPAIR_AND_RESIZE}`)
  await using handle = found.handle
  if (!found.stat.isFile()) return refused(NO_DEVICE)
  // The file that was checked, whatever its path leads to by now.
  const writable = await open(`/proc/self/fd/${handle.fd}`, constants.O_RDWR).catch(absent)
  if (!writable) return refused(NOT_WRITABLE)
  await using image = writable
  if (!(await commit(() => lengthened(image, sizeBytes)))) return refused(TOO_LARGE)
  await image.sync()
  return DONE
}

export async function attachDisk({ disk }: DiskWork, { places }: DiskWorkOptions): Promise<Done | Refused> {
  const found = await openDisk(places.pathOf(disk.location), await places.look(), disk.accountId)
  if (!found.ok) return refused(`${found.reason} ${REASONS.REPAIR_AND_ATTACH}`)
  await using _handle = found.handle
  return (await isInUse(disk, found)) ? refused(CAME_INTO_USE) : DONE
}

export async function releaseDisk(
  { disk, commit }: DiskWork,
  { snapshotsDir, places }: DiskWorkOptions,
): Promise<Done | Refused> {
  await using _lock = await lockDisk(disk.id, snapshotsDir)
  const path = places.pathOf(disk.location)
  const opened = await openDirectoryOf(path, await places.look(), disk.accountId)
  // The disk was never made, or its directory is gone: there is nothing of it to remove.
  if (!opened) return DONE
  await using directory = opened
  await removeDead(directory, disk.id, basename(path))
  if (disk.location === (await placeOf(disk.id, places))) {
    await commit(() => unlink(directory.at(basename(path))).catch(ignoring('ENOENT')))
    await directory.handle.sync()
  }
  return DONE
}

/** Removes what dead attempts have left beside the image of a disk. */
export async function cleanDisk(disk: DiskReference, { places }: DiskWorkOptions): Promise<void> {
  const path = places.pathOf(disk.location)
  const opened = await openDirectoryOf(path, await places.look(), disk.accountId)
  if (!opened) return
  await using directory = opened
  await removeDead(directory, disk.id, basename(path))
}

const NO_DEVICE = REASONS.DISK_IS_DEVICE
const NOT_WRITABLE = REASONS.IMAGE_NOT_WRITABLE
const CAME_INTO_USE = REASONS.DISK_OPEN
const REPLACED = REASONS.IMAGE_REPLACED
const TOO_LARGE = REASONS.FILE_TOO_LARGE

const MOUNT_POINT = REASONS.IMAGE_IS_MOUNT_POINT
const NOT_PRIVATE = REASONS.IMAGE_IN_SHARED_PLACE
const NO_DIRECTORY = REASONS.DISK_DIRECTORY_MISSING
const IN_THE_WAY = REASONS.DISK_PLACE_TAKEN

/** The name of an image while it is prepared: short, whatever the name of the disk's image is. */
const IMAGE = 'image'

/** Makes a file at least this long, by a hole; false when no file can be that long. */
async function lengthened(image: FileHandle, sizeBytes: bigint): Promise<boolean> {
  const { size } = await image.stat({ bigint: true })
  if (size >= sizeBytes) return true
  if (sizeBytes > DISK_SIZE_BYTES_MAX) return false
  try {
    await image.truncate(Number(sizeBytes))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EFBIG') return false
    throw error
  }
}

/** Removes what dead attempts have left; the file is how an earlier version left it. */
async function removeDead(directory: OpenDirectory, diskId: string, name: string): Promise<void> {
  await removeDeadPrivateDirectories(directory, diskId)
  await unlink(directory.at(`.${name}.${diskId}.new`)).catch(() => undefined)
}

async function putInPlace(
  from: OpenDirectory,
  to: OpenDirectory,
  name: string,
  { commit, signal }: Pick<DiskWork, 'commit' | 'signal'>,
): Promise<void> {
  await commit(async () => {
    signal.throwIfAborted()
    await rename(from.at(IMAGE), to.at(name))
  })
  await to.handle.sync()
}

function ignoring(code: string): (error: unknown) => undefined {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code !== code) throw error
  }
}

function notWritable(error: unknown): 'not writable' {
  if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '')) return 'not writable'
  throw error
}

/** Holds the only lock of a disk. Another process that holds it is a fault that passes when it lets go or dies. */
async function lockDisk(diskId: string, snapshotsDir: string): Promise<AsyncDisposable> {
  const directory = join(snapshotsDir, '.partial')
  const path = join(directory, `${diskId}.lock`)
  await ensureDirectory(directory, 0o700)
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  for (;;) {
    const handle = await open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
    if (!tryLock(handle.fd)) {
      await handle.close()
      throw new PassingFault('EBUSY', 'Another process is at work on this disk.')
    }
    // Who held it before has removed it between the opening and the lock.
    if (!(await isAt(path, handle))) {
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

/** Whether a path leads to the file that is open; closes it when that cannot be told. */
async function isAt(path: string, handle: FileHandle): Promise<boolean> {
  try {
    const [here, there] = [await handle.stat(), await lstat(path).catch(ignoring('ENOENT'))]
    return there?.ino === here.ino && there.dev === here.dev
  } catch (error) {
    await handle.close()
    throw error
  }
}
