import type { ExecutionResult } from 'graphql'
import type { EventStream } from '../event-stream/event-stream.ts'
import type { LiveResults } from '../live/live-results.ts'
import type { Exchange, Operation } from '../exchange.ts'

/**
 * The outcome of a request over HTTP that Yoga renders: nothing is left to decide or to execute. A stream is undefined where the
 * client accepts no format of streams.
 */
export type Outcome =
  | { refusal: unknown }
  | { operation: Operation; result: ExecutionResult }
  | { operation: Operation; results: LiveResults; stream: EventStream | undefined }

/** What Yoga's plugins read. */
export interface HttpContext {
  exchange: Exchange
  /** The header Accept as it was sent; Yoga reads it in the order of the client's preferences. */
  accept: string | undefined
  outcome: Outcome
  /** The result that is the answer, with its errors as the client is told of them. */
  result?: ExecutionResult
}
