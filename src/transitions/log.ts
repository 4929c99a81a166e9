import { randomBytes } from 'node:crypto'
import { inTransaction, type Database } from '../database/database.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { mayDiskFollow, mayFollow, type SnapshotStatus } from '../domain/lifecycle.ts'
import { Prisma } from '../generated/prisma/client.ts'

/** One change of a snapshot's status: a row of the transition log. */
export interface Transition {
  /** Strictly increasing over the whole log, in the order of commits. */
  sequence: number
  accountId: string
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

/** All that a scope has behind one number, up to another, oldest first. */
export interface LogPage<T extends AnyTransition = AnyTransition> {
  transitions: readonly T[]
  /** The number up to which that is all. */
  through: number
}

/** What a reader was about to read has been pruned. */
export class CursorExpired extends Error {
  constructor() {
    super('The stream cursor is older than the log. List again, and watch from the new cursor.')
  }
}

/** What the log needs of its table. */
interface Rows<T> {
  findFirst: (query: object) => Promise<T | null>
  findMany: (query: object) => Promise<T[]>
}

/** The two logs: the same in all but their tables. */
const LOGS = {
  SNAPSHOT: {
    table: Prisma.raw('"SnapshotTransition"'),
    columns: Prisma.raw(
      '"sequence", "accountId", "snapshotId", "snapshotName", "diskId", "from", "to", "reason", "at"',
    ),
    rows: (db: Prisma.TransactionClient) => db.snapshotTransition as unknown as Rows<Transition>,
    /** The index by which a scope is read; what it leaves out is left to the reader. */
    scope: ({ accountId, snapshotId }: TransitionScope) =>
      snapshotId === undefined ? { accountId } : { accountId, snapshotId },
    /** What pruning leaves: the history of a snapshot that still exists, which is short. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Snapshot" s WHERE s."id" = "SnapshotTransition"."snapshotId")`,
  },
  DISK: {
    table: Prisma.raw('"DiskTransition"'),
    columns: Prisma.raw('"sequence", "accountId", "diskId", "from", "to", "reason", "at"'),
    rows: (db: Prisma.TransactionClient) => db.diskTransition as unknown as Rows<DiskTransition>,
    scope: ({ accountId, diskId }: TransitionScope) =>
      diskId === undefined ? { accountId } : { accountId, diskId },
    /** What pruning leaves: how a disk that still exists came to be as it is. Its whole history has no bounds. */
    kept: Prisma.sql`EXISTS (SELECT 1 FROM "Disk" d WHERE d."id" = "DiskTransition"."diskId")
      AND "sequence" = (SELECT max(l."sequence") FROM "DiskTransition" l WHERE l."diskId" = "DiskTransition"."diskId")`,
  },
}

/** The most rows that are read at once. */
export const PAGE = 500

/** One cursor, or two of them. */
const CURSORS = /^[0-9a-f]{12}\.[0-9a-z]{1,10}(~[0-9a-f]{12}\.[0-9a-z]{1,10})?$/

/**
 * Appends transitions, in the transaction that makes the changes, while the rows of the snapshots are there: the log
 * keeps their names. A step that the life cycle does not know is a defect and throws, which undoes the change.
 */
export function appendTransitions(
  { sql }: SqlTransaction,
  ...transitions: Omit<Transition, 'sequence' | 'snapshotName'>[]
): void {
  for (const transition of transitions) {
    const { from, to } = transition
    if (!mayFollow(from, to)) throw new Error(`A snapshot cannot go from ${from ?? 'nothing'} to ${to}.`)
    const { snapshotId, accountId } = transition
    const snapshot = sql.get<{ name: string }>(
      Prisma.sql`SELECT "name" FROM "Snapshot" WHERE "id" = ${snapshotId} AND "accountId" = ${accountId}`,
    )
    sql.insert('SnapshotTransition', { ...transition, snapshotName: snapshot?.name ?? null })
  }
}

/** The same for disks. */
export function appendDiskTransitions(
  { sql }: SqlTransaction,
  ...transitions: Omit<DiskTransition, 'sequence' | 'snapshotId'>[]
): void {
  for (const transition of transitions) {
    const { from, to } = transition
    if (!mayDiskFollow(from, to)) throw new Error(`A disk cannot go from ${from ?? 'nothing'} to ${to}.`)
    sql.insert('DiskTransition', { ...transition })
  }
}

export type TransitionLog<T extends AnyTransition = Transition> = Awaited<ReturnType<typeof openLog<T>>>

/** The stored, numbered history of all snapshots. */
export const openTransitionLog = (db: Database): Promise<TransitionLog> =>
  openLog(db, 'SNAPSHOT', LOGS.SNAPSHOT)

/** The stored, numbered history of all disks. */
export const openDiskTransitionLog = (db: Database): Promise<TransitionLog<DiskTransition>> =>
  openLog(db, 'DISK', LOGS.DISK)

/**
 * A stored, numbered history. SQLite has one writer, so numbers are in the order of commits and no reader that goes on
 * from the last number it has seen can miss a row.
 */
async function openLog<T extends AnyTransition>(
  db: Database,
  subject: keyof typeof LOGS,
  {
    table,
    columns,
    rows,
    scope: whereScope,
    kept,
  }: Omit<typeof LOGS.SNAPSHOT, 'rows'> & { rows: (db: Prisma.TransactionClient) => Rows<T> },
) {
  const identity = await db.transitionLog.upsert({
    where: { subject },
    create: { id: randomBytes(6).toString('hex'), subject },
    update: {},
  })

  async function prunedThrough(): Promise<number> {
    const { prunedThrough: sequence } = await db.transitionLog.findUniqueOrThrow({
      where: { id: identity.id },
    })
    return sequence
  }

  async function read(scope: TransitionScope, after: number, through: number): Promise<LogPage<T>> {
    const transitions = await rows(db).findMany({
      where: { ...whereScope(scope), sequence: { gt: after, lte: through } },
      orderBy: { sequence: 'asc' },
      take: PAGE,
    })
    const last = transitions.at(PAGE - 1)
    return { transitions, through: last ? last.sequence : through }
  }

  return {
    /** The number of the last transition; 0 when there is none. */
    async head(): Promise<number> {
      const last = await rows(db).findFirst({ orderBy: { sequence: 'desc' } })
      return last?.sequence ?? 0
    },

    /** Everything after a number, oldest first, at most `PAGE` rows. */
    async tail(after: number): Promise<T[]> {
      return db.reader.all<T>(
        Prisma.sql`SELECT ${columns} FROM ${table} WHERE "sequence" > ${after} ORDER BY "sequence" LIMIT ${PAGE}`,
      )
    },

    /**
     * What a scope has behind a number, up to another one or as far as a page goes. Throws CursorExpired when some of
     * it may have been pruned meanwhile: a reader that knew no better would skip it.
     */
    async page(scope: TransitionScope, after: number, through: number): Promise<LogPage<T>> {
      const page = await read(scope, after, through)
      if (after < (await prunedThrough())) throw new CursorExpired()
      return page
    },

    /** The same of one thing, of which there is always something left for as long as it exists. */
    life: read,

    /** The last transition of a scope; undefined when it has none. */
    async latest(scope: TransitionScope): Promise<T | undefined> {
      const last = await rows(db).findFirst({
        where: whereScope(scope),
        orderBy: { sequence: 'desc' },
      })
      return last ?? undefined
    },

    /**
     * Forgets what is older than a moment, but never the last `keep` transitions, and never the very last one, which
     * says how far the log goes: cursors before that expire. Of what still exists there is always something left.
     * Returns how many rows went.
     */
    async prune({ before, keep }: { before: Date; keep: number }): Promise<number> {
      return inTransaction(db, async (tx) => {
        const newest = await rows(tx).findFirst({ orderBy: { sequence: 'desc' } })
        const old = await rows(tx).findFirst({
          where: { at: { lt: before }, sequence: { lte: (newest?.sequence ?? 0) - Math.max(keep, 1) } },
          orderBy: { sequence: 'desc' },
        })
        if (!old) return 0
        // Never back: what is left of an earlier pruning are histories with gaps between them.
        await tx.transitionLog.updateMany({
          where: { id: identity.id, prunedThrough: { lt: old.sequence } },
          data: { prunedThrough: old.sequence },
        })
        return tx.$executeRaw`DELETE FROM ${table} WHERE "sequence" <= ${old.sequence} AND NOT (${kept})`
      })
    },

    /** The cursor of a number: opaque to clients, and good for this log only. */
    cursor(sequence: number): string {
      return `${identity.id}.${sequence.toString(36)}`
    },

    /** The number of a cursor, or of the part of a joint one that is this log's; why not, when there is none. */
    async parse(cursor: string): Promise<number | 'MALFORMED' | 'EXPIRED'> {
      const own = CURSORS.test(cursor) && cursor.split('~').find((part) => part.startsWith(`${identity.id}.`))
      if (!own) return 'MALFORMED'
      const sequence = Number.parseInt(own.slice(own.indexOf('.') + 1), 36)
      if (sequence > (await this.head())) return 'MALFORMED'
      return sequence < (await prunedThrough()) ? 'EXPIRED' : sequence
    },
  }
}

/** A cursor of both logs, for what reflects both; each of them takes its own part. */
export function jointCursor(...cursors: [string, string]): string {
  return cursors.join('~')
}
