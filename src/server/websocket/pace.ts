import type { WebSocket } from 'ws'

/**
 * How fast a socket is read: a second's worth of messages at once, then at that rate. One that sends more is not
 * refused; what it sends waits on its own side.
 */
export class Pace {
  readonly #webSocket: WebSocket
  readonly #perSecond: number
  #left: number
  #countedAt = performance.now()
  #hold: NodeJS.Timeout | undefined

  constructor(webSocket: WebSocket, perSecond: number) {
    this.#webSocket = webSocket
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Whether it is not read just now. */
  get isHeld(): boolean {
    return this.#hold !== undefined
  }

  /** Counts a message that has come. */
  count(): void {
    this.#refill()
    this.#left--
    if (this.#left >= 0 || this.isHeld) return
    this.#webSocket.pause()
    this.#release()
  }

  stop(): void {
    clearTimeout(this.#hold)
  }

  #release(): void {
    this.#hold = setTimeout(
      () => {
        this.#hold = undefined
        this.#refill()
        if (this.#left < 0) this.#release()
        else this.#webSocket.resume()
      },
      (-this.#left / this.#perSecond) * 1000,
    )
  }

  #refill(): void {
    const now = performance.now()
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#countedAt) / 1000) * this.#perSecond)
    this.#countedAt = now
  }
}
