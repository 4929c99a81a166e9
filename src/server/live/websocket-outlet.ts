import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { StreamBuffer } from '../../config.ts'
import type { Batch } from '../../transitions/groups.ts'
import { BoundedWriter, type Outlet } from './outlet.ts'

/** The close code after which the official client connects again, a moment later. */
const TRY_AGAIN_LATER = 1013

interface Frames {
  bytes: Buffer
  /** Where the operation's id stands in each frame. */
  idsAt: readonly number[]
}

const BEFORE_ID = Buffer.from('{"id":')
const BEFORE_PAYLOAD = Buffer.from(',"type":"next","payload":')
const END = Buffer.from('}')

/** One text frame for each answer, with room for an id of this length, all in one piece. */
function framesOf({ payloads }: Batch, idLength: number): Frames {
  const around = BEFORE_ID.length + idLength + BEFORE_PAYLOAD.length + END.length
  const idsAt: number[] = []
  let size = 0
  for (const payload of payloads) size += headerLength(around + payload.length) + around + payload.length
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const payload of payloads) {
    at = writeHeader(bytes, at, around + payload.length)
    at += BEFORE_ID.copy(bytes, at)
    idsAt.push(at)
    at += idLength
    at += BEFORE_PAYLOAD.copy(bytes, at)
    at += payload.copy(bytes, at)
    at += END.copy(bytes, at)
  }
  return { bytes, idsAt }
}

function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** Writes the header of an unmasked, final text frame (RFC 6455, 5.2); returns where it ends. */
function writeHeader(bytes: Buffer, start: number, length: number): number {
  const at = bytes.writeUInt8(0x81, start)
  if (length < 126) return bytes.writeUInt8(length, at)
  if (length < 65_536) return bytes.writeUInt16BE(length, bytes.writeUInt8(126, at))
  return bytes.writeBigUInt64BE(BigInt(length), bytes.writeUInt8(127, at))
}

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
