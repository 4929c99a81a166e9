import type { Refusal } from '../domain/refusal.ts'
import type { Prisma } from '../generated/prisma/client.ts'
import type { Changes, LogTable, NewLogRow, NewRow, Order, Row, Table, Where } from './rows.ts'

/**
 * A statement that has been sent. `yield*` gives its result: at once on SQLite, whose statements are done when they are called;
 * on a server, after the promise that it yields.
 */
export type Statement<T> = Iterable<Promise<unknown>, T, unknown>

/**
 * What a verb does in a transaction, as a generator, so that the same text runs on every database. It waits for nothing but
 * its statements. Nothing is done until it is run: by `yield*` in other work, or by `db.write`.
 */
export type Work<T> = Generator<Promise<unknown>, T, unknown>

/**
 * The statements of one transaction. Lock what you read before you decide: what `get`, `all` and `count` find may be changed
 * by another gateway before this transaction commits; what `lock` finds may not. On SQLite there is one writer, and nothing
 * to lock.
 */
export interface Sql {
  /** The first row for which the conditions hold. */
  get<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T> | undefined>
  all<T extends Table>(table: T, where: Where<T>, order?: Order<T>): Statement<Row<T>[]>
  count<T extends Table>(table: T, where: Where<T>): Statement<number>

  /** The same as `get`, of a row that nobody else changes until this transaction ends; it waits for those who do now. */
  lock<T extends Table>(table: T, where: Where<T>, order?: LockOrder<T>): Statement<Row<T> | undefined>
  /** The same as `all`, of rows that nobody else changes. */
  lockAll<T extends Table>(table: T, where: Where<T>, order?: LockOrder<T>): Statement<Row<T>[]>

  /** Inserts a row, and returns it with its defaults. */
  insert<T extends Table>(table: T, row: NewRow<T>): Statement<Row<T>>
  /** Inserts rows that have the same columns. */
  insertAll<T extends Table>(table: T, rows: readonly NewRow<T>[]): Statement<void>
  /** Inserts a row unless its key is taken, also by a transaction that commits first; whether it did. */
  insertNew<T extends Table>(table: T, row: NewRow<T>): Statement<boolean>
  /** Appends rows to a log, with the next numbers of their accounts: 1, 2, 3 … in the order of commits, without a gap. */
  append<T extends LogTable>(table: T, rows: readonly NewLogRow<T>[]): Statement<void>
  /** Changes columns of rows; how many rows. */
  update<T extends Table>(table: T, changes: Changes<T>, where: Where<T>): Statement<number>
  /** Deletes rows; how many. */
  delete<T extends Table>(table: T, where: Where<T>): Statement<number>
  /** Runs a statement in the words that all databases understand; how many rows it changed. */
  run(sql: Prisma.Sql): Statement<number>

  /** Does work whose changes are undone when it throws. A refusal is the result then; anything else is thrown. */
  attempt<T>(work: Work<T>): Statement<T | Refusal>
  /** The results of both, which share one round trip to a server. */
  together<A, B>(first: Statement<A>, second: Statement<B>): Statement<[A, B]>
}

export interface LockOrder<T extends Table> extends Order<T> {
  /** Passes over rows that another transaction has locked, instead of waiting for it. */
  readonly skipLocked?: boolean
}
