/** How many bytes of messages are read for one account in a second, and what each message counts besides its own. */
const BYTES_PER_SECOND = 16 * 1024 * 1024
/** How much is parsed at once, in milliseconds of that rate: others wait meanwhile. */
const BURST_MS = 250
const MESSAGE_BYTES = 400

/**
 * When the messages of accounts are parsed. That takes the event loop, a message at its longest for several milliseconds, and
 * comes before it is the turn of what they ask for: so the sockets of an account share a rate, and what is read at once.
 */
export class Reading {
  readonly #now: () => number
  /** By account, until when its rate is used. */
  readonly #used = new Map<string, number>()

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** How many milliseconds a message that has come for an account has to wait. */
  waitFor(account: string, bytes: number): number {
    const now = this.#now()
    if (this.#used.size > 1_000)
      for (const [name, until] of this.#used) if (until <= now - BURST_MS) this.#used.delete(name)
    const from = Math.max(this.#used.get(account) ?? 0, now - BURST_MS)
    const until = from + ((bytes + MESSAGE_BYTES) / BYTES_PER_SECOND) * 1_000
    this.#used.set(account, until)
    return Math.max(0, until - now)
  }
}
