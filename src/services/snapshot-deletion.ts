import type { Where } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { READING_JOB_KINDS, type JobKind } from '../domain/job.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import type { Snapshot } from '../generated/prisma/client.ts'
import { appendTransitions, factsOf } from '../transitions/append.ts'
import { insertJobs } from './activity.ts'
import type { Moment } from './clock.ts'

/** Whether something reads the copy of the snapshot. */
export const isRead = (sql: Sql, snapshotId: string): Work<boolean> =>
  hasJob(sql, snapshotId, READING_JOB_KINDS)

/** Whether the copy of the snapshot is being verified. */
export const isVerified = (sql: Sql, snapshotId: string): Work<boolean> =>
  hasJob(sql, snapshotId, ['VERIFY_SNAPSHOT'])

function* hasJob(sql: Sql, snapshotId: string, kinds: readonly JobKind[]): Work<boolean> {
  return (yield* sql.get('Job', { snapshotId, kind: { in: kinds } })) !== undefined
}

/** How many snapshots of a disk are deleted in one transaction, so that others have their turn in between. */
const DELETED_TOGETHER = 25

/**
 * Deletes some of the snapshots of a disk, which is locked, the oldest first, and returns whether there are more. Those that
 * cannot be deleted now are left out.
 */
export function* deleteSome(
  sql: Sql,
  of: Where<'Snapshot'> & { diskId: string },
  { reason, ...moment }: Moment & { reason: string },
): Work<boolean> {
  const deletable: Snapshot[] = []
  // All that there are only where many of the first cannot be deleted.
  for (const limit of [2 * DELETED_TOGETHER, undefined]) {
    const held = yield* sql.lockAll(
      'Snapshot',
      { ...of, status: { not: 'DELETING' } },
      { orderBy: { createdAt: 'asc', id: 'asc' }, limit },
    )
    deletable.length = 0
    for (const snapshot of held) {
      if (deletable.length > DELETED_TOGETHER) break
      if (deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshot.id)).length === 0)
        deletable.push(snapshot)
    }
    if (deletable.length > DELETED_TOGETHER || held.length < (limit ?? Infinity)) break
  }
  yield* deleteSnapshots(sql, deletable.slice(0, DELETED_TOGETHER), { ...moment, reason: () => reason })
  return deletable.length > DELETED_TOGETHER
}

/**
 * Puts snapshots that may be deleted, and that are locked, in DELETING, and leaves the removing to the runner. All that a disk
 * holds are deleted by a statement for each table, which takes a third of the time that statements for each of them do.
 */
export function* deleteSnapshots(
  sql: Sql,
  snapshots: readonly Snapshot[],
  {
    reason,
    at,
    newId,
    evicted = false,
  }: Moment & { reason: (snapshot: Snapshot) => string | null; evicted?: boolean },
): Work<void> {
  const jobs = []
  const transitions = []
  for (const snapshot of snapshots) {
    const { accountId, id: snapshotId, host, connectionId } = snapshot
    const diskId = yield* diskOf(sql, snapshot)
    const why = reason(snapshot)
    const of = { snapshotId, diskId }
    const change = { accountId, action: 'DELETE_SNAPSHOT' as const, at, ...of }
    jobs.push({
      change: { ...change, subjectId: snapshotId, subjectName: snapshot.name },
      job: { ...of, host, connectionId, kind: 'DELETE_SNAPSHOT' as const, reason: why },
    })
    const step = { from: snapshot.status, to: 'DELETING' as const, reason: why, at }
    transitions.push({ ...factsOf(snapshot), diskId, ...step })
  }
  for (const [accountId, own] of Map.groupBy(snapshots, (snapshot) => snapshot.accountId)) {
    const ids = own.map(({ id }) => id)
    const changed = yield* sql.update(
      'Snapshot',
      { status: 'DELETING', evicted },
      { id: { in: ids }, accountId, status: { not: 'DELETING' } },
    )
    if (changed < own.length) throw new Error('A snapshot changed while it was being deleted.')
  }
  yield* insertJobs(sql, newId, jobs)
  yield* appendTransitions(sql, ...transitions)
}

/** The disk a snapshot was taken of; the log remembers it when that is gone. */
export function* diskOf(sql: Sql, { id, diskId }: Pick<Snapshot, 'id' | 'diskId'>): Work<string> {
  if (diskId !== null) return diskId
  const first = yield* sql.get('SnapshotTransition', { snapshotId: id }, { orderBy: { position: 'asc' } })
  if (!first) throw new Error(`Snapshot ${id} has no history.`)
  return first.diskId
}

/** Notes that the copy of a COMPLETED snapshot, which is locked, is damaged or missing: nobody shall use it any more. */
export function* markUnavailable(
  sql: Sql,
  snapshot: Snapshot,
  { reason, at }: { reason: string; at: Date },
): Work<void> {
  const { id: snapshotId, accountId } = snapshot
  yield* sql.update(
    'Snapshot',
    { status: 'UNAVAILABLE', failureReason: reason },
    { id: snapshotId, accountId },
  )
  const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
  yield* appendTransitions(sql, { ...of, from: 'COMPLETED', to: 'UNAVAILABLE', reason, at })
}
