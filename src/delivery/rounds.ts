/** How long work may take in one round of the event loop, in milliseconds. */
const SLICE_MS = 5

/**
 * Shares the event loop between accounts. Work asks before each piece of a few milliseconds at most: while there is time in this
 * round of the loop it goes on at once, and then each round lets one piece go on, of the account whose turn it is.
 */
export class Rounds {
  /** Accounts in the order of their turns, with what waits of each. */
  readonly #waiting = new Map<string, (() => void)[]>()
  #began: number | undefined
  #next: NodeJS.Immediate | undefined

  /** Undefined when the account may go on at once; otherwise resolves when it is its turn. */
  wait(accountId: string): Promise<void> | undefined {
    const now = performance.now()
    this.#began ??= now
    this.#next ??= setImmediate(() => this.#comeRound())
    if (this.#waiting.size === 0 && now - this.#began < SLICE_MS) return undefined
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(accountId)
      if (waiting) waiting.push(resolve)
      else this.#waiting.set(accountId, [resolve])
    })
  }

  #comeRound(): void {
    this.#next = undefined
    this.#began = undefined
    const [first] = this.#waiting
    if (!first) return
    const [accountId, waiting] = first
    this.#waiting.delete(accountId)
    const goOn = waiting.shift()
    if (waiting.length > 0) this.#waiting.set(accountId, waiting)
    this.#began = performance.now()
    this.#next = setImmediate(() => this.#comeRound())
    goOn?.()
  }
}
