import type { Snapshot } from '../generated/prisma/client.ts'
import type { Transaction } from '../database/database.ts'
import { READING_JOB_KINDS } from '../domain/job.ts'
import { appendTransitions } from '../transitions/log.ts'

/** Whether something reads the copy of the snapshot. */
export async function isRead(tx: Transaction, snapshotId: string): Promise<boolean> {
  return (await tx.job.count({ where: { snapshotId, kind: { in: [...READING_JOB_KINDS] } } })) > 0
}

/** Whether the copy of the snapshot is being verified. */
export async function isVerified(tx: Transaction, snapshotId: string): Promise<boolean> {
  return (await tx.job.count({ where: { snapshotId, kind: 'VERIFY_SNAPSHOT' } })) > 0
}

/** Puts snapshots that may be deleted in DELETING, and leaves the removing to the runner. */
export async function deleteSnapshots(
  tx: Transaction,
  snapshots: readonly Snapshot[],
  { reason, at }: { reason: (snapshot: Snapshot) => string | null; at: Date },
): Promise<void> {
  for (const snapshot of snapshots) {
    const { id: snapshotId, accountId, status: from } = snapshot
    const { count } = await tx.snapshot.updateMany({
      where: { id: snapshotId, accountId, status: from },
      data: { status: 'DELETING' },
    })
    if (count === 0) throw new Error(`Snapshot ${snapshotId} changed while it was being deleted.`)
    const of = { accountId, snapshotId, diskId: await diskOf(tx, snapshot) }
    await tx.job.create({
      data: { ...of, kind: 'DELETE_SNAPSHOT', reason: reason(snapshot), createdAt: at },
    })
    await appendTransitions(tx, { ...of, from, to: 'DELETING', reason: reason(snapshot), at })
  }
}

/** The disk a snapshot was taken of; the log remembers it when that is gone. */
export async function diskOf(
  tx: Transaction,
  { id, diskId }: Pick<Snapshot, 'id' | 'diskId'>,
): Promise<string> {
  if (diskId !== null) return diskId
  const first = await tx.snapshotTransition.findFirstOrThrow({
    where: { snapshotId: id },
    orderBy: { sequence: 'asc' },
  })
  return first.diskId
}
