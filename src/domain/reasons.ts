import { JOB_KINDS } from './job.ts'

/** How a fact is written in a sentence, and read from it. The pattern matches nothing longer than one sentence can hold. */
interface Fact {
  pattern: string
  /** What the sentence calls each value of a closed list; values of others stand in it as they are. */
  texts?: Readonly<Record<string, string>>
}

/** What a file has that another one cannot be given. */
const ATTRIBUTES = {
  ACL: 'an access control list',
  ATTRIBUTE: 'an extended attribute',
  EXTENTS: 'a project or an extent size',
  FLAGS: 'inode flags (chattr)',
  FS_VERITY: 'fs-verity enabled',
  INHERITED: 'no such attribute as every new file there',
  MODE: 'permissions of its own',
  OTHER: 'permissions or attributes',
  OWNER: 'an owner or group of its own',
  SECURITY: 'a security label or capability',
  SIGNATURE: 'an integrity signature (IMA or EVM)',
} as const
export type Attribute = keyof typeof ATTRIBUTES

/** What takes space, where, and what to do once there is some. */
const SPACE_NEEDS = {
  DISK: ['the disk', 'where disks are kept, then create the disk again'],
  ROLLBACK: ['the content of the snapshot', 'where the disk is, then roll it back again'],
  SNAPSHOT: ['the snapshot', 'where snapshots are kept, then create the snapshot again'],
} as const
export type SpaceNeed = keyof typeof SPACE_NEEDS

const oneOf = (texts: Readonly<Record<string, string>>): Fact => ({
  pattern: Object.values(texts)
    .map((text) => text.replace(/[()]/g, '\\$&'))
    .join('|'),
  texts,
})

const FACTS = {
  attempt: { pattern: '\\d{1,10}' },
  attempts: { pattern: '\\d{1,10}' },
  attribute: oneOf(ATTRIBUTES),
  days: { pattern: '\\d{1,10}' },
  errno: { pattern: '[A-Z0-9_]{1,40}' },
  free: { pattern: '[\\d.]{1,20} [KMG]iB' },
  host: { pattern: '[^\\s]{1,253}' },
  job: oneOf(JOB_KINDS),
  needed: { pattern: '[\\d.]{1,20} [KMG]iB' },
  place: oneOf({
    DISK: SPACE_NEEDS.DISK[1],
    ROLLBACK: SPACE_NEEDS.ROLLBACK[1],
    SNAPSHOT: SPACE_NEEDS.SNAPSHOT[1],
  }),
  reserved: { pattern: '[\\d.]{1,20} [KMG]iB' },
  snapshot: { pattern: 's-[A-Za-z0-9]{1,40}' },
  status: { pattern: '[^\\s.]{1,60}' },
  subject: oneOf({
    DISK: SPACE_NEEDS.DISK[0],
    ROLLBACK: SPACE_NEEDS.ROLLBACK[0],
    SNAPSHOT: SPACE_NEEDS.SNAPSHOT[0],
  }),
  time: { pattern: '[\\dTZ:.+-]{1,40}' },
  words: { pattern: '[^]+' },
} satisfies Record<string, Fact>
type FactName = keyof typeof FACTS

/**
 * The catalogue of reasons: every sentence that a transition, an operation, an activity, a disk or a snapshot gives, with its
 * facts in braces. A reason is stored as its sentences, one after the other; `reasonsIn` finds their codes and facts again, so
 * rows of earlier versions have them too.
 */
export const REASONS = {
  ANSWER_LOST: "The cloud's answer was lost. The gateway looks for what the request has created.",
  ATTEMPT_FAILED: 'Attempt {attempt} to {job} failed.',
  ATTEMPT_FAULT: 'Attempt {attempt} to {job} failed with a transient fault.',
  ATTEMPT_FAULT_CODE: 'Attempt {attempt} to {job} failed with a transient fault ({errno}).',
  AVAILABLE_AGAIN: 'The cloud shows it as available again.',
  CANCELLED: 'Cancelled on request.',
  CANCEL_REQUESTED: 'Cancellation requested.',
  CHANGED_OUTSIDE: 'Changed outside of this gateway.',
  CLOUD_REFUSED: 'The cloud refused: {words}',
  CLOUD_REPORTS: 'The cloud reports {status}.',
  CLOUD_SILENT: 'The cloud did not answer in time.',
  CLOUD_STUCK: 'The cloud has gone on reporting {status} for more than 30 minutes.',
  CONNECTION_REMOVED: 'Its connection was deleted here. Nothing has changed in the cloud.',
  COPY_CORRUPT: 'The stored copy is corrupt: checksum mismatch.',
  COPY_FORBIDDEN: 'The stored copy cannot be read: permission denied.',
  COPY_MISSING: 'The stored copy is missing.',
  COPY_NOT_A_FILE: 'The stored copy is not a regular file.',
  COPY_UNREADABLE: 'Part of the stored copy cannot be read.',
  DELETED_OUTSIDE: 'Deleted outside of this gateway.',
  DISK_DIRECTORY_MISSING: 'The directory for disks is missing. Restore it, then create the disk again.',
  DISK_IS_DEVICE:
    'The disk is a block device, which cannot be replaced as a whole or resized here. Do it where the device comes from.',
  DISK_OPEN: 'A program has the disk open. Close it there, then try again.',
  DISK_PLACE_TAKEN:
    'Something else is where the image of the disk belongs. Remove it, then create the disk again.',
  DISK_RELEASED: 'Its disk was released.',
  DISK_UNLINKED: 'The disk was unlinked from its automatic snapshot policy.',
  DISK_UNREADABLE: 'A part of the disk cannot be read. Repair the disk, then create the snapshot again.',
  DISK_WRITTEN:
    'The disk was written to while it was being copied ({attempts} attempts). Detach the disk or stop writes, then create the snapshot again.',
  EVICTED: 'Deleted as the oldest automatic snapshot of the disk, to make room for a new one.',
  EXPIRED: 'Its retention of {days} days ended at {time}.',
  EXPIRED_AFTER_ONE_DAY: 'Its retention of 1 day ended at {time}.',
  FILE_TOO_LARGE: 'The file system cannot hold a file of this size. Ask for less.',
  FILE_SYSTEM_FULL: 'There is no space left where disks or snapshots are kept. Free space.',
  FILE_SYSTEM_LIMIT:
    'The file would be larger than the file system or the limit of the gateway (ulimit -f) allows. Raise the limit, or use another file system.',
  FILE_SYSTEM_QUOTA: 'The quota of the file system is used up. Free space, or raise the quota.',
  FILE_SYSTEM_READ_ONLY: 'The file system is read-only. Mount it for writing.',
  FILE_SYSTEM_UNSUPPORTED:
    'The file system does not support what is needed for this. Keep disks and snapshots on another one.',
  IMAGE_ATTRIBUTE:
    'The image has {attribute}, which the gateway cannot give to the image that would replace it. Remove it from the image, or give the gateway the permission, then roll back again.',
  IMAGE_BUSY: 'The image is a mount point or is claimed by the system. Release it there.',
  IMAGE_EMPTY: 'The image file is empty.',
  IMAGE_HARD_LINKS:
    'The image has other names (hard links), which would keep the old content. Remove them, then roll back again.',
  IMAGE_IMMUTABLE: 'The image is immutable or append-only. Clear that flag (chattr), then roll back again.',
  IMAGE_IN_SHARED_PLACE:
    'The gateway cannot make a directory of its own where the image is: the file system gives it to somebody else. Move the image to another file system.',
  IMAGE_IS_MOUNT_POINT:
    'The image is a mount point (a bind mount), which cannot be replaced. Register it where it really is, then roll that disk back.',
  IMAGE_MISSING: 'The image file is missing.',
  IMAGE_NOT_ABSOLUTE: 'The path of an image must be absolute.',
  IMAGE_NOT_A_DISK: 'The image is neither a regular file nor a block device.',
  IMAGE_NOT_WRITABLE:
    'The gateway has no right to write where the image is. Give it that right, then try again.',
  IMAGE_OUTSIDE: 'The image file is outside the directories that disks may be in.',
  IMAGE_REPLACED: 'The image of the disk was replaced meanwhile. Look at it, then try again.',
  IMAGE_SHARED: 'Another disk already uses this image under a different path.',
  IMAGE_TOO_LARGE: 'The image file is larger than a disk can be: 9,007,199,254,740,991 bytes.',
  IMAGE_UNREADABLE: 'The image file cannot be read.',
  INTERRUPTED:
    'Interrupted: it was in progress when the backup was made that the database was restored from.',
  MANIFEST_INVALID: 'The manifest of the stored copy is invalid.',
  MANIFEST_MISSING: 'The manifest of the stored copy is missing.',
  MANIFEST_TOO_LONG: 'The manifest is too long.',
  MONITOR_UNUSABLE: 'A monitor of QEMU, which may have the disk open, could not be asked ({errno}).',
  NOT_DELETED: 'The snapshot could not be deleted.',
  NOT_DELETED_IN_CLOUD: 'The cloud has not deleted it.',
  NO_ANSWER: 'No complete answer from {host}: {errno}.',
  NO_CONNECTION: 'No connection to {host}: {errno}.',
  OTHER_SNAPSHOT: 'It is the snapshot {snapshot}.',
  PATH_TOO_LONG: 'The path of a file would be too long. Move the image to a shorter path.',
  PERMISSION_MISSING:
    'The gateway has no permission for this where disks or snapshots are kept. Give it that permission.',
  QEMU_REFUSED: 'QEMU could not copy the disk: {words}',
  REMAINS: 'Some of its data could not be removed.',
  REPAIR_AND_ATTACH: 'Put it right, then attach the disk again.',
  REPAIR_AND_CREATE_SNAPSHOT: 'Put it right, then create the snapshot again.',
  REPAIR_AND_RESIZE: 'Put it right, then resize the disk again.',
  REPAIR_AND_ROLL_BACK: 'Put it right, then roll the disk back again.',
  RETRIED: 'It is retried automatically.',
  SNAPSHOT_READ: 'A snapshot of the disk is being read.',
  SPACE_QUOTA:
    'There is not enough space for {subject}: it needs up to {needed}, and the quota is used up. Free space {place}.',
  SPACE_RESERVED:
    'There is not enough space for {subject}: it needs up to {needed}, and {free} are free, of which {reserved} stay reserved. Free space {place}.',
  SPACE_SHORT:
    'There is not enough space for {subject}: it needs up to {needed}, and {free} are free. Free space {place}.',
  STORAGE_FAULT: 'The storage reports an input/output error. Check the device.',
  THEN_DELETE: 'Then delete it again.',
  THEN_TRY: 'Then try again.',
  TRANSIENT_FAULT: 'A transient fault.',
  WRONG_PLACE: 'A file or directory that is needed is missing, or is something else. Restore it as it was.',
} as const
export type KnownReason = keyof typeof REASONS
type ReasonCode = KnownReason | 'OTHER'

type FactsIn<Text extends string> = Text extends `${string}{${infer Name extends FactName}}${infer Rest}`
  ? Name | FactsIn<Rest>
  : never

/** A reason as a sentence, with its facts. */
export function reason<Code extends KnownReason>(
  code: Code,
  facts: Readonly<Record<FactsIn<(typeof REASONS)[Code]>, string | number>>,
): string {
  return REASONS[code].replace(/\{(\w+)\}/g, (_, name: FactName) => {
    const value = String(facts[name as keyof typeof facts])
    return (FACTS[name] as Fact).texts?.[value] ?? value
  })
}

/** The names of the facts of a reason, in their order. */
export function factsOfReason(code: KnownReason): FactName[] {
  return Array.from(REASONS[code].matchAll(/\{(\w+)\}/g), ([, name]) => name as FactName)
}

/** A reason for programs: its code, and its facts in the order of its sentence. */
export interface Reason {
  code: ReasonCode
  facts: readonly string[]
}

interface Matcher {
  code: KnownReason
  expression: RegExp
}

const MATCHERS: readonly Matcher[] = (Object.keys(REASONS) as KnownReason[])
  // What is longer goes before its own beginning.
  .sort((a, b) => REASONS[b].length - REASONS[a].length)
  .map((code) => {
    const source = REASONS[code]
      .split(/(\{\w+\})/)
      .map((part) =>
        part.startsWith('{')
          ? `(${FACTS[part.slice(1, -1) as FactName].pattern})`
          : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('')
    return { code, expression: new RegExp(`${source}(?= |$)`, 'y') }
  })

/** How much of a reason is looked at: more than ours and what is kept of a cloud's words. */
const LENGTH_MAX = 2_000

/** The codes and facts of a stored reason, sentence by sentence. What is in other words, such as those of a cloud, is OTHER. */
export function reasonsIn(text: string | null | undefined): Reason[] {
  if (!text) return []
  const found: Reason[] = []
  let other = 0
  let at = 0
  while (at < Math.min(text.length, LENGTH_MAX)) {
    const match = matchAt(text, at)
    if (!match) {
      const space = text.indexOf(' ', at)
      at = space === -1 ? text.length : space + 1
      continue
    }
    if (other < at) found.push(otherReason(text.slice(other, at)))
    found.push(match.reason)
    at = other = match.end + 1
  }
  if (other < text.length) found.push(otherReason(text.slice(other)))
  return found
}

const otherReason = (text: string): Reason => ({ code: 'OTHER', facts: [text.trim()] })

function matchAt(text: string, at: number): { reason: Reason; end: number } | undefined {
  for (const { code, expression } of MATCHERS) {
    expression.lastIndex = at
    const match = expression.exec(text)
    if (!match) continue
    const names = factsOfReason(code)
    const facts = match.slice(1).map((value, index) => tokenOf(names[index], value))
    return { reason: { code, facts }, end: expression.lastIndex }
  }
  return undefined
}

function tokenOf(name: FactName | undefined, text: string): string {
  const texts = name && (FACTS[name] as Fact).texts
  return (texts && Object.entries(texts).find(([, value]) => value === text)?.[0]) ?? text
}
