import { randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import { stored, type Statements } from '../database/statements.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { DISK_JOB_KINDS } from '../domain/job.ts'
import { isSettled, mayDiskFollow, mayFollow, type SnapshotStatus } from '../domain/lifecycle.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** One change of a snapshot's status: a row of the transition log. */
export interface Transition {
  /** Its place in the whole log: strictly increasing, in the order of commits. Never shown to clients. */
  position: number
  accountId: string
  /** Its number among the transitions of its account: 1, 2, 3 … in the order of commits, without a gap. */
  sequence: number
  /** Random. With the number it tells this transition from any other that had the same number before a restore. */
  tag: string
  snapshotId: string
  /** The name of the snapshot at that moment; null where it was not stored. */
  snapshotName: string | null
  diskId: string
  /** Null for the first transition of a snapshot. */
  from: SnapshotStatus | null
  to: SnapshotStatus
  reason: string | null
  at: Date
}

/** One change of a disk's status: a row of the log of disks. */
export interface DiskTransition extends Omit<Transition, 'snapshotId' | 'snapshotName' | 'from' | 'to'> {
  snapshotId?: undefined
  /** Null for the first transition of a disk. */
  from: DiskStatus | null
  to: DiskStatus
}

export type AnyTransition = Transition | DiskTransition

/** Which transitions a reader wants; the account is never optional. */
export interface TransitionScope {
  accountId: string
  snapshotId?: string | undefined
  diskId?: string | undefined
}

/** A transition without what the log adds to it. */
export type NewTransition<T extends AnyTransition> = Omit<
  T,
  'position' | 'sequence' | 'tag' | 'snapshotName' | (T extends DiskTransition ? 'snapshotId' : never)
>

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

/** The log does not continue from where a reader stands: that has been pruned, or was lost when the database was restored. */
export class CursorExpired extends Error {
  constructor() {
    super(
      'The log does not continue from this stream cursor: it is older than the log, or the database has been restored. ' +
        'List again, and watch from the new cursor.',
    )
  }
}

/** The two logs: the same in all but their tables. */
const LOGS = {
  SNAPSHOT: {
    /** The first letter of its cursors. */
    letter: 's',
    table: Prisma.raw('"SnapshotTransition"'),
    /** What a row has besides the columns of every log, and where that comes from. */
    appended: Prisma.raw(', "snapshotId", "snapshotName"'),
    values: Prisma.raw(`, r."value" ->> 'snapshotId',
      (SELECT s."name" FROM "Snapshot" s WHERE s."id" = r."value" ->> 'snapshotId')`),
    columns: Prisma.raw(
      '"position", "accountId", "sequence", "tag", "snapshotId", "snapshotName", "diskId", "from", "to", "reason", "at"',
    ),
    /** What each transition is of. */
    subject: Prisma.raw('"snapshotId"'),
    /** What is in flight with it: any work on its copy, or that reads it. */
    work: Prisma.sql`TRUE`,
    /** What pruning leaves: the history of a snapshot that still exists, which is short. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Snapshot" s WHERE s."id" = "SnapshotTransition"."snapshotId")`,
  },
  DISK: {
    letter: 'd',
    table: Prisma.raw('"DiskTransition"'),
    /** What a row has besides the columns of every log, and where that comes from. */
    appended: Prisma.empty,
    values: Prisma.empty,
    columns: Prisma.raw('"position", "accountId", "sequence", "tag", "diskId", "from", "to", "reason", "at"'),
    subject: Prisma.raw('"diskId"'),
    work: Prisma.sql`"kind" IN (${Prisma.join([...DISK_JOB_KINDS])})`,
    /** What pruning leaves: how a disk that still exists came to be as it is. Its whole history has no bounds. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Disk" d WHERE d."id" = "DiskTransition"."diskId")
      AND "position" = (SELECT max(l."position") FROM "DiskTransition" l WHERE l."diskId" = "DiskTransition"."diskId")`,
  },
}

/** The most rows that are read at once. */
export const PAGE = 500

/** The most rows that are looked at in one transaction of pruning, and the most accounts in one turn of the event loop. */
const PRUNED_TOGETHER = 1_000
const ACCOUNTS_TOGETHER = 100

/**
 * A cursor: the letter of the log, the number of a transition of the account, and the tag of that transition. Before the
 * first one, the number is 0 and the tag the id of the log.
 */
const CURSOR = /^([sd])(\d{1,15})\.([\w-]{8,16})$/
/** The cursors of versions before there were numbers for each account: the id of the log and a position, in base 36. */
const OLD_CURSOR = /^([0-9a-f]{12})\.([0-9a-z]{1,10})$/

/**
 * Appends transitions, in the transaction that makes the changes, while the rows of the snapshots are there: the log
 * keeps their names. A step that the life cycle does not know is a defect and throws, which undoes the change.
 */
export function appendTransitions(
  { sql }: SqlTransaction,
  ...transitions: NewTransition<Transition>[]
): void {
  for (const { from, to } of transitions)
    if (!mayFollow(from, to)) throw new Error(`A snapshot cannot go from ${from ?? 'nothing'} to ${to}.`)
  append(sql, 'SNAPSHOT', transitions)
}

/** The same for disks. */
export function appendDiskTransitions(
  { sql }: SqlTransaction,
  ...transitions: NewTransition<DiskTransition>[]
): void {
  for (const { from, to } of transitions)
    if (!mayDiskFollow(from, to)) throw new Error(`A disk cannot go from ${from ?? 'nothing'} to ${to}.`)
  append(sql, 'DISK', transitions)
}

/**
 * Appends the transitions of each account in one statement, with the next numbers of the account. The last transition of
 * an account is never pruned, so no number comes twice.
 */
function append(
  sql: Statements,
  subject: keyof typeof LOGS,
  transitions: readonly NewTransition<AnyTransition>[],
): void {
  const { table, appended, values } = LOGS[subject]
  for (const [accountId, own = []] of Object.entries(Object.groupBy(transitions, (one) => one.accountId))) {
    const rows = own.map((one) => ({
      ...one,
      tag: randomBytes(6).toString('base64url'),
      at: stored(one.at),
    }))
    sql.run(
      Prisma.sql`INSERT INTO ${table} ("accountId", "sequence", "tag", "from", "to", "reason", "at", "diskId"${appended})
        SELECT ${accountId}, r."key" + 1 + (SELECT coalesce(max("sequence"), 0) FROM ${table} WHERE "accountId" = ${accountId}),
          r."value" ->> 'tag', r."value" ->> 'from', r."value" ->> 'to', r."value" ->> 'reason', r."value" ->> 'at',
          r."value" ->> 'diskId'${values}
        FROM json_each(${JSON.stringify(rows)}) r ORDER BY r."key"`,
    )
  }
}

export type TransitionLog<T extends AnyTransition = Transition> = Awaited<ReturnType<typeof openLog<T>>>

/** The stored, numbered history of all snapshots. */
export const openTransitionLog = (db: Database): Promise<TransitionLog> => openLog(db, 'SNAPSHOT')

/** The stored, numbered history of all disks. */
export const openDiskTransitionLog = (db: Database): Promise<TransitionLog<DiskTransition>> =>
  openLog(db, 'DISK')

/**
 * A stored, numbered history. SQLite has one writer, so positions and numbers are in the order of commits, and no reader
 * that goes on from the last position it has seen can miss a row.
 *
 * A number with its tag names one transition, and with it everything before it: rows are only ever appended, so a log that
 * has this transition has the same ones before it. A log that was restored, and has given its number to another one since,
 * does not have it. So a cursor is proven by one row, whatever happened to the database or to the processes on it.
 */
async function openLog<T extends AnyTransition>(db: Database, logSubject: keyof typeof LOGS) {
  const { letter, table, columns, subject, work, kept } = LOGS[logSubject]
  const { reader } = db
  const log = await db.transitionLog.upsert({
    where: { subject: logSubject },
    create: { id: randomBytes(6).toString('hex'), subject: logSubject },
    update: {},
  })
  const { id } = log

  /** The last transition of an account that has been pruned, with all before it but those that are kept. */
  function prunedThrough(sql: Statements, accountId: string): PrunedThrough {
    const pruned = sql.get<PrunedThrough>(
      Prisma.sql`SELECT "sequence", "tag", "position" FROM "PrunedTransitions"
        WHERE "accountId" = ${accountId} AND "subject" = ${logSubject}`,
    )
    return pruned ?? { sequence: 0, tag: id, position: 0 }
  }

  function headOf(sql: Statements, accountId: string): number {
    return (
      sql.get<{ sequence: number | null }>(
        Prisma.sql`SELECT max("sequence") AS "sequence" FROM ${table} WHERE "accountId" = ${accountId}`,
      )?.sequence ?? 0
    )
  }

  function read(scope: TransitionScope, after: number, through: number): LogPage<T> {
    const transitions = reader.all<T>(
      Prisma.sql`SELECT ${columns} FROM ${table} WHERE ${within(scope)} AND "position" > ${after} AND "position" <= ${through}
        ORDER BY "position" LIMIT ${PAGE}`,
    )
    const last = transitions.at(PAGE - 1)
    return { transitions, through: last ? last.position : through }
  }

  function positionOf(accountId: string, sequence: number, tag: string | undefined): number | 'EXPIRED' {
    const pruned = prunedThrough(reader, accountId)
    const row =
      sequence === pruned.sequence
        ? pruned
        : reader.get<PrunedThrough>(
            Prisma.sql`SELECT "sequence", "tag", "position" FROM ${table}
              WHERE "accountId" = ${accountId} AND "sequence" = ${sequence}`,
          )
    return row && row.tag === tag && row.position >= pruned.position ? row.position : 'EXPIRED'
  }

  /** The index by which a scope is read; what it leaves out is left to the reader. */
  function within(scope: TransitionScope): Prisma.Sql {
    const one = logSubject === 'SNAPSHOT' ? scope.snapshotId : scope.diskId
    return one === undefined
      ? Prisma.sql`"accountId" = ${scope.accountId}`
      : Prisma.sql`${subject} = ${one} AND +"accountId" = ${scope.accountId}`
  }

  function latest(scope: TransitionScope): T | undefined {
    return reader.get<T>(
      Prisma.sql`SELECT ${columns} FROM ${table} WHERE ${within(scope)} ORDER BY "position" DESC LIMIT 1`,
    )
  }

  /** Prunes some of an account, and returns how far that is done; undefined when nothing there is old. */
  function pruneSome(
    sql: Statements,
    accountId: string,
    { before, keep }: { before: Date; keep: number },
  ): { rows: number } | undefined {
    const from = prunedThrough(sql, accountId).sequence
    const through = Math.min(from + PRUNED_TOGETHER, headOf(sql, accountId) - Math.max(keep, 1))
    const old = sql.get<PrunedThrough>(
      Prisma.sql`SELECT "sequence", "tag", "position" FROM ${table}
        WHERE "accountId" = ${accountId} AND "sequence" > ${from} AND "sequence" <= ${through} AND "at" < ${before}
        ORDER BY "sequence" DESC LIMIT 1`,
    )
    if (!old) return undefined
    sql.run(
      Prisma.sql`INSERT INTO "PrunedTransitions" ("accountId", "subject", "sequence", "tag", "position")
        VALUES (${accountId}, ${logSubject}, ${old.sequence}, ${old.tag}, ${old.position})
        ON CONFLICT ("accountId", "subject") DO UPDATE
        SET "sequence" = excluded."sequence", "tag" = excluded."tag", "position" = excluded."position"`,
    )
    // What was kept of these things before may be let go of now.
    const rows = sql.run(
      Prisma.sql`DELETE FROM ${table} WHERE +"accountId" = ${accountId} AND "sequence" <= ${old.sequence} AND ${subject} IN (
          SELECT ${subject} FROM ${table}
          WHERE "accountId" = ${accountId} AND "sequence" > ${from} AND "sequence" <= ${old.sequence})
        AND NOT (${kept})`,
    )
    return { rows }
  }

  return {
    /** The last transition of all; nothing when there is none. */
    head(): Reached {
      const last = reader.get<Reached>(
        Prisma.sql`SELECT "position", "tag" FROM ${table} ORDER BY "position" DESC LIMIT 1`,
      )
      return last ?? { position: 0, tag: undefined }
    },

    /**
     * Everything after a position, oldest first, at most `PAGE` rows. Undefined when the log does not continue from what
     * was read there: the database was restored meanwhile, or is another one.
     */
    tail({ position, tag }: Reached): T[] | undefined {
      return reader.atOnce(() => {
        const there =
          position === 0
            ? undefined
            : reader.get<{ tag: string }>(
                Prisma.sql`SELECT "tag" FROM ${table} WHERE "position" = ${position}`,
              )?.tag
        if (there !== tag) return undefined
        return reader.all<T>(
          Prisma.sql`SELECT ${columns} FROM ${table} WHERE "position" > ${position} ORDER BY "position" LIMIT ${PAGE}`,
        )
      })
    },

    /**
     * What a scope has after a position, up to another one or as far as a page goes. Throws CursorExpired when some of
     * it may have been pruned meanwhile: a reader that knew no better would skip it.
     */
    page(scope: TransitionScope, after: number, through: number): LogPage<T> {
      return reader.atOnce(() => {
        if (after < prunedThrough(reader, scope.accountId).position) throw new CursorExpired()
        return read(scope, after, through)
      })
    },

    /** The same of one thing, of which there is always something left for as long as it exists. */
    life: read,

    /** The last transition of a scope; undefined when it has none. */
    latest,

    /** What goes on with one snapshot or disk, for a reader that has come to a position. */
    stage(scope: TransitionScope, through: number): Stage {
      return reader.atOnce(() => {
        const last = latest(scope)
        if (!last || last.position > through || !isSettled(last.to)) return 'CHANGING'
        const job = reader.get(Prisma.sql`SELECT 1 FROM "Job" WHERE ${within(scope)} AND ${work} LIMIT 1`)
        return job ? 'WORKED_ON' : 'OVER'
      })
    },

    /**
     * Forgets what is older than a moment, but never the last `keep` transitions of an account, and never its very last
     * one, which says how far its numbers go: cursors before that expire. Of what still exists there is always something
     * left. Returns how many rows went. It is done in slices, so that nobody waits for it.
     */
    async prune(bounds: { before: Date; keep: number }): Promise<number> {
      let rows = 0
      const accounts = await db.account.findMany({ select: { id: true } })
      for (const [index, { id: accountId }] of accounts.entries()) {
        if (index % ACCOUNTS_TOGETHER === 0) await setImmediate()
        if (headOf(reader, accountId) - Math.max(bounds.keep, 1) <= prunedThrough(reader, accountId).sequence)
          continue
        for (;;) {
          const done = await db.groupCommit.write(({ sql }) => pruneSome(sql, accountId, bounds))
          if (!done) break
          rows += done.rows
        }
      }
      return rows
    },

    /** The cursor of a transition: opaque to clients, and good for its account only. */
    cursor({ sequence, tag }: Pick<T, 'sequence' | 'tag'>): string {
      return `${letter}${sequence}.${tag}`
    },

    /** The cursor of what a list reflects: the last transition of its account, as `Heads` has it. */
    cursorOf(head: string | null): string {
      return `${letter}${head ?? `0.${id}`}`
    },

    /**
     * The position of an account's cursor, or of the part of a joint one that is this log's; why not, when there is none.
     * What has the form of a cursor and is none of this log as it is now has expired.
     */
    parse(cursor: string, { accountId }: { accountId: string }): number | 'MALFORMED' | 'EXPIRED' {
      const parts = cursor.split('~')
      if (parts.length > 2) return 'MALFORMED'
      const cursors = parts.map((part) => CURSOR.exec(part) ?? [])
      if (cursors.every(({ length }) => length > 0)) {
        const [, , sequence, tag] = cursors.find((match) => match[1] === letter) ?? []
        return sequence === undefined
          ? 'MALFORMED'
          : reader.atOnce(() => positionOf(accountId, Number(sequence), tag))
      }
      const old = parts.map((part) => OLD_CURSOR.exec(part) ?? [])
      if (old.some(({ length }) => length === 0)) return 'MALFORMED'
      const position = Number.parseInt(old.find((match) => match[1] === id)?.[2] ?? '', 36)
      const isGood =
        position >= log.prunedThrough &&
        position <= log.oldThrough &&
        position >= prunedThrough(reader, accountId).position
      return isGood ? position : 'EXPIRED'
    },
  }
}

/**
 * What goes on with a snapshot or a disk: it changes, or has since; its status is settled, but there is work on it, or that
 * reads it; or nothing is in flight.
 */
export type Stage = 'CHANGING' | 'WORKED_ON' | 'OVER'

type PrunedThrough = Pick<Transition, 'sequence' | 'tag' | 'position'>

/** A cursor of both logs, for what reflects both; each of them takes its own part. */
export function jointCursor(...cursors: [string, string]): string {
  return cursors.join('~')
}
