/** Bytes. */
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

/** Milliseconds. */
export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
