/** Who asked for a snapshot: a person or program (`MANUAL`), or an automatic snapshot policy (`AUTOMATIC`). */
export type SnapshotType = 'MANUAL' | 'AUTOMATIC'

/** What a copy can promise: the disk was not in use, or it was, and the copy holds what had reached it. */
export type SnapshotConsistency = 'CLEAN' | 'CRASH_CONSISTENT'

/** Who had a snapshot made: this gateway; somebody else, in the cloud; or a policy of the cloud. */
export type SnapshotOrigin = 'GATEWAY' | 'OUTSIDE' | 'UPSTREAM_POLICY'

/** The stages of a snapshot's life, in order. */
export const SNAPSHOT_STATUSES = [
  'CREATING',
  'COMPLETED',
  'FAILED',
  'UNAVAILABLE',
  'DELETING',
  'DELETED',
] as const
export type SnapshotStatus = (typeof SNAPSHOT_STATUSES)[number]

/** What can be asked of a snapshot. */
export type SnapshotOperation = 'UPDATE' | 'DELETE' | 'VERIFY' | 'ROLL_BACK' | 'CREATE_DISK'
