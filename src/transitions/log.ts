import { randomBytes } from 'node:crypto'
import type { Database } from '../database/database.ts'
import { isSettled } from '../domain/lifecycle.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { cursorAt, CursorExpired, parseCursor } from './cursor.ts'
import { Pruned, type PruneBounds, type PrunedThrough } from './pruned.ts'
import { LOGS, type LogSubject } from './tables.ts'
import type { AnyTransition, DiskTransition, Transition, TransitionScope } from './transition.ts'

/** The most rows that are read at once. */
export const PAGE = 500

/** All that a scope has after one position, up to another, oldest first. */
export interface LogPage<T extends AnyTransition = AnyTransition> {
  transitions: readonly T[]
  /** The position up to which that is all. */
  through: number
}

/** A place in the log that a reader has reached, and what it read there; 0 and nothing before the first transition. */
interface Reached {
  position: number
  tag: string | undefined
}

/**
 * What goes on with a snapshot or a disk: its status is changing, or has changed since; its status is settled, but a job
 * works on it or reads it; or nothing is in flight.
 */
export type Stage = 'CHANGING' | 'WORKED_ON' | 'OVER'

/** What is stored of a log itself. Cursors in the old form are good between two of its positions. */
interface LogRow {
  id: string
  prunedThrough: number
  oldThrough: number
}

/** The stored, numbered history of all snapshots. */
export const openTransitionLog = (db: Database): Promise<TransitionLog> => open<Transition>(db, 'SNAPSHOT')

/** The stored, numbered history of all disks. */
export const openDiskTransitionLog = (db: Database): Promise<TransitionLog<DiskTransition>> =>
  open<DiskTransition>(db, 'DISK')

async function open<T extends AnyTransition>(db: Database, subject: LogSubject): Promise<TransitionLog<T>> {
  // Of gateways that start together, one makes the row.
  const row = await db.write(function* (sql) {
    yield* sql.insertNew('TransitionLog', { id: randomBytes(6).toString('hex'), subject })
    return yield* sql.get('TransitionLog', { subject })
  })
  if (!row) throw new Error(`The log ${subject} is missing.`)
  return new TransitionLog<T>(db, subject, row)
}

/**
 * A stored, numbered history. SQLite has one writer, so positions and numbers are in commit order, and no reader that goes
 * on from the last position it has seen can miss a row.
 *
 * A number with its tag names one transition, and with it everything before it: rows are only ever appended, so a log that
 * has this transition has the same ones before it. A log that was restored, and has given its number to another one since,
 * does not have it. So one row proves a cursor, even after a restore or a restart.
 */
export class TransitionLog<T extends AnyTransition = Transition> {
  readonly #db: Database
  readonly #subject: LogSubject
  readonly #row: LogRow
  readonly #pruned: Pruned

  constructor(db: Database, subject: LogSubject, row: LogRow) {
    this.#db = db
    this.#subject = subject
    this.#row = row
    this.#pruned = new Pruned(db, subject, row.id)
  }

  /** The last transition of all; position 0 when there is none. */
  head(): Reached {
    const last = this.#reader.get<Reached>(
      Prisma.sql`SELECT "position", "tag" FROM ${this.#sql.table} ORDER BY "position" DESC LIMIT 1`,
    )
    return last ?? { position: 0, tag: undefined }
  }

  /**
   * Everything after a position, oldest first, at most `PAGE` rows. Undefined when the log does not continue from what
   * was read there: the database was restored meanwhile, or is another one.
   */
  tail({ position, tag }: Reached): T[] | undefined {
    const { table, columns } = this.#sql
    return this.#reader.atOnce(() => {
      const there =
        position === 0
          ? undefined
          : this.#reader.get<{ tag: string }>(
              Prisma.sql`SELECT "tag" FROM ${table} WHERE "position" = ${position}`,
            )?.tag
      if (there !== tag) return undefined
      return this.#reader.all<T>(
        Prisma.sql`SELECT ${columns} FROM ${table} WHERE "position" > ${position} ORDER BY "position" LIMIT ${PAGE}`,
      )
    })
  }

  /**
   * What a scope has after a position, up to another one or as far as a page goes. Throws CursorExpired when some of it
   * may have been pruned meanwhile, which the reader would skip without knowing.
   */
  page(scope: TransitionScope, after: number, through: number): LogPage<T> {
    return this.#reader.atOnce(() => {
      if (after < this.#pruned.through(scope.accountId).position) throw new CursorExpired()
      return this.life(scope, after, through)
    })
  }

  /** The same for one snapshot or disk, whose last transition is kept for as long as it exists. */
  life(scope: TransitionScope, after: number, through: number): LogPage<T> {
    const { table, columns } = this.#sql
    const transitions = this.#reader.all<T>(
      Prisma.sql`SELECT ${columns} FROM ${table} WHERE ${this.#within(scope)} AND "position" > ${after} AND "position" <= ${through}
        ORDER BY "position" LIMIT ${PAGE}`,
    )
    const last = transitions.at(PAGE - 1)
    return { transitions, through: last ? last.position : through }
  }

  /** The last transition of a scope; undefined when it has none. */
  latest(scope: TransitionScope): T | undefined {
    const { table, columns } = this.#sql
    return this.#reader.get<T>(
      Prisma.sql`SELECT ${columns} FROM ${table} WHERE ${this.#within(scope)} ORDER BY "position" DESC LIMIT 1`,
    )
  }

  /** What goes on with one snapshot or disk, for a reader that has reached a position. */
  stage(scope: TransitionScope, through: number): Stage {
    return this.#reader.atOnce(() => {
      const last = this.latest(scope)
      if (!last || last.position > through || !isSettled(last.to)) return 'CHANGING'
      const job = this.#reader.get(
        Prisma.sql`SELECT 1 FROM "Job" WHERE ${this.#within(scope)} AND ${this.#sql.work} LIMIT 1`,
      )
      return job ? 'WORKED_ON' : 'OVER'
    })
  }

  /** Deletes old transitions; returns how many. Cursors before them expire. */
  prune(bounds: PruneBounds): Promise<number> {
    return this.#pruned.prune(bounds)
  }

  /** The cursor of a transition: opaque to clients, and good for its account only. */
  cursor(transition: Pick<T, 'sequence' | 'tag'>): string {
    return cursorAt(this.#sql.letter, transition)
  }

  /** Where the log of an account ends now. */
  end({ accountId }: { accountId: string }): { position: number; cursor: string } {
    return this.#reader.atOnce(() => {
      const last = this.latest({ accountId }) ?? this.#pruned.through(accountId)
      return { position: last.position, cursor: this.cursor(last) }
    })
  }

  /** The cursor of what a list reflects: the last transition of its account, as `Heads` has it. */
  cursorOf(head: string | null): string {
    return `${this.#sql.letter}${head ?? `0.${this.#row.id}`}`
  }

  /**
   * The position of an account's cursor, or of this log's part of a joint one. EXPIRED for any well-formed cursor that
   * this log does not continue from.
   */
  parse(cursor: string, { accountId }: { accountId: string }): number | 'MALFORMED' | 'EXPIRED' {
    const parsed = parseCursor(cursor, this.#sql.letter, this.#row.id)
    if (parsed === 'MALFORMED') return parsed
    return this.#reader.atOnce(() => {
      const pruned = this.#pruned.through(accountId)
      if ('oldPosition' in parsed) return this.#checkOld(parsed.oldPosition, pruned)
      const { sequence, tag } = parsed
      const row = sequence === pruned.sequence ? pruned : this.#numbered(accountId, sequence)
      return row && row.tag === tag && row.position >= pruned.position ? row.position : 'EXPIRED'
    })
  }

  #checkOld(position: number, pruned: PrunedThrough): number | 'EXPIRED' {
    const { prunedThrough, oldThrough } = this.#row
    const isGood = position >= prunedThrough && position <= oldThrough && position >= pruned.position
    return isGood ? position : 'EXPIRED'
  }

  #numbered(accountId: string, sequence: number): PrunedThrough | undefined {
    return this.#reader.get<PrunedThrough>(
      Prisma.sql`SELECT "sequence", "tag", "position" FROM ${this.#sql.table}
        WHERE "accountId" = ${accountId} AND "sequence" = ${sequence}`,
    )
  }

  /** The index by which a scope is read; the reader filters by the rest. */
  #within(scope: TransitionScope): Prisma.Sql {
    const one = this.#subject === 'SNAPSHOT' ? scope.snapshotId : scope.diskId
    return one === undefined
      ? Prisma.sql`"accountId" = ${scope.accountId}`
      : Prisma.sql`${this.#sql.subject} = ${one} AND +"accountId" = ${scope.accountId}`
  }

  get #reader(): Database['reader'] {
    return this.#db.reader
  }

  get #sql() {
    return LOGS[this.#subject]
  }
}
