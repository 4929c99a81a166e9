/** What a call is for, the most urgent first. */
export const CALL_PURPOSES = ['WRITE', 'PENDING', 'INVENTORY'] as const
export type CallPurpose = (typeof CALL_PURPOSES)[number]

/** Calls that the less urgent leave to the more urgent, as a share of the burst. */
const LEFT: Record<CallPurpose, number> = { WRITE: 0, PENDING: 0.2, INVENTORY: 0.4 }

/** The rate never falls below this share of the full one: a cloud that throttles everything is still asked now and then. */
const LEAST_SHARE = 1 / 32

/** What share of the full rate comes back in a minute without throttling. */
const RECOVERED_A_MINUTE = 0.1

/** No cloud is left alone for longer, whatever it asks for, in milliseconds. */
const RETRY_AFTER_MAX_MS = 10 * 60_000

/** How much longer than it asks a cloud is left alone, at most, as a share: those that it threw out do not return at once. */
const JITTER = 0.25

/**
 * How many calls one connection may make: a bucket of `burst` calls that `perSecond` refill. When the cloud asks for fewer
 * calls, the rate halves, and comes back by a tenth a minute.
 */
export class CallBudget {
  readonly #perSecond: number
  readonly #burst: number
  readonly #now: () => number
  readonly #random: () => number
  #rate: number
  #calls: number
  #seenAt: number
  #aloneUntil = -Infinity

  /** `now` is a monotonic clock in milliseconds; `random` is a chance from 0 to 1. */
  constructor({
    perSecond = 5,
    burst = 10,
    now,
    random = Math.random,
  }: {
    perSecond?: number
    burst?: number
    now: () => number
    random?: () => number
  }) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#now = now
    this.#random = random
    this.#rate = perSecond
    this.#calls = burst
    this.#seenAt = now()
  }

  /** Calls per second that refill the budget now. */
  get rate(): number {
    this.#refill()
    return this.#rate
  }

  /** Takes a call out of the budget and returns 0; or takes none, and returns for how many milliseconds to wait first. */
  take(purpose: CallPurpose): number {
    this.#refill()
    const alone = this.#aloneUntil - this.#now()
    if (alone > 0) return Math.ceil(alone)
    const missing = 1 + LEFT[purpose] * this.#burst - this.#calls
    if (missing > 0) return Math.ceil((missing / this.#rate) * 1_000)
    this.#calls--
    return 0
  }

  /** The cloud has asked for fewer calls, and to be left alone for a while if it says so. */
  throttled(retryAfterMs = 0): void {
    this.#refill()
    this.#rate = Math.max(this.#rate / 2, this.#perSecond * LEAST_SHARE)
    this.#calls = 0
    const ms = Math.min(retryAfterMs, RETRY_AFTER_MAX_MS) * (1 + JITTER * this.#random())
    this.#aloneUntil = Math.max(this.#aloneUntil, this.#now() + ms)
  }

  #refill(): void {
    const now = this.#now()
    const seconds = (now - this.#seenAt) / 1_000
    this.#seenAt = now
    this.#calls = Math.min(this.#burst, this.#calls + seconds * this.#rate)
    const recovered = (seconds / 60) * RECOVERED_A_MINUTE * this.#perSecond
    this.#rate = Math.min(this.#perSecond, this.#rate + recovered)
  }
}
