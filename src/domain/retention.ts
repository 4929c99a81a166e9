import { DAY_MS } from './units.ts'

/** Says instead of a number of days that a snapshot is kept until it is deleted or makes room. */
export const FOREVER = -1

/**
 * How many days a snapshot can be kept, whether a person or a policy asks for it: what a policy gave a snapshot, that
 * snapshot can be given again. Source: the cloud's API, create policy. Its call for manual snapshots stops at 10,000.
 */
export const RETENTION_DAYS = { min: 1, max: 65_536 }

/** The rule of a retention, as the end of a sentence. */
export const RETENTION_RULE = `${FOREVER} (forever) or from ${RETENTION_DAYS.min} to ${RETENTION_DAYS.max}`

/** Whether the number is a retention: forever, or days within the bounds. */
export function isRetention(days: number): boolean {
  if (days === FOREVER) return true
  return Number.isInteger(days) && days >= RETENTION_DAYS.min && days <= RETENTION_DAYS.max
}

/** What is stored of a retention: null means forever. */
export function storedRetention(days: number | null): number | null {
  return days === FOREVER ? null : days
}

/** Until when a snapshot is kept; null means forever. */
export function expiry(createdAt: Date, retentionDays: number | null): Date | null {
  return retentionDays === null ? null : new Date(createdAt.getTime() + retentionDays * DAY_MS)
}
