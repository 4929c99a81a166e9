import type { Database as Connection, Statement } from 'better-sqlite3'
import type { Prisma } from '../generated/prisma/client.ts'

/** At most so many prepared statements are kept; the texts differ by the shapes of filters. */
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

  /**
   * The rows that a select finds. Their properties are made when they are read, so that a column that nobody asks for
   * costs next to nothing; a row is therefore no plain object, and not to be spread or enumerated.
   */
  all<Row>(sql: Prisma.Sql): Row[] {
    const { statement, Row } = this.#prepare(sql.sql)
    return statement.all(...sql.values.map(stored)).map((values) => new Row(values) as Row)
  }

  /** The first row that a select finds. */
  get<Row>(sql: Prisma.Sql): Row | undefined {
    const { statement, Row } = this.#prepare(sql.sql)
    const values = statement.get(...sql.values.map(stored))
    return values && (new Row(values) as Row)
  }

  /** Runs a statement that returns no rows; how many rows it changed. */
  run(sql: Prisma.Sql): number {
    return this.#prepare(sql.sql).statement.run(...sql.values.map(stored)).changes
  }

  #prepare(text: string): Prepared {
    this.#onStatement?.(text)
    const known = this.#prepared.get(text)
    if (known) return known
    const statement = this.connection.prepare<unknown[], unknown[]>(text)
    const prepared = { statement, Row: statement.reader ? rowClass(statement.raw()) : NoRow }
    for (const oldest of this.#prepared.keys()) {
      if (this.#prepared.size < KEPT) break
      this.#prepared.delete(oldest)
    }
    this.#prepared.set(text, prepared)
    return prepared
  }
}

interface Prepared {
  statement: Statement<unknown[], unknown[]>
  Row: new (values: unknown[]) => object
}

class NoRow {}

/** A value as Prisma stores it. */
function stored(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString().replace('Z', '+00:00')
  if (typeof value === 'boolean') return Number(value)
  return value
}

/** By the declared type of a column, what Prisma makes of its values; others are as SQLite gives them. */
const CONVERSIONS: Record<string, (value: never) => unknown> = {
  DATETIME: (value: string) => new Date(value),
  BIGINT: (value: number) => BigInt(value),
  BOOLEAN: (value: number) => value !== 0,
}

function rowClass(statement: Statement<unknown[], unknown[]>): Prepared['Row'] {
  class Row {
    readonly values: readonly unknown[]
    constructor(values: unknown[]) {
      this.values = values
    }
  }
  statement.columns().forEach(({ name, type }, index) => {
    const convert = CONVERSIONS[type?.toUpperCase() ?? '']
    Object.defineProperty(Row.prototype, name, {
      get: convert
        ? function (this: Row) {
            const value = this.values[index]
            return value === null ? null : convert(value as never)
          }
        : function (this: Row) {
            return this.values[index]
          },
    })
  })
  return Row
}
