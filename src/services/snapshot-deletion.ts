import { Prisma, type Snapshot, type SnapshotTransition } from '../generated/prisma/client.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import { READING_JOB_KINDS, type JobKind } from '../domain/job.ts'
import { appendTransitions } from '../transitions/log.ts'

/** Whether something reads the copy of the snapshot. */
export function isRead(tx: SqlTransaction, snapshotId: string): boolean {
  return hasJob(tx, snapshotId, READING_JOB_KINDS)
}

/** Whether the copy of the snapshot is being verified. */
export function isVerified(tx: SqlTransaction, snapshotId: string): boolean {
  return hasJob(tx, snapshotId, ['VERIFY_SNAPSHOT'])
}

function hasJob({ sql }: SqlTransaction, snapshotId: string, kinds: readonly JobKind[]): boolean {
  const job = sql.get(
    Prisma.sql`SELECT 1 FROM "Job" WHERE "snapshotId" = ${snapshotId} AND "kind" IN (${Prisma.join([...kinds])})`,
  )
  return job !== undefined
}

/** Puts snapshots that may be deleted in DELETING, and leaves the removing to the runner. */
export function deleteSnapshots(
  tx: SqlTransaction,
  snapshots: readonly Snapshot[],
  { reason, at }: { reason: (snapshot: Snapshot) => string | null; at: Date },
): void {
  for (const snapshot of snapshots) {
    const { id: snapshotId, accountId, status: from } = snapshot
    const asRead = Prisma.sql`"id" = ${snapshotId} AND "accountId" = ${accountId} AND "status" = ${from}`
    if (tx.sql.update('Snapshot', { status: 'DELETING' }, asRead) === 0)
      throw new Error(`Snapshot ${snapshotId} changed while it was being deleted.`)
    const of = { accountId, snapshotId, diskId: diskOf(tx, snapshot) }
    tx.sql.insert('Job', { ...of, kind: 'DELETE_SNAPSHOT', reason: reason(snapshot), createdAt: at })
    appendTransitions(tx, { ...of, from, to: 'DELETING', reason: reason(snapshot), at })
  }
}

/** The disk a snapshot was taken of; the log remembers it when that is gone. */
export function diskOf({ sql }: SqlTransaction, { id, diskId }: Pick<Snapshot, 'id' | 'diskId'>): string {
  if (diskId !== null) return diskId
  const first = sql.get<Pick<SnapshotTransition, 'diskId'>>(
    Prisma.sql`SELECT "diskId" FROM "SnapshotTransition" WHERE "snapshotId" = ${id} ORDER BY "position" LIMIT 1`,
  )
  if (!first) throw new Error(`Snapshot ${id} has no history.`)
  return first.diskId
}
