import { REASONS } from '../domain/reasons.ts'
import type { Sql, Work } from '../database/work.ts'
import type { Database } from '../database/database.ts'
import { subjectOf } from '../domain/job.ts'
import type { Disk, Job } from '../generated/prisma/client.ts'
import { appendTransitions, factsOf } from '../transitions/append.ts'
import { recordEnd } from './activity.ts'
import { changeDisk } from './disk-status.ts'
import { diskOf, markUnavailable } from './snapshot-deletion.ts'

const INTERRUPTED = REASONS.INTERRUPTED
const NO_COPY = REASONS.COPY_MISSING

/**
 * Ends what was in progress when a backup was made. Carried on now, it could change disks that have changed since: a
 * rollback would run for a second time. Snapshots that were being copied have FAILED; disks are looked at anew, and those
 * that were being created are in ERROR. Deletions and verifications go on. Returns how much work was ended.
 */
export function endInterrupted(db: Database, at: Date): Promise<number> {
  return db.write(function* (sql) {
    const jobs = yield* sql.lockAll('Job', { kind: { notIn: ['DELETE_SNAPSHOT', 'VERIFY_SNAPSHOT'] } })
    for (const job of jobs) {
      yield* endJob(sql, job, at)
      yield* recordEnd(sql, job, { result: 'FAILED', reason: INTERRUPTED, at })
      yield* sql.delete('Job', { id: job.id })
    }
    return jobs.length
  })
}

function* endJob(sql: Sql, job: Job, at: Date): Work<void> {
  const disk = job.diskId === null ? undefined : yield* sql.lock('Disk', { id: job.diskId })
  if (job.kind === 'COPY_SNAPSHOT') {
    const copying = yield* sql.lock('Snapshot', { id: subjectOf(job), status: 'CREATING' })
    if (copying) {
      const { id: snapshotId, accountId } = copying
      const failed = {
        status: 'FAILED',
        failureReason: INTERRUPTED,
        consistency: null,
        completedAt: at,
      } as const
      yield* sql.update('Snapshot', failed, { id: snapshotId, accountId })
      const of = { ...factsOf(copying), diskId: yield* diskOf(sql, copying) }
      yield* appendTransitions(sql, { ...of, from: 'CREATING', to: 'FAILED', reason: INTERRUPTED, at })
    }
  }
  if (disk) yield* changeDisk(sql, disk, afterwards(disk), { reason: INTERRUPTED, at })
}

function afterwards({ status }: Disk) {
  return status === 'CREATING'
    ? { status: 'ERROR' as const, statusReason: INTERRUPTED }
    : { status: 'UNKNOWN' as const }
}

/** COMPLETED snapshots with copies here, in the order of their ids, a thousand at a time. */
export async function* completedSnapshots(db: Database) {
  for (let after = ''; ;) {
    const some = await db.snapshot.findMany({
      where: { status: 'COMPLETED', connectionId: null, id: { gt: after } },
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
  return db.write(function* (sql) {
    const snapshot = yield* sql.lock('Snapshot', { id: snapshotId, status: 'COMPLETED' })
    if (snapshot) yield* markUnavailable(sql, snapshot, { reason: NO_COPY, at })
  })
}
