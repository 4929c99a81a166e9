import type { BigIntStats } from 'node:fs'
import { lstat, open, readFile, readlink, realpath, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { REASONS } from '../../domain/reasons.ts'
import { DISK_SIZE_BYTES_MAX } from '../../domain/disk.ts'
import type { DiskPathProblem } from '../../domain/disk-path.ts'
import { absent, PASSING } from './faults.ts'
import { openDirectory, READ_SAFELY, type OpenDirectory } from './open-directory.ts'
import type { PlacesNow } from './places.ts'

/** Why a path is no disk. The sentences are shown to clients, so they name no path. */
const REFUSALS: Record<DiskPathProblem, string> = {
  NOT_ABSOLUTE: REASONS.IMAGE_NOT_ABSOLUTE,
  MISSING: REASONS.IMAGE_MISSING,
  OUTSIDE: REASONS.IMAGE_OUTSIDE,
  UNREADABLE: REASONS.IMAGE_UNREADABLE,
  NOT_A_DISK: REASONS.IMAGE_NOT_A_DISK,
  EMPTY: REASONS.IMAGE_EMPTY,
  TOO_LARGE: REASONS.IMAGE_TOO_LARGE,
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
  /** Its real path when it was opened, by the word of the kernel. */
  path: string
  stat: BigIntStats
  sizeBytes: bigint
}

function refuse(code: DiskPathProblem): DiskFileRefusal {
  return { ok: false, code, reason: REFUSALS[code] }
}

/** An error of the file, as a refusal; one that passes (too many open files, no memory) is thrown again. */
function refusalOf(error: unknown): DiskFileRefusal {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return refuse('MISSING')
    case 'ELOOP':
      return refuse('OUTSIDE')
    case 'ENXIO':
      return refuse('NOT_A_DISK')
    default:
      if (code === undefined || PASSING.has(code)) throw error
      return refuse('UNREADABLE')
  }
}

/**
 * Finds the disk at a path that someone wants to register for an account: a readable, non-empty regular file or block
 * device that, with all symbolic links followed, lies where the account may have disks. `path` is its real path.
 */
export async function resolveDiskPath(
  path: string,
  places: PlacesNow,
  accountId?: string,
): Promise<{ ok: true; path: string; sizeBytes: bigint } | DiskFileRefusal> {
  if (!isAbsolute(path)) return refuse('NOT_ABSOLUTE')
  let real
  try {
    real = await realpath(path)
  } catch (error) {
    return (await places.allows(await nearest(path), accountId)) ? refusalOf(error) : refuse('OUTSIDE')
  }
  // Before anything else is looked at, so that nobody learns what lies outside.
  if (!(await places.allows(real, accountId))) return refuse('OUTSIDE')
  const disk = await openDisk(real, places, accountId)
  if (!disk.ok) return disk
  await disk.handle.close()
  return { ok: true, path: real, sizeBytes: disk.sizeBytes }
}

/**
 * Opens a registered disk, and checks again all that was true when it was registered: by now the file, or a
 * directory above it, can be a symbolic link that leads elsewhere. What is checked is the file that was opened.
 */
export async function openDisk(
  path: string,
  places: PlacesNow,
  accountId?: string,
): Promise<DiskFile | DiskFileRefusal> {
  let handle
  try {
    // Before opening, because opening some devices has effects.
    const there = await lstat(path)
    if (there.isSymbolicLink()) return refuse('OUTSIDE')
    if (!there.isFile() && !there.isBlockDevice()) return refuse('NOT_A_DISK')
    handle = await open(path, READ_SAFELY)
    const disk = await examine(handle, path, places, accountId)
    if (!disk.ok) await handle.close()
    return disk
  } catch (error) {
    await handle?.close()
    return refusalOf(error)
  }
}

async function examine(
  handle: FileHandle,
  path: string,
  places: PlacesNow,
  accountId: string | undefined,
): Promise<DiskFile | DiskFileRefusal> {
  const stat = await handle.stat({ bigint: true })
  if (!stat.isFile() && !stat.isBlockDevice()) return refuse('NOT_A_DISK')
  // The kernel knows where the opened file is; elsewhere than on Linux, the path has to be believed.
  const real = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(path))
  if (!(await places.allows(real, accountId)) || (await places.isOwn(real, stat))) return refuse('OUTSIDE')
  const sizeBytes = stat.isFile() ? stat.size : await deviceSize(stat.rdev)
  if (sizeBytes === undefined) return refuse('UNREADABLE')
  if (sizeBytes === 0n) return refuse('EMPTY')
  if (sizeBytes < 0n || sizeBytes > DISK_SIZE_BYTES_MAX) return refuse('TOO_LARGE')
  return { ok: true, handle, path: real, stat, sizeBytes }
}

/**
 * Opens the directory that a file is in, so that what is done there happens in this directory, whatever replaces it or
 * one above it. Undefined when an account may not have disks in it, or it is gone.
 */
export async function openDirectoryOf(
  path: string,
  places: PlacesNow,
  accountId?: string,
): Promise<OpenDirectory | undefined> {
  const directory = await openDirectory(dirname(path)).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  })
  if (directory === undefined) return undefined
  const real = await readlink(`/proc/self/fd/${directory.handle.fd}`).catch(() => realpath(dirname(path)))
  if (await places.allows(join(real, basename(path)), accountId)) return directory
  await directory[Symbol.asyncDispose]()
  return undefined
}

/** A path of which the part that exists is real. */
async function nearest(path: string): Promise<string> {
  const parent = dirname(path)
  const real = await realpath(parent).catch(() => (parent === path ? parent : nearest(parent)))
  return join(real, basename(path))
}

/** A device number as Linux writes it in /sys and /proc: `major:minor`. */
export function deviceName(number: bigint): string {
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)
  const minor = (number & 0xffn) | ((number >> 12n) & 0xfff00n)
  return `${major.toString()}:${minor.toString()}`
}

/** Undefined when the kernel does not tell. */
async function deviceSize(number: bigint): Promise<bigint | undefined> {
  const sectors = (await readFile(`/sys/dev/block/${deviceName(number)}/size`, 'utf8').catch(absent))?.trim()
  return sectors !== undefined && /^\d+$/.test(sectors) ? BigInt(sectors) * 512n : undefined
}
