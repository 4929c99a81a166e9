import { randomBytes } from 'node:crypto'
import type { Sql, Work } from '../database/work.ts'
import { mayDiskFollow, mayFollow } from '../domain/lifecycle.ts'
import type { DiskTransition, NewTransition, Transition } from './transition.ts'

/**
 * Appends transitions of snapshots, in the transaction that makes the changes. A step that the life cycle does not know is a
 * defect and throws, which undoes the change.
 */
export function* appendTransitions(sql: Sql, ...transitions: NewTransition<Transition>[]): Work<void> {
  for (const { from, to } of transitions)
    if (!mayFollow(from, to)) throw new Error(`A snapshot cannot go from ${from ?? 'nothing'} to ${to}.`)
  yield* sql.append('SnapshotTransition', transitions.map(tagged))
}

/** The same for disks. */
export function* appendDiskTransitions(
  sql: Sql,
  ...transitions: NewTransition<DiskTransition>[]
): Work<void> {
  for (const { from, to } of transitions)
    if (!mayDiskFollow(from, to)) throw new Error(`A disk cannot go from ${from ?? 'nothing'} to ${to}.`)
  yield* sql.append('DiskTransition', transitions.map(tagged))
}

const tagged = <T extends object>(transition: T) => ({
  ...transition,
  tag: randomBytes(6).toString('base64url'),
})
