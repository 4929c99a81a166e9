/** How many values of the header Accept are known. */
const KNOWN = 100

/** With which media type Yoga has answered which header Accept; null is none. */
export class MediaTypes {
  readonly #byAccept = new Map<string | null, string>()

  /** The content type of an answer with data; undefined where Yoga has to say. */
  for(accept: string | undefined): string | undefined {
    return this.#byAccept.get(accept ?? null)
  }

  learn(accept: string | null, response: Response): void {
    const type = response.headers.get('content-type')
    if (response.status !== 200 || !type?.startsWith('application/')) return
    if (this.#byAccept.has(accept)) return
    const [oldest] = this.#byAccept.keys()
    if (this.#byAccept.size >= KNOWN && oldest !== undefined) this.#byAccept.delete(oldest)
    this.#byAccept.set(accept, type)
  }
}
