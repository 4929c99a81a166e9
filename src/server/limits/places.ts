/** So many places for each key: of connections for an address, of streams for an account. */
export class Places {
  readonly #limit: number
  readonly #taken = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes a place, and returns what gives it back, once; undefined when all are taken. */
  enter(key: string): (() => void) | undefined {
    const taken = this.#taken.get(key) ?? 0
    if (taken >= this.#limit) return undefined
    this.#taken.set(key, taken + 1)
    let isHere = true
    return () => {
      if (!isHere) return
      isHere = false
      const left = (this.#taken.get(key) ?? 1) - 1
      if (left > 0) this.#taken.set(key, left)
      else this.#taken.delete(key)
    }
  }
}
