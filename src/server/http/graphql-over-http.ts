import type { IncomingMessage, ServerResponse } from 'node:http'
import { OperationTypeNode } from 'graphql'
import type { StreamBuffer } from '../../config.ts'
import { EventStream } from '../event-stream/event-stream.ts'
import type { Exchange, Operation } from '../exchange.ts'
import type { Gate } from '../gate.ts'
import type { Limits } from '../limits/limits.ts'
import { LiveResults } from '../live/live-results.ts'
import type { Operations } from '../operation.ts'
import { whenOver } from './handover.ts'
import type { MediaTypes } from './media-types.ts'
import type { Outcome } from './outcome.ts'
import { checkRequest, parametersIn, readSource } from './request.ts'
import { send } from './send.ts'
import type { GraphqlServer } from './yoga.ts'

export interface GraphqlOverHttpOptions {
  gate: Gate
  limits: Limits
  operations: Operations
  mediaTypes: MediaTypes
  yoga: GraphqlServer
  maxBodyBytes: number
  streamBuffer: StreamBuffer
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
    if (typeof outcome === 'string') await send(response, contentType as string, outcome)
    else await this.#options.yoga(request, response, { exchange, outcome })
  }

  /** Lets the request in, and executes it; `inBytes` says whether the answer can be sent as text. */
  async #outcome(
    request: IncomingMessage,
    response: ServerResponse,
    exchange: Exchange,
    inBytes: boolean,
  ): Promise<string | Outcome> {
    const { gate, limits, operations, maxBodyBytes } = this.#options
    try {
      checkRequest(request, { maxBodyBytes, isAcceptable: inBytes })
      const source = await readSource(request, response, maxBodyBytes)
      exchange.source = source
      const operation = await gate.admit(exchange, () => parametersIn(request, source))
      limits.tell(response, exchange)
      if (operation.node.operation === OperationTypeNode.SUBSCRIPTION)
        return await this.#subscribe(response, exchange, operation)
      const answer = await operations[inBytes ? 'answer' : 'execute'](exchange, operation)
      return typeof answer === 'string' ? answer : { operation, result: answer }
    } catch (refusal) {
      limits.tell(response, exchange)
      exchange.executed()
      return { refusal }
    }
  }

  async #subscribe(response: ServerResponse, exchange: Exchange, operation: Operation): Promise<Outcome> {
    if (exchange.leaveStream) whenOver(response, exchange.leaveStream)
    const stream = new EventStream(response, this.#options.streamBuffer)
    const results = await this.#options.operations.subscribe(exchange, operation, stream, ignore)
    return results instanceof LiveResults ? { operation, results, stream } : { operation, result: results }
  }
}

function ignore(): void {}
