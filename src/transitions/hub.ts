import { isSettled } from '../domain/lifecycle.ts'
import { BoundedQueue } from './bounded-queue.ts'
import type { Transition, TransitionLog, TransitionScope } from './log.ts'

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
 * The seam between history and the present: a stream is registered first and notes the hub's position H.
 * Everything up to H is replayed from the log, everything beyond arrives live in its queue meanwhile, so
 * that nothing is missing and nothing comes twice, however long the replay takes.
 */
export async function startTransitionHub({ log, bufferEvents, pollMs, onError }: HubOptions) {
  const byAccount = new Map<string, Set<BoundedQueue<Transition>>>()
  const bySnapshot = new Map<string, Set<BoundedQueue<Transition>>>()
  let position = await log.head()
  let pumping: Promise<void> | undefined
  let again = false
  let stopped = false

  function deliver(transition: Transition): void {
    for (const queue of byAccount.get(transition.accountId) ?? []) queue.push(transition)
    for (const queue of bySnapshot.get(scopeKey(transition)) ?? []) queue.push(transition)
  }

  async function pump(): Promise<void> {
    do {
      again = false
      const page = await log.tail(position)
      for (const transition of page) {
        position = transition.sequence
        deliver(transition)
      }
      if (page.length > 0) again = true
    } while (again)
  }

  function wake(): void {
    if (stopped) return
    again = true
    pumping ??= pump()
      .catch(onError)
      .finally(() => (pumping = undefined))
  }

  function listen(scope: TransitionScope): BoundedQueue<Transition> {
    const index = scope.snapshotId === undefined ? byAccount : bySnapshot
    const key = scope.snapshotId === undefined ? scope.accountId : scopeKey(scope)
    const listeners = index.get(key) ?? new Set()
    index.set(key, listeners)
    const queue = new BoundedQueue<Transition>(bufferEvents, () => {
      listeners.delete(queue)
      if (listeners.size === 0) index.delete(key)
    })
    listeners.add(queue)
    return queue
  }

  const poll = setInterval(wake, pollMs)

  return {
    /** Something was committed: read on. Returns at once. */
    wake,

    /**
     * Every transition of an account: with `after`, everything since that number first; then live, without end.
     * Listening starts at the call, not at the first `next()`.
     */
    follow(scope: { accountId: string }, after?: number): AsyncIterable<Transition> {
      const queue = listen(scope)
      const registered = position
      return stream(queue, async function* () {
        if (after !== undefined) yield* log.between(scope, after, registered)
        for await (const transition of queue) if (transition.sequence > (after ?? 0)) yield transition
      })
    },

    /**
     * The transitions of one snapshot from the beginning, or after a number, then live; completes by itself
     * once the snapshot is settled. Undefined when the account has no such snapshot.
     */
    async followToEnd(
      scope: { accountId: string; snapshotId: string },
      after = 0,
    ): Promise<AsyncIterable<Transition> | undefined> {
      const queue = listen(scope)
      const registered = position
      const latest = await log.latest(scope).catch((error: unknown) => {
        queue.end()
        throw error
      })
      if (latest === undefined) {
        queue.end()
        return undefined
      }
      const endsInReplay = latest.sequence <= registered && isSettled(latest.to)
      return stream(queue, async function* () {
        yield* log.between(scope, after, registered)
        if (endsInReplay && queue.length === 0) return
        for await (const transition of queue) {
          if (transition.sequence > after) yield transition
          if (isSettled(transition.to) && queue.length === 0) return
        }
      })
    },

    /** How many streams are being served. */
    get listeners(): number {
      return [...byAccount.values(), ...bySnapshot.values()].reduce((sum, set) => sum + set.size, 0)
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearInterval(poll)
      await pumping
      for (const set of [...byAccount.values(), ...bySnapshot.values()])
        for (const queue of [...set]) queue.end()
    },
  }
}

function scopeKey({ accountId, snapshotId }: TransitionScope): string {
  return `${accountId} ${snapshotId ?? ''}`
}

/** The events of `body`, which reads from `queue`; lets go of the queue when it ends in any way, even before its first `next()`. */
function stream(
  queue: BoundedQueue<Transition>,
  body: () => AsyncGenerator<Transition, void>,
): AsyncIterable<Transition> {
  async function* guarded() {
    try {
      yield* body()
    } finally {
      queue.end()
    }
  }
  const generator = guarded()
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => generator.next(),
      async return() {
        await queue.return()
        await generator.return()
        return { value: undefined, done: true as const }
      },
    }),
  }
}
