import type { SnapshotStatus, SnapshotType } from './snapshot.ts'

/** How many snapshots of each type a disk may hold. */
export type SnapshotQuota = Record<SnapshotType, number>

/**
 * A disk holds two separate budgets; filling one leaves the other untouched.
 * Source: the cloud's documentation, "Manual Snapshot", "Description", item 1.
 */
export const SNAPSHOT_QUOTA: SnapshotQuota = { MANUAL: 256, AUTOMATIC: 256 }

/**
 * The statuses that take up a place in the budget: everything that holds bytes or may come to.
 * The sources don't say whether a failed snapshot counts; it holds nothing, so it doesn't.
 */
export const COUNTED_SNAPSHOT_STATUSES = [
  'CREATING',
  'COMPLETED',
  'UNAVAILABLE',
  'DELETING',
] as const satisfies SnapshotStatus[]

export interface QuotaUsage {
  used: number
  limit: number
  /** What may still be created; never negative, also when the limit was lowered below what is held. */
  remaining: number
}

/** How much of a budget is used. */
export function quotaUsage(used: number, limit: number): QuotaUsage {
  return { used, limit, remaining: Math.max(0, limit - used) }
}
