import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { lstat, open, readFile, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, sep } from 'node:path'
import type { DiskPathProblem } from '../../domain/refusals.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/** Why a path is no disk. The sentences are shown to clients, so they name no path. */
const REFUSALS: Record<DiskPathProblem, string> = {
  NOT_ABSOLUTE: 'The path of an image must be absolute.',
  MISSING: 'The image file is missing.',
  OUTSIDE: 'The image file is outside the directories that disks may be in.',
  UNREADABLE: 'The image file cannot be read.',
  NOT_A_DISK: 'The image is neither a regular file nor a block device.',
  EMPTY: 'The image file is empty.',
}

export interface DiskFileRefusal {
  ok: false
  code: DiskPathProblem
  reason: string
}

/** A disk's image, open for reading. Closes with its handle. */
export interface DiskFile {
  ok: true
  handle: FileHandle
  stat: BigIntStats
  sizeBytes: bigint
}

function refuse(code: DiskPathProblem): DiskFileRefusal {
  return { ok: false, code, reason: REFUSALS[code] }
}

/** An error of the file, as a refusal; a shortage of this process (too many open files, no memory) is thrown again. */
function refusalOf(error: unknown): DiskFileRefusal {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return refuse('MISSING')
    case 'ELOOP':
      return refuse('OUTSIDE')
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
    case undefined:
      throw error
    default:
      return refuse('UNREADABLE')
  }
}

/**
 * Finds the disk behind a path that someone wants to register: a readable, non-empty regular file or block device
 * that, with all symbolic links followed, lies inside one of the directories. `location` is that real path.
 */
export async function resolveDiskPath(
  path: string,
  diskDirs: readonly string[],
): Promise<{ ok: true; location: string; sizeBytes: bigint } | DiskFileRefusal> {
  if (!isAbsolute(path)) return refuse('NOT_ABSOLUTE')
  let location
  try {
    location = await realpath(path)
  } catch (error) {
    return (await isInside(await nearest(path), diskDirs)) ? refusalOf(error) : refuse('OUTSIDE')
  }
  // Before anything else is looked at, so that nobody learns what lies outside.
  if (!(await isInside(location, diskDirs))) return refuse('OUTSIDE')
  const disk = await openDisk(location, diskDirs)
  if (!disk.ok) return disk
  await disk.handle.close()
  return { ok: true, location, sizeBytes: disk.sizeBytes }
}

/**
 * Opens a registered disk, and checks again all that was true when it was registered: by now the file, or a
 * directory above it, can be a symbolic link that leads elsewhere. What is checked is the file that was opened.
 */
export async function openDisk(
  location: string,
  diskDirs: readonly string[],
): Promise<DiskFile | DiskFileRefusal> {
  let handle
  try {
    // Before opening, because opening some devices has effects, and a pipe waits for a writer.
    const there = await lstat(location)
    if (there.isSymbolicLink()) return refuse('OUTSIDE')
    if (!there.isFile() && !there.isBlockDevice()) return refuse('NOT_A_DISK')
    handle = await open(location, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const disk = await examine(handle, location, diskDirs)
    if (!disk.ok) await handle.close()
    return disk
  } catch (error) {
    await handle?.close()
    return refusalOf(error)
  }
}

async function examine(handle: FileHandle, location: string, diskDirs: readonly string[]) {
  const stat = await handle.stat({ bigint: true })
  if (!stat.isFile() && !stat.isBlockDevice()) return refuse('NOT_A_DISK')
  // The kernel knows where the opened file is; elsewhere than on Linux, the path has to be believed.
  const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(location))
  if (!(await isInside(opened, diskDirs))) return refuse('OUTSIDE')
  const sizeBytes = stat.isFile() ? stat.size : await deviceSize(stat.rdev)
  if (sizeBytes === 0n) return refuse('EMPTY')
  return { ok: true as const, handle, stat, sizeBytes }
}

/** A path of which the part that exists is real. */
async function nearest(path: string): Promise<string> {
  const parent = dirname(path)
  const real = await realpath(parent).catch(() => (parent === path ? parent : nearest(parent)))
  return join(real, basename(path))
}

async function isInside(realPath: string, diskDirs: readonly string[]): Promise<boolean> {
  for (const diskDir of diskDirs) {
    const dir = await realpath(diskDir).catch(() => undefined)
    if (dir !== undefined && realPath.startsWith(dir.endsWith(sep) ? dir : dir + sep)) return true
  }
  return false
}

/** A device number as Linux writes it in /sys and /proc: `major:minor`. */
export function deviceName(number: bigint): string {
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  const minor = (number & 0xffn) | ((number >> 12n) & 0xfff00n)
  return `${major.toString()}:${minor.toString()}`
}

async function deviceSize(number: bigint): Promise<bigint> {
  const sectors = await readFile(`/sys/dev/block/${deviceName(number)}/size`, 'utf8')
  return BigInt(sectors.trim()) * 512n
}
