import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { afterLook, trusted, type ClockTrust } from '../domain/clock-trust.ts'
import type { Clock } from './clock.ts'

/** The only row of its table. */
const ID = 'clock'

/** What is stored about the clock; null before the first look. */
export async function readClockTrust(db: Pick<Database, 'clockTrust'>): Promise<ClockTrust | null> {
  return db.clockTrust.findUnique({ where: { id: ID } })
}

function* store(sql: Sql, trust: ClockTrust): Work<void> {
  if (yield* sql.insertNew('ClockTrust', { id: ID, ...trust })) return
  yield* sql.update('ClockTrust', trust, { id: ID })
}

/** Trusts the clock as it is now: an operator has confirmed it. */
export async function trustClock(db: Database, now: Date): Promise<void> {
  await db.write((sql) => store(sql, trusted(now)))
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
      db.write(function* (sql) {
        const at = steadyMs()
        const known = (yield* sql.lock('ClockTrust', { id: ID })) ?? null
        const trust = afterLook(known, now(), last === undefined ? 0 : at - last)
        yield* store(sql, trust)
        last = at
        return trust
      }),
  }
}
