/** Source: the cloud's create call, retention of a manual snapshot: −1 for ever, else 1–10000 days. */
export const RETENTION_DAYS_MAX = 10_000
export const CLIENT_TOKEN_MAX_LENGTH = 64

const DAY_MS = 86_400_000

/** Until when a snapshot is kept; null for ever. */
export function expiry(createdAt: Date, retentionDays: number | null): Date | null {
  return retentionDays === null ? null : new Date(createdAt.getTime() + retentionDays * DAY_MS)
}
