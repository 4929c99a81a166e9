import type { Database } from '../database/database.ts'
import { typeOfId } from '../domain/id.ts'
import { cancelRefusals } from '../domain/cancel-operation.ts'
import { subjectOf } from '../domain/job.ts'
import type { Disk, Snapshot } from '../generated/prisma/client.ts'
import { refuse } from './refuse.ts'
import type { Clock } from './clock.ts'
import { lockOwned } from './owned.ts'
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
    async cancel(viewer: Viewer, id: string): Promise<OperationSubject> {
      const { accountId } = viewer
      const subject = await db.write(function* (sql) {
        const isSnapshot = typeOfId(id) === 'Snapshot'
        const jobs = yield* sql.lockAll('Job', {
          accountId,
          ...(isSnapshot ? { snapshotId: id } : { diskId: id }),
        })
        const snapshot = isSnapshot ? yield* lockOwned(sql, 'Snapshot', viewer, id) : null
        const disk = isSnapshot ? null : yield* lockOwned(sql, 'Disk', viewer, id)
        const job = jobs.find((one) => subjectOf(one) === id)
        refuse(cancelRefusals(id, job && { kind: job.kind, isEviction: snapshot?.evicted ?? false }))
        if (job?.cancelRequestedAt === null) {
          const cancelled = { cancelRequestedAt: now(), retryAt: null }
          yield* sql.update('Job', cancelled, { id: job.id, accountId })
        }
        return { snapshot, disk }
      })
      announce()
      return subject
    },
  }
}
