/** How far the clock may be from where it is expected, in milliseconds, before it is no longer trusted: 24 h. */
const JUMP_MS = 24 * 3_600_000

/** For how long a process must run by a clock that has jumped, in milliseconds, before it is trusted again: 24 h. */
const PROOF_MS = 24 * 3_600_000

/** What is known of the clock. */
export interface ClockTrust {
  /** The last time at which it was trusted. */
  trustedAt: Date
  /** What it said when it was looked at last. */
  seenAt: Date
  /** For how long, in milliseconds, it has gone on steadily since it jumped; null while it is trusted. */
  steadyMs: number | null
}

/** A clock that is taken for right, from now on. */
export function trusted(now: Date): ClockTrust {
  return { trustedAt: now, seenAt: now, steadyMs: null }
}

/**
 * What is known of the clock after another look at it, `ranMs` of running after the one before; 0 at the first of a
 * process. A jump of more than `JUMP_MS` ends the trust in it: while the gateway runs, against the time that it ran; over a
 * stop, against the time that was stored. It is trusted again when it is set right, or has gone on for `PROOF_MS` of
 * running without another jump.
 */
export function afterLook(before: ClockTrust | null, now: Date, ranMs: number): ClockTrust {
  if (!before) return trusted(now)
  const { trustedAt, seenAt, steadyMs } = before
  if (isNear(now, trustedAt, (steadyMs ?? 0) + ranMs)) return trusted(now)
  const wentOn = steadyMs !== null && isNear(now, seenAt, ranMs)
  // Several processes may look: each counts only what no other has.
  const more = Math.min(ranMs, Math.max(0, now.getTime() - seenAt.getTime()))
  const steady = wentOn ? steadyMs + more : 0
  return steady >= PROOF_MS ? trusted(now) : { trustedAt, seenAt: now, steadyMs: steady }
}

function isNear(now: Date, before: Date, ranMs: number): boolean {
  return Math.abs(now.getTime() - before.getTime() - ranMs) <= JUMP_MS
}
