import { inTransaction, type Database } from '../database/database.ts'
import { afterLook, trusted, type ClockTrust } from '../domain/clock-trust.ts'
import type { Clock } from './clock.ts'

/** The only row of its table. */
const ID = 'clock'

/** What is stored about the clock; null before the first look. */
export async function readClockTrust(db: Pick<Database, 'clockTrust'>): Promise<ClockTrust | null> {
  return db.clockTrust.findUnique({ where: { id: ID } })
}

async function store(db: Pick<Database, 'clockTrust'>, trust: ClockTrust): Promise<void> {
  await db.clockTrust.upsert({ where: { id: ID }, create: { id: ID, ...trust }, update: trust })
}

/** Takes the clock for right, whatever it was before: an operator has said so. */
export async function trustClock(db: Database, now: Date): Promise<void> {
  await store(db, trusted(now))
}

export type ClockWatch = ReturnType<typeof createClockWatch>

/** Looks at the clock, compares it with `steadyMs`, which nobody can set, and with what is stored, and stores the result. */
export function createClockWatch({
  db,
  now,
  steadyMs,
}: {
  db: Database
  now: Clock
  /** Milliseconds from an arbitrary start. */
  steadyMs: () => number
}) {
  let last: number | undefined
  return {
    look: (): Promise<ClockTrust> =>
      inTransaction(db, async (tx) => {
        const at = steadyMs()
        const trust = afterLook(await readClockTrust(tx), now(), last === undefined ? 0 : at - last)
        await store(tx, trust)
        last = at
        return trust
      }),
  }
}
