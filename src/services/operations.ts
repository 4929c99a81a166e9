import { inTransaction, type Database } from '../database/database.ts'
import { typeOfId } from '../domain/id.ts'
import { cancelRefusals } from '../domain/cancel-operation.ts'
import { subjectOf } from '../domain/job.ts'
import { DiskNotFound, SnapshotNotFound } from '../domain/refusals.ts'
import type { Disk, Snapshot } from '../generated/prisma/client.ts'
import { refuse } from './checks.ts'
import type { Clock } from './clock.ts'
import type { Viewer } from './viewer.ts'

/** What an operation works on: one of the two. */
export interface OperationSubject {
  snapshot: Snapshot | null
  disk: Disk | null
}

export type OperationService = ReturnType<typeof createOperationService>

/** What can be done with work in progress. */
export function createOperationService({
  db,
  announce,
  now,
}: {
  db: Database
  /** Called after a commit that the runner has to act on. */
  announce: () => void
  now: Clock
}) {
  return {
    /**
     * Requests the cancellation of the operation on a snapshot or disk, or throws the refusal. Repeating it is harmless.
     * The runner ends the operation; one that completes first stays completed.
     */
    async cancel({ accountId }: Viewer, id: string): Promise<OperationSubject> {
      const isSnapshot = typeOfId(id) === 'Snapshot'
      const subject = await inTransaction(db, async (tx) => {
        const where = { id, accountId }
        const snapshot = isSnapshot ? await tx.snapshot.findUnique({ where }) : null
        const disk = isSnapshot ? null : await tx.disk.findUnique({ where })
        if (isSnapshot && !snapshot) throw new SnapshotNotFound(id)
        if (!isSnapshot && !disk) throw new DiskNotFound(id)
        const jobs = await tx.job.findMany({
          where: { accountId, ...(isSnapshot ? { snapshotId: id } : { diskId: id }) },
        })
        const job = jobs.find((one) => subjectOf(one) === id)
        refuse(cancelRefusals(id, job && { kind: job.kind, isEviction: snapshot?.evicted ?? false }))
        await tx.job.updateMany({
          where: { id: job?.id ?? 0, accountId, cancelRequestedAt: null },
          data: { cancelRequestedAt: now(), retryAt: null },
        })
        return { snapshot, disk }
      })
      announce()
      return subject
    },
  }
}
