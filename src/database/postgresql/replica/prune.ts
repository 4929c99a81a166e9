import { Client } from 'pg'

/** How long commits are kept for replicas that were away, and how many are removed at once. */
const KEPT = '1 hour'
const TOGETHER = 5_000

/** The oldest commits and their changes, but never a later one before an earlier, and never the last. */
const PRUNE = `WITH first AS (
    SELECT "version", "xid", "at" FROM "Commit" WHERE "version" < (SELECT max("version") FROM "Commit") ORDER BY "version" LIMIT ${TOGETHER}),
  old AS (SELECT "version", "xid" FROM first
    WHERE "version" <= (SELECT max("version") FROM first WHERE "at" < clock_timestamp() - INTERVAL '${KEPT}')),
  changes AS (DELETE FROM "Change" WHERE "xid" IN (SELECT "xid" FROM old))
  DELETE FROM "Commit" WHERE "version" IN (SELECT "version" FROM old)`

/** Removes what no replica needs any more; a replica that was away for longer compares the whole database. */
export async function pruneCommits(url: string): Promise<number> {
  const client = new Client({ connectionString: url, application_name: 'snapgate pruning' })
  client.on('error', () => undefined)
  let removed = 0
  try {
    await client.connect()
    for (;;) {
      const { rowCount } = await client.query(PRUNE)
      removed += rowCount ?? 0
      if ((rowCount ?? 0) < TOGETHER) return removed
    }
  } finally {
    await client.end()
  }
}
