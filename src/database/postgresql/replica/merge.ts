import type { Database as Connection } from 'better-sqlite3'
import type { FedColumns } from './changes.ts'
import { AFTER_IT, names, positionOf, REPLACE_PRUNED } from './rows.ts'

/**
 * Makes the tables of a replica those that stand beside them, in the attached database `beside`: rows that are the same are not
 * touched, so that the replica can be read meanwhile and little is written.
 *
 * A log goes on where it was if the last transition of every account is still there with its tag, and so is everything since:
 * positions stay, and streams notice nothing. Otherwise the database was restored, or has lost commits, or the replica has
 * missed rows that were pruned since. Then every row gets a new position, and streams find that their old ones are gone.
 */
export function mergeBeside(connection: Connection, tables: readonly FedColumns[]): void {
  const run = (sql: string) => connection.exec(sql)
  for (const table of tables) {
    if (table.name === 'PrunedTransitions') mergePruned(connection, table)
    else if (table.isLog) {
      if (!goesOn(connection, table)) {
        run(`DELETE FROM main."${table.name}"`)
        run(`DELETE FROM "PrunedTransitions" WHERE "subject" = '${subjectOf(table)}'`)
      }
      run(`INSERT INTO main."${table.name}" (${names(table)}) SELECT ${names(table, 'b')} FROM beside."${table.name}" b
        WHERE NOT EXISTS (SELECT 1 FROM main."${table.name}" m WHERE ${hasSameKey(table)}) ORDER BY b."accountId", b."sequence"`)
    } else {
      removeOthers(connection, table)
      run(`INSERT INTO main."${table.name}" (${names(table)}) SELECT ${names(table, 'b')} FROM beside."${table.name}" b
        WHERE NOT EXISTS (SELECT 1 FROM main."${table.name}" m WHERE ${hasSameKey(table)})`)
    }
  }
  for (const table of tables) if (table.isLog) removeOthers(connection, table)
}

/** The text that makes a table beside that of the replica. */
export function besideOf({ name, columns, primaryKey }: FedColumns): string {
  const declared = columns.map((column) => `"${column.name}" ${column.type}`)
  return `CREATE TABLE beside."${name}" (${declared.join()}, PRIMARY KEY (${quoted(primaryKey)})) WITHOUT ROWID`
}

const quoted = (columns: readonly string[]) => columns.map((name) => `"${name}"`).join()

function hasSameKey({ primaryKey }: FedColumns): string {
  return primaryKey.map((name) => `m."${name}" = b."${name}"`).join(' AND ')
}

/** Removes rows that are not there, or are others. */
function removeOthers(connection: Connection, { name, columns, primaryKey }: FedColumns): void {
  const same = columns.map((column) => {
    const is = primaryKey.includes(column.name) ? '=' : 'IS'
    return `b."${column.name}" ${is} main."${name}"."${column.name}"`
  })
  connection.exec(
    `DELETE FROM main."${name}" WHERE NOT EXISTS (SELECT 1 FROM beside."${name}" b WHERE ${same.join(' AND ')})`,
  )
}

function mergePruned(connection: Connection, table: FedColumns): void {
  connection.exec(
    `INSERT INTO main."PrunedTransitions" (${names(table)}, "position")
      SELECT ${names(table, 'r')}, ${positionOf(AFTER_IT)} FROM beside."PrunedTransitions" r WHERE TRUE ${REPLACE_PRUNED}`,
  )
  removeOthers(connection, table)
}

/** Whether a log has everything that the replica has read of it and that was not pruned, and all that came after. */
function goesOn(connection: Connection, table: FedColumns): boolean {
  const { name } = table
  const broken = connection
    .prepare(
      `SELECT 1 FROM (SELECT "accountId", max("sequence") AS "sequence" FROM main."${name}" GROUP BY "accountId") h
        JOIN main."${name}" m ON m."accountId" = h."accountId" AND m."sequence" = h."sequence"
        LEFT JOIN beside."${name}" b ON ${hasSameKey(table)}
        LEFT JOIN beside."PrunedTransitions" p ON p."accountId" = h."accountId" AND p."subject" = '${subjectOf(table)}'
        WHERE coalesce(p."sequence", 0) > h."sequence"
          OR NOT (b."tag" IS m."tag" OR (p."sequence" IS m."sequence" AND p."tag" IS m."tag"))
      UNION ALL SELECT 1 FROM beside."PrunedTransitions" p WHERE p."subject" = '${subjectOf(table)}'
        AND NOT EXISTS (SELECT 1 FROM main."${name}" m WHERE m."accountId" = p."accountId")
      UNION ALL SELECT 1 FROM beside."${name}" b
        JOIN (SELECT "accountId", max("sequence") AS "sequence" FROM main."${name}" GROUP BY "accountId") h ON h."accountId" = b."accountId"
        WHERE b."sequence" <= h."sequence" AND NOT EXISTS (SELECT 1 FROM main."${name}" m WHERE ${hasSameKey(table)} AND m."tag" = b."tag")
      LIMIT 1`,
    )
    .get()
  return broken === undefined
}

function subjectOf({ name }: FedColumns): string {
  return name === 'SnapshotTransition' ? 'SNAPSHOT' : 'DISK'
}
