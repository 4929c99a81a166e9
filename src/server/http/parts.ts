import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { PART_END, PART_START } from '../../delivery/multipart-frames.ts'
import { STREAM_HEADERS } from '../event-stream/event-stream.ts'
import { COMPLETE } from '../event-stream/stream-format.ts'
import { preferences } from './preferences.ts'

/** How the parts of an answer are written into a response over HTTP. */
export interface PartFormat {
  contentType: string
  opening: string
  /** A part, which is JSON. */
  part: (text: string) => string
  end: string
}

/** Each part with the boundary after it, at which clients take it. */
const MULTIPART: PartFormat = {
  contentType: 'multipart/mixed;boundary="graphql";deferSpec=20220824',
  opening: PART_END,
  part: (text) => `${PART_START}${text}${PART_END}`,
  end: '--\r\n',
}

const EVENTS: PartFormat = {
  contentType: 'text/event-stream',
  opening: '',
  part: (text) => `event: next\ndata: ${text}\n\n`,
  end: COMPLETE,
}

/** A version of the format of parts: 20220824, which is also meant where none is named, is the only one. */
const SPEC = /;\s*(deferspec|incrementalspec|subscriptionspec)\s*=\s*"?([^";\s]*)/
const REFUSED = /;\s*q\s*=\s*0(\.0*)?\s*(;|$)/

/**
 * How a client accepts an answer to a query in parts, besides what else it accepts: it has asked for parts in its document. Undefined
 * when it does not.
 */
export function partFormatFor({ accept = '' }: IncomingHttpHeaders): PartFormat | undefined {
  if (accept.toLowerCase().split(',').some(isOfParts)) return MULTIPART
  return (preferences(accept).get('text/event-stream') ?? 0) > 0 ? EVENTS : undefined
}

function isOfParts(range: string): boolean {
  if (range.split(';', 1)[0]?.trim() !== 'multipart/mixed') return false
  const [, name = 'deferspec', version = '20220824'] = SPEC.exec(range) ?? []
  return name === 'deferspec' && version === '20220824' && !REFUSED.test(range)
}

/** Is aborted when the client has left before the answer was complete. */
export function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  return gone.signal
}

/**
 * Sends the parts of an answer as they come. The client's pace does not hold them up: together they have no more bytes than any
 * answer.
 */
export async function sendParts(
  response: ServerResponse,
  parts: AsyncIterable<string>,
  { contentType, opening, part, end }: PartFormat,
): Promise<void> {
  response.writeHead(200, { ...STREAM_HEADERS, 'content-type': contentType })
  let before = opening
  for await (const text of parts) {
    response.write(before + part(text))
    before = ''
  }
  response.end(end)
}
