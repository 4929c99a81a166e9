import type { JobKind } from './job.ts'
import type { Refusal } from './refusal.ts'
import { NothingInProgress, OperationNotCancellable } from './refusals.ts'

/** The reason that a transition gives when its work was cancelled. */
export const CANCELLED = 'Cancelled on request.'

/**
 * Why the work on a snapshot or disk cannot be cancelled; `job` is undefined when there is none. A deletion that made room
 * for a newer automatic snapshot has no place in the quota to go back to.
 */
export function cancelRefusals(
  id: string,
  job: { kind: JobKind; isEviction: boolean } | undefined,
): Refusal[] {
  if (!job) return [new NothingInProgress(id)]
  return job.isEviction ? [new OperationNotCancellable(job.kind)] : []
}
