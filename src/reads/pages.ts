import { Prisma } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'

/** A column that pages can be ordered by: how its value is written into a cursor and read back. */
export interface OrderColumn<Row> {
  column: string
  write: (row: Row) => string
  /** Undefined when the text is not such a value. */
  read: (text: string) => Date | string | bigint | undefined
}

export type Direction = 'ASC' | 'DESC'

/** A place in an ordered list: the order, the value there, and the id that breaks ties. */
export interface Position {
  order: string
  value: string
  id: string
}

/** A table that is read in pages. */
type Table = 'Disk' | 'Snapshot' | 'ApiToken'

/** One page of one list; pages that are asked for together are read by one statement. */
export interface PageQuery {
  where: readonly Prisma.Sql[]
  column: string
  direction: Direction
  after?: { value: Date | string | bigint; id: string } | undefined
  before?: { value: Date | string | bigint; id: string } | undefined
  limit: number
}

export interface Page<Row> {
  rows: Row[]
  /** The number of the last transition that these rows reflect. */
  head: number
}

/**
 * A cursor carries the values of the row it stands at, not only its id, so that it goes on working when
 * that row is deleted between two pages.
 */
export function writeCursor({ order, value, id }: Position): string {
  return Buffer.from(JSON.stringify([order, value, id])).toString('base64url')
}

/** Undefined when the text is not a cursor. */
export function readCursor(cursor: string): Position | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (!Array.isArray(parts) || parts.length !== 3) return undefined
    const [order, value, id] = parts as unknown[]
    if (typeof order !== 'string' || typeof value !== 'string' || typeof id !== 'string') return undefined
    return { order, value, id }
  } catch {
    return undefined
  }
}

/**
 * Reads any number of pages of one table, and the head of the transition log, in one statement: so the head is
 * exactly what the rows reflect, and watching from it neither misses nor repeats a change. Each page is
 * a select of its own with its own limit, so what it costs does not grow with the number of rows behind it.
 */
export async function readPages<Row>(
  db: Database,
  table: Table,
  queries: readonly PageQuery[],
): Promise<Page<Row>[]> {
  const selects = queries.map(
    (query, index) => Prisma.sql`SELECT * FROM (
      SELECT ${Prisma.raw(String(index))} AS "query", t.* FROM ${Prisma.raw(`"${table}"`)} t
      WHERE ${Prisma.join([...query.where, ...bounds(query)], ' AND ')}
      ORDER BY ${Prisma.raw(`"${query.column}" ${query.direction}, "id" ${query.direction}`)}
      LIMIT ${query.limit})`,
  )
  const raw = await db.$queryRaw<(Row & { head: number | bigint; query: number | bigint | null })[]>`
    SELECT log."head", page.*
    FROM (SELECT coalesce(max("sequence"), 0) AS "head" FROM "SnapshotTransition") log
    LEFT JOIN (${Prisma.join(selects, ' UNION ALL ')}) page ON TRUE`
  const pages: Page<Row>[] = queries.map(() => ({ rows: [], head: Number(raw[0]?.head ?? 0) }))
  for (const row of raw) if (row.query !== null) pages[Number(row.query)]?.rows.push(row)
  return pages
}

/** Counts any number of lists of one table in one statement. */
export async function readCounts(
  db: Database,
  table: Table,
  wheres: readonly (readonly Prisma.Sql[])[],
): Promise<number[]> {
  const selects = wheres.map(
    (where) =>
      Prisma.sql`(SELECT count(*) FROM ${Prisma.raw(`"${table}"`)} WHERE ${Prisma.join([...where], ' AND ')})`,
  )
  const columns = selects.map((select, index) => Prisma.sql`${select} AS ${Prisma.raw(`"c${index}"`)}`)
  const [row] = await db.$queryRaw<Record<string, number | bigint>[]>`SELECT ${Prisma.join(columns)}`
  return wheres.map((_, index) => Number(row?.[`c${index}`] ?? 0))
}

/** Between the two cursors, as a comparison of rows of values, which an index on the columns serves. */
function bounds({ column, direction, after, before }: PageQuery): Prisma.Sql[] {
  const [beyond, short] = direction === 'ASC' ? ['>', '<'] : ['<', '>']
  return [
    ...(after
      ? [Prisma.sql`${Prisma.raw(`("${column}", "id") ${beyond}`)} (${after.value}, ${after.id})`]
      : []),
    ...(before
      ? [Prisma.sql`${Prisma.raw(`("${column}", "id") ${short}`)} (${before.value}, ${before.id})`]
      : []),
  ]
}
