import { context, type Context as Scope } from '@opentelemetry/api'
import { execute, OperationTypeNode, type ExecutionResult, type GraphQLError } from 'graphql'
import { writeActor } from '../domain/actor.ts'
import type { Reader } from '../database/sqlite/reader.ts'
import type { Outlet } from '../delivery/outlet.ts'
import type { Context, Gateway } from '../graphql/context.ts'
import { answerTooLarge, maskError, masked } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import { coerceVariables, type CoercedVariables } from '../graphql/variables.ts'
import type { Observer, StreamEnd } from '../observability/observer.ts'
import type { Reads } from '../reads/reads.ts'
import { actorOf, type Viewer } from '../services/viewer.ts'
import { contextOf } from '../tracing/actor.ts'
import { isLargerThan } from './answer-size.ts'
import { Answers } from './answers.ts'
import { viewerOf } from './auth/authentication.ts'
import { CompiledQueries, type CompiledQueriesOptions } from './compiled-queries.ts'
import { codeOf, describeError } from './describe-error.ts'
import type { Exchange, Operation } from './exchange.ts'
import { countProblem, executeInParts, withErrors, type Part } from './incremental/parts.ts'
import { clientAddress } from './limits/address.ts'
import { extensionsOf } from './limits/limits.ts'
import type { Live } from './live/live.ts'
import { LiveResults } from './live/live-results.ts'

export interface OperationsOptions extends Pick<CompiledQueriesOptions, 'log'> {
  gateway: Gateway
  /** The reads of one request, on behalf of a viewer; those that may not wait throw where a list takes a long scan. */
  reads: (viewer: Viewer, mayWait: boolean) => Reads
  reader: Reader
  live: Live
  /** What answers that are kept may take together, in bytes; 0 keeps none. */
  answerCacheBytes: number
  /** What an answer may have, in bytes. */
  maxAnswerBytes: number
  /** How long a read off the event loop may take, in milliseconds. */
  operationTimeoutMs: number
  /** Who may ask for the schema. */
  mayIntrospect: (viewer: Viewer) => boolean
  observer: Pick<Observer, 'streamOpened' | 'fellBack'>
}

const DATA = '{"data":'

/** How many times as long as one read the parts after the first may take: a list, and one list of each of its entries. */
const ROUNDS = 2

/**
 * Runs operations that the gate has admitted. A query that was asked for before is answered with what is kept, or compiled
 * (`projectionOf`), or else executed; anything else is executed. Nothing is executed twice: a compiled query that finds
 * something out of the ordinary falls back to an execution, which only reads again, and a mutation is never compiled.
 *
 * What a query was answered is kept as bytes until the next commit, for the same bytes on behalf of the same viewer.
 */
export class Operations {
  readonly #options: OperationsOptions
  readonly #answers: Answers
  readonly #compiled: CompiledQueries

  constructor(options: OperationsOptions) {
    this.#options = options
    this.#answers = new Answers(options.answerCacheBytes)
    this.#compiled = new CompiledQueries(options)
  }

  /**
   * Answers a query or mutation with the text of a JSON object, each byte of its UTF-8 as a character; with a result where
   * there is more to say than its data.
   */
  async answer(exchange: Exchange, operation: Operation): Promise<string | ExecutionResult> {
    const answer = this.#read(exchange, operation) ?? textOf(await this.execute(exchange, operation))
    exchange.executed()
    if (typeof answer !== 'string') return answer
    return `${answer},"extensions":${JSON.stringify(extensionsOf(exchange))}}`
  }

  /** Executes a query or mutation. */
  async execute(exchange: Exchange, operation: Operation): Promise<ExecutionResult> {
    const { errors } = this.#coerced(exchange, operation)
    const result = errors
      ? { errors }
      : await within(contextIn(exchange, operation), () => execute(this.#argsOf(exchange, operation)))
    return this.#whole(exchange, operation, result)
  }

  /**
   * Executes a query in parts, where it has something to deliver later: the JSON text of each, until `gone`. A result where it has
   * not.
   */
  async executeInParts(
    exchange: Exchange,
    operation: Operation,
    gone: AbortSignal,
  ): Promise<ExecutionResult | AsyncIterable<string>> {
    const { coerced, errors } = this.#coerced(exchange, operation)
    const problem = coerced && countProblem(operation.document, coerced)
    const ends = { timeoutMs: this.#options.operationTimeoutMs * ROUNDS, gone }
    const result =
      errors || problem
        ? { errors: errors ?? [problem as GraphQLError] }
        : await within(exchange.context, () => executeInParts(this.#argsOf(exchange, operation), ends))
    return Symbol.asyncIterator in result
      ? this.#parts(exchange, operation, result, gone)
      : this.#whole(exchange, operation, result)
  }

  /** The texts of parts, which have together what an answer may have; what ends them early is the last. */
  async *#parts(
    exchange: Exchange,
    { node }: Operation,
    parts: AsyncIterable<Part>,
    gone: AbortSignal,
  ): AsyncGenerator<string, void> {
    const { maxAnswerBytes, log } = this.#options
    const described = (error: unknown) => {
      const known = maskError(error)
      if (exchange.outcome === 'OK') exchange.outcome = codeOf(known)
      return describeError(known, exchange.id, log)
    }
    let room = maxAnswerBytes
    try {
      for await (const part of parts) {
        if (isLargerThan(part, room)) throw answerTooLarge(maxAnswerBytes, node.operation)
        const isFirst = room === maxAnswerBytes
        const text = JSON.stringify({
          ...withErrors(part, described),
          ...(isFirst && { extensions: extensionsOf(exchange) }),
        })
        room -= Buffer.byteLength(text)
        yield text
      }
    } catch (error) {
      if (!gone.aborted) yield JSON.stringify({ errors: [described(error)], hasNext: false })
    } finally {
      exchange.executed()
    }
  }

  /** A result as it is answered in one piece. */
  #whole(exchange: Exchange, operation: Operation, result: ExecutionResult): ExecutionResult {
    const answer = isLargerThan(result.data, this.#options.maxAnswerBytes)
      ? this.#tooLarge(exchange, operation)
      : { ...masked(result), extensions: extensionsOf(exchange) }
    noteOutcome(exchange, answer)
    exchange.executed()
    return answer
  }

  /**
   * Opens a subscription. `onBegin` is called when all that its own execution needed can be let go of, `onEnd` when its results
   * have ended or been left, or when it has none.
   */
  async subscribe(
    exchange: Exchange,
    operation: Operation,
    outlet: Outlet,
    { onBegin, onEnd }: { onBegin: () => void; onEnd: () => void },
  ): Promise<ExecutionResult | LiveResults> {
    const { live, observer } = this.#options
    const { errors } = this.#coerced(exchange, operation)
    try {
      const onOpen = () => both(observer.streamOpened(exchange), onEnd)
      const args = this.#argsOf(exchange, operation)
      const result = errors
        ? { errors }
        : await within(exchange.context, () => live.open(args, outlet, { onBegin, onOpen }))
      if (result instanceof LiveResults) {
        exchange.end()
        return result
      }
      noteOutcome(exchange, result)
      exchange.executed()
      onEnd()
      return result
    } catch (error) {
      onEnd()
      throw error
    }
  }

  /** What a query is answered that is kept or compiled: text up to the end of its data; undefined for all that is to be executed. */
  #read(exchange: Exchange, operation: Operation): string | ExecutionResult | undefined {
    const project = this.#compiled.of(operation)
    if (!project) return undefined
    const { reader, maxAnswerBytes } = this.#options
    const key = keyOf(exchange)
    const version = reader.version()
    const kept = key === undefined ? undefined : this.#answers.get(version, key)
    if (kept !== undefined) return kept
    const { coerced } = this.#coerced(exchange, operation)
    if (!coerced) return undefined
    const lasts = { isFleeting: false }
    const fleeting = () => void (lasts.isFleeting = true)
    const text = this.#compiled.run(project, { ...this.#contextOf(exchange, false), fleeting }, coerced)
    if (text === undefined) return undefined
    const data = asBytes(`${DATA}${text}`)
    if (data.length - DATA.length > maxAnswerBytes) return this.#tooLarge(exchange, operation)
    // Should another process have committed since, the answer is newer than this, and forgotten with the next look.
    if (key !== undefined && !lasts.isFleeting) this.#answers.keep(version, key, data)
    return data
  }

  #coerced(exchange: Exchange, { node, parameters }: Operation): CoercedVariables {
    const hideSuggestions = !this.#options.mayIntrospect(viewerOf(exchange))
    const coerced = coerceVariables(schema, node, parameters.variables, { hideSuggestions })
    // The request is at fault, whatever the client accepts.
    for (const { extensions } of coerced.errors ?? []) extensions.http = { status: 400 }
    return coerced
  }

  #argsOf(exchange: Exchange, { document, parameters }: Operation) {
    const { operationName, variables } = parameters
    const contextValue = this.#contextOf(exchange, true)
    return { schema, document, operationName, variableValues: variables, contextValue }
  }

  #contextOf(exchange: Exchange, mayWait: boolean): Context {
    const { gateway, reads } = this.#options
    const viewer = viewerOf(exchange)
    const { id: requestId, eventStream } = exchange
    return { gateway, viewer, reads: reads(viewer, mayWait), requestId, eventStream }
  }

  #tooLarge(exchange: Exchange, { node }: Operation): ExecutionResult {
    const error = answerTooLarge(this.#options.maxAnswerBytes, node.operation)
    exchange.outcome = codeOf(error)
    return { data: null, errors: [error], extensions: extensionsOf(exchange) }
  }
}

/** Not within `subscribe`: what waits for the end of a stream holds nothing of its request. */
function both(ended: StreamEnd, onEnd: () => void): StreamEnd {
  return (...end) => {
    ended(...end)
    onEnd()
  }
}

function noteOutcome(exchange: Exchange, { errors }: ExecutionResult): void {
  if (errors?.[0]) exchange.outcome = codeOf(errors[0])
}

/** The context of its trace, and for a mutation who asks for it; undefined where it has neither. */
function contextIn(exchange: Exchange, { node }: Operation): Scope | undefined {
  if (node.operation !== OperationTypeNode.MUTATION) return exchange.context
  const actor = writeActor(actorOf(viewerOf(exchange), exchange.id))
  return contextOf(actor, exchange.context, clientAddress(exchange.from))
}

/** Does work in a context, where there is one. */
function within<T>(own: Scope | undefined, work: () => T): T {
  return own ? context.with(own, work) : work()
}

/** The text of a result up to the end of its data; the result itself where it has errors. */
function textOf(result: ExecutionResult): string | ExecutionResult {
  return result.errors ? result : asBytes(`${DATA}${JSON.stringify(result.data)}`)
}

/** Equal for what is answered with the same bytes, as long as nothing changes. */
function keyOf({ viewer, source }: Exchange): string | undefined {
  return source && `${JSON.stringify(viewer)} ${source.toString('latin1')}`
}

/** The bytes of a text in UTF-8, each as a character. */
function asBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
