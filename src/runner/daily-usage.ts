import type { Database } from '../database/database.ts'
import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** How many accounts are noted, or days deleted, in one transaction. */
const ROWS_AT_ONCE = 500

/** A day as the series has it, by UTC. */
const dayOf = (moment: Date): string => moment.toISOString().slice(0, 10)

interface Noted {
  accountId: string
  disks: number
  snapshots: number
  dataBytes: number
}

/**
 * Notes what each account has, once a day: of several gateways, the first one does. What is noted is what this gateway reads.
 * Returns how many accounts.
 */
export async function noteDailyUsage(db: Database, now: Date, signal: AbortSignal): Promise<number> {
  const day = dayOf(now)
  let noted = 0
  let after = ''
  while (!signal.aborted) {
    const accounts = db.reader.all<Noted>(
      Prisma.sql`SELECT a."id" AS "accountId",
          (SELECT count(*) FROM "Disk" d WHERE d."accountId" = a."id") AS "disks",
          (SELECT coalesce(sum(c."count"), 0) FROM "SnapshotCount" c WHERE c."accountId" = a."id" AND c."diskId" = '') AS "snapshots",
          (SELECT coalesce(sum(c."bytes"), 0) FROM "SnapshotCount" c WHERE c."accountId" = a."id" AND c."diskId" = '') AS "dataBytes"
        FROM "Account" a WHERE a."id" > ${after}
          AND NOT EXISTS (SELECT 1 FROM "DailyUsage" u WHERE u."accountId" = a."id" AND u."day" = ${day})
        ORDER BY a."id" LIMIT ${ROWS_AT_ONCE}`,
    )
    const last = accounts.at(-1)
    if (!last) break
    after = last.accountId
    noted += await db.writeInBackground(function* (sql) {
      let count = 0
      for (const { dataBytes, ...account } of accounts) {
        const row = { ...account, day, dataBytes: BigInt(dataBytes) }
        if (yield* sql.insertNew('DailyUsage', row)) count++
      }
      return count
    })
  }
  return noted
}

/** Deletes the days before a moment, of all accounts; returns how many rows. */
export async function deleteDailyUsage(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let deleted = 0
  function* deleteSome(sql: Sql): Work<boolean> {
    const count = yield* sql.run(
      Prisma.sql`DELETE FROM "DailyUsage" WHERE ("accountId", "day") IN (
        SELECT "accountId", "day" FROM "DailyUsage" WHERE "day" < ${dayOf(before)} LIMIT ${ROWS_AT_ONCE})`,
    )
    deleted += count
    return count === ROWS_AT_ONCE
  }
  await inParts(db, deleteSome, signal)
  return deleted
}
