/** Who asked for a snapshot: a person or program (`MANUAL`), or an automatic snapshot policy (`AUTOMATIC`). */
export type SnapshotType = 'MANUAL' | 'AUTOMATIC'

/** What a copy can promise: the disk was not in use, or it was, and the copy holds what had reached it. */
export type SnapshotConsistency = 'CLEAN' | 'CRASH_CONSISTENT'
