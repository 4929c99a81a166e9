/**
 * What is known of the cost of fields beyond their types. Charges follow measurements: a point is two to five microseconds
 * of the event loop. Amounts here are in tenths of a point, so that sums are exact.
 */

const POINT = 10

/** A selected value, its name and its place in the answer. */
export const VALUE = 2
/** An object: a row of a page, or one that is put together. */
export const OBJECT = POINT
/** A row that is read by itself, with a statement of its own. */
export const READ = 4 * POINT
/** A page: its statement and its cursors, but not its entries. */
export const PAGE = 10 * POINT
/** A count of a list as a whole. */
export const COUNT = 20 * POINT
/** A filter of a list that may be long: rows are looked at that are not found. */
export const FILTER = 100 * POINT
/** A filter of the snapshots of one disk, of which there is a bounded number. */
export const FILTER_OF_ONE_DISK = 20 * POINT
/** A value of a list in such a filter: each may be a list of its own to be merged. */
export const LISTED_VALUE = 3 * POINT
/** A change: a durable write. */
export const CHANGE = 20 * POINT
/** A field of an introspection: the schema is large, but no larger than it is. */
export const INTROSPECTED = 10 * POINT
/** How many entries a list that is not paged is taken to have. */
export const UNPAGED_LIST = 5

/** Types whose objects are put together from what has been read already. */
export const COMPOSED: ReadonlySet<string> = new Set([
  'DiskAttachment',
  'Eligibility',
  'Permission',
  'Permissions',
  'SnapshotQuota',
  'SnapshotWarning',
  'UserError',
  'Viewer',
])

/** What texts cost more than others, by the name of their field: for the length they may have. */
export const TEXTS: Readonly<Record<string, number>> = {
  description: 10 * POINT,
  failureReason: POINT,
  message: POINT,
  reason: POINT,
  refusalMessage: POINT,
  stallReason: POINT,
  statusReason: POINT,
}

/** What fields cost more than others of their type: for what they read or work out. */
export const EXTRA: Readonly<Record<string, number>> = {
  'AutoSnapshotPolicy.nextRuns': 20 * POINT,
  'AutoSnapshotPolicy.repeatWeekdays': POINT,
  'AutoSnapshotPolicy.timePoints': 2 * POINT,
  'Disk.autoSnapshotPolicyEligibility': READ,
  'Disk.snapshotEligibility': READ,
  'PageInfo.endCursor': READ,
  'PageInfo.hasNextPage': READ,
  'PageInfo.hasPreviousPage': READ,
  'PageInfo.startCursor': READ,
  'Snapshot.createDiskEligibility': READ,
  'Snapshot.deleteEligibility': READ,
  'Snapshot.progress': READ,
  'Snapshot.rollBackEligibility': READ,
  'Snapshot.stallReason': READ + POINT,
  'Snapshot.stalledSince': READ,
  'Snapshot.verifyEligibility': READ,
}

/** Lists that are not paged, and not taken to have `UNPAGED_LIST` entries. */
export const ENTRIES: Readonly<Record<string, number>> = {
  'Disk.tags': 10,
  'Eligibility.refusals': 2,
  'Query.snapshotHistory': 10,
  'Snapshot.tags': 10,
  'Snapshot.transitions': 10,
}
