import type { IncomingHttpHeaders } from 'node:http'
import type { ExecutionResult } from 'graphql'
import type { ErrorCode } from '../../graphql/errors.ts'
import type { Batch } from '../../delivery/batch.ts'
import { eventsOf } from '../../delivery/event-frames.ts'
import { partsOf, PART_END, PART_START } from '../../delivery/multipart-frames.ts'
import type { Transport } from '../../observability/observer.ts'

/** How the results of a subscription are written into a response over HTTP. */
export interface StreamFormat {
  transport: Transport
  contentType: string
  /** The first bytes, without a result; with the cursor where the stream begins, where the format has a place for it. */
  opening: (cursor: string | undefined) => string
  /** What an idle stream sends to show that it lives. */
  ping: string
  /** A result of the subscription. */
  result: (result: ExecutionResult) => string
  /** The results of a batch. */
  batch: (batch: Batch) => Buffer
  /** The keys under which a batch keeps them, plain and as a chunk. */
  keys: { plain: string; chunk: string }
  /** The last bytes of a stream that is complete. */
  complete: string
  /** The last bytes of a stream that has failed, with the errors. */
  failure: (failure: ExecutionResult) => string
}

/** The id of the last event of a stream: an `EventSource`, which comes again after any end, sends it and is told to stop. */
export const COMPLETE_ID = 'complete'

/** The last event of a stream, or of an answer, that is complete. */
export const COMPLETE = `event: complete\nid: ${COMPLETE_ID}\ndata:\n\n`
/** The last event of a stream that can be resumed: the id of the last event stays. */
export const INTERRUPTED = 'event: complete\ndata:\n\n'

/**
 * Errors after which the same request may succeed: an `EventSource` that comes again is right to. Its credential is added by
 * the backend of its page, which may have another by then; if not, the status 401 makes it stop.
 */
const PASSING: readonly unknown[] = [
  'INTERNAL_SERVER_ERROR',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'SLOW_CONSUMER',
  'TOO_MANY_CONNECTIONS',
  'TOO_MANY_OPERATIONS',
  'UNAUTHENTICATED',
] satisfies ErrorCode[]

/** The event that ends a stream after its last result. */
export function endAfter({ errors }: ExecutionResult): string {
  return errors?.some(({ extensions }) => PASSING.includes(extensions['code'])) ? INTERRUPTED : COMPLETE
}

const COMMENT = ':\n\n'
const eventOf = (result: ExecutionResult) => `event: next\ndata: ${JSON.stringify(result)}\n\n`

/** Server-sent events. Source: GraphQL over Server-Sent Events Protocol, "Distinct connections mode". */
export const EVENTS: StreamFormat = {
  transport: 'sse',
  contentType: 'text/event-stream',
  opening: (cursor) => (cursor === undefined ? COMMENT : `${COMMENT}id: ${cursor}\n\n`),
  ping: COMMENT,
  result: eventOf,
  batch: eventsOf,
  keys: { plain: 'events', chunk: 'chunk of events' },
  complete: COMPLETE,
  failure: (failure) => eventOf(failure) + endAfter(failure),
}

const partOf = (value: unknown) => `${PART_START}${JSON.stringify(value)}${PART_END}`
const HEARTBEAT = partOf({})
const LAST_BOUNDARY = '--\r\n'

/**
 * The parts of a multipart answer. A client takes a part at the boundary after it: each is written with that. Source: Apollo,
 * "Multipart HTTP protocol for GraphQL subscriptions".
 */
const PARTS: StreamFormat = {
  transport: 'multipart',
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"',
  opening: () => PART_END + HEARTBEAT,
  ping: HEARTBEAT,
  result: (payload) => partOf({ payload }),
  batch: partsOf,
  keys: { plain: 'parts', chunk: 'chunk of parts' },
  complete: LAST_BOUNDARY,
  failure: ({ errors }) => partOf({ payload: null, errors }) + LAST_BOUNDARY,
}

/** Which version of the protocol of parts a client asks for: 1.0 is the only one. */
const SPEC = /;\s*subscriptionspec\s*=\s*(?:"1\.0"|1\.0)\s*(?:;|$)/
const EVENT_TYPES = ['text/event-stream', 'text/*', '*/*']

/** The format of a stream that the client prefers; of equal ones, the first it names. Undefined when it accepts neither. */
export function formatFor({ accept = '*/*' }: IncomingHttpHeaders): StreamFormat | undefined {
  let [best, bestQuality]: [StreamFormat | undefined, number] = [undefined, 0]
  for (const range of accept.toLowerCase().split(',')) {
    const format = formatOf(range)
    const quality = Number(/;\s*q\s*=\s*([\d.]+)/.exec(range)?.[1] ?? 1)
    if (format && quality > bestQuality) [best, bestQuality] = [format, quality]
  }
  return best
}

function formatOf(range: string): StreamFormat | undefined {
  const type = range.split(';', 1)[0]?.trim() ?? ''
  if (EVENT_TYPES.includes(type)) return EVENTS
  return type === 'multipart/mixed' && SPEC.test(range) ? PARTS : undefined
}
