import type { ExecutionResult } from 'graphql'
import type { EventStream } from '../event-stream/event-stream.ts'
import type { LiveResults } from '../live/live-results.ts'
import type { Exchange, Operation } from '../exchange.ts'

/** What a request over HTTP has come to when it is for Yoga to answer: there is nothing left to decide or to execute. */
export type Outcome =
  | { refusal: unknown }
  | { operation: Operation; result: ExecutionResult }
  | { operation: Operation; results: LiveResults; stream: EventStream }

/** What Yoga's plugins read. */
export interface HttpContext {
  exchange: Exchange
  outcome: Outcome
}
