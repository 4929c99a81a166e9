import { isSettled } from '../domain/lifecycle.ts'
import { BoundedQueue } from './bounded-queue.ts'
import type { Transition, TransitionLog, TransitionScope } from './log.ts'
import { wakeable } from './wakeable.ts'

export interface HubOptions {
  log: TransitionLog
  /** Events a slow stream may fall behind before it is ended. */
  bufferEvents: number
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  onError: (error: unknown) => void
}

export type TransitionHub = Awaited<ReturnType<typeof startTransitionHub>>

/**
 * Fans the transition log out to everyone who watches. The log is read once per process, woken by
 * `wake()` after a commit and by a slow poll; a lost wake-up only delays, because the log is the truth.
 *
 * The seam between history and the present: a stream first reads the log by itself, at its consumer's own pace, from
 * where it starts to where the hub is, and again, until it has seen everything that the hub has. In the same turn of
 * the event loop it joins, and from then on gets what the hub reads. So nothing is missing and nothing comes twice,
 * and while it catches up, however long that takes, nothing is kept for it in memory.
 */
export async function startTransitionHub({ log, bufferEvents, pollMs, onError }: HubOptions) {
  const byAccount = new Map<string, Set<BoundedQueue<Transition>>>()
  const bySnapshot = new Map<string, Set<BoundedQueue<Transition>>>()
  const streams = new Set<AsyncGenerator>()
  let position = await log.head()
  let stopped = false

  function deliver(transition: Transition): void {
    for (const queue of byAccount.get(transition.accountId) ?? []) queue.push(transition)
    for (const queue of bySnapshot.get(scopeKey(transition)) ?? []) queue.push(transition)
  }

  async function pump(): Promise<void> {
    for (;;) {
      const page = await log.tail(position)
      if (page.length === 0) return
      for (const transition of page) {
        position = transition.sequence
        deliver(transition)
      }
    }
  }

  const pumping = wakeable(pump, onError)

  function wake(): void {
    if (!stopped) pumping.wake()
  }

  function listen(scope: TransitionScope, onClose: () => void): BoundedQueue<Transition> {
    const index = scope.snapshotId === undefined ? byAccount : bySnapshot
    const key = scope.snapshotId === undefined ? scope.accountId : scopeKey(scope)
    const listeners = index.get(key) ?? new Set()
    index.set(key, listeners)
    const queue = new BoundedQueue<Transition>(bufferEvents, () => {
      listeners.delete(queue)
      if (listeners.size === 0) index.delete(key)
      onClose()
    })
    listeners.add(queue)
    return queue
  }

  /** What a scope has after a number, then live. With the scope's `latest` transition, it ends once that is settled. */
  function open(scope: TransitionScope, after: number, latest?: Transition): AsyncIterable<Transition> {
    let queue: BoundedQueue<Transition> | undefined
    let left = false
    const events = follow()
    const forget = () => streams.delete(events)
    streams.add(events)

    async function* follow(): AsyncGenerator<Transition, void> {
      let seen = after
      let current = latest
      try {
        for (;;) {
          const through = Math.max(position, latest?.sequence ?? 0)
          if (left || stopped) return
          if (seen >= through) break
          for await (const transition of log.between(scope, seen, through)) {
            current &&= transition
            yield transition
          }
          seen = through
        }
        if (current && current.sequence <= seen && isSettled(current.to)) return
        queue = listen(scope, forget)
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

    /** Every transition of an account after a number, or else from now on; live, without end. */
    follow(scope: { accountId: string }, after = position): AsyncIterable<Transition> {
      return open(scope, after)
    },

    /**
     * The transitions of one snapshot from the beginning, or after a number, then live; completes by itself
     * once the snapshot is settled. Undefined when the account has no such snapshot.
     */
    async followToEnd(
      scope: { accountId: string; snapshotId: string },
      after = 0,
    ): Promise<AsyncIterable<Transition> | undefined> {
      const latest = await log.latest(scope)
      return latest && open(scope, after, latest)
    },

    /** How many streams are being served. */
    get listeners(): number {
      return streams.size
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearInterval(poll)
      await pumping.running
      for (const set of [...byAccount.values(), ...bySnapshot.values()])
        for (const queue of [...set]) queue.end()
    },
  }
}

function scopeKey({ accountId, snapshotId }: TransitionScope): string {
  return `${accountId} ${snapshotId ?? ''}`
}
