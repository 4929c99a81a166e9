import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { typeOfId } from '../domain/id.ts'
import { CANCEL_REQUESTED, cancelRefusals } from '../domain/cancel-operation.ts'
import { operationOn } from '../domain/job.ts'
import type { Disk, Snapshot } from '../generated/prisma/client.ts'
import { appendDiskTransitions, appendTransitions, factsOf } from '../transitions/append.ts'
import { recordChange } from './activity.ts'
import { refuse } from './refuse.ts'
import type { Clock, NewId } from './clock.ts'
import { lockOwned } from './owned.ts'
import { diskOf } from './snapshot-deletion.ts'
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
  newId,
}: {
  db: Database
  /** Called after a commit that the runner has to act on. */
  announce: () => void
  now: Clock
  newId: NewId
}) {
  return {
    /**
     * Requests the cancellation of the operation on a snapshot or disk, or throws the refusal. Repeating it is harmless.
     * The runner then ends the operation as cancelled; one that can no longer be undone is refused.
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
        const job = operationOn(id, jobs)
        refuse(cancelRefusals(id, job, snapshot?.evicted ?? false))
        if (job?.cancelRequestedAt === null) {
          const at = now()
          yield* sql.update('Job', { cancelRequestedAt: at, retryAt: null }, { id: job.id, accountId })
          yield* appendRequest(sql, { snapshot, disk }, at)
          const of = { diskId: job.diskId, snapshotId: snapshot?.id ?? null }
          const change = { accountId, action: 'CANCEL_OPERATION' as const, at, ...of }
          const subjectName = snapshot?.name ?? disk?.name ?? null
          yield* recordChange(sql, newId, { ...change, subjectId: id, subjectName })
        }
        return { snapshot, disk }
      })
      announce()
      return subject
    },
  }
}

/** Records the request as a transition of a status to itself, so that every subscriber receives it. */
function* appendRequest(sql: Sql, { snapshot, disk }: OperationSubject, at: Date): Work<void> {
  const reason = CANCEL_REQUESTED
  if (snapshot) {
    const { status } = snapshot
    const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
    yield* appendTransitions(sql, { ...of, from: status, to: status, reason, at })
  }
  if (disk) {
    const { id: diskId, accountId, status } = disk
    yield* appendDiskTransitions(sql, { accountId, diskId, from: status, to: status, reason, at })
  }
}
