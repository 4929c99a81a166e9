import { REASONS } from './reasons.ts'
import type { OperationKind } from './job.ts'
import type { Refusal } from './refusal.ts'
import { NothingInProgress, OperationNotCancellable } from './refusals.ts'

/** The reason of the transition that records a request to cancel. */
export const CANCEL_REQUESTED = REASONS.CANCEL_REQUESTED

/** The reason of the transition that ends a cancelled operation. */
export const CANCELLED = REASONS.CANCELLED

interface CancellableJob {
  kind: OperationKind
  /** Since when its effect cannot be undone; null until then. */
  committedAt: Date | null
  cancelRequestedAt: Date | null
  /** The connection to the cloud that does it; null for work on this machine. */
  connectionId: string | null
}

/**
 * Why the operation on a snapshot or disk cannot be cancelled; `job` is undefined when there is none. A deletion that made
 * room for a newer automatic snapshot has no quota slot to return to.
 */
export function cancelRefusals(id: string, job: CancellableJob | undefined, isEviction: boolean): Refusal[] {
  if (!job) return [new NothingInProgress(id)]
  if (job.connectionId !== null) return [new OperationNotCancellable(job.kind, 'UPSTREAM')]
  if (isEviction) return [new OperationNotCancellable(job.kind, 'EVICTION')]
  const isTooLate = job.committedAt !== null && job.cancelRequestedAt === null
  return isTooLate ? [new OperationNotCancellable(job.kind, 'TOO_LATE')] : []
}
