import type SQLite from 'better-sqlite3'

/** How SQLite would answer a statement: one line for each table that it reads or sorts. */
export function planOf(database: SQLite.Database, sql: string): string[] {
  const values = Array<null>(sql.split('?').length - 1).fill(null)
  database.function('scanned', { varargs: true }, () => 1)
  return database
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...values)
    .map(({ detail }) => detail)
}
