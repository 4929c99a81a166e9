import { BoundedQueue } from './bounded-queue.ts'
import { createGroups, type Groups, type Seat } from './groups.ts'
import { History, Replay } from './history.ts'
import { concerns, InterestIndex, type Interest } from './interest.ts'
import {
  CursorExpired,
  PAGE,
  type AnyTransition,
  type Transition,
  type TransitionLog,
  type TransitionScope,
} from './log.ts'
import { wakeable } from './wakeable.ts'

export interface HubOptions<T extends AnyTransition> {
  log: TransitionLog<T>
  /** Events a slow stream may fall behind before it is ended. */
  bufferEvents: number
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  onError: (error: unknown) => void
  /** The log went back, or is another one, and every stream was ended. */
  onRestored: () => void
}

/** Takes over a stream from its beginning, for these groups; its own iterable is empty. */
export type Join = (seat: Seat, groups: Groups) => void

const NOTHING: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ value: undefined, done: true }) }),
}

export type TransitionHub<T extends AnyTransition = Transition> = Awaited<
  ReturnType<typeof startTransitionHub<T>>
>

/**
 * Fans the transition log out to everyone who watches. The log is read once per process, woken by
 * `wake()` after a commit and by a slow poll; a lost wake-up only delays, because the log is the truth.
 *
 * A stream goes on in a group of equals, where its transport offers that; or else, in the same way, by itself, with a
 * queue of its own.
 */
export async function startTransitionHub<T extends AnyTransition>({
  log,
  bufferEvents,
  pollMs,
  onError,
  onRestored,
}: HubOptions<T>) {
  const index = new InterestIndex()
  const queues = new Set<BoundedQueue<T>>()
  /** Each ends the queue of a stream when nothing is in flight any more with what it is of. */
  const endings = new Set<() => void>()
  const streams = new Set<AsyncGenerator>()
  let reached = log.head()
  /** Another one after each restore of the database: streams do not outlive it. */
  let lineage = Symbol()
  let stopped = false
  const history = new History<T>(log)
  const position = () => reached.position
  const groups = createGroups({ log, history, index, position, bufferEvents })

  async function pump(): Promise<void> {
    for (;;) {
      const page = log.tail(reached)
      if (!page) {
        startAnew()
        return
      }
      for (const transition of page) {
        reached = transition
        index.tell(transition)
      }
      // What is committed from now on comes with a wake-up of its own.
      if (page.length < PAGE) break
    }
    groups.completeOver()
    for (const endIfOver of endings) endIfOver()
  }

  /** The database has been restored: what streams have seen is no longer what the log says, and they end. */
  function startAnew(): void {
    reached = log.head()
    lineage = Symbol()
    history.clear()
    const error = new CursorExpired()
    for (const queue of [...queues]) queue.fail(error)
    groups.fail(error)
    onRestored()
  }

  const pumping = wakeable(pump, onError)

  function wake(): void {
    if (!stopped) pumping.wake()
  }

  function listen(interest: Interest, onClose: () => void): BoundedQueue<T> {
    const queue = new BoundedQueue<T>(bufferEvents, () => {
      unlist()
      queues.delete(queue)
      onClose()
    })
    const unlist = index.add(interest, queue)
    queues.add(queue)
    return queue
  }

  function open(seat: Seat & { latest?: T | undefined }, join: Join | undefined): AsyncIterable<T> {
    if (join) {
      join(seat, groups)
      return NOTHING
    }
    const { interest, latest } = seat
    const replay = new Replay<T>({ log, history, position, ...seat })
    const begun = lineage
    let queue: BoundedQueue<T> | undefined
    let left = false
    const events = follow()
    const forget = () => streams.delete(events)
    streams.add(events)

    function endIfOver(): void {
      if (latest && queue?.length === 0 && log.stage(latest, position()) === 'OVER') queue.end()
    }

    async function* follow(): AsyncGenerator<T, void> {
      try {
        while (!replay.isCaughtUp && !left && !stopped) {
          const { transitions } = await replay.next()
          if (lineage !== begun) throw new CursorExpired()
          for (const transition of transitions) if (concerns(interest, transition)) yield transition
        }
        if (left || stopped || replay.isOver) return
        queue = listen(interest, forget)
        if (latest) endings.add(endIfOver)
        for await (const transition of queue) {
          if (transition.position > replay.seen) yield transition
          endIfOver()
        }
      } finally {
        endings.delete(endIfOver)
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

    /** Every transition that is wanted after a position, or else from now on; live, without end. */
    follow(interest: Interest, after = position(), join?: Join): AsyncIterable<T> {
      return open({ interest, after }, join)
    },

    /**
     * The transitions of one snapshot or disk from the beginning, or after a position, then live; completes by itself
     * once nothing is in flight with that. Undefined when the account has no such thing.
     */
    async followToEnd(scope: TransitionScope, after = 0, join?: Join): Promise<AsyncIterable<T> | undefined> {
      const { accountId, snapshotId, diskId } = scope
      const latest = log.latest(scope)
      const interest = { accountId, snapshotIds: listed(snapshotId), diskIds: listed(diskId) }
      return latest && open({ interest, after, latest }, join)
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

function listed(id: string | undefined): readonly string[] | undefined {
  return id === undefined ? undefined : [id]
}
