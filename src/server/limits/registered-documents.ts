/** How long an account's documents are kept after it has last used one, in milliseconds. */
const KEPT_MS = 60 * 60_000

/** About what an entry takes besides its text. */
const ENTRY_BYTES = 200

interface Shelf {
  texts: Map<string, string>
  bytes: number
  usedAt: number
}

/**
 * The documents that clients have registered by the SHA-256 of their text (automatic persisted queries). Each account has a
 * shelf of its own, of `maxBytes`: it cannot push out, or see, what others have registered.
 */
export class RegisteredDocuments {
  readonly #maxBytes: number
  readonly #shelves = new Map<string, Shelf>()

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether documents can be registered at all. */
  get isOn(): boolean {
    return this.#maxBytes > 0
  }

  get(accountId: string, hash: string): string | undefined {
    const shelf = this.#shelves.get(accountId)
    const text = shelf?.texts.get(hash)
    if (!shelf || text === undefined) return undefined
    this.#use(accountId, shelf)
    // The one that was asked for longest ago is the first to go.
    shelf.texts.delete(hash)
    shelf.texts.set(hash, text)
    return text
  }

  register(accountId: string, hash: string, text: string): void {
    const shelf = this.#shelves.get(accountId) ?? { texts: new Map<string, string>(), bytes: 0, usedAt: 0 }
    const size = sizeOf(text)
    if (size > this.#maxBytes || shelf.texts.has(hash)) return
    this.#use(accountId, shelf)
    shelf.texts.set(hash, text)
    shelf.bytes += size
    for (const [oldest, old] of shelf.texts) {
      if (shelf.bytes <= this.#maxBytes) break
      shelf.texts.delete(oldest)
      shelf.bytes -= sizeOf(old)
    }
    this.#forgetUnused()
  }

  #use(accountId: string, shelf: Shelf): void {
    shelf.usedAt = performance.now()
    this.#shelves.delete(accountId)
    this.#shelves.set(accountId, shelf)
  }

  #forgetUnused(): void {
    const now = performance.now()
    for (const [accountId, { usedAt }] of this.#shelves) {
      if (now - usedAt < KEPT_MS) break
      this.#shelves.delete(accountId)
    }
  }
}

/** In memory a text may take two bytes for each character. */
function sizeOf(text: string): number {
  return text.length * 2 + ENTRY_BYTES
}
