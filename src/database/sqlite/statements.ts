import type { Database as Connection, Statement } from 'better-sqlite3'
import type { Prisma } from '../../generated/prisma/client.ts'

/** How many prepared statements are kept; the texts differ by the shapes of filters. */
const KEPT = 500

/**
 * Statements on one connection, past Prisma: prepared once for each text, and done when the call returns. Values go in and
 * rows come out as the types that Prisma has for them.
 */
export class Statements {
  protected readonly connection: Connection
  readonly #prepared = new Map<string, Prepared>()
  readonly #onStatement: ((sql: string) => void) | undefined

  constructor(connection: Connection, onStatement?: (sql: string) => void) {
    this.connection = connection
    this.#onStatement = onStatement
  }

  /** The rows that a select finds. */
  all<Row>(sql: Text): Row[] {
    const { statement, convert } = this.#prepare(sql.sql)
    const rows = statement.all(...sql.values.map(stored))
    if (convert) for (const row of rows) convert(row)
    return rows as Row[]
  }

  /** The first row that a select finds. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
  get<Row>(sql: Text): Row | undefined {
    const { statement, convert } = this.#prepare(sql.sql)
    const row = statement.get(...sql.values.map(stored))
    if (row) convert?.(row)
    return row as Row | undefined
  }

  /** Runs a statement that returns no rows; how many rows it changed. */
  run(sql: Text): number {
    return this.#prepare(sql.sql).statement.run(...sql.values.map(stored)).changes
  }

  #prepare(text: string): Prepared {
    const known = this.#prepared.get(text) ?? this.#prepareAnew(text)
    this.#onStatement?.(known.statement.source)
    return known
  }

  #prepareAnew(text: string): Prepared {
    // SQLite looks at the values of parameters when it plans, and so plans anew whenever one is bound, which takes longer than
    // most of these statements. Behind a plus it does not see them, and each is planned once.
    const planned = text.replaceAll('?', '+?')
    // Prisma sets its own connection to the other way.
    const statement = this.connection.prepare<unknown[], StoredRow>(planned).safeIntegers(false)
    const prepared = { statement, convert: converter(statement) }
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size < KEPT) break
      this.#prepared.delete(oldest)
    }
    this.#prepared.set(text, prepared)
    return prepared
  }
}

/** SQL with a ? for each value, as `Prisma.sql` has it. */
export type Text = Pick<Prisma.Sql, 'sql' | 'values'>

type StoredRow = Record<string, unknown>

interface Prepared {
  statement: Statement<unknown[], StoredRow>
  /** Makes the values of a row those of Prisma; undefined when they are. */
  convert: ((row: StoredRow) => void) | undefined
}

/** A value as Prisma stores it. */
export function stored(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString().replace('Z', '+00:00')
  if (typeof value === 'boolean') return Number(value)
  return value
}

/** A moment that is written as it is stored, which costs a tenth of working out its year, month and day again. */
class StoredDate extends Date {
  readonly #text: string
  constructor(stored: string) {
    super(stored)
    this.#text = stored
  }
  override toISOString(): string {
    return this.#text.length === STORED_LENGTH ? `${this.#text.slice(0, 23)}Z` : super.toISOString()
  }
}
const STORED_LENGTH = '1970-01-01T00:00:00.000+00:00'.length

/** By the declared type of a column, what Prisma makes of its values; others are as SQLite gives them. */
const CONVERSIONS: Record<string, (value: never) => unknown> = {
  DATETIME: (value: string) => new StoredDate(value),
  BIGINT: (value: number) => BigInt(value),
  BOOLEAN: (value: number) => value !== 0,
}

function converter(statement: Statement<unknown[], StoredRow>): Prepared['convert'] {
  if (!statement.reader) return undefined
  const conversions = statement.columns().flatMap(({ name, type }) => {
    const convert = CONVERSIONS[type?.toUpperCase() ?? '']
    return convert ? [{ name, convert }] : []
  })
  if (conversions.length === 0) return undefined
  return (row) => {
    for (const { name, convert } of conversions) {
      const value = row[name]
      if (value !== null) row[name] = convert(value as never)
    }
  }
}
