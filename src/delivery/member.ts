import type { Interest } from '../transitions/interest.ts'
import type { AnyTransition } from '../transitions/transition.ts'
import type { Batch } from './batch.ts'

/** What a stream is of, and where it begins. */
export interface Seat {
  interest: Interest
  after: number
  /** For the stream of one snapshot or disk, which completes when nothing is in flight with it: its last transition so far. */
  latest?: AnyTransition | undefined
}

/** One subscriber of a group. */
export interface Member {
  /** Everything up to this position has been sent. */
  seen: number
  /** Sends what the member missed; resolves when it has room for more. */
  replay(batch: Batch): Promise<void>
  /** Makes the frames of a batch ahead of sending them; members with the same frames share them. */
  form(batch: Batch): void
  deliver(batch: Batch): void
  /** Nothing comes after this. */
  complete(): void
  /** Nothing comes after this. */
  fail(error: unknown): void
}
