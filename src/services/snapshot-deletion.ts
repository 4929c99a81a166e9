import { Prisma, type Snapshot, type SnapshotTransition } from '../generated/prisma/client.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import { READING_JOB_KINDS, type JobKind } from '../domain/job.ts'
import { appendTransitions } from '../transitions/append.ts'

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

/**
 * Puts snapshots that may be deleted in DELETING, and leaves the removing to the runner. All that a disk holds are deleted
 * by a statement for each table, which takes a third of the time that statements for each of them do.
 */
export function deleteSnapshots(
  tx: SqlTransaction,
  snapshots: readonly Snapshot[],
  { reason, at }: { reason: (snapshot: Snapshot) => string | null; at: Date },
): void {
  const rows = snapshots.map((snapshot) => ({
    accountId: snapshot.accountId,
    snapshotId: snapshot.id,
    diskId: diskOf(tx, snapshot),
    from: snapshot.status,
    reason: reason(snapshot),
  }))
  const json = JSON.stringify(rows)
  const changed = tx.sql.run(
    Prisma.sql`UPDATE "Snapshot" SET "status" = 'DELETING' FROM json_each(${json}) r
      WHERE "Snapshot"."id" = r."value" ->> 'snapshotId' AND "accountId" = r."value" ->> 'accountId'
        AND "status" = r."value" ->> 'from'`,
  )
  if (changed < rows.length) throw new Error('A snapshot changed while it was being deleted.')
  tx.sql.run(
    Prisma.sql`INSERT INTO "Job" ("accountId", "snapshotId", "diskId", "kind", "reason", "createdAt")
      SELECT r."value" ->> 'accountId', r."value" ->> 'snapshotId', r."value" ->> 'diskId', 'DELETE_SNAPSHOT',
        r."value" ->> 'reason', ${at}
      FROM json_each(${json}) r ORDER BY r."key"`,
  )
  appendTransitions(tx, ...rows.map((row) => ({ ...row, to: 'DELETING' as const, at })))
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
