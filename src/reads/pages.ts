import { Prisma } from '../generated/prisma/client.ts'
import type { Reader } from '../database/reader.ts'

/** The tables that are read by pages; each has an `id` and an `accountId`. */
export type Table = 'Disk' | 'Snapshot'

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

/** One page of one list. */
export interface PageQuery {
  where: Where
  column: string
  direction: Direction
  /** Which columns are wanted, besides those that the order goes by; all when left out. */
  columns?: readonly string[] | undefined
  after?: { value: Date | string | bigint; id: string } | undefined
  before?: { value: Date | string | bigint; id: string } | undefined
  limit: number
}

/**
 * What a list holds: the entries for which all of `conditions` are true and, where it is given, one of `choices`. Each
 * choice leads an index, so a list of so many choices is read as so many lists, each in its order, and merged.
 */
export interface Where {
  conditions: readonly Prisma.Sql[]
  choices?: readonly Prisma.Sql[] | undefined
  /** The index that the choices lead; SQLite's own choice when left out. */
  index?: string | undefined
  /** They are taken so only where the page is in this order; any when left out. */
  order?: string | undefined
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
 * Reads a page and, of the same moment, the head of the transition log: so the head is exactly what the rows reflect, and
 * watching from it neither misses nor repeats a change. What it costs does not grow with the number of rows behind it.
 */
export function readPage<Row>(reader: Reader, table: Table, query: PageQuery): Page<Row> {
  const { choices, order: needed } = query.where
  if (choices?.length === 0) return reader.atOnce(() => ({ rows: [], head: reader.head() }))
  const lists =
    choices && (needed ?? query.column) === query.column
      ? choices.map((choice) => select(table, query, choice, query.where.index))
      : // What is chosen is looked for along the index that has the order.
        [select(table, query, choices && Prisma.sql`+(${Prisma.join([...choices], ' OR ')})`)]
  const [only] = lists
  const page =
    lists.length === 1 && only
      ? only
      : Prisma.sql`SELECT * FROM (${Prisma.join(
          lists.map((list) => Prisma.sql`SELECT * FROM (${list})`),
          ' UNION ALL ',
        )}) ${orderOf(query)} LIMIT ${query.limit}`
  return reader.atOnce(() => ({ rows: reader.all<Row>(page), head: reader.head() }))
}

function select(table: Table, query: PageQuery, choice: Prisma.Sql | undefined, index?: string): Prisma.Sql {
  const where = [...(choice ? [choice] : []), ...query.where.conditions, ...bounds(query)]
  return Prisma.sql`SELECT ${columnsOf(query)} FROM ${from(table, index)} WHERE ${Prisma.join(where, ' AND ')} ${orderOf(query)} LIMIT ${query.limit}`
}

const EVERY_COLUMN = Prisma.raw('*')
const lists = new WeakMap<readonly string[], Map<string, Prisma.Sql>>()

/** The list of columns; the same ones are asked for again and again. */
function columnsOf({ columns, column }: PageQuery): Prisma.Sql {
  if (!columns) return EVERY_COLUMN
  const known = lists.get(columns) ?? new Map<string, Prisma.Sql>()
  lists.set(columns, known)
  const list =
    known.get(column) ??
    Prisma.raw([...new Set(['id', column, ...columns])].map((name) => `"${name}"`).join())
  known.set(column, list)
  return list
}

function from(table: Table, index?: string): Prisma.Sql {
  return Prisma.raw(index === undefined ? `"${table}"` : `"${table}" INDEXED BY "${index}"`)
}

function orderOf({ column, direction }: PageQuery): Prisma.Sql {
  return Prisma.raw(`ORDER BY "${column}" ${direction}, "id" ${direction}`)
}

/** Counts a list. */
export function readCount(reader: Reader, table: Table, list: Where): number {
  const { conditions, choices } = list
  if (choices?.length === 0) return 0
  const where = choices ? [Prisma.sql`(${Prisma.join([...choices], ' OR ')})`, ...conditions] : conditions
  return readNumber(
    reader,
    Prisma.sql`SELECT count(*) AS "number" FROM ${from(table, list.index)} WHERE ${Prisma.join([...where], ' AND ')}`,
  )
}

/** The column `number` of the only row of a select. */
export function readNumber(reader: Reader, sql: Prisma.Sql): number {
  return reader.get<{ number: number | null }>(sql)?.number ?? 0
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
