import { STATUSES_FOR_SNAPSHOT } from './create-snapshot.ts'
import { DISK_OPERATION_STATUSES, STATUS_DURING } from './disk-operation.ts'
import { OBSERVED_DISK_STATUSES, type DiskStatus } from './disk.ts'
import type { SnapshotStatus } from './snapshot.ts'

/**
 * Which status may follow which. `null` stands before the first. A status that follows itself records a request to cancel
 * the operation, and the end of a verification that was cancelled, which changes no status; a deletion that is cancelled leads
 * back to where it began. `DELETED` is the end: the row is gone, the
 * history stays.
 */
const SNAPSHOT_TRANSITIONS: Record<SnapshotStatus | 'null', readonly SnapshotStatus[]> = {
  null: ['CREATING'],
  CREATING: ['CREATING', 'COMPLETED', 'FAILED'],
  COMPLETED: ['COMPLETED', 'UNAVAILABLE', 'DELETING'],
  FAILED: ['DELETING'],
  UNAVAILABLE: ['UNAVAILABLE', 'DELETING'],
  DELETING: ['DELETING', 'DELETED', 'COMPLETED', 'FAILED', 'UNAVAILABLE'],
  DELETED: [],
}

/** Whether one status may follow another. */
export function mayFollow(from: SnapshotStatus | null, to: SnapshotStatus): boolean {
  return SNAPSHOT_TRANSITIONS[from ?? 'null'].includes(to)
}

/** The statuses of snapshots and disks in which something is in progress. */
const IN_PROGRESS: ReadonlySet<SnapshotStatus | DiskStatus> = new Set([
  'CREATING',
  'ATTACHING',
  'DETACHING',
  'SCALING',
  'SNAPSHOTTING',
  'IMAGING',
  'RECHARGING',
  'ROLLING_BACK',
  'DELETING',
] as const)

/** Whether a snapshot or disk stays as it is until somebody asks for something: nothing is in progress. */
export function isSettled(status: SnapshotStatus | DiskStatus): boolean {
  return !IN_PROGRESS.has(status)
}

/** The statuses that the operations on a disk put it in. */
const CANCELLABLE: ReadonlySet<DiskStatus> = new Set(['CREATING', ...Object.values(STATUS_DURING)])

/** Where each status that an operation puts a disk in may be entered from. */
const ENTERED_FROM = new Map<DiskStatus, readonly DiskStatus[]>([
  ['CREATING', []],
  ['SNAPSHOTTING', Object.values(STATUSES_FOR_SNAPSHOT).flat()],
  ['DELETED', ['DELETING']],
  ...Object.entries(STATUS_DURING).map(
    ([operation, status]) =>
      [
        status,
        Object.values(DISK_OPERATION_STATUSES[operation as keyof typeof STATUS_DURING]).flat(),
      ] as const,
  ),
])

/**
 * Whether one status of a disk may follow another. An operation begins only where its rule allows it, and ends with
 * what the provider then sees. The status of an operation follows itself when it is requested to be cancelled. Every other
 * status is decided elsewhere, and may come from and lead anywhere.
 */
export function mayDiskFollow(from: DiskStatus | null, to: DiskStatus): boolean {
  if (from === null) return to !== 'DELETED'
  if (from === to) return CANCELLABLE.has(to)
  if (from === 'DELETED') return false
  const enteredFrom = ENTERED_FROM.get(to)
  if (enteredFrom) return enteredFrom.includes(from)
  return !ENTERED_FROM.has(from) || to === 'UNKNOWN' || OBSERVED_DISK_STATUSES.some((seen) => seen === to)
}
