import type { Database as Connection, Statement as Prepared } from 'better-sqlite3'
import { Refusal } from '../../domain/refusal.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { DatabaseObserver } from '../observer.ts'
import type { Changes, LogTable, NewLogRow, NewRow, Order, Row, Table, Where } from '../rows.ts'
import { conditions, insertInto, listed, orderOf } from '../sql-text.ts'
import type { Sql, Statement, Work } from '../work.ts'
import { stored, type Statements } from './statements.ts'

/** The statements of a transaction on SQLite: each is done when it is called. */
export class SqliteSql implements Sql {
  readonly #connection: Connection
  readonly #statements: Statements
  readonly #observer: DatabaseObserver
  readonly #savepoint: Record<'begin' | 'keep' | 'undo', Prepared>
  /** Statements whose results nobody has taken yet. */
  readonly #untaken = { count: 0 }
  #isOpen = false

  constructor(connection: Connection, statements: Statements, observer: DatabaseObserver) {
    this.#connection = connection
    this.#statements = statements
    this.#observer = observer
    this.#savepoint = {
      begin: connection.prepare('SAVEPOINT work'),
      keep: connection.prepare('RELEASE work'),
      undo: connection.prepare('ROLLBACK TO work'),
    }
  }

  /** Does work in the open transaction; what it has done is undone when it throws. */
  do<T>(work: (sql: Sql) => Statement<T>): T {
    const { count } = this.#untaken
    const wasOpen = this.#isOpen
    this.#savepoint.begin.run()
    this.#isOpen = true
    try {
      const value = resultOf(work(this))
      if (this.#untaken.count !== count)
        throw new Error('The result of a statement was not taken with yield*.')
      this.#savepoint.keep.run()
      return value
    } catch (error) {
      // Some errors make SQLite end the transaction by itself.
      if (this.#connection.inTransaction) {
        this.#savepoint.undo.run()
        this.#savepoint.keep.run()
      }
      this.#untaken.count = count
      if (error instanceof Refusal) this.#observer.refused?.(error)
      throw error
    } finally {
      this.#isOpen = wasOpen
    }
  }

  get<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T> | undefined> {
    const values: unknown[] = []
    const sql = `SELECT * FROM "${table}"${whereOf(where, values)}${orderOf(order)}`
    return this.#done(this.#open.get<Row<T>>({ sql, values }))
  }

  all<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T>[]> {
    const values: unknown[] = []
    const limit = order?.limit === undefined ? '' : ' LIMIT ?'
    const sql = `SELECT * FROM "${table}"${whereOf(where, values)}${orderOf(order)}${limit}`
    if (order?.limit !== undefined) values.push(order.limit)
    return this.#done(this.#open.all<Row<T>>({ sql, values }))
  }

  count<T extends Table>(table: T, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    const sql = `SELECT count(*) AS "number" FROM "${table}"${whereOf(where, values)}`
    return this.#done(this.#open.get<{ number: number }>({ sql, values })?.number ?? 0)
  }

  lock<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T> | undefined> {
    return this.get(table, where, order)
  }

  lockAll<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T>[]> {
    return this.all(table, where, order)
  }

  insert<T extends Table>(table: T, row: NewRow<T>): Statement<Row<T>> {
    const values: unknown[] = []
    const sql = `${insertInto(table, row, values)} RETURNING *`
    const inserted = this.#open.get<Row<T>>({ sql, values })
    if (!inserted) throw new Error(`Nothing was inserted into ${table}.`)
    return this.#done(inserted)
  }

  insertAll<T extends Table>(table: T, rows: readonly NewRow<T>[]): Statement<void> {
    const [only] = rows
    if (only && rows.length === 1) {
      const values: unknown[] = []
      this.#open.run({ sql: insertInto(table, only, values), values })
    } else if (only) {
      const { names, values } = columnsOf(rows)
      const sql = `INSERT INTO "${table}" (${names}) SELECT ${values} FROM json_each(?) r ORDER BY r."key"`
      this.#open.run({ sql, values: [json(rows.map(storedRow))] })
    }
    return this.#done(undefined)
  }

  insertNew<T extends Table>(table: T, row: NewRow<T>): Statement<boolean> {
    const values: unknown[] = []
    const sql = `${insertInto(table, row, values)} ON CONFLICT DO NOTHING`
    return this.#done(this.#open.run({ sql, values }) > 0)
  }

  append<T extends LogTable>(table: T, rows: readonly NewLogRow<T>[]): Statement<void> {
    // The last row of an account is never deleted, so no number comes twice.
    const last = `(SELECT coalesce(max("sequence"), 0) FROM "${table}" WHERE "accountId" = ?)`
    const [only] = rows
    if (only && rows.length === 1) {
      const values: unknown[] = [only.accountId]
      const { names, places } = listed(only, values)
      this.#open.run({
        sql: `INSERT INTO "${table}" ("sequence",${names}) VALUES (${last} + 1,${places})`,
        values,
      })
      return this.#done(undefined)
    }
    for (const [accountId, own] of Map.groupBy(rows, (row) => row.accountId)) {
      const { names, values } = columnsOf(own)
      const sql = `INSERT INTO "${table}" ("sequence",${names}) SELECT ${last} + 1 + r."key",${values}
        FROM json_each(?) r ORDER BY r."key"`
      this.#open.run({ sql, values: [accountId, json(own.map(storedRow))] })
    }
    return this.#done(undefined)
  }

  update<T extends Table>(table: T, changes: Changes<T>, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    let set = ''
    for (const [column, value] of Object.entries(changes)) {
      if (value === undefined) continue
      set += `${set && ','}"${column}" = ?`
      values.push(value)
    }
    if (set === '') return this.count(table, where)
    const sql = `UPDATE "${table}" SET ${set}${whereOf(where, values)}`
    return this.#done(this.#open.run({ sql, values }))
  }

  delete<T extends Table>(table: T, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    const sql = `DELETE FROM "${table}"${whereOf(where, values)}`
    return this.#done(this.#open.run({ sql, values }))
  }

  run(sql: Prisma.Sql): Statement<number> {
    return this.#done(this.#open.run(sql))
  }

  attempt<T>(work: Work<T>): Statement<T | Refusal> {
    try {
      return this.#done(this.do(() => work))
    } catch (error) {
      if (error instanceof Refusal) return this.#done(error)
      throw error
    }
  }

  together<A, B>(first: Statement<A>, second: Statement<B>): Statement<[A, B]> {
    return this.#done([resultOf(first), resultOf(second)])
  }

  /** A statement after the end would be a transaction of its own. */
  get #open(): Statements {
    if (!this.#isOpen) throw new Error('The transaction has ended.')
    return this.#statements
  }

  #done<T>(value: T): Statement<T> {
    this.#untaken.count++
    return new Done(value, this.#untaken)
  }
}

/** A result: the statement, its iterator and what that returns in one object, because there is one for each statement. */
class Done<T> implements Iterator<never, T>, IteratorReturnResult<T> {
  readonly done = true
  readonly value: T
  readonly #untaken: { count: number }

  constructor(value: T, untaken: { count: number }) {
    this.value = value
    this.#untaken = untaken
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): this {
    this.#untaken.count--
    return this
  }
}

function resultOf<T>(work: Statement<T>): T {
  const result = work[Symbol.iterator]().next(undefined)
  if (!result.done) throw new Error('Work on SQLite waits for nothing.')
  return result.value
}

/** The columns of rows that come as JSON, and where their values are. */
function columnsOf([row = {}]: readonly object[]): { names: string; values: string } {
  const columns = Object.keys(row)
  return {
    names: columns.map((column) => `"${column}"`).join(),
    values: columns.map((column) => `r."value" ->> '${column}'`).join(),
  }
}

/**
 * A list is one parameter however many there are, so that the text of the statement stays the same. Without statistics SQLite
 * takes any index for a good one, and would read all rows of an account to find a list of ids among them: a plus hides the
 * other columns from the planner.
 */
const { whereOf } = conditions({
  besideIds: (column) => `+"${column}"`,
  in: (list) => ['IN (SELECT "value" FROM json_each(?))', json(list.map(stored))],
  notIn: (list) => ['NOT IN (SELECT "value" FROM json_each(?))', json(list.map(stored))],
})

function storedRow(row: object): object {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, stored(value)]))
}

/** Integers of any size as text, which a column of integers takes as such. */
function json(value: readonly unknown[]): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
}
