import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { StreamBuffer } from '../../config.ts'
import type { Batch } from '../../transitions/groups.ts'

/** The subscriber's end of a connection, as a group uses it. */
export interface Outlet {
  /** Writes a batch at once; false, and nothing written, when more than the buffer holds would wait. */
  send(batch: Batch): boolean
  /** The stream has ended because its client does not read: cuts the connection if it goes on not reading. */
  cutIfStalled(): void
}

/** How long a client that has fallen behind may take to read what waits for it before it is cut off, in milliseconds. */
const GRACE_MS = 5_000

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

  cutIfStalled(): void {
    const { socket } = this
    const cut = setTimeout(() => {
      if (socket.writableLength > 0) socket.destroy()
    }, GRACE_MS)
    socket.once('close', () => clearTimeout(cut))
  }
}

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
  const pieces: Buffer[] = []
  const idsAt: number[] = []
  const id = Buffer.alloc(idLength)
  let length = 0
  for (const payload of payloads) {
    const message = [BEFORE_ID, id, BEFORE_PAYLOAD, payload, END]
    const header = frameHeader(message.reduce((sum, piece) => sum + piece.length, 0))
    idsAt.push(length + header.length + BEFORE_ID.length)
    for (const piece of [header, ...message]) length += piece.length
    pieces.push(header, ...message)
  }
  return { bytes: Buffer.concat(pieces, length), idsAt }
}

/** The header of an unmasked, final text frame (RFC 6455, 5.2). */
function frameHeader(length: number): Buffer {
  if (length < 126) return Buffer.from([0x81, length])
  if (length < 65_536) return Buffer.from([0x81, 126, length >> 8, length & 0xff])
  const header = Buffer.alloc(10)
  header.writeUInt16BE(0x817f)
  header.writeBigUInt64BE(BigInt(length), 2)
  return header
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
    const id = this.#id
    const frames = batch.form(id.length, () => framesOf(batch, id.length))
    for (const at of frames.idsAt) frames.bytes.write(id, at, 'latin1')
    const sent = this.#writer.write(frames.bytes, batch.payloads.length)
    // What waits in the socket must not change any more: the next one gets a copy.
    if (this.#writer.socket.writableLength > 0) frames.bytes = Buffer.from(frames.bytes)
    return sent
  }

  cutIfStalled(): void {
    this.#writer.cutIfStalled()
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

  cutIfStalled(): void {
    this.#writer.cutIfStalled()
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
