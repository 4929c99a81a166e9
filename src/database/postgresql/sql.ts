import { Refusal } from '../../domain/refusal.ts'
import { Unavailable } from '../../domain/unavailable.ts'
import type { Prisma } from '../../generated/prisma/client.ts'
import type { QueryResult } from 'pg'
import type { Changes, LogTable, NewLogRow, NewRow, Order, Row, Table, Where } from '../rows.ts'
import { conditions, insertInto, orderOf } from '../sql-text.ts'
import type { LockOrder, Sql, Statement, Work } from '../work.ts'
import { isLost } from './faults.ts'
import type { Connection } from './pool.ts'

/** One parameter however many there are, so that the text of the statement stays the same. */
const { whereOf } = conditions({
  besideIds: (column) => `"${column}"`,
  in: (list) => ['= ANY(?)', list.map(stored)],
  notIn: (list) => ['<> ALL(?)', list.map(stored)],
})

/** A row of a log that waits for its number. */
type Appended = NewLogRow<LogTable>

const LOG_TABLES: readonly LogTable[] = ['SnapshotTransition', 'DiskTransition']

/**
 * The statements of a transaction on PostgreSQL. Each is sent when it is called; `yield*` waits for its result. Rows of the
 * logs are kept until the commit, where they are numbered: nothing is done after their counter is locked.
 */
export class PostgresqlSql implements Sql {
  readonly #connection: Connection
  #appended: { table: LogTable; row: Appended }[] = []
  #savepoints = 0
  /** Statements whose results nobody has taken yet. */
  readonly #untaken = { count: 0 }
  #isOpen = true
  #hasWritten = false
  /** Whether something that it has changed is committed. */
  isCommitted = false
  /** Why parts of the work were undone, each behind a savepoint of its own. */
  readonly refusals: Refusal[] = []

  constructor(connection: Connection) {
    this.#connection = connection
    this.#send('BEGIN ISOLATION LEVEL READ COMMITTED')
  }

  get<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T> | undefined> {
    return this.#rows(table, where, { ...order, limit: 1 }, '', first<Row<T>>)
  }

  all<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T>[]> {
    return this.#rows(table, where, order, '', every<Row<T>>)
  }

  count<T extends Table>(table: T, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    const text = `SELECT count(*)::integer AS "number" FROM "${table}"${whereOf(where, values)}`
    return this.#ask(text, values, (rows) => first<{ number: number }>(rows)?.number ?? 0)
  }

  lock<T extends Table>(table: T, where: Where<T>, order?: LockOrder<T>): Statement<Row<T> | undefined> {
    return this.#rows(table, where, { ...order, limit: 1 }, lockOf(order), first<Row<T>>)
  }

  lockAll<T extends Table>(table: T, where: Where<T>, order?: LockOrder<T>): Statement<Row<T>[]> {
    return this.#rows(table, where, order, lockOf(order), every<Row<T>>)
  }

  insert<T extends Table>(table: T, row: NewRow<T>): Statement<Row<T>> {
    const values: unknown[] = []
    const text = `${insertInto(table, row, values)} RETURNING *`
    return this.#change(text, values, (rows) => {
      const inserted = first<Row<T>>(rows)
      if (!inserted) throw new Error(`Nothing was inserted into ${table}.`)
      return inserted
    })
  }

  insertAll<T extends Table>(table: T, rows: readonly NewRow<T>[]): Statement<void> {
    const [one] = rows
    if (!one) return this.#sent(Promise.resolve())
    const columns = columnsOf(one)
    const text = `INSERT INTO "${table}" (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::"${table}", ?)`
    return this.#change(text, [json(rows)], () => undefined)
  }

  insertNew<T extends Table>(table: T, row: NewRow<T>): Statement<boolean> {
    const values: unknown[] = []
    const text = `${insertInto(table, row, values)} ON CONFLICT DO NOTHING`
    return this.#change(text, values, (_rows, count) => count > 0)
  }

  append<T extends LogTable>(table: T, rows: readonly NewLogRow<T>[]): Statement<void> {
    this.#checkOpen()
    this.#hasWritten = true
    for (const row of rows) this.#appended.push({ table, row })
    return this.#sent(Promise.resolve())
  }

  update<T extends Table>(table: T, changes: Changes<T>, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    const set: string[] = []
    for (const [column, value] of Object.entries(changes)) {
      if (value === undefined) continue
      set.push(`"${column}" = ?`)
      values.push(value)
    }
    if (set.length === 0) return this.count(table, where)
    const text = `UPDATE "${table}" SET ${set.join()}${whereOf(where, values)}`
    return this.#change(text, values, (_rows, count) => count)
  }

  delete<T extends Table>(table: T, where: Where<T>): Statement<number> {
    const values: unknown[] = []
    const text = `DELETE FROM "${table}"${whereOf(where, values)}`
    return this.#change(text, values, (_rows, count) => count)
  }

  run({ sql, values }: Prisma.Sql): Statement<number> {
    return this.#change(sql, values, (_rows, count) => count)
  }

  attempt<T>(work: Work<T>): Statement<T | Refusal> {
    return this.#sent(this.#attempt(work))
  }

  together<A, B>(first: Statement<A>, second: Statement<B>): Statement<[A, B]> {
    return this.#sent(Promise.all([outcomeOf(first), outcomeOf(second)]))
  }

  /** Numbers what was appended, and commits. Throws Unavailable when it is not known whether it did. */
  async commit(): Promise<void> {
    if (this.#untaken.count > 0) throw new Error('The result of a statement was not taken with yield*.')
    this.#isOpen = false
    try {
      const results = await Promise.allSettled([...this.#number(), this.#connection.query('COMMIT')])
      // All have been waited for, so that the connection is not given back in between.
      for (const result of results) if (result.status === 'rejected') throw result.reason
      const last = results.at(-1)
      // COMMIT of a transaction that has failed is a ROLLBACK, and no error.
      if (last?.status === 'fulfilled' && last.value.command !== 'COMMIT')
        throw new Error('A statement failed, and nobody took its result.')
      this.isCommitted = this.#hasWritten
    } catch (error) {
      throw isLost(error) && this.#hasWritten ? new Unavailable('UNCERTAIN', error) : error
    }
  }

  /** Undoes everything; whether the connection still works. */
  rollBack(): Promise<boolean> {
    this.#isOpen = false
    return this.#connection.query('ROLLBACK').then(
      () => true,
      () => false,
    )
  }

  /** Appends to the logs, account by account in one order for all. */
  #number(): Promise<QueryResult>[] {
    const accounts = Map.groupBy(this.#appended, ({ row }) => row.accountId)
    return [...accounts.keys()].sort().map((accountId) => {
      const own = accounts.get(accountId) ?? []
      const [snapshots = [], disks = []] = LOG_TABLES.map((table) => numberedRows(own, table))
      const values = [accountId, snapshots.length, disks.length, json(snapshots), json(disks)]
      return this.#connection.query(NUMBER, values)
    })
  }

  async #attempt<T>(work: Work<T>): Promise<T | Refusal> {
    const name = `work_${++this.#savepoints}`
    const appended = this.#appended.length
    const { count } = this.#untaken
    this.#send(`SAVEPOINT ${name}`)
    try {
      const value = await outcomeOf(work)
      this.#send(`RELEASE SAVEPOINT ${name}`)
      return value
    } catch (error) {
      this.#send(`ROLLBACK TO SAVEPOINT ${name}`)
      this.#appended.length = appended
      this.#untaken.count = count
      if (!(error instanceof Refusal)) throw error
      this.refusals.push(error)
      return error
    }
  }

  #rows<T extends Table, R>(
    table: T,
    where: Where<T>,
    order: Order<T> | undefined,
    lock: string,
    take: Take<R>,
  ): Statement<R> {
    const values: unknown[] = []
    let text = `SELECT * FROM "${table}"${whereOf(where, values)}${orderOf(order)}`
    if (order?.limit !== undefined) {
      text += ' LIMIT ?'
      values.push(order.limit)
    }
    return this.#ask(text + lock, values, take)
  }

  #change<V>(text: string, values: readonly unknown[], take: Take<V>): Statement<V> {
    this.#hasWritten = true
    return this.#ask(text, values, take)
  }

  #ask<V>(text: string, values: readonly unknown[], take: Take<V>): Statement<V> {
    this.#checkOpen()
    const asked = this.#connection.query(numberedPlaces(text), values.map(stored))
    return this.#sent<V>(asked.then(({ rows, rowCount }) => take(rows, rowCount ?? 0)))
  }

  #sent<T>(result: Promise<T>): Statement<T> {
    return new Sent(result, this.#untaken)
  }

  /** Sends what needs no answer; what fails of it makes the COMMIT fail. */
  #send(text: string): void {
    this.#connection.query(text).catch(() => undefined)
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new Error('The transaction has ended.')
  }
}

/** Does work, and waits for what it yields. */
export async function outcomeOf<T>(work: Statement<T>): Promise<T> {
  const steps = work[Symbol.iterator]()
  let step = steps.next(undefined)
  while (!step.done) {
    let answer: unknown
    try {
      answer = await step.value
    } catch (error) {
      if (!steps.throw) throw error
      step = steps.throw(error)
      continue
    }
    step = steps.next(answer)
  }
  return step.value
}

/** A statement that has been sent. */
class Sent<T> implements Iterable<Promise<unknown>, T, unknown> {
  readonly #result: Promise<T>
  readonly #untaken: { count: number }

  constructor(result: Promise<T>, untaken: { count: number }) {
    this.#result = result
    this.#untaken = untaken
    untaken.count++
    // Another statement may fail first, and then nobody waits for this one.
    result.catch(() => undefined)
  }

  *[Symbol.iterator](): Generator<Promise<unknown>, T, unknown> {
    this.#untaken.count--
    return (yield this.#result) as T
  }
}

/**
 * Takes the next numbers of an account, which locks its counter until the commit, and appends rows with them. It is one
 * statement, and a row that it has to wait for is read as it then is.
 */
const NUMBER = `WITH "head" AS (
    INSERT INTO "TransitionHead" AS "h" ("accountId", "snapshots", "disks") VALUES ($1, $2, $3)
    ON CONFLICT ("accountId") DO UPDATE
      SET "snapshots" = "h"."snapshots" + excluded."snapshots", "disks" = "h"."disks" + excluded."disks"
    RETURNING "snapshots", "disks"
  ), "appended" AS (
    INSERT INTO "SnapshotTransition"
      ("sequence", "accountId", "tag", "traceparent", "snapshotId", "snapshotName", "snapshotType", "snapshotTags", "diskId",
        "from", "to", "reason", "actor", "at", "upstreamAt")
    SELECT "head"."snapshots" - $2 + r."sequence", r."accountId", r."tag", r."traceparent", r."snapshotId", r."snapshotName",
      r."snapshotType", r."snapshotTags", r."diskId", r."from", r."to", r."reason", r."actor", r."at", r."upstreamAt"
    FROM "head", json_populate_recordset(NULL::"SnapshotTransition", $4) r
  )
  INSERT INTO "DiskTransition" ("sequence", "accountId", "tag", "traceparent", "diskId", "from", "to", "reason", "actor", "at", "upstreamAt")
  SELECT "head"."disks" - $3 + r."sequence", r."accountId", r."tag", r."traceparent", r."diskId", r."from", r."to",
    r."reason", r."actor", r."at", r."upstreamAt"
  FROM "head", json_populate_recordset(NULL::"DiskTransition", $5) r`

function numberedRows(own: readonly { table: LogTable; row: Appended }[], table: LogTable): object[] {
  return own.filter((one) => one.table === table).map(({ row }, index) => ({ ...row, sequence: index + 1 }))
}

/** Makes the result of a statement of its rows, and of how many it found or changed. */
type Take<V> = (rows: readonly unknown[], count: number) => V

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
const first = <R>([row]: readonly unknown[]) => row as R | undefined
const every = <R>(rows: readonly unknown[]) => rows as R[]

function lockOf(order: { skipLocked?: boolean } | undefined): string {
  return ` FOR NO KEY UPDATE${order?.skipLocked ? ' SKIP LOCKED' : ''}`
}

const texts = new Map<string, string>()

/** The text with the numbers of places, as the server wants it. */
function numberedPlaces(text: string): string {
  const known = texts.get(text)
  if (known !== undefined) return known
  let place = 0
  const numbered = text.replaceAll('?', () => `$${++place}`)
  texts.set(text, numbered)
  return numbered
}

function columnsOf(row: object): string {
  return Object.keys(row)
    .map((column) => `"${column}"`)
    .join()
}

/** A value as the driver is to send it: moments with their time zone, integers of any size as text. */
function stored(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'bigint' ? String(value) : value
}

function json(rows: readonly object[]): string {
  return JSON.stringify(rows, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))
}
