import type { ExecutionResult } from 'graphql'
import type { LiveStream } from '../../delivery/live-stream.ts'
import type { StreamEnd } from '../../observability/observer.ts'
import { LEFT } from '../../observability/operation-log.ts'
import { codeOfThrown } from '../describe-error.ts'

type Result = IteratorResult<ExecutionResult, undefined>
const DONE: Result = { value: undefined, done: true }

/**
 * The same subscription as its transport sees it: what its own execution answers, or, where a group serves it, nothing
 * until it ends. Then its own execution is let go of at once, so that a stream that waits holds next to nothing.
 */
export class LiveResults implements AsyncIterableIterator<ExecutionResult, undefined> {
  #own: AsyncIterator<ExecutionResult, unknown> | undefined
  readonly #stream: LiveStream
  #onBegin: (() => void) | undefined

  readonly #onEnd: StreamEnd

  constructor(
    own: AsyncIterable<ExecutionResult>,
    stream: LiveStream,
    { onBegin, onEnd }: { onBegin: () => void; onEnd: StreamEnd },
  ) {
    this.#own = own[Symbol.asyncIterator]()
    this.#stream = stream
    this.#onBegin = onBegin
    this.#onEnd = onEnd
  }

  async next(): Promise<Result> {
    try {
      const result = await this.#next()
      if (result.done) this.#end('OK')
      return result
    } catch (error) {
      this.#end(codeOfThrown(error))
      throw error
    }
  }

  async #next(): Promise<Result> {
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
    this.#end(LEFT)
    this.#stream.leave()
    await this.#own?.return?.()
    return DONE
  }

  #end(outcome: string): void {
    this.#onEnd(outcome, this.#stream.events)
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
