import { POINT, READ } from '../../graphql/hints.ts'

/**
 * What fields cost by their types and names. Charges follow measurements: a point is two to five microseconds of the event
 * loop. What single fields cost more is said where they are declared (`graphql/hints.ts`).
 */

/** A selected value, its name and its place in the answer. */
export const VALUE = 2
/** An object: a row of a page, or one that is put together. */
export const OBJECT = POINT
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
/** A value of a list in the filter of a stream: its text is kept, in several forms, for as long as the stream is open. */
export const KEPT_VALUE = POINT
/** A part of an answer: it has its own promises, and its own place among those that are awaited. */
export const PART = 10 * POINT
/** A change: a durable write. */
export const CHANGE = 20 * POINT
/** How many entries a list that is not paged is taken to have. */
export const UNPAGED_LIST = 5

/** Types whose objects are put together from what has been read already. */
export const COMPOSED: ReadonlySet<string> = new Set([
  'Actor',
  'DiskAttachment',
  'Eligibility',
  'Permission',
  'Permissions',
  'SnapshotQuota',
  'SnapshotWarning',
  'UserError',
  'Viewer',
  '_Service',
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

/** What the fields cost more that a plug-in declares. */
export const OF_PLUGINS: Readonly<Record<string, number>> = {
  'PageInfo.endCursor': READ,
  'PageInfo.hasNextPage': READ,
  'PageInfo.hasPreviousPage': READ,
  'PageInfo.startCursor': READ,
}
