/** The consumer fell too far behind: its queue is full, and the stream ended rather than dropping anything. */
export class SlowConsumer extends Error {
  constructor(limit: number) {
    super(
      `The stream fell more than ${limit} events behind and was ended. Resume from the last cursor you have seen.`,
    )
  }
}

/**
 * A queue between a producer that must not wait and one consumer that may be slow. It listens from the
 * moment it is made, holds at most `limit` events, and ends with `SlowConsumer` beyond that, after which
 * it keeps nothing. What was queued before `end()` is still delivered.
 */
export class BoundedQueue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #limit: number
  readonly #onClose: () => void
  #items: T[] = []
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined
  #closed = false
  #error: Error | undefined

  constructor(limit: number, onClose: () => void) {
    this.#limit = limit
    this.#onClose = onClose
  }

  /** How many events wait. */
  get length(): number {
    return this.#items.length
  }

  push(item: T): void {
    if (this.#closed) return
    if (this.#waiting) {
      this.#waiting.resolve({ value: item, done: false })
      this.#waiting = undefined
    } else if (this.#items.length >= this.#limit) {
      this.fail(new SlowConsumer(this.#limit))
    } else {
      this.#items.push(item)
    }
  }

  /** What is queued is dropped: the consumer gets the error, then the end. */
  fail(error: Error): void {
    if (this.#closed) return
    this.#items = []
    if (this.#waiting) this.#waiting.reject(error)
    else this.#error = error
    this.#waiting = undefined
    this.end()
  }

  /** No more will come: the consumer gets what is queued, then the end. */
  end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#waiting?.resolve({ value: undefined, done: true })
    this.#waiting = undefined
    this.#onClose()
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve({ value: item, done: false })
    if (this.#error) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true })
    this.#waiting = Promise.withResolvers()
    return this.#waiting.promise
  }

  /** The consumer leaves: nothing is kept, and a `next()` that waits is ended. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = []
    this.#error = undefined
    this.end()
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
