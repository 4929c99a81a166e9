/** The stages of a snapshot's life. */
export const SNAPSHOT_STATUSES_IN_ORDER = [
  'CREATING',
  'COMPLETED',
  'FAILED',
  'UNAVAILABLE',
  'DELETING',
  'DELETED',
] as const
export type SnapshotStatus = (typeof SNAPSHOT_STATUSES_IN_ORDER)[number]

/** Which status may follow which. `null` stands before the first. `DELETED` is the end: the row is gone, the history stays. */
const SNAPSHOT_TRANSITIONS: Record<SnapshotStatus | 'null', readonly SnapshotStatus[]> = {
  null: ['CREATING'],
  CREATING: ['COMPLETED', 'FAILED'],
  COMPLETED: ['UNAVAILABLE', 'DELETING'],
  FAILED: ['DELETING'],
  UNAVAILABLE: ['DELETING'],
  DELETING: ['DELETED'],
  DELETED: [],
}

/** Whether one status may follow another. */
export function mayFollow(from: SnapshotStatus | null, to: SnapshotStatus): boolean {
  return SNAPSHOT_TRANSITIONS[from ?? 'null'].includes(to)
}

/** Whether a snapshot stays as it is until somebody asks for something: nothing is under way. */
export function isSettled(status: SnapshotStatus): boolean {
  return status !== 'CREATING' && status !== 'DELETING'
}
