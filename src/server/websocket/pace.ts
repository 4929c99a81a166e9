import { setTimeout as pause } from 'node:timers/promises'
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
  /** How many of its messages wait to be handled. */
  #late = 0

  constructor(webSocket: WebSocket, perSecond: number) {
    this.#webSocket = webSocket
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  /** Whether it is not read just now. */
  get isHeld(): boolean {
    return this.#hold !== undefined || this.#late > 0
  }

  /** Counts a message that has come. */
  count(): void {
    this.#refill()
    this.#left--
    if (this.#left >= 0 || this.#hold !== undefined) return
    this.#webSocket.pause()
    this.#release()
  }

  /** Resolves after `ms` milliseconds, during which the socket is not read. */
  async wait(ms: number): Promise<void> {
    this.#late++
    this.#webSocket.pause()
    await pause(ms)
    this.#late--
    this.#resume()
  }

  stop(): void {
    clearTimeout(this.#hold)
  }

  #resume(): void {
    if (!this.isHeld) this.#webSocket.resume()
  }

  #release(): void {
    this.#hold = setTimeout(
      () => {
        this.#hold = undefined
        this.#refill()
        if (this.#left < 0) this.#release()
        else this.#resume()
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
