import type { ExecutionResult } from 'graphql'
import { SlowConsumer } from '../../transitions/bounded-queue.ts'
import type { Batch, Member } from '../../transitions/groups.ts'
import type { Outlet } from './outlet.ts'

type Result = IteratorResult<ExecutionResult, undefined>
const DONE: Result = { value: undefined, done: true }

/** Makes a stream a member; returns how it leaves. */
type Begin = () => () => void

/**
 * A subscription, from the side of its group. Its answers go past the transport, straight to the outlet, and `run` says
 * no more than how the stream has ended.
 */
export class LiveStream implements Member {
  seen = 0
  readonly #outlet: Outlet
  readonly #bufferEvents: number
  #begin: Begin | undefined
  #ended: PromiseWithResolvers<undefined> | undefined
  #leave: (() => void) | undefined
  #left = false

  constructor(outlet: Outlet, bufferEvents: number) {
    this.#outlet = outlet
    this.#bufferEvents = bufferEvents
  }

  /** Says how it becomes a member, once its transport is ready for answers. */
  prepare(begin: Begin): void {
    this.#begin = begin
  }

  /** Whether it is for a group to serve, and has not begun. */
  get isPrepared(): boolean {
    return this.#begin !== undefined
  }

  /** Begins. Resolves with the end of the stream, rejects with its failure. */
  run(): Promise<undefined> {
    const begin = this.#begin
    const ended = (this.#ended = Promise.withResolvers<undefined>())
    this.#begin = undefined
    if (this.#left) ended.resolve(undefined)
    else this.#leave = begin?.()
    return ended.promise
  }

  /** The subscriber leaves. */
  leave(): void {
    this.#left = true
    this.complete()
  }

  async replay(batch: Batch): Promise<void> {
    return this.#outlet.sendAtLeisure(batch)
  }

  form(batch: Batch): void {
    this.#outlet.form(batch)
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
 * The same subscription as its transport sees it: what its own execution answers, or, where a group serves it, nothing
 * until it ends. Then its own execution is let go of at once, so that a stream that waits holds next to nothing.
 */
export class LiveResults implements AsyncIterableIterator<ExecutionResult, undefined> {
  #own: AsyncIterator<ExecutionResult, unknown> | undefined
  readonly #stream: LiveStream
  #onBegin: (() => void) | undefined

  constructor(own: AsyncIterable<ExecutionResult>, stream: LiveStream, onBegin: () => void) {
    this.#own = own[Symbol.asyncIterator]()
    this.#stream = stream
    this.#onBegin = onBegin
  }

  async next(): Promise<Result> {
    if (!this.#stream.isPrepared) {
      const result = await this.#own?.next()
      return result && !result.done ? result : DONE
    }
    this.#own = undefined
    this.#onBegin?.()
    this.#onBegin = undefined
    await this.#stream.run()
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
