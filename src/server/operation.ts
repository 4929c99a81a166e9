import { execute, OperationTypeNode, type ExecutionResult, type OperationDefinitionNode } from 'graphql'
import type { Logger } from 'pino'
import type { Reader } from '../database/reader.ts'
import type { Outlet } from '../delivery/outlet.ts'
import type { Context, Gateway } from '../graphql/context.ts'
import { answerTooLarge, isFault, masked, maskError } from '../graphql/errors.ts'
import { projectionOf, type Fallback, type Project } from '../graphql/projection.ts'
import { schema } from '../graphql/schema.ts'
import { coerceVariables, type CoercedVariables } from '../graphql/variables.ts'
import type { Reads } from '../reads/reads.ts'
import type { Viewer } from '../services/viewer.ts'
import { isLargerThan } from './answer-size.ts'
import { Answers } from './answers.ts'
import { viewerOf } from './auth/authentication.ts'
import type { Exchange, Operation } from './exchange.ts'
import { extensionsOf } from './limits/limits.ts'
import type { Live } from './live/live.ts'
import { LiveResults } from './live/live-results.ts'

export interface OperationsOptions {
  gateway: Gateway
  /** The reads of one request, on behalf of a viewer; those that may not wait throw where a list takes a long scan. */
  reads: (viewer: Viewer, mayWait: boolean) => Reads
  reader: Reader
  live: Live
  /** What answers that are kept may take together, in bytes; 0 keeps none. */
  answerCacheBytes: number
  /** What an answer may have, in bytes. */
  maxAnswerBytes: number
  /** Who may ask for the schema. */
  mayIntrospect: (viewer: Viewer) => boolean
  log: Logger
}

/** How a query is compiled, once it has been asked for again; null where it has to be executed. */
type Compiled = Project | null | 'ASKED_ONCE'

const DATA = '{"data":'

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
  readonly #queries = new WeakMap<OperationDefinitionNode, Compiled>()
  #fallbacks = 0

  constructor(options: OperationsOptions) {
    this.#options = options
    this.#answers = new Answers(options.answerCacheBytes)
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
    const result = errors ? { errors } : await execute(this.#argsOf(exchange, operation))
    const answer = isLargerThan(result.data, this.#options.maxAnswerBytes)
      ? this.#tooLarge(exchange, operation)
      : { ...masked(result), extensions: extensionsOf(exchange) }
    exchange.executed()
    return answer
  }

  /** Opens a subscription; `onBegin` is called when all that its own execution needed can be let go of. */
  async subscribe(
    exchange: Exchange,
    operation: Operation,
    outlet: Outlet,
    onBegin: () => void,
  ): Promise<ExecutionResult | LiveResults> {
    const { errors } = this.#coerced(exchange, operation)
    const result = errors
      ? { errors }
      : await this.#options.live.open(this.#argsOf(exchange, operation), outlet, onBegin)
    if (result instanceof LiveResults) exchange.end()
    else exchange.executed()
    return result
  }

  /** What a query is answered that is kept or compiled: text up to the end of its data; undefined for all that is to be executed. */
  #read(exchange: Exchange, operation: Operation): string | ExecutionResult | undefined {
    const project = this.#compiled(operation)
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
    const text = this.#project(project, { ...this.#contextOf(exchange, false), fleeting }, coerced)
    if (typeof text !== 'string') {
      this.#noteFallback(exchange, text)
      return undefined
    }
    const data = asBytes(`${DATA}${text}`)
    if (data.length - DATA.length > maxAnswerBytes) return this.#tooLarge(exchange, operation)
    // Should another process have committed since, the answer is newer than this, and forgotten with the next look.
    if (key !== undefined && !lasts.isFleeting) this.#answers.keep(version, key, data)
    return data
  }

  /** What a query is compiled to, when it is asked for again; undefined for what has to be executed. */
  #compiled({ document, node, parameters }: Operation): Project | undefined {
    if (node.operation !== OperationTypeNode.QUERY) return undefined
    let compiled = this.#queries.get(node)
    if (compiled === undefined) {
      this.#queries.set(node, 'ASKED_ONCE')
      return undefined
    }
    if (compiled === 'ASKED_ONCE') {
      compiled = projectionOf(schema, document, parameters.operationName) ?? null
      this.#queries.set(node, compiled)
    }
    return compiled ?? undefined
  }

  #project(project: Project, contextValue: Context, variables: Record<string, unknown>): string | Fallback {
    try {
      return this.#options.reader.atOnce(() => project({ contextValue, variables }))
    } catch (error) {
      return { error }
    }
  }

  #noteFallback({ id }: Exchange, { error }: Fallback): void {
    const level = error !== undefined && isFault(maskError(error)) ? 'warn' : 'debug'
    this.#options.log[level](
      { requestId: id, err: error, fallbacks: ++this.#fallbacks },
      'a compiled query was executed instead',
    )
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
    return { gateway, viewer, reads: reads(viewer, mayWait), requestId: exchange.id }
  }

  #tooLarge(exchange: Exchange, { node }: Operation): ExecutionResult {
    const error = answerTooLarge(this.#options.maxAnswerBytes, node.operation)
    return { data: null, errors: [error], extensions: extensionsOf(exchange) }
  }
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
