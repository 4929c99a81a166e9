import type { ExecutionResult } from 'graphql'
import { SlowConsumer } from '../../transitions/bounded-queue.ts'
import type { Batch, Member } from '../../transitions/groups.ts'
import type { Outlet } from './outlet.ts'

type Result = IteratorResult<ExecutionResult, undefined>
const DONE: Result = { value: undefined, done: true }

/**
 * A subscription, from the side of its group. While it catches up, its answers come one by one from an execution of its
 * own, which ends when it joins. From then on they go past the transport, straight to the outlet, and `ended` says no
 * more than how the stream has ended.
 */
export class LiveStream implements Member {
  seen = 0
  readonly #outlet: Outlet
  readonly #bufferEvents: number
  #ended: PromiseWithResolvers<undefined> | undefined
  #leave: (() => void) | undefined
  #left = false

  constructor(outlet: Outlet, bufferEvents: number) {
    this.#outlet = outlet
    this.#bufferEvents = bufferEvents
  }

  /** Becomes a member that has seen everything up to a number; `leave` is called when it ends in any way. */
  joined(seen: number, leave: () => void): void {
    if (this.#left) {
      leave()
      return
    }
    this.seen = seen
    this.#leave = leave
    this.#ended = Promise.withResolvers()
    // Whoever waits for it is told; nobody may.
    this.#ended.promise.catch(() => undefined)
  }

  /** Resolves with the end of the stream, rejects with its failure; undefined when it has not joined. */
  get ended(): Promise<undefined> | undefined {
    return this.#ended?.promise
  }

  /** The subscriber leaves. */
  leave(): void {
    this.#left = true
    this.complete()
  }

  deliver(batch: Batch): void {
    if (this.#outlet.send(batch)) return
    this.fail(new SlowConsumer(this.#bufferEvents))
    this.#outlet.cutIfStalled()
  }

  complete(): void {
    this.#leave?.()
    this.#ended?.resolve(undefined)
  }

  fail(error: unknown): void {
    this.#leave?.()
    this.#ended?.reject(error)
  }
}

/**
 * The same subscription as its transport sees it: the answers while it catches up, then nothing until it ends. What
 * executed it is let go of when it joins, so that one that waits holds next to nothing.
 */
export class LiveResults implements AsyncIterableIterator<ExecutionResult, undefined> {
  #own: AsyncIterator<ExecutionResult, unknown> | undefined
  readonly #stream: LiveStream
  readonly #onJoined: () => void

  constructor(own: AsyncIterable<ExecutionResult>, stream: LiveStream, onJoined: () => void) {
    this.#own = own[Symbol.asyncIterator]()
    this.#stream = stream
    this.#onJoined = onJoined
  }

  async next(): Promise<Result> {
    const result = await this.#own?.next()
    if (result && !result.done) return result
    if (this.#own && this.#stream.ended) this.#onJoined()
    this.#own = undefined
    await this.#stream.ended
    return DONE
  }

  /** The subscriber leaves. */
  async return(): Promise<Result> {
    this.#stream.leave()
    await this.#own?.return?.()
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
