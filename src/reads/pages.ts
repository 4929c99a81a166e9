import { Prisma } from '../generated/prisma/client.ts'
import type { Heads, ReadConnection } from '../database/sqlite/read-connection.ts'

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

/** The tables that have filters. */
export type Listed = 'Disk' | 'Snapshot' | 'Activity' | 'Connection'

/** A table that is read in pages. */
export type Table = Listed | 'ApiToken' | 'AutoSnapshotPolicy' | 'AutoSnapshotRun' | 'AutoSnapshotRunDisk'

/** One page of one list. */
export interface PageQuery {
  where: Where
  column: string
  direction: Direction
  /** Which columns are wanted, besides those that the order goes by; all when left out. */
  columns?: readonly string[] | undefined
  after?: Bound | undefined
  before?: Bound | undefined
  limit: number
}

/** Where a page begins or ends: beyond the row of this value and id, or with it. */
export interface Bound {
  value: Date | string | bigint
  id: string
  inclusive?: boolean
}

export interface Page<Row> {
  rows: Row[]
  heads: Heads
}

/**
 * What a list holds: the rows, called `t`, for which all of `conditions` are true and, where it is given, one of `choices`.
 * Each choice leads the index, so a list with N choices is read as N lists, each in its order, and merged.
 */
export interface Where {
  conditions: readonly Prisma.Sql[]
  choices?: readonly Prisma.Sql[] | undefined
  index?: string | undefined
  /** Whether conditions are checked row by row, so that there may be many rows for each that is found. */
  isScan?: boolean | undefined
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
 * The select of a page; undefined when the page has no rows for certain. What it costs does not grow with the number of rows
 * beyond the page, unless it is a scan, which calls `scanned` for each row that it looks at.
 */
export function selectOf(table: Table, query: PageQuery): Prisma.Sql | undefined {
  const { where, column, direction, limit } = query
  const selects = choicesOf(where).map(
    (choice) => Prisma.sql`SELECT ${columnsOf(query)} ${from(table, where)}
      WHERE ${Prisma.join([...choice, ...counted(where), ...where.conditions, ...bounds(query)], ' AND ')}`,
  )
  if (selects.length === 0) return undefined
  return Prisma.sql`${Prisma.join(selects, ' UNION ALL ')}
    ORDER BY ${Prisma.raw(`"${column}" ${direction}, "id" ${direction}`)} LIMIT ${limit}`
}

/**
 * Reads a page and, of the same moment, the heads of the account's transition logs: so the heads are exactly what the rows reflect,
 * and watching from them neither misses nor repeats a change.
 */
export function readPage<Row>(
  reader: ReadConnection,
  accountId: string,
  table: Table,
  query: PageQuery,
): Page<Row> {
  const select = selectOf(table, query)
  return reader.atOnce(() => ({
    rows: select ? reader.all<Row>(select) : [],
    heads: reader.heads(accountId),
  }))
}

/**
 * The select of the number of rows of a list, in the column `number`; undefined when there are none for certain. Where it is
 * no scan and a limit is given, it stops counting at that.
 */
export function countOf(table: Table, where: Where, limit = -1): Prisma.Sql | undefined {
  const counts = choicesOf(where).map(
    (choice) => Prisma.sql`(SELECT count(*) FROM (SELECT 1 ${from(table, where)}
      WHERE ${Prisma.join([...choice, ...counted(where), ...where.conditions], ' AND ')} LIMIT ${limit}))`,
  )
  return counts.length === 0 ? undefined : Prisma.sql`SELECT ${Prisma.join(counts, ' + ')} AS "number"`
}

/** Counts the rows that are looked at. Not a constant to SQLite, which would call it once. */
const SCANNED = [Prisma.sql`scanned(t."id")`]

function counted({ isScan = false }: Where): Prisma.Sql[] {
  return isScan ? SCANNED : []
}

/** What each of the lists is chosen by, one after the other. */
function choicesOf({ choices }: Where): Prisma.Sql[][] {
  return choices ? choices.map((choice) => [choice]) : [[]]
}

function from(table: Table, { index }: Where): Prisma.Sql {
  return Prisma.raw(`FROM "${table}" t${index === undefined ? '' : ` INDEXED BY "${index}"`}`)
}

const EVERY_COLUMN = Prisma.raw('t.*')
const lists = new WeakMap<readonly string[], Map<string, Prisma.Sql>>()

/** The list of columns; the same ones are asked for again and again. */
function columnsOf({ columns, column }: PageQuery): Prisma.Sql {
  if (!columns) return EVERY_COLUMN
  const known = lists.get(columns) ?? new Map<string, Prisma.Sql>()
  lists.set(columns, known)
  const list =
    known.get(column) ??
    Prisma.raw([...new Set(['id', column, ...columns])].map((name) => `t."${name}"`).join())
  known.set(column, list)
  return list
}

/** Between the two cursors, as a comparison of rows of values, which an index on the columns serves. */
function bounds({ column, direction, after, before }: PageQuery): Prisma.Sql[] {
  const [beyond, short] = direction === 'ASC' ? ['>', '<'] : ['<', '>']
  const compare = (comparison: string, { value, id, inclusive = false }: Bound) =>
    Prisma.sql`${Prisma.raw(`(t."${column}", t."id") ${comparison}${inclusive ? '=' : ''}`)} (${value}, ${id})`
  return [...(after ? [compare(beyond, after)] : []), ...(before ? [compare(short, before)] : [])]
}
