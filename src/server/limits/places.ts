/** A limited number of places for each key: connections of an address, streams of an account, points of what they cost. */
export class Places {
  readonly #limit: number
  readonly #taken = new Map<string, number>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Takes a place, or more, and returns what gives it back, once; undefined when all are taken. */
  enter(key: string, places = 1): (() => void) | undefined {
    const taken = this.#taken.get(key) ?? 0
    if (taken + places > this.#limit) return undefined
    this.#taken.set(key, taken + places)
    let isHere = true
    return () => {
      if (!isHere) return
      isHere = false
      const left = (this.#taken.get(key) ?? places) - places
      if (left > 0) this.#taken.set(key, left)
      else this.#taken.delete(key)
    }
  }
}
