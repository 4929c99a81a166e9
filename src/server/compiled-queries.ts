import { OperationTypeNode, type OperationDefinitionNode } from 'graphql'
import type { Logger } from 'pino'
import type { Reader } from '../database/sqlite/reader.ts'
import type { Context } from '../graphql/context.ts'
import { maskError } from '../graphql/errors.ts'
import { projectionOf, type Project } from '../graphql/projection.ts'
import { schema } from '../graphql/schema.ts'
import type { Observer } from '../observability/observer.ts'
import { FAULT } from '../observability/operation-log.ts'
import { codeOf } from './describe-error.ts'
import type { Operation } from './exchange.ts'

export interface CompiledQueriesOptions {
  reader: Pick<Reader, 'atOnce'>
  observer: Pick<Observer, 'fellBack'>
  log: Logger
}

/** What a query is compiled to; null where it has to be executed. */
type Compiled = Project | null | 'ASKED_ONCE'

/** Queries that were asked for before, compiled by `projectionOf`. */
export class CompiledQueries {
  readonly #options: CompiledQueriesOptions
  readonly #queries = new WeakMap<OperationDefinitionNode, Compiled>()

  constructor(options: CompiledQueriesOptions) {
    this.#options = options
  }

  /** What a query is compiled to, from the second time on; undefined for an operation that has to be executed. */
  of({ document, node, parameters }: Operation): Project | undefined {
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

  /** The JSON text of its data; undefined where it takes an execution to say what is answered, which is counted and logged. */
  run(
    project: Project,
    contextValue: Context & { requestId: string },
    variables: Record<string, unknown>,
  ): string | undefined {
    let error: unknown
    try {
      const text = this.#options.reader.atOnce(() => project({ contextValue, variables }))
      if (typeof text === 'string') return text
      error = text.error
    } catch (thrown) {
      error = thrown
    }
    this.#noteFallback(contextValue.requestId, error)
    return undefined
  }

  #noteFallback(requestId: string, error: unknown): void {
    const { observer, log } = this.#options
    const code = error === undefined ? 'NONE' : codeOf(maskError(error))
    observer.fellBack(code)
    const message = 'a compiled query was executed instead'
    if (code === FAULT) log.warn({ requestId, err: error }, message)
    // What is meant for the client repeats its variables, so only its code is logged.
    else log.debug({ requestId, code }, message)
  }
}
