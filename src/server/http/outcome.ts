import type { ExecutionResult } from 'graphql'
import type { EventStream } from '../event-stream/event-stream.ts'
import type { LiveResults } from '../live/live-results.ts'
import type { Exchange, Operation } from '../exchange.ts'

/** The outcome of a request over HTTP that Yoga renders: nothing is left to decide or to execute. */
export type Outcome =
  | { refusal: unknown }
  | { operation: Operation; result: ExecutionResult }
  | { operation: Operation; results: LiveResults; stream: EventStream }

/** What Yoga's plugins read. */
export interface HttpContext {
  exchange: Exchange
  outcome: Outcome
}
