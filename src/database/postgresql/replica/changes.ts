import type { FedTable } from './tables.ts'

/** A table with the columns that are fed, in the order in which their values come, and their types as SQLite declares them. */
export interface FedColumns extends FedTable {
  columns: readonly { name: string; type: string }[]
  /** What tells its rows apart. */
  primaryKey: readonly string[]
}

/** The changes of one table: keys as a JSON list, and the rows that they have now, each a JSON list of its columns. */
export interface TableChanges {
  name: string
  keys: string
  rows: string
}

/** More keys than this are not read at once: the whole database is compared instead. */
const MOST_KEYS = 50_000

/** The last commit: its number and its id. */
export const LAST_COMMIT = `SELECT "version", "id" FROM "Commit" ORDER BY "version" DESC LIMIT 1`

/** The same, and the time on the server, in milliseconds since 1970. */
export const LAST_COMMIT_AND_TIME = LAST_COMMIT.replace(
  ' FROM',
  ', extract(epoch FROM clock_timestamp()) * 1000 FROM',
)

/**
 * One statement, so one state of the database. Its first row has the last commit, whether the one with number $1 and id $2
 * is known, and whether there are no more changes after that than can be told; the others are TableChanges.
 *
 * It is planned once, perhaps while the tables are empty. So nothing is left to the planner's guess of their sizes: `OFFSET 0` keeps
 * each lookup by key a lookup, where a join could become a scan of the whole table.
 */
export function changesSql(tables: readonly FedColumns[]): string {
  return `WITH "news" AS MATERIALIZED (SELECT "xid" FROM "Commit" WHERE "version" > $1::BIGINT),
    "keys" AS MATERIALIZED (
      SELECT DISTINCT c."table", c."key"
      FROM "news" CROSS JOIN LATERAL (SELECT * FROM "Change" WHERE "xid" = "news"."xid" OFFSET 0) c LIMIT ${MOST_KEYS + 1}),
    "few" AS MATERIALIZED (SELECT count(*) <= ${MOST_KEYS} AS "isFew" FROM "keys")
    SELECT '' AS "name", NULL AS "keys", json_build_object(
      'version', last."version", 'id', last."id", 'isFew', "few"."isFew",
      'isKnown', EXISTS (SELECT 1 FROM "Commit" WHERE "version" = $1::BIGINT AND "id" = $2::UUID))::TEXT AS "rows"
      FROM "few", (${LAST_COMMIT}) last
    ${tables.map(changesOf).join('\n')}`
}

function changesOf(table: FedColumns): string {
  const { name, key, isLog } = table
  const order = isLog ? ` ORDER BY t."accountId", t."sequence"` : ''
  return `UNION ALL SELECT '${name}', (SELECT json_agg("key")::TEXT FROM "keys" WHERE "table" = '${name}'),
    (SELECT json_agg(${rowOf(table)}${order})::TEXT
      FROM "keys" k CROSS JOIN LATERAL (SELECT * FROM "${name}" t WHERE ${hasKey(key, table)} OFFSET 0) t
      WHERE k."table" = '${name}')
    FROM "few" WHERE "few"."isFew" AND EXISTS (SELECT 1 FROM "keys" WHERE "table" = '${name}')`
}

function hasKey([first, rest]: FedTable['key'], { columns }: FedColumns): string {
  if (rest !== undefined)
    return `t."${first}" = split_part(k."key", ' ', 1)::INTEGER AND t."${rest}" = substr(k."key", strpos(k."key", ' ') + 1)`
  const isNumber = columns.some(({ name, type }) => name === first && type === 'INTEGER')
  return `t."${first}" = k."key"${isNumber ? '::INTEGER' : ''}`
}

/** Every row of a table, each as a JSON list of its columns; a log in the order of its numbers. */
export function allRowsSql(table: FedColumns): string {
  const order = table.isLog ? ` ORDER BY t."accountId", t."sequence"` : ''
  return `SELECT ${rowOf(table)}::TEXT FROM "${table.name}" t${order}`
}

/** A row as a JSON list, with values as SQLite stores them. */
function rowOf({ columns }: FedColumns): string {
  return `json_build_array(${columns.map(({ name, type }) => (STORED[type] ?? as)(`t."${name}"`)).join()})`
}

const as = (column: string) => column

const STORED: Record<string, typeof as> = {
  DATETIME: (column) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')`,
  BOOLEAN: (column) => `${column}::INTEGER`,
}
