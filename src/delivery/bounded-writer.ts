import type { Socket } from 'node:net'
import type { StreamBuffer } from '../config.ts'

/** How long a client that has fallen behind has to read what waits for it, in milliseconds. */
const GRACE_MS = 5_000

/**
 * Backpressure: writes whole messages to a socket, beside its owner, and bounds what waits there. In the common case the
 * system takes the bytes at once and nothing is kept.
 */
export class BoundedWriter {
  readonly socket: Socket
  readonly #buffer: StreamBuffer
  #waiting = 0

  constructor(socket: Socket, buffer: StreamBuffer) {
    this.socket = socket
    this.#buffer = buffer
  }

  /** How full the buffer is, from 0 to 1. */
  get fill(): number {
    return Math.min(1, this.socket.writableLength / this.#buffer.bytes)
  }

  /** Writes messages that are this many events; false, with nothing written, when more than the buffer holds would wait. */
  write(bytes: Buffer, events: number): boolean {
    const { socket } = this
    if (!socket.writable) return true
    const { writableLength } = socket
    if (writableLength === 0) {
      socket.write(bytes)
      this.#waiting = socket.writableLength === 0 ? 0 : events
      return true
    }
    if (writableLength + bytes.length > this.#buffer.bytes || this.#waiting + events > this.#buffer.events)
      return false
    this.#waiting += events
    socket.write(bytes, () => (this.#waiting = Math.max(0, this.#waiting - events)))
    return true
  }

  /** Waits for room first: all streams of a socket together have at most what the buffer holds waiting there. */
  async writeAtLeisure(bytes: Buffer | string): Promise<void> {
    const { socket } = this
    while (socket.writable && socket.writableLength >= this.#buffer.bytes) await emptied(socket)
    if (!socket.writable) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    socket.write(bytes, () => resolve(undefined))
    if (socket.writableLength > 0) await promise
  }

  /** Calls back unless all that waits now is read within the grace. */
  watch(onStalled: () => void): void {
    const { socket } = this
    const late = setTimeout(onStalled, GRACE_MS)
    const calm = () => clearTimeout(late)
    // Written after all that waits; called also when the socket closes.
    if (socket.writable) socket.write(NOTHING, calm)
    else socket.once('close', calm)
  }
}

const emptying = new WeakMap<Socket, Promise<void>>()

/** Resolves when nothing waits in the socket any more, or it is closed. */
function emptied(socket: Socket): Promise<void> {
  const known = emptying.get(socket)
  if (known) return known
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const over = () => {
    socket.off('drain', over).off('close', over)
    emptying.delete(socket)
    resolve(undefined)
  }
  socket.on('drain', over).on('close', over)
  emptying.set(socket, promise)
  return promise
}

const NOTHING = Buffer.alloc(0)
