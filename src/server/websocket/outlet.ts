import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { StreamBuffer } from '../../config.ts'
import type { Batch } from '../../delivery/batch.ts'
import { BoundedWriter } from '../../delivery/bounded-writer.ts'
import type { Outlet } from '../../delivery/outlet.ts'
import { framesOf, type Frames } from '../../delivery/websocket-frames.ts'
import { TRY_AGAIN_LATER } from './close-codes.ts'

/**
 * An operation of a WebSocket. Its `next` messages are the same as everybody's but for the id, so the frames are made
 * once for each length of id, and the id is put in before each write. `ws` writes frames whole and at once, as there
 * is no compression, so both may write to one socket.
 */
export class WebSocketOutlet implements Outlet {
  readonly #webSocket: WebSocket
  readonly #writer: BoundedWriter
  /** As JSON, in ASCII. */
  readonly #id: string

  constructor(webSocket: WebSocket, socket: Socket, id: string, buffer: StreamBuffer) {
    this.#writer = new BoundedWriter(socket, buffer)
    this.#webSocket = webSocket
    this.#id = JSON.stringify(id).replace(
      /[^\0-\x7f]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  }

  send(batch: Batch): boolean {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return true
    const frames = this.#framesOf(batch)
    const sent = this.#writer.write(frames.bytes, batch.payloads.length)
    this.#keep(frames)
    return sent
  }

  async sendAtLeisure(batch: Batch): Promise<void> {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return
    const frames = this.#framesOf(batch)
    const sent = this.#writer.writeAtLeisure(frames.bytes)
    this.#keep(frames)
    return sent
  }

  get fill(): number {
    return this.#writer.fill
  }

  form(batch: Batch): Frames {
    return batch.form(this.#id.length, () => framesOf(batch, this.#id.length))
  }

  #framesOf(batch: Batch): Frames {
    const id = this.#id
    const frames = this.form(batch)
    for (const at of frames.idsAt) frames.bytes.write(id, at, 'latin1')
    return frames
  }

  /** What waits in the socket must not change any more: the next one gets a copy. */
  #keep(frames: Frames): void {
    if (this.#writer.socket.writableLength > 0) frames.bytes = Buffer.from(frames.bytes)
  }

  /** A client that reads on in the end finds, behind the rest, that it is to come again (1013). */
  cutIfStalled(): void {
    const writer = this.#writer
    writer.watch(() => {
      this.#webSocket.close(TRY_AGAIN_LATER, 'Slow consumer')
      writer.watch(() => writer.socket.destroy())
    })
  }
}
