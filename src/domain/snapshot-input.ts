/**
 * The longest retention of a snapshot, in days, whether a person or a policy asks for it: what a policy gave a snapshot,
 * that snapshot can be given again. Source: the cloud's API, create policy. Its call for manual snapshots stops at 10,000.
 */
export const RETENTION_DAYS_MAX = 65_536
export const CLIENT_TOKEN_MAX_LENGTH = 64
/** How long a client token is remembered at least, in hours from the call that it came with. */
export const CLIENT_TOKEN_KEPT_HOURS = 24

const DAY_MS = 86_400_000

/** Until when a snapshot is kept; null means forever. */
export function expiry(createdAt: Date, retentionDays: number | null): Date | null {
  return retentionDays === null ? null : new Date(createdAt.getTime() + retentionDays * DAY_MS)
}
