import { setImmediate } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { LOGS, type LogSubject } from './tables.ts'
import type { Transition } from './transition.ts'

/** The most rows that one transaction of pruning looks at, and the most accounts in one turn of the event loop. */
const ROWS_TOGETHER = 1_000
const ACCOUNTS_TOGETHER = 100

/** The last transition of an account that has been pruned, with everything before it except what is kept. */
export type PrunedThrough = Pick<Transition, 'sequence' | 'tag' | 'position'>

/** What may be pruned: anything older than `before`, except the last `keep` transitions of each account. */
export interface PruneBounds {
  before: Date
  keep: number
}

/** What has been pruned of one log, and the pruning itself. */
export class Pruned {
  readonly #db: Database
  readonly #subject: LogSubject
  readonly #logId: string

  constructor(db: Database, subject: LogSubject, logId: string) {
    this.#db = db
    this.#subject = subject
    this.#logId = logId
  }

  /** How far the log of an account has been pruned. */
  through(accountId: string): PrunedThrough {
    const pruned = this.#db.reader.get<PrunedThrough>(
      Prisma.sql`SELECT "sequence", "tag", "position" FROM "PrunedTransitions"
        WHERE "accountId" = ${accountId} AND "subject" = ${this.#subject}`,
    )
    return pruned ?? { sequence: 0, tag: this.#logId, position: 0 }
  }

  /**
   * Deletes what the bounds allow, except the very last transition of an account, which says how far its numbers go, and
   * what is kept of anything that still exists. Cursors before that expire. Works in parts, so that no other write
   * waits long. Returns the number of deleted rows.
   */
  async prune({ before, keep }: PruneBounds): Promise<number> {
    const bounds = { before, keep: Math.max(keep, 1) }
    let rows = 0
    const accounts = await this.#db.account.findMany({ select: { id: true } })
    for (const [index, { id }] of accounts.entries()) {
      if (index % ACCOUNTS_TOGETHER === 0) await setImmediate()
      if (this.#headOf(id) - bounds.keep <= this.through(id).sequence) continue
      await inParts(this.#db, (sql) => this.#pruneSome(sql, id, bounds, (deleted) => (rows += deleted)))
    }
    return rows
  }

  /** Deletes what is old in one slice; whether there may be more. */
  *#pruneSome(
    sql: Sql,
    accountId: string,
    { before, keep }: PruneBounds,
    onDeleted: (rows: number) => void,
  ): Work<boolean> {
    const { model, table, subject, kept } = LOGS[this.#subject]
    const ofAccount = { accountId, subject: this.#subject }
    const newestFirst = { orderBy: { sequence: 'desc' } } as const
    const pruned = yield* sql.lock('PrunedTransitions', ofAccount)
    const from = pruned?.sequence ?? 0
    const head = (yield* sql.get(model, { accountId }, newestFirst))?.sequence ?? 0
    const through = Math.min(from + ROWS_TOGETHER, head - keep)
    const slice = { accountId, sequence: { gt: from, lte: through }, at: { lt: before } }
    const old = yield* sql.get(model, slice, newestFirst)
    if (!old) return false
    const { sequence, tag, position } = old
    if (pruned) yield* sql.update('PrunedTransitions', { sequence, tag, position }, ofAccount)
    else yield* sql.insert('PrunedTransitions', { ...ofAccount, sequence, tag, position })
    // Also what earlier slices kept of the same things, if it need not be kept any longer; found by the thing, which the
    // concatenation sees to.
    const deleted = yield* sql.run(
      Prisma.sql`DELETE FROM ${table} WHERE "accountId" || '' = ${accountId} AND "sequence" <= ${sequence} AND ${subject} IN (
          SELECT ${subject} FROM ${table}
          WHERE "accountId" = ${accountId} AND "sequence" > ${from} AND "sequence" <= ${sequence})
        AND NOT (${kept})`,
    )
    onDeleted(deleted)
    return true
  }

  #headOf(accountId: string): number {
    const head = this.#db.reader.get<{ sequence: number | null }>(
      Prisma.sql`SELECT max("sequence") AS "sequence" FROM ${LOGS[this.#subject].table} WHERE "accountId" = ${accountId}`,
    )
    return head?.sequence ?? 0
  }
}
