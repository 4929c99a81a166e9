import { randomBytes } from 'node:crypto'
import type { SqlTransaction } from '../database/group-commit.ts'
import { stored, type Statements } from '../database/statements.ts'
import { mayDiskFollow, mayFollow } from '../domain/lifecycle.ts'
import { Prisma } from '../generated/prisma/client.ts'
import { LOGS, type LogSubject } from './tables.ts'
import type { AnyTransition, DiskTransition, NewTransition, Transition } from './transition.ts'

/**
 * Appends transitions of snapshots, in the transaction that makes the changes and while their rows exist: the log keeps
 * their names. A step that the life cycle does not know is a defect and throws, which undoes the change.
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
 * an account is never pruned, so no number is used twice.
 */
function append(
  sql: Statements,
  subject: LogSubject,
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
