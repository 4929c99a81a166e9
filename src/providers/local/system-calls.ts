import { getSystemErrorName } from 'node:util'
import { errno, find, inBackground } from '../../native/c-library.ts'

/**
 * System calls for files that Node has no name for. Where one is missing (another libc, another system), its
 * substitute here is still right: everything counts as data, write-back and the page cache are left to the kernel.
 */

const SEEK_DATA = 3
const SEEK_HOLE = 4
const ENXIO = 6
const SYNC_FILE_RANGE_WRITE = 2
const SYNC_FILE_RANGE_WRITE_AND_WAIT = 7
const POSIX_FADV_DONTNEED = 4
const LOCK_EX_NB = 6
const F_SETSIG = 10
const F_SETLEASE = 1024
const F_WRLCK = 1
const F_UNLCK = 2
const SIGURG = 23
const FICLONE = 0x40049409
const FALLOC_FL_KEEP_SIZE_PUNCH_HOLE = 3

const lseek = find('int64_t lseek(int fd, int64_t offset, int whence)')
const syncFileRange = find('int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)')
const posixFadvise = find('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)')
const flock = find('int flock(int fd, int operation)')
const fcntl = find('int fcntl(int fd, int command, int argument)')
const ioctl = find('int ioctl(int fd, unsigned long request, int argument)')
const fallocate = find('int fallocate(int fd, int mode, int64_t offset, int64_t length)')
const posixFallocate = find('int posix_fallocate(int fd, int64_t offset, int64_t length)')

/** The next range at or after `from` that may hold data; undefined when only a hole is left. */
export function nextData(fd: number, from: number, size: number): { start: number; end: number } | undefined {
  const everything = { start: from, end: size }
  if (!lseek) return everything
  const start = Number(lseek(fd, from, SEEK_DATA))
  if (start < 0) return errno() === ENXIO ? undefined : everything
  const end = Number(lseek(fd, start, SEEK_HOLE))
  return { start, end: end < 0 ? size : Math.min(end, size) }
}

/** Starts writing a range to the device and returns at once. */
export function startWriteback(fd: number, offset: number, length: number): void {
  syncFileRange?.(fd, offset, length, SYNC_FILE_RANGE_WRITE)
}

/** Returns when the range is written to the device; errors wait for fsync. */
export function finishWriteback(fd: number, offset: number, length: number): void {
  syncFileRange?.(fd, offset, length, SYNC_FILE_RANGE_WRITE_AND_WAIT)
}

/** Forgets what memory holds of a range that is on its device, so that the next read comes from there. */
export function dropCache(fd: number, offset: number, length: number): void {
  posixFadvise?.(fd, offset, length, POSIX_FADV_DONTNEED)
}

/** Takes the file's lock unless someone holds it. The kernel gives it back when the file is closed or its process dies. */
export function tryLock(fd: number): boolean {
  return flock === undefined || flock(fd, LOCK_EX_NB) === 0
}

/**
 * Whether nobody else has the file open, be it a process, a mount or a device, by the kernel's own word: it leases a file to
 * its only user. False when somebody has, this process included, and when the kernel does not say (block devices, files of
 * others, other file systems). The lease is given back at once; should somebody open the file right then, the signal of that
 * is one that is ignored.
 */
export function isOpenOnlyHere(fd: number): boolean {
  if (fcntl?.(fd, F_SETSIG, SIGURG) !== 0 || fcntl(fd, F_SETLEASE, F_WRLCK) !== 0) return false
  fcntl(fd, F_SETLEASE, F_UNLCK)
  return true
}

/** Lets an empty file share the blocks of another one. False, with the file still empty, where the file system cannot. */
export async function shareBlocks(source: number, target: number): Promise<boolean> {
  return ioctl !== undefined && (await inBackground(ioctl, target, FICLONE, source)) === 0
}

/** Reserves blocks for the first `length` bytes of a file, so that writing them needs no more room; throws a system error. */
export async function reserveBlocks(fd: number, length: number): Promise<void> {
  if (posixFallocate === undefined || length === 0) return
  // This call returns the error instead of setting errno.
  const error = Number(await inBackground(posixFallocate, fd, 0, length))
  if (error === 0) return
  const code = getSystemErrorName(-error)
  throw Object.assign(new Error(`${code}: blocks cannot be reserved`), { code, syscall: 'posix_fallocate' })
}

/** Gives back the blocks of a range that reads as zeros; the file keeps its size. Does nothing where that is not possible. */
export function punchHole(fd: number, offset: number, length: number): void {
  fallocate?.(fd, FALLOC_FL_KEEP_SIZE_PUNCH_HOLE, offset, length)
}
