import { isSettled } from '../domain/lifecycle.ts'
import { BoundedQueue } from './bounded-queue.ts'
import { createGroups, type Groups, type Seat } from './groups.ts'
import { concerns, InterestIndex, type Interest } from './interest.ts'
import type { AnyTransition, Transition, TransitionLog, TransitionScope } from './log.ts'
import { wakeable } from './wakeable.ts'

export interface HubOptions<T extends AnyTransition> {
  log: TransitionLog<T>
  /** Events a slow stream may fall behind before it is ended. */
  bufferEvents: number
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  onError: (error: unknown) => void
}

/** Takes over a stream that has caught up, for these groups; its own iterable ends there. */
export type Join = (seat: Seat, groups: Groups) => void

export type TransitionHub<T extends AnyTransition = Transition> = Awaited<
  ReturnType<typeof startTransitionHub<T>>
>

/**
 * Fans the transition log out to everyone who watches. The log is read once per process, woken by
 * `wake()` after a commit and by a slow poll; a lost wake-up only delays, because the log is the truth.
 *
 * The seam between history and the present: a stream first reads the log by itself, at its consumer's own pace, from
 * where it starts to where the hub is, and again, until it has seen everything that the hub has. In the same turn of
 * the event loop it joins, and from then on gets what the hub reads. So nothing is missing and nothing comes twice,
 * and while it catches up, however long that takes, nothing is kept for it in memory. What it joins is a group of
 * equals, where its transport offers that, or else a queue of its own.
 */
export async function startTransitionHub<T extends AnyTransition>({
  log,
  bufferEvents,
  pollMs,
  onError,
}: HubOptions<T>) {
  const index = new InterestIndex()
  const queues = new Set<BoundedQueue<T>>()
  const streams = new Set<AsyncGenerator>()
  let position = await log.head()
  let stopped = false
  const groups = createGroups({ log, index, position: () => position, bufferEvents })

  async function pump(): Promise<void> {
    for (;;) {
      const page = await log.tail(position)
      if (page.length === 0) return
      for (const transition of page) {
        position = transition.sequence
        index.tell(transition)
      }
    }
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
    // What it is told comes from this log only.
    const unlist = index.add(interest, { push: (transition) => queue.push(transition as T) })
    queues.add(queue)
    return queue
  }

  /** What is wanted after a number, then live. With the `latest` transition of one thing, it ends once that is settled. */
  function open(interest: Interest, after: number, join: Join | undefined, latest?: T): AsyncIterable<T> {
    const { accountId, snapshotIds, diskIds } = interest
    const scope = { accountId, snapshotId: only(snapshotIds), diskId: only(diskIds) }
    let queue: BoundedQueue<T> | undefined
    let left = false
    const events = follow()
    const forget = () => streams.delete(events)
    streams.add(events)

    async function* follow(): AsyncGenerator<T, void> {
      let seen = after
      let current = latest
      try {
        for (;;) {
          const through = Math.max(position, latest?.sequence ?? 0)
          if (left || stopped) return
          if (seen >= through) break
          for await (const transition of log.between(scope, seen, through)) {
            current &&= transition
            if (concerns(interest, transition)) yield transition
          }
          seen = through
        }
        if (current && current.sequence <= seen && isSettled(current.to)) return
        if (join) {
          join({ interest, seen, untilSettled: latest !== undefined }, groups)
          return
        }
        queue = listen(interest, forget)
        for await (const transition of queue) {
          if (transition.sequence > seen) yield transition
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
    follow(interest: Interest, after = position, join?: Join): AsyncIterable<T> {
      return open(interest, after, join)
    },

    /**
     * The transitions of one snapshot or disk from the beginning, or after a number, then live; completes by itself
     * once that is settled. Undefined when the account has no such thing.
     */
    async followToEnd(scope: TransitionScope, after = 0, join?: Join): Promise<AsyncIterable<T> | undefined> {
      const { accountId, snapshotId, diskId } = scope
      const latest = await log.latest(scope)
      const interest = { accountId, snapshotIds: listed(snapshotId), diskIds: listed(diskId) }
      return latest && open(interest, after, join, latest)
    },

    /** How many streams are being served. */
    get listeners(): number {
      return streams.size + groups.counts.members
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

function only(ids: readonly string[] | undefined): string | undefined {
  return ids?.length === 1 ? ids[0] : undefined
}

function listed(id: string | undefined): readonly string[] | undefined {
  return id === undefined ? undefined : [id]
}
