import type { Batch } from './batch.ts'

/** One chunk of HTTP/1.1. */
export function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

const EVENT_START = Buffer.from('event: next\ndata: ')
const EVENT_END = Buffer.from('\n\n')
const CRLF = Buffer.from('\r\n')

/** One server-sent event for each answer, all in one buffer. */
export function eventsOf({ payloads }: Batch): Buffer {
  return Buffer.concat(payloads.flatMap((payload) => [EVENT_START, payload, EVENT_END]))
}

/** The same as one chunk of HTTP/1.1. */
export function chunkOf(batch: Batch): Buffer {
  const events = eventsOf(batch)
  return Buffer.concat([Buffer.from(`${events.length.toString(16)}\r\n`), events, CRLF])
}
