import type { InterestIndex } from './interest.ts'
import { PAGE, type TransitionLog } from './log.ts'
import type { AnyTransition } from './transition.ts'
import { wakeable } from './wakeable.ts'

export interface TailOptions<T extends AnyTransition> {
  log: TransitionLog<T>
  /** Whom to tell of each transition. */
  index: InterestIndex
  /** How often the log is read without being woken, in milliseconds: another process may write to it. */
  pollMs: number
  /** Everything committed before the wake-up has been told. */
  onRead: () => void
  /** The database was restored: the log does not continue from what has been told. Reading goes on from its new end. */
  onRestored: () => void
  onError: (error: unknown) => void
}

/**
 * Reads the log once for the whole process, after each commit and by a slow poll. A lost wake-up only delays, because the
 * log is the truth.
 */
export class Tail<T extends AnyTransition> {
  readonly #options: TailOptions<T>
  readonly #reading: ReturnType<typeof wakeable>
  readonly #poll: NodeJS.Timeout
  #reached: { position: number; tag: string | undefined }
  #isStopped = false

  constructor(options: TailOptions<T>) {
    this.#options = options
    this.#reached = options.log.head()
    this.#reading = wakeable(async () => this.#read(), options.onError)
    this.#poll = setInterval(() => this.wake(), options.pollMs)
  }

  /** Up to which position everything has been told. */
  get position(): number {
    return this.#reached.position
  }

  /** Something was committed: read on. Returns at once. */
  wake(): void {
    if (!this.#isStopped) this.#reading.wake()
  }

  #read(): void {
    const { log, index, onRead, onRestored } = this.#options
    for (;;) {
      const page = log.tail(this.#reached)
      if (!page) {
        this.#reached = log.head()
        onRestored()
        return
      }
      for (const transition of page) {
        this.#reached = transition
        index.tell(transition)
      }
      // Later commits bring a wake-up of their own.
      if (page.length < PAGE) break
    }
    onRead()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    clearInterval(this.#poll)
    await this.#reading.running
  }
}
