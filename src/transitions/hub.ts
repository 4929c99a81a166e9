import { isSettled } from '../domain/lifecycle.ts'
import { BoundedQueue } from './bounded-queue.ts'
import { createGroups, type Seat } from './groups.ts'
import { History, Replay } from './history.ts'
import { concerns, InterestIndex, type Interest } from './interest.ts'
import { PAGE, type Transition, type TransitionLog } from './log.ts'
import { wakeable } from './wakeable.ts'

export interface HubOptions {
  log: TransitionLog
  /** Events a slow stream may fall behind before it is ended. */
  bufferEvents: number
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  onError: (error: unknown) => void
}

/** Takes over a stream from its beginning; its own iterable is empty. */
export type Join = (seat: Seat) => void

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ value: undefined, done: true }) }),
}

export type TransitionHub = Awaited<ReturnType<typeof startTransitionHub>>

/**
 * Fans the transition log out to everyone who watches. The log is read once per process, woken by
 * `wake()` after a commit and by a slow poll; a lost wake-up only delays, because the log is the truth.
 *
 * A stream goes on in a group of equals, where its transport offers that; or else, in the same way, by itself, with a
 * queue of its own.
 */
export async function startTransitionHub({ log, bufferEvents, pollMs, onError }: HubOptions) {
  const index = new InterestIndex()
  const queues = new Set<BoundedQueue<Transition>>()
  const streams = new Set<AsyncGenerator>()
  let position = await log.head()
  let stopped = false
  const history = new History(log)
  const groups = createGroups({ log, history, index, position: () => position, bufferEvents })

  async function pump(): Promise<void> {
    for (;;) {
      const page = await log.tail(position)
      for (const transition of page) {
        position = transition.sequence
        index.tell(transition)
      }
      // What is committed from now on comes with a wake-up of its own.
      if (page.length < PAGE) return
    }
  }

  const pumping = wakeable(pump, onError)

  function wake(): void {
    if (!stopped) pumping.wake()
  }

  function listen(interest: Interest, onClose: () => void): BoundedQueue<Transition> {
    const queue = new BoundedQueue<Transition>(bufferEvents, () => {
      unlist()
      queues.delete(queue)
      onClose()
    })
    const unlist = index.add(interest, queue)
    queues.add(queue)
    return queue
  }

  function open(seat: Seat, join: Join | undefined): AsyncIterable<Transition> {
    if (join) {
      join(seat)
      return NOTHING
    }
    const { interest, latest } = seat
    const replay = new Replay({ log, history, position: () => position, ...seat })
    let queue: BoundedQueue<Transition> | undefined
    let left = false
    const events = follow()
    const forget = () => streams.delete(events)
    streams.add(events)

    async function* follow(): AsyncGenerator<Transition, void> {
      try {
        while (!replay.isCaughtUp && !left && !stopped) {
          const { transitions } = await replay.next()
          for (const transition of transitions) if (concerns(interest, transition)) yield transition
        }
        if (left || stopped || replay.isOver) return
        queue = listen(interest, forget)
        for await (const transition of queue) {
          if (transition.sequence > replay.seen) yield transition
          if (latest && isSettled(transition.to) && queue.length === 0) return
        }
      } finally {
        queue?.end()
        forget()
      }
    }

    return {
      [Symbol.asyncIterator]: () => ({
        next: () => events.next(),
        /** Lets go at once, also while `next()` waits, or before the first one. */
        async return() {
          left = true
          forget()
          await queue?.return()
          await events.return()
          return { value: undefined, done: true as const }
        },
      }),
    }
  }

  const poll = setInterval(wake, pollMs)

  return {
    /** Something was committed: read on. Returns at once. */
    wake,

    groups,

    /** Every transition that is wanted after a number, or else from now on; live, without end. */
    follow(interest: Interest, after = position, join?: Join): AsyncIterable<Transition> {
      return open({ interest, after }, join)
    },

    /**
     * The transitions of one snapshot from the beginning, or after a number, then live; completes by itself
     * once the snapshot is settled. Undefined when the account has no such snapshot.
     */
    async followToEnd(
      scope: { accountId: string; snapshotId: string },
      after = 0,
      join?: Join,
    ): Promise<AsyncIterable<Transition> | undefined> {
      const { accountId, snapshotId } = scope
      const latest = await log.latest(scope)
      return latest && open({ interest: { accountId, snapshotIds: [snapshotId] }, after, latest }, join)
    },

    /** How many streams are being served. */
    get listeners(): number {
      const { members, newcomers } = groups.counts
      return streams.size + members + newcomers
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearInterval(poll)
      await pumping.running
      for (const queue of [...queues]) queue.end()
      groups.close()
    },
  }
}
