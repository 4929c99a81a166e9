import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { OperationTypeNode } from 'graphql'
import type { StreamBuffer } from '../../config.ts'
import { codeOfThrown } from '../describe-error.ts'
import { EventStream } from '../event-stream/event-stream.ts'
import { COMPLETE_ID, EVENTS, formatFor } from '../event-stream/stream-format.ts'
import type { Exchange, Operation } from '../exchange.ts'
import type { Gate } from '../gate.ts'
import { isIncremental } from '../incremental/parts.ts'
import type { Limits } from '../limits/limits.ts'
import { LiveResults } from '../live/live-results.ts'
import type { Operations } from '../operation.ts'
import { whenOver } from './handover.ts'
import type { MediaTypes } from './media-types.ts'
import type { Origins } from './origins.ts'
import type { HttpContext, Outcome } from './outcome.ts'
import { byPreference, preferences } from './preferences.ts'
import { checkRequest, parametersIn, readSource } from './request.ts'
import { partFormatFor, sendParts, whenGone, type PartFormat } from './parts.ts'
import { isCompressible, send, sendCompressed } from './send.ts'
import type { GraphqlServer } from './yoga.ts'

export interface GraphqlOverHttpOptions {
  gate: Gate
  limits: Limits
  operations: Operations
  origins: Origins
  mediaTypes: MediaTypes
  yoga: GraphqlServer
  maxBodyBytes: number
  streamBuffer: StreamBuffer
}

/** An answer that is delivered part by part. */
interface InParts {
  parts: AsyncIterable<string>
  format: PartFormat
}

/**
 * Answers requests to GraphQL. The fast path sends bytes: the answer of an operation that went well, for an Accept header that
 * Yoga has answered before. Yoga renders every other answer, and every refusal, from the outcome.
 */
export class GraphqlOverHttp {
  readonly #options: GraphqlOverHttpOptions

  constructor(options: GraphqlOverHttpOptions) {
    this.#options = options
  }

  async answer(request: IncomingMessage, response: ServerResponse, exchange: Exchange): Promise<void> {
    response.once('close', () => exchange.end())
    const contentType = this.#options.mediaTypes.for(request.headers.accept)
    const outcome = await this.#outcome(request, response, exchange, contentType !== undefined)
    if (outcome === undefined) response.writeHead(204).end()
    else if (typeof outcome === 'string')
      await (isCompressible(request, outcome) ? sendCompressed : send)(
        response,
        contentType as string,
        outcome,
      )
    else if ('parts' in outcome) await sendParts(response, outcome.parts, outcome.format)
    else await this.#render(request, response, { exchange, outcome })
  }

  /** Has Yoga answer, which takes the first media type for the best one. */
  async #render(
    request: IncomingMessage,
    response: ServerResponse,
    rendered: Pick<HttpContext, 'exchange' | 'outcome'>,
  ): Promise<void> {
    const { accept } = request.headers
    if (accept?.includes(';')) request.headers.accept = byPreference(accept)
    await this.#options.yoga(request, response, { ...rendered, accept })
  }

  /** Lets the request in, and executes it; undefined where there is nothing to answer. `inBytes`: the answer can be sent as text. */
  async #outcome(
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    inBytes: boolean,
  ): Promise<string | InParts | Outcome | undefined> {
    const { gate, limits, operations, origins, maxBodyBytes } = this.#options
    try {
      checkRequest(request, { maxBodyBytes, origins, isAcceptable: inBytes })
      if (isComplete(request)) return undefined
      const source = await readSource(request, response, maxBodyBytes)
      exchange.source = source
      const operation = await gate.admit(exchange, () => parametersIn(request, source))
      limits.tell(response, exchange)
      if (operation.node.operation === OperationTypeNode.SUBSCRIPTION)
        return await this.#subscribe(request, response, exchange, operation)
      const format = isIncremental(operation) ? partFormatFor(request.headers) : undefined
      const answer = format
        ? await operations.executeInParts(exchange, operation, whenGone(response))
        : await operations[inBytes ? 'answer' : 'execute'](exchange, operation)
      if (typeof answer === 'string') return answer
      if (Symbol.asyncIterator in answer) return { parts: answer, format: format as PartFormat }
      return { operation, result: answer }
    } catch (refusal) {
      limits.tell(response, exchange)
      exchange.outcome = codeOfThrown(refusal)
      exchange.executed()
      return { refusal }
    }
  }

  async #subscribe(
    { headers }: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    operation: Operation,
  ): Promise<Outcome> {
    const accepted = formatFor(headers)
    const format = accepted ?? EVENTS
    exchange.transport = format.transport
    // Only answers that are kept are found by it.
    exchange.source = undefined
    if (exchange.leaveStream) whenOver(response, exchange.leaveStream)
    const stream = new EventStream(response, this.#options.streamBuffer, format)
    if (format === EVENTS) {
      exchange.eventStream = {
        lastEventId: lastEventIdOf(headers),
        beginsAt: (cursor) => stream.beginAt(cursor),
      }
    }
    const results = await this.#options.operations.subscribe(exchange, operation, stream, NOTHING)
    return results instanceof LiveResults
      ? { operation, results, stream: accepted && stream }
      : { operation, result: results }
  }
}

/** Whether an `EventSource` comes again after the end of its stream. */
function isComplete({ headers }: IncomingMessage): boolean {
  return (
    lastEventIdOf(headers) === COMPLETE_ID && (preferences(headers.accept).get('text/event-stream') ?? 0) > 0
  )
}

/** The id of the last event that a client of event streams has received; undefined where there was none. */
function lastEventIdOf(headers: IncomingHttpHeaders): string | undefined {
  const id = headers['last-event-id']
  return typeof id === 'string' && id !== '' ? id : undefined
}

function ignore(): void {}

/** The place of a stream is given back when its connection is closed, so that those that are not read take places too. */
const NOTHING = { onBegin: ignore, onEnd: ignore }
