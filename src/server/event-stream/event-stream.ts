import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ExecutionResult } from 'graphql'
import type { StreamBuffer } from '../../config.ts'
import { duplicate } from '../../native/sockets.ts'
import type { Batch } from '../../delivery/batch.ts'
import { BoundedWriter } from '../../delivery/bounded-writer.ts'
import { chunk, chunkOf } from '../../delivery/chunks.ts'
import type { Outlet } from '../../delivery/outlet.ts'
import type { Transport } from '../../observability/observer.ts'
import { handOver } from '../http/handover.ts'
import type { StreamFormat } from './stream-format.ts'

/** How often an idle stream shows that it lives, in milliseconds: proxies cut what is silent. */
const PING_MS = 12_000
export interface EventStreamOptions {
  /** A result with its errors as the client is told of them. */
  described: (result: ExecutionResult) => ExecutionResult
  /** What a failure of the stream is told as. */
  failed: (error: unknown) => ExecutionResult
  /** Calls back when the stream has to end by a failure from elsewhere; returns how to stop that. */
  endsWith: (onEnd: (error: unknown) => void) => () => void
}

/** Keep proxies from storing, compressing or collecting events. Source: RFC 9111, 5.2.2.6; nginx, `proxy_buffering`. */
export const STREAM_HEADERS = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

const HEADERS = {
  ...STREAM_HEADERS,
  'content-encoding': 'none',
  // The connection is the stream's from here on.
  connection: 'close',
}

/**
 * A response that is a stream, of server-sent events or in parts. Once its head is sent it is written past the response, to the socket, and the
 * request, the response and all that hangs on both are let go of: a stream may wait for days.
 */
export class EventStream implements Outlet {
  readonly #buffer: StreamBuffer
  /** By chunks, as HTTP/1.1 has it; without, the end of the connection is the end of the answer. */
  readonly #isChunked: boolean
  readonly #format: StreamFormat
  #response: ServerResponse | undefined
  #begin: string | undefined
  #writer: BoundedWriter | undefined

  constructor(response: ServerResponse, buffer: StreamBuffer, format: StreamFormat) {
    this.#response = response
    this.#format = format
    this.#buffer = buffer
    this.#isChunked = response.req.httpVersion === '1.1'
  }

  /** Where it begins: its client is told, where the format can. */
  beginAt(cursor: string): void {
    this.#begin = cursor
  }

  /** Sends the head; false when the client has gone meanwhile. `onClose` is called when it goes later. */
  async open(onClose: () => void): Promise<boolean> {
    const response = this.#response
    this.#response = undefined
    if (!response || isOver(response)) return false
    // Behind another answer on the same connection there is no socket yet.
    if (!response.socket) await Promise.race([once(response, 'socket'), once(response, 'close')])
    const { socket } = response
    if (!socket || isOver(response)) return false
    const { contentType, opening } = this.#format
    response.writeHead(200, { ...HEADERS, 'content-type': contentType }).flushHeaders()
    // Some browsers show nothing of a response before its first bytes.
    await new Promise((resolve) => socket.write(this.#framed(opening(this.#begin)), resolve))
    if (isOver(response) || !socket.writable) return false
    const own = socket.writableLength === 0 ? duplicate(socket) : undefined
    if (own) {
      own.on('error', ignore).resume()
      handOver(socket, own)
      socket.destroy()
    }
    this.#writer = new BoundedWriter(own ?? socket, this.#buffer)
    this.#writer.socket.once('close', onClose)
    return true
  }

  /** Whether nobody reads it any more. */
  isOver(): boolean {
    return this.#socket?.destroyed ?? false
  }

  /** Writes one answer; resolves when it is on its way. */
  async write(result: ExecutionResult): Promise<void> {
    return this.#writer?.writeAtLeisure(this.#framed(this.#format.result(result)))
  }

  ping(): void {
    const socket = this.#socket
    if (socket?.writable && socket.writableLength === 0) socket.write(this.#framed(this.#format.ping))
  }

  /** Says that nothing comes after this, and ends. */
  complete(): void {
    this.#end(this.#format.complete)
  }

  /** The same after a failure. */
  fail(failure: ExecutionResult): void {
    this.#end(this.#format.failure(failure))
  }

  #end(last: string): void {
    this.#socket?.end(this.#isChunked ? `${chunk(last)}0\r\n\r\n` : last)
  }

  /** Ends without `complete`, so that the client comes back, but with everything sent that was written. */
  cut(): void {
    this.#socket?.destroySoon()
  }

  destroy(): void {
    this.#socket?.destroy()
  }

  send(batch: Batch): boolean {
    return this.#writer?.write(this.form(batch), batch.payloads.length) ?? true
  }

  async sendAtLeisure(batch: Batch): Promise<void> {
    return this.#writer?.writeAtLeisure(this.form(batch))
  }

  get fill(): number {
    return this.#writer?.fill ?? 0
  }

  cutIfStalled(): void {
    this.#writer?.watch(() => this.destroy())
  }

  get #socket(): Socket | undefined {
    return this.#writer?.socket
  }

  #framed(text: string): string {
    return this.#isChunked ? chunk(text) : text
  }

  form(batch: Batch): Buffer {
    const { keys, batch: bytesOf } = this.#format
    return this.#isChunked
      ? batch.form(keys.chunk, () => chunkOf(bytesOf(batch)))
      : batch.form(keys.plain, () => bytesOf(batch))
  }

  get transport(): Transport {
    return this.#format.transport
  }
}

/** The end of the connection says it all. Not within `open`, which it would keep alive with all that is known there. */
function ignore(): void {}

function isOver({ destroyed, writableEnded }: ServerResponse): boolean {
  return destroyed || writableEnded
}

/** The streams of events that are open: their keep-alive and their end. */
export function createEventStreams() {
  const open = new Set<EventStream>()
  let pings: NodeJS.Timeout | undefined
  let onRemoved: () => void = () => undefined

  function add(stream: EventStream): void {
    open.add(stream)
    pings ??= setInterval(() => {
      for (const one of open) one.ping()
    }, PING_MS)
  }

  function remove(stream: EventStream): void {
    open.delete(stream)
    onRemoved()
    if (open.size > 0) return
    clearInterval(pings)
    pings = undefined
  }

  return {
    /** How many there are of a transport. */
    count: (transport: Transport) => [...open].filter((stream) => stream.transport === transport).length,

    /** For each of them, what ends it without `complete`, after which a client would not come back. */
    endings: () => [...open].map((stream) => () => stream.cut()),

    /** Resolves when all are closed: after the time given, in milliseconds, those that are left are cut off. */
    async close(timeoutMs: number): Promise<void> {
      const late = setTimeout(() => {
        for (const stream of open) stream.destroy()
      }, timeoutMs)
      while (open.size > 0) await new Promise<void>((resolve) => (onRemoved = resolve))
      clearTimeout(late)
    },

    /** Sends results as events, at the pace of the client, until they end or it leaves; a failure as a last one. */
    async serve(
      stream: EventStream,
      results: AsyncIterable<ExecutionResult>,
      { described, failed, endsWith }: EventStreamOptions,
    ): Promise<void> {
      const iterator = results[Symbol.asyncIterator]()
      const leave = () => void iterator.return?.().catch(() => undefined)
      const fail = (error: unknown) => {
        if (stream.isOver()) return
        stream.fail(failed(error))
        leave()
      }
      const unwatch = endsWith(fail)
      const isOpen = await stream.open(() => {
        unwatch()
        remove(stream)
        leave()
      })
      if (!isOpen || stream.isOver()) {
        unwatch()
        await iterator.return?.()
        return
      }
      add(stream)
      try {
        for (;;) {
          const next = (await iterator.next()) as IteratorResult<ExecutionResult, undefined>
          if (stream.isOver()) return
          if (next.done) break
          await stream.write(described(next.value))
        }
      } catch (error) {
        fail(error)
        return
      }
      stream.complete()
    },
  }
}

export type EventStreams = ReturnType<typeof createEventStreams>
