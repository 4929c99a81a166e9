import { reason } from './reasons.ts'
import type { DiskStatus } from './disk.ts'
import type { SnapshotStatus } from './snapshot.ts'

/** What a cloud refused, so that clients can tell what would help. */
export const UPSTREAM_REFUSALS = {
  STATE: 'The disk, instance or snapshot is in a status that forbids it.',
  QUOTA: 'A quota of the cloud is full.',
  NAME: 'The cloud does not accept the name or the description.',
  PERMISSION: 'The credentials of the connection do not allow it.',
  MONEY: 'The account of the cloud has arrears.',
  MISSING: 'The cloud does not know the disk or snapshot.',
  OTHER: 'None of these: see the code and the message of the cloud.',
} as const
export type UpstreamRefusalClass = keyof typeof UPSTREAM_REFUSALS

/** What a cloud said when it refused. */
export interface UpstreamRefusal {
  class: UpstreamRefusalClass
  code: string
  message: string
  requestId: string | null
}

/** A refusal of a cloud as a sentence, for people. */
export function upstreamReason({ code, message }: Pick<UpstreamRefusal, 'code' | 'message'>): string {
  return reason('CLOUD_REFUSED', { words: [code, message].filter(Boolean).join(': ') })
}

/** The statuses that a cloud can show of a snapshot in each status here. What is not listed changes nothing. */
const SEEN: Record<SnapshotStatus, Partial<Record<SnapshotStatus, SnapshotStatus>>> = {
  CREATING: {
    COMPLETED: 'COMPLETED',
    FAILED: 'FAILED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  // A list that lags behind still says CREATING.
  COMPLETED: { FAILED: 'UNAVAILABLE', UNAVAILABLE: 'UNAVAILABLE', DELETING: 'DELETING', DELETED: 'DELETED' },
  FAILED: {
    COMPLETED: 'COMPLETED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  UNAVAILABLE: { COMPLETED: 'COMPLETED', DELETING: 'DELETING', DELETED: 'DELETED' },
  // The deletion was not done after all.
  DELETING: {
    COMPLETED: 'COMPLETED',
    FAILED: 'FAILED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETED: 'DELETED',
  },
  DELETED: {},
}

/** The status of a snapshot after the cloud has shown one; the same when that tells nothing new. */
export function statusAfterSeeing(status: SnapshotStatus, seen: SnapshotStatus | undefined): SnapshotStatus {
  return (seen && SEEN[status][seen]) ?? status
}

/**
 * Whether one status of a snapshot in a cloud may follow another, as the cloud shows it: wherever it is, somebody may have
 * brought it there. `null` stands before the first.
 */
export function mayFollowUpstream(from: SnapshotStatus | null, to: SnapshotStatus): boolean {
  if (from === null) return to !== 'DELETED'
  return from !== to && Object.values(SEEN[from]).includes(to)
}

/** The same for disks: a status that the cloud shows may follow any but the last. */
export function mayDiskFollowUpstream(from: DiskStatus | null, to: DiskStatus): boolean {
  if (from === null) return to !== 'DELETED'
  return from !== to && from !== 'DELETED'
}
