import { inTransaction, type Database } from '../database/database.ts'
import { subjectOf } from '../domain/job.ts'
import { Prisma, type Disk } from '../generated/prisma/client.ts'
import { appendTransitions } from '../transitions/append.ts'
import { changeDisk } from './disk-status.ts'
import { diskOf } from './snapshot-deletion.ts'

const INTERRUPTED = 'It was in progress when the database was backed up, and the database has been restored.'
const NO_COPY = 'The copy is missing.'

/**
 * Ends what was in progress when a backup was made. Carried on now, it could change disks that have changed since: a
 * rollback would run for a second time. Snapshots that were being copied have FAILED; disks are looked at anew, and those
 * that were being created are in ERROR. Deletions and verifications go on. Returns how much work was ended.
 */
export function endInterrupted(db: Database, at: Date): Promise<number> {
  return inTransaction(db, async (tx) => {
    const jobs = await tx.job.findMany({ where: { kind: { notIn: ['DELETE_SNAPSHOT', 'VERIFY_SNAPSHOT'] } } })
    for (const job of jobs) {
      const disk = job.diskId === null ? null : await tx.disk.findUnique({ where: { id: job.diskId } })
      if (job.kind === 'COPY_SNAPSHOT' && job.snapshotId !== null) {
        const snapshotId = subjectOf(job)
        await tx.snapshot.updateMany({
          where: { id: snapshotId, status: 'CREATING' },
          data: { status: 'FAILED', failureReason: INTERRUPTED, consistency: null, completedAt: at },
        })
        appendTransitions(tx, {
          accountId: job.accountId,
          snapshotId,
          diskId: diskOf(tx, { id: snapshotId, diskId: job.diskId }),
          from: 'CREATING',
          to: 'FAILED',
          reason: INTERRUPTED,
          at,
        })
      }
      if (disk) changeDisk(tx, disk, afterwards(disk), { reason: INTERRUPTED, at })
      await tx.job.delete({ where: { id: job.id } })
    }
    return jobs.length
  })
}

function afterwards({ status }: Disk) {
  return status === 'CREATING'
    ? { status: 'ERROR' as const, statusReason: INTERRUPTED }
    : { status: 'UNKNOWN' as const }
}

/** COMPLETED snapshots in the order of their ids, a thousand at a time. */
export async function* completedSnapshots(db: Database) {
  for (let after = ''; ;) {
    const some = await db.snapshot.findMany({
      where: { status: 'COMPLETED', id: { gt: after } },
      orderBy: { id: 'asc' },
      take: 1_000,
      select: { id: true, checksum: true },
    })
    const last = some.at(-1)
    if (!last) return
    for (const { id, checksum } of some) yield { snapshotId: id, checksum: checksum ?? '' }
    after = last.id
  }
}

/** Marks a COMPLETED snapshot, whose copy is not there, UNAVAILABLE. */
export function markMissing(db: Database, snapshotId: string, at: Date): Promise<void> {
  return db.groupCommit.write((tx) => {
    const snapshot = tx.sql.get<{ id: string; accountId: string; diskId: string | null }>(
      Prisma.sql`SELECT "id", "accountId", "diskId" FROM "Snapshot" WHERE "id" = ${snapshotId} AND "status" = 'COMPLETED'`,
    )
    if (!snapshot) return
    tx.sql.update(
      'Snapshot',
      { status: 'UNAVAILABLE', failureReason: NO_COPY },
      Prisma.sql`"id" = ${snapshotId} AND "accountId" = ${snapshot.accountId}`,
    )
    appendTransitions(tx, {
      accountId: snapshot.accountId,
      snapshotId,
      diskId: diskOf(tx, snapshot),
      from: 'COMPLETED',
      to: 'UNAVAILABLE',
      reason: NO_COPY,
      at,
    })
  })
}
