/** About what an entry takes besides its key and its bytes. */
const ENTRY_BYTES = 200

/**
 * Answers that hold for one version of the database: with the first commit after it they are all forgotten, so that none is
 * ever older than what is there.
 */
export class Answers {
  readonly #maxBytes: number
  #entries = new Map<string, string>()
  #bytes = 0
  #version: number | undefined

  /** `maxBytes` is what all of them may take together; 0 keeps none. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(version: number, key: string): string | undefined {
    this.#turnTo(version)
    const answer = this.#entries.get(key)
    if (!answer) return undefined
    // The one that was asked for longest ago is the first to go.
    this.#entries.delete(key)
    this.#entries.set(key, answer)
    return answer
  }

  keep(version: number, key: string, answer: string): void {
    this.#turnTo(version)
    const bytes = sizeOf(key, answer)
    if (bytes > this.#maxBytes || this.#entries.has(key)) return
    this.#entries.set(key, answer)
    this.#bytes += bytes
    for (const [oldest, old] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break
      this.#entries.delete(oldest)
      this.#bytes -= sizeOf(oldest, old)
    }
  }

  #turnTo(version: number): void {
    if (version === this.#version) return
    this.#version = version
    if (this.#entries.size === 0) return
    this.#entries = new Map()
    this.#bytes = 0
  }
}

function sizeOf(key: string, answer: string): number {
  return key.length + answer.length + ENTRY_BYTES
}
