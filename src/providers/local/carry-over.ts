import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { reason, REASONS, type Attribute } from '../../domain/reasons.ts'
import {
  extendedInode,
  INODE_FLAGS,
  inodeFlags,
  readXattrs,
  removeXattr,
  setExtendedInode,
  setInodeFlags,
  writeXattr,
  type ExtendedInode,
} from '../../native/attributes.ts'
import { PASSING } from './faults.ts'
import { reserveBlocks } from './system-calls.ts'

/** What an image has besides its bytes, and what the image that replaces it gets. */
export interface Attributes {
  mode: number
  uid: number
  gid: number
  xattrs: Map<string, Buffer>
  flags: number
  extended: ExtendedInode | undefined
  /** Whether all of it has blocks, so that no write to it can run out of room. */
  isAllocated: boolean
}

/** The flags that a file may be given: what the file system does with it. The others describe how it is stored. */
const CARRIED_FLAGS =
  0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x400 | 0x4000 | 0x8000 | INODE_FLAGS.NOCOW | 0x200_0000

/** Attributes that belong to the bytes and would be wrong for others. */
const OF_THE_BYTES = ['security.ima', 'security.evm']

const ACL = 'system.posix_acl_access'

const has = (attribute: Attribute) => reason('IMAGE_ATTRIBUTE', { attribute })

export async function attributesOf(handle: FileHandle): Promise<Attributes> {
  const { mode, uid, gid, blocks, size } = await handle.stat()
  return {
    mode: mode & 0o7777,
    uid,
    gid,
    xattrs: readXattrs(handle.fd),
    flags: inodeFlags(handle.fd),
    extended: extendedInode(handle.fd),
    isAllocated: blocks * 512 >= size,
  }
}

/** Why an image cannot be replaced by another file without losing something; undefined when it can be tried. */
export function replacementRefusal(
  { nlink }: Pick<BigIntStats, 'nlink'>,
  { flags, xattrs }: Attributes,
): string | undefined {
  if (nlink > 1n) return REASONS.IMAGE_HARD_LINKS
  if ((flags & (INODE_FLAGS.IMMUTABLE | INODE_FLAGS.APPEND)) !== 0) return REASONS.IMAGE_IMMUTABLE
  if ((flags & INODE_FLAGS.VERITY) !== 0) return has('FS_VERITY')
  if (OF_THE_BYTES.some((name) => xattrs.has(name))) return has('SIGNATURE')
  return undefined
}

/**
 * Gives an empty file what only an empty one can be given: whether it is copied on write, its project, its extents.
 * Returns why it could not, for clients.
 */
export function carryOverToEmpty(fd: number, { flags, extended }: Attributes): string | undefined {
  return (
    attempt('FLAGS', () => {
      const now = inodeFlags(fd)
      const wanted = (now & ~CARRIED_FLAGS) | (flags & CARRIED_FLAGS)
      if (wanted !== now) setInodeFlags(fd, wanted)
      return ((inodeFlags(fd) ^ flags) & CARRIED_FLAGS) === 0
    }) ??
    attempt('EXTENTS', () => {
      const isSame = () => JSON.stringify(extendedInode(fd)) === JSON.stringify(extended)
      if (extended && !isSame()) setExtendedInode(fd, extended)
      return isSame()
    })
  )
}

/** Gives a file owner, permissions, access control list and extended attributes. Returns why it could not, for clients. */
export async function carryOver(
  image: FileHandle,
  { mode, uid, gid, xattrs }: Attributes,
): Promise<string | undefined> {
  const { fd } = image
  const owned = await image.stat()
  if (owned.uid !== uid || owned.gid !== gid) {
    try {
      await image.chown(uid, gid)
    } catch (error) {
      return refusalOf(error, 'OWNER')
    }
  }
  for (const name of readXattrs(fd).keys()) {
    if (xattrs.has(name)) continue
    // What the directory gives to every new file.
    const refused = attempt('INHERITED', () => {
      removeXattr(fd, name)
      return true
    })
    if (refused !== undefined) return refused
  }
  for (const [name, value] of xattrs) {
    const refused = attempt(attributeOf(name), () => {
      const isSame = () => readXattrs(fd).get(name)?.equals(value) ?? false
      if (!isSame()) writeXattr(fd, name, value)
      return isSame()
    })
    if (refused !== undefined) return refused
  }
  // Last: a change of owner takes the set-id bits, and with a list the bits of the group are its mask.
  if ((await image.stat()).mode % 0o10000 !== mode) {
    try {
      await image.chmod(mode)
    } catch (error) {
      return refusalOf(error, 'MODE')
    }
  }
  const now = await attributesOf(image)
  const isCarried = now.mode === mode && now.uid === uid && now.gid === gid && sameXattrs(now.xattrs, xattrs)
  return isCarried ? undefined : has('OTHER')
}

/** Gives an image all its blocks, if the one that it replaces had them. */
export async function carryOverBlocks({ fd }: FileHandle, old: Attributes, sizeBytes: bigint): Promise<void> {
  if (old.isAllocated) await reserveBlocks(fd, Number(sizeBytes))
}

function sameXattrs(a: Map<string, Buffer>, b: Map<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name)?.equals(value))
}

function attributeOf(name: string): Attribute {
  if (name === ACL) return 'ACL'
  return name.startsWith('security.') ? 'SECURITY' : 'ATTRIBUTE'
}

function attempt(what: Attribute, give: () => boolean): string | undefined {
  try {
    return give() ? undefined : has(what)
  } catch (error) {
    return refusalOf(error, what)
  }
}

/** A shortage is no reason to refuse: the work is repeated. */
function refusalOf(error: unknown, what: Attribute): string {
  const { code = '' } = error as NodeJS.ErrnoException
  if (PASSING.has(code) || code === 'ENOSPC' || code === 'EDQUOT') throw error
  return has(what)
}
