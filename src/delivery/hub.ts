import { CursorExpired } from '../transitions/cursor.ts'
import { History } from '../transitions/history.ts'
import { InterestIndex, type Interest } from '../transitions/interest.ts'
import type { TransitionLog } from '../transitions/log.ts'
import { Tail } from '../transitions/tail.ts'
import type { AnyTransition, Transition, TransitionScope } from '../transitions/transition.ts'
import { Groups } from './groups.ts'
import type { Seat } from './member.ts'

export interface HubOptions<T extends AnyTransition> {
  log: TransitionLog<T>
  /** Transitions that a group may fall behind before it reads them from the log. */
  bufferEvents: number
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  onError: (error: unknown) => void
  /** The database was restored, and every stream was ended. */
  onRestored: () => void
}

/** Delivers the transitions of one log to every stream that wants them. */
export class TransitionHub<T extends AnyTransition = Transition> {
  readonly groups: Groups
  readonly #log: TransitionLog<T>
  readonly #tail: Tail<T>

  constructor({ log, bufferEvents, pollMs, onError, onRestored }: HubOptions<T>) {
    const index = new InterestIndex()
    const history = new History<T>(log)
    const groups = new Groups({ log, history, index, position: () => this.#tail.position, bufferEvents })
    this.groups = groups
    this.#log = log
    this.#tail = new Tail({
      log,
      index,
      pollMs,
      onError,
      onRead: () => groups.completeOver(),
      onRestored() {
        history.clear()
        groups.fail(new CursorExpired())
        onRestored()
      },
    })
  }

  /** Something was committed: read on. Returns at once. */
  wake(): void {
    this.#tail.wake()
  }

  /** A stream without end: what is wanted after a position, or from now on. */
  seat(interest: Interest, after = this.#tail.position): Seat {
    return { interest, after }
  }

  /**
   * The stream of one snapshot or disk from its beginning, or after a position, which completes once nothing is in flight
   * with it. Undefined when the account has no such snapshot or disk.
   */
  seatToEnd(scope: TransitionScope, after = 0): Seat | undefined {
    const { accountId, snapshotId, diskId } = scope
    const latest = this.#log.latest(scope)
    const interest = { accountId, snapshotIds: listed(snapshotId), diskIds: listed(diskId) }
    return latest && { interest, after, latest }
  }

  /** How many streams there are. */
  get listeners(): number {
    const { members, newcomers } = this.groups.counts
    return members + newcomers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail[Symbol.asyncDispose]()
    this.groups.complete()
  }
}

function listed(id: string | undefined): readonly string[] | undefined {
  return id === undefined ? undefined : [id]
}
