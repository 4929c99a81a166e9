import { randomBytes } from 'node:crypto'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import type { Statements } from '../database/statements.ts'
import { mayFollow, type SnapshotStatus } from '../domain/lifecycle.ts'

/** One change of a snapshot's status: a row of the transition log. */
export interface Transition {
  /** Strictly increasing over the whole log, in the order of commits. */
  sequence: number
  accountId: string
  snapshotId: string
  diskId: string
  /** Null for the first transition of a snapshot. */
  from: SnapshotStatus | null
  to: SnapshotStatus
  reason: string | null
  at: Date
}

/** Which transitions a reader wants; the account is never optional. */
export interface TransitionScope {
  accountId: string
  snapshotId?: string | undefined
}

const PAGE = 500

/**
 * Appends transitions, in the transaction that makes the changes. A step that the life cycle does not know is a
 * defect and throws, which undoes the change.
 */
export async function appendTransitions(
  tx: Transaction,
  ...transitions: Omit<Transition, 'sequence'>[]
): Promise<void> {
  for (const transition of transitions) checkStep(transition)
  await tx.snapshotTransition.createMany({ data: transitions })
}

/** The same for one transition, past Prisma. */
export function appendTransition(sql: Statements, transition: Omit<Transition, 'sequence'>): void {
  checkStep(transition)
  sql.insert('SnapshotTransition', { ...transition })
}

function checkStep({ from, to }: Pick<Transition, 'from' | 'to'>): void {
  if (!mayFollow(from, to)) throw new Error(`A snapshot cannot go from ${from ?? 'nothing'} to ${to}.`)
}

export type TransitionLog = Awaited<ReturnType<typeof openTransitionLog>>

/**
 * The stored, numbered history of all snapshots. SQLite has one writer, so numbers are in the order of
 * commits and no reader that goes on from the last number it has seen can miss a row.
 */
export async function openTransitionLog(db: Database) {
  const identity =
    (await db.transitionLog.findFirst()) ??
    (await db.transitionLog.create({ data: { id: randomBytes(6).toString('hex') } }))

  return {
    /** The number of the last transition; 0 when there is none. */
    async head(): Promise<number> {
      const last = await db.snapshotTransition.findFirst({
        orderBy: { sequence: 'desc' },
        select: { sequence: true },
      })
      return last?.sequence ?? 0
    },

    /** Everything after a number, oldest first, at most `PAGE` rows. */
    async tail(after: number): Promise<Transition[]> {
      return db.snapshotTransition.findMany({
        where: { sequence: { gt: after } },
        orderBy: { sequence: 'asc' },
        take: PAGE,
      })
    },

    /** What a scope has between two numbers, the first left out, the last included, oldest first, page by page. */
    async *between(scope: TransitionScope, after: number, through: number): AsyncGenerator<Transition> {
      let last = after
      for (;;) {
        const page: Transition[] = await db.snapshotTransition.findMany({
          where: { ...whereScope(scope), sequence: { gt: last, lte: through } },
          orderBy: { sequence: 'asc' },
          take: PAGE,
        })
        yield* page
        const end = page.at(-1)
        if (end === undefined || page.length < PAGE) return
        last = end.sequence
      }
    },

    /** The last transition of a scope; undefined when it has none. */
    async latest(scope: TransitionScope): Promise<Transition | undefined> {
      const last = await db.snapshotTransition.findFirst({
        where: whereScope(scope),
        orderBy: { sequence: 'desc' },
      })
      return last ?? undefined
    },

    /**
     * Forgets what is older than a moment, but never the last `keep` transitions, and never the very last one, which
     * says how far the log goes: cursors before that expire. The history of a snapshot that still exists stays.
     * Returns how many rows went.
     */
    async prune({ before, keep }: { before: Date; keep: number }): Promise<number> {
      return inTransaction(db, async (tx) => {
        const newest = await tx.snapshotTransition.findFirst({ orderBy: { sequence: 'desc' } })
        const old = await tx.snapshotTransition.findFirst({
          where: { at: { lt: before }, sequence: { lte: (newest?.sequence ?? 0) - Math.max(keep, 1) } },
          orderBy: { sequence: 'desc' },
        })
        if (!old) return 0
        // Never back: what is left of an earlier pruning are histories with gaps between them.
        await tx.transitionLog.updateMany({
          where: { id: identity.id, prunedThrough: { lt: old.sequence } },
          data: { prunedThrough: old.sequence },
        })
        return tx.$executeRaw`DELETE FROM "SnapshotTransition" WHERE "sequence" <= ${old.sequence}
          AND NOT EXISTS (SELECT 1 FROM "Snapshot" s WHERE s."id" = "SnapshotTransition"."snapshotId")`
      })
    },

    /** The cursor of a number: opaque to clients, and good for this log only. */
    cursor(sequence: number): string {
      return `${identity.id}.${sequence.toString(36)}`
    },

    /** The number of a cursor; why not, when it is not a cursor of this log. */
    async parse(cursor: string): Promise<number | 'MALFORMED' | 'EXPIRED'> {
      const match = /^([0-9a-f]{12})\.([0-9a-z]{1,10})$/.exec(cursor)
      if (match?.[1] !== identity.id) return 'MALFORMED'
      const sequence = Number.parseInt(match[2] ?? '', 36)
      if (sequence > (await this.head())) return 'MALFORMED'
      const { prunedThrough } = await db.transitionLog.findUniqueOrThrow({ where: { id: identity.id } })
      return sequence < prunedThrough ? 'EXPIRED' : sequence
    },
  }
}

function whereScope({ accountId, snapshotId }: TransitionScope) {
  return snapshotId === undefined ? { accountId } : { accountId, snapshotId }
}
