import type { Database as Connection, Statement as Prepared } from 'better-sqlite3'
import { Refusal } from '../domain/refusal.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Changes, LogTable, NewLogRow, NewRow, Order, Row, Table, Where } from './rows.ts'
import { stored, type Statements } from './statements.ts'
import type { Sql, Statement, Work } from './work.ts'

/** The statements of a transaction on SQLite: each is done when it is called. */
export class SqliteSql implements Sql {
  readonly #connection: Connection
  readonly #statements: Statements
  readonly #savepoint: Record<'begin' | 'keep' | 'undo', Prepared>
  /** Statements whose results nobody has taken yet. */
  readonly #untaken = { count: 0 }
  #isOpen = false

  constructor(connection: Connection, statements: Statements) {
    this.#connection = connection
    this.#statements = statements
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
    if (rows.length > 0) {
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

function insertInto(table: string, row: object, values: unknown[]): string {
  const { names, places } = listed(row, values)
  return `INSERT INTO "${table}" (${names}) VALUES (${places})`
}

/** The columns of a row, and a place for each of their values. */
function listed(row: object, values: unknown[]): { names: string; places: string } {
  let names = ''
  let places = ''
  for (const [column, value] of Object.entries(row)) {
    if (value === undefined) continue
    names += names === '' ? `"${column}"` : `,"${column}"`
    places += places === '' ? '?' : ',?'
    values.push(value)
  }
  return { names, places }
}

/** The columns of rows that come as JSON, and where their values are. */
function columnsOf([row = {}]: readonly object[]): { names: string; values: string } {
  const columns = Object.keys(row)
  return {
    names: columns.map((column) => `"${column}"`).join(),
    values: columns.map((column) => `r."value" ->> '${column}'`).join(),
  }
}

function whereOf(where: object, values: unknown[]): string {
  const conditions = conditionsOf(where, values)
  return conditions && ` WHERE ${conditions}`
}

function conditionsOf(where: object, values: unknown[]): string {
  let text = ''
  for (const [column, condition] of Object.entries(where) as [string, unknown][]) {
    const groups = column === 'AND' || column === 'OR'
    if (text) text += ' AND '
    text += groups ? joined(column, condition as object[], values) : conditionOf(column, condition, values)
  }
  return text
}

function joined(word: 'AND' | 'OR', alternatives: readonly object[], values: unknown[]): string {
  return `(${alternatives.map((where) => conditionsOf(where, values)).join(` ${word} `)})`
}

const OPERATORS: Record<string, string> = { lt: '<', lte: '<=', gt: '>', gte: '>=', not: '<>' }

function conditionOf(column: string, condition: unknown, values: unknown[]): string {
  if (condition === undefined) throw new Error(`The condition of ${column} is undefined.`)
  if (condition === null) return `"${column}" IS NULL`
  if (typeof condition !== 'object' || condition instanceof Date) {
    values.push(condition)
    return `"${column}" = ?`
  }
  return Object.entries(condition)
    .map(([name, value]: [string, unknown]) => {
      if (value === undefined) throw new Error(`The condition of ${column} is undefined.`)
      if (name === 'in') return `"${column}" IN ${listOf(value as unknown[], values)}`
      if (name === 'notIn') return `"${column}" NOT IN ${listOf(value as unknown[], values)}`
      if (value === null) return `"${column}" IS NOT NULL`
      values.push(value)
      return `"${column}" ${OPERATORS[name] ?? ''} ?`
    })
    .join(' AND ')
}

/** One parameter however many there are, so that the text of the statement stays the same. */
function listOf(list: readonly unknown[], values: unknown[]): string {
  values.push(json(list.map(stored)))
  return '(SELECT "value" FROM json_each(?))'
}

function storedRow(row: object): object {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, stored(value)]))
}

/** Integers of any size as text, which a column of integers takes as such. */
function json(value: readonly unknown[]): string {
  return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
}

function orderOf(order: Order<Table> | undefined): string {
  if (!order?.orderBy) return ''
  const columns = Object.entries<'asc' | 'desc' | undefined>(order.orderBy)
  return ` ORDER BY ${columns.map(([column, way]) => `"${column}"${way === 'desc' ? ' DESC' : ''}`).join()}`
}
