import { getSystemErrorName } from 'node:util'
import { errno, find } from './c-library.ts'

/**
 * What a file has besides its bytes, owner and mode, on Linux. A file system that keeps no such thing has none of it;
 * so does a system without these calls. The calls stay in memory, or read one block.
 */

const FS_IOC_GETFLAGS = 0x80086601
const FS_IOC_SETFLAGS = 0x40086602
const FS_IOC_FSGETXATTR = 0x801c581f
const FS_IOC_FSSETXATTR = 0x401c5820
const FSXATTR_BYTES = 28
const ERANGE = 34

const ioctl = find('int ioctl(int fd, unsigned long request, void *argument)')
const flistxattr = find('int64_t flistxattr(int fd, void *names, size_t size)')
const fgetxattr = find('int64_t fgetxattr(int fd, const void *name, void *value, size_t size)')
const fsetxattr = find('int fsetxattr(int fd, const void *name, const void *value, size_t size, int flags)')
const fremovexattr = find('int fremovexattr(int fd, const void *name)')

/** Flags of an inode, as `lsattr` shows them. */
export const INODE_FLAGS = { IMMUTABLE: 0x10, APPEND: 0x20, VERITY: 0x10_0000, NOCOW: 0x80_0000 } as const

/** What `FS_IOC_FSGETXATTR` tells of a file: XFS's name for project and extent sizes, which others have as well. */
export interface ExtendedInode {
  extentSize: number
  projectId: number
  cowExtentSize: number
}

/** The extended attributes of an open file: access control lists and security labels are among them. */
export function readXattrs(fd: number): Map<string, Buffer> {
  const xattrs = new Map<string, Buffer>()
  if (flistxattr === undefined || fgetxattr === undefined) return xattrs
  const names = grown('flistxattr', (buffer) => flistxattr(fd, buffer, buffer.length))
  for (const name of names?.toString('latin1').split('\0').filter(Boolean) ?? []) {
    // What XFS calls the access control list, which has its common name as well.
    if (name.startsWith('trusted.SGI_ACL_')) continue
    const bytes = Buffer.from(`${name}\0`, 'latin1')
    const value = grown('fgetxattr', (buffer) => fgetxattr(fd, bytes, buffer, buffer.length))
    if (value) xattrs.set(name, value)
  }
  return xattrs
}

/** Throws a system error when the file system or the permissions of this process do not allow it. */
export function writeXattr(fd: number, name: string, value: Buffer): void {
  check('fsetxattr', fsetxattr?.(fd, Buffer.from(`${name}\0`, 'latin1'), value, value.length, 0))
}

/** Throws a system error when the file system or the permissions of this process do not allow it. */
export function removeXattr(fd: number, name: string): void {
  check('fremovexattr', fremovexattr?.(fd, Buffer.from(`${name}\0`, 'latin1')))
}

/** The flags of the inode; 0 where the file system has none. */
export function inodeFlags(fd: number): number {
  const flags = Buffer.alloc(8)
  return ioctl?.(fd, FS_IOC_GETFLAGS, flags) === 0 ? flags.readUInt32LE() : 0
}

/** Throws a system error when the file system or the permissions of this process do not allow it. */
export function setInodeFlags(fd: number, flags: number): void {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(flags)
  check('ioctl', ioctl?.(fd, FS_IOC_SETFLAGS, bytes))
}

/** Project and extent sizes; undefined where the file system has none. */
export function extendedInode(fd: number): ExtendedInode | undefined {
  const bytes = readFsxattr(fd)
  return (
    bytes && {
      extentSize: bytes.readUInt32LE(4),
      projectId: bytes.readUInt32LE(12),
      cowExtentSize: bytes.readUInt32LE(16),
    }
  )
}

const XFLAG_EXTSIZE = 0x800
const XFLAG_COWEXTSIZE = 0x1_0000

/** Throws a system error when the file system or the permissions of this process do not allow it; the file must be empty. */
export function setExtendedInode(fd: number, wanted: ExtendedInode): void {
  const bytes = readFsxattr(fd) ?? Buffer.alloc(FSXATTR_BYTES)
  const hints =
    (wanted.extentSize > 0 ? XFLAG_EXTSIZE : 0) | (wanted.cowExtentSize > 0 ? XFLAG_COWEXTSIZE : 0)
  bytes.writeUInt32LE(((bytes.readUInt32LE() & ~(XFLAG_EXTSIZE | XFLAG_COWEXTSIZE)) | hints) >>> 0)
  bytes.writeUInt32LE(wanted.extentSize, 4)
  bytes.writeUInt32LE(wanted.projectId, 12)
  bytes.writeUInt32LE(wanted.cowExtentSize, 16)
  check('ioctl', ioctl?.(fd, FS_IOC_FSSETXATTR, bytes))
}

function readFsxattr(fd: number): Buffer | undefined {
  const bytes = Buffer.alloc(FSXATTR_BYTES)
  return ioctl?.(fd, FS_IOC_FSGETXATTR, bytes) === 0 ? bytes : undefined
}

/** What a call writes into a buffer that is large enough; undefined when there is nothing to be had. */
function grown(syscall: string, call: (buffer: Buffer) => number | bigint): Buffer | undefined {
  for (let size = 1024; ; size *= 4) {
    const buffer = Buffer.alloc(size)
    const length = Number(call(buffer))
    if (length >= 0) return buffer.subarray(0, length)
    const code = getSystemErrorName(-(errno() ?? 0))
    if (code === 'ENODATA' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') return undefined
    if (errno() !== ERANGE || size > 1024 * 1024) throw systemError(syscall)
  }
}

function check(syscall: string, result: number | bigint | undefined): void {
  if (result !== 0) throw systemError(syscall)
}

function systemError(syscall: string): Error {
  const code = getSystemErrorName(-(errno() ?? 38))
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall })
}
