import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { StreamBuffer } from '../../config.ts'
import type { Batch } from '../../transitions/groups.ts'

/** The subscriber's end of a connection, as a group uses it. */
export interface Outlet {
  /** Writes a batch at once; false, and nothing written, when more than the buffer holds would wait. */
  send(batch: Batch): boolean
  /** Writes a batch, however much waits; resolves when all of that is on its way, or never will be. */
  sendAtLeisure(batch: Batch): Promise<void>
  /** The stream has ended because its client does not read: ends the connection if it goes on not reading. */
  cutIfStalled(): void
}

/** How long a client that has fallen behind may take to read what waits for it, in milliseconds. */
const GRACE_MS = 5_000

/** The close code after which the official client connects again, a moment later. */
const TRY_AGAIN_LATER = 1013

/**
 * Writes to a socket beside its owner, whole messages only, and knows how much waits there. In the common case the
 * system takes the bytes at once and nothing is kept.
 */
class BoundedWriter {
  readonly socket: Socket
  readonly #buffer: StreamBuffer
  #waiting = 0

  constructor(socket: Socket, buffer: StreamBuffer) {
    this.socket = socket
    this.#buffer = buffer
  }

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

  async writeAtLeisure(bytes: Buffer): Promise<void> {
    const { socket } = this
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
    // Behind all that waits; called also when the socket closes.
    if (socket.writable) socket.write(NOTHING, calm)
    else socket.once('close', calm)
  }
}

const NOTHING = Buffer.alloc(0)

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
  const lengths = payloads.map((payload) => around + payload.length)
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerLength(length) + length, 0))
  let at = 0
  const idsAt = payloads.map((payload, index) => {
    at = writeHeader(bytes, at, lengths[index] ?? 0)
    at += BEFORE_ID.copy(bytes, at)
    const idAt = at
    at += idLength
    at += BEFORE_PAYLOAD.copy(bytes, at)
    at += payload.copy(bytes, at)
    at += END.copy(bytes, at)
    return idAt
  })
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

  #framesOf(batch: Batch): Frames {
    const id = this.#id
    const frames = batch.form(id.length, () => framesOf(batch, id.length))
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

/** A response of server-sent events, in chunks of HTTP/1.1: the same bytes for everybody. */
class EventStreamOutlet implements Outlet {
  readonly #writer: BoundedWriter

  constructor(socket: Socket, buffer: StreamBuffer) {
    this.#writer = new BoundedWriter(socket, buffer)
  }

  send(batch: Batch): boolean {
    return this.#writer.write(
      batch.form('events', () => chunkOf(batch)),
      batch.payloads.length,
    )
  }

  async sendAtLeisure(batch: Batch): Promise<void> {
    return this.#writer.writeAtLeisure(batch.form('events', () => chunkOf(batch)))
  }

  cutIfStalled(): void {
    const writer = this.#writer
    writer.watch(() => writer.socket.destroy())
  }
}

function chunkOf({ payloads }: Batch): Buffer {
  const events = Buffer.concat(payloads.flatMap((payload) => [EVENT_START, payload, EVENT_END]))
  return Buffer.concat([Buffer.from(`${events.length.toString(16)}\r\n`), events, CRLF])
}

const EVENT_START = Buffer.from('event: next\ndata: ')
const EVENT_END = Buffer.from('\n\n')
const CRLF = Buffer.from('\r\n')

/** The outlet of a response; undefined where its bytes cannot be shared, as in HTTP/1.0, which has no chunks. */
export function eventStreamOutlet(response: ServerResponse, buffer: StreamBuffer): Outlet | undefined {
  const { req, socket } = response
  return socket && req.httpVersion === '1.1' ? new EventStreamOutlet(socket, buffer) : undefined
}
