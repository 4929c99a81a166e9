import { randomBytes } from 'node:crypto'
import type { Sql, Work } from '../database/work.ts'
import { activeActor } from '../tracing/actor.ts'
import { activeTraceparent } from '../tracing/context.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { mayDiskFollow, mayFollow } from '../domain/lifecycle.ts'
import type { SnapshotStatus } from '../domain/snapshot.ts'
import { mayDiskFollowUpstream, mayFollowUpstream } from '../domain/upstream.ts'
import type { Snapshot } from '../generated/prisma/client.ts'
import { writeTags } from './tags.ts'
import type { AnyTransition, DiskTransition, NewTransition, Transition } from './transition.ts'

/** What a transition says of its snapshot, beside the disk. */
export function factsOf({ id, accountId, name, type }: Pick<Snapshot, 'id' | 'accountId' | 'name' | 'type'>) {
  return { accountId, snapshotId: id, snapshotName: name, snapshotType: type }
}

/**
 * Appends transitions of snapshots, in the transaction that makes the changes, with the tags that the snapshots have now. A
 * step that the life cycle does not know is a defect and throws, which undoes the change.
 */
export function appendTransitions(sql: Sql, ...transitions: NewTransition<Transition>[]): Work<void> {
  return append(sql, transitions, mayFollow)
}

/** The same for steps that a cloud shows, which nobody here has asked for. */
export function appendSeenTransitions(sql: Sql, ...transitions: NewTransition<Transition>[]): Work<void> {
  return append(sql, transitions, (from, to) => mayFollowUpstream(from, to) || mayFollow(from, to))
}

function* append(
  sql: Sql,
  transitions: readonly NewTransition<Transition>[],
  may: (from: SnapshotStatus | null, to: SnapshotStatus) => boolean,
): Work<void> {
  for (const { from, to } of transitions)
    if (!may(from, to)) throw new Error(`A snapshot cannot go from ${from ?? 'nothing'} to ${to}.`)
  const rows: (NewTransition<Transition> & Pick<Transition, 'snapshotTags'>)[] = []
  for (const [accountId, own] of Map.groupBy(transitions, ({ accountId }) => accountId)) {
    const unknown = own.filter(({ snapshotTags }) => snapshotTags === undefined)
    const tags = unknown.length === 0 ? NO_TAGS : yield* tagsOf(sql, accountId, unknown)
    for (const one of own) {
      const { snapshotTags = tags.get(one.snapshotId) ?? null } = one
      rows.push({ ...one, snapshotTags })
    }
  }
  yield* sql.append('SnapshotTransition', rows.map(tagged))
}

/** The tags of those snapshots of an account that have any, as they are stored with a transition. */
function* tagsOf(
  sql: Sql,
  accountId: string,
  transitions: readonly NewTransition<Transition>[],
): Work<ReadonlyMap<string, string | null>> {
  const snapshotId = { in: transitions.map(({ snapshotId }) => snapshotId), ownedBy: accountId }
  const rows = yield* sql.all('SnapshotTag', { snapshotId })
  const bySnapshot = Map.groupBy(rows, ({ snapshotId }) => snapshotId)
  const texts = [...bySnapshot].map(([id, tags]) => [id, writeTags(tags)] as const)
  return new Map(texts)
}

const NO_TAGS: ReadonlyMap<string, null> = new Map()

/** The same for disks. */
export function appendDiskTransitions(sql: Sql, ...transitions: NewTransition<DiskTransition>[]): Work<void> {
  return appendOfDisks(sql, transitions, mayDiskFollow)
}

/** The same for steps that a cloud shows, which nobody here has asked for. */
export function appendSeenDiskTransitions(
  sql: Sql,
  ...transitions: NewTransition<DiskTransition>[]
): Work<void> {
  return appendOfDisks(sql, transitions, mayDiskFollowUpstream)
}

function* appendOfDisks(
  sql: Sql,
  transitions: readonly NewTransition<DiskTransition>[],
  may: (from: DiskStatus | null, to: DiskStatus) => boolean,
): Work<void> {
  for (const { from, to } of transitions)
    if (!may(from, to)) throw new Error(`A disk cannot go from ${from ?? 'nothing'} to ${to}.`)
  yield* sql.append('DiskTransition', transitions.map(tagged))
}

const tagged = <T extends Pick<NewTransition<AnyTransition>, 'upstreamAt'>>(transition: T) => ({
  ...transition,
  tag: randomBytes(6).toString('base64url'),
  traceparent: activeTraceparent(),
  actor: activeActor(),
  upstreamAt: transition.upstreamAt ?? null,
})
