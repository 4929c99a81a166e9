import { setTimeout as pause } from 'node:timers/promises'
import { execute } from '@graphql-tools/executor'
import {
  Kind,
  OperationTypeNode,
  visit,
  type DirectiveNode,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
} from 'graphql'
import { badUserInput } from '../../graphql/errors.ts'
import { OperationTimeout } from '../../reads/scans.ts'
import type { Operation } from '../exchange.ts'

/** What is ready within this time is delivered together, in milliseconds: a part of its own costs more than what it holds. */
const GATHER_MS = 5

type Path = readonly (string | number)[]

/** Data that is delivered later, and where it goes in what was delivered before. */
interface Later {
  path?: Path | undefined
  label?: string | undefined
  /** Of a fragment. */
  data?: unknown
  /** Of a list. */
  items?: unknown
  errors?: readonly GraphQLError[] | undefined
}

/** One part of an answer. Source: GraphQL specification, draft of 2022-08-24, "Response Format". */
export interface Part extends ExecutionResult {
  incremental?: readonly Later[]
  hasNext: boolean
}

/** What is to be known of a document with `@defer` or `@stream`. */
interface Incremental {
  /** The variables that say how many entries come first. */
  counts: readonly string[]
}

const known = new WeakMap<DocumentNode, Incremental | null>()

/** What is known of a document with `@defer` or `@stream`; null for any other. */
function incrementalIn(document: DocumentNode): Incremental | null {
  let incremental = known.get(document)
  if (incremental === undefined) known.set(document, (incremental = look(document)))
  return incremental
}

function look(document: DocumentNode): Incremental | null {
  const directives: DirectiveNode[] = []
  visit(document, {
    Directive(node) {
      if (node.name.value === 'defer' || node.name.value === 'stream') directives.push(node)
    },
  })
  const counts = directives
    .flatMap((directive) => directive.arguments ?? [])
    .flatMap(({ name, value }) =>
      name.value === 'initialCount' && value.kind === Kind.VARIABLE ? [value.name.value] : [],
    )
  return directives.length > 0 ? { counts } : null
}

/** Whether an operation is a query of which parts may be delivered later. */
export function isIncremental({ document, node }: Pick<Operation, 'document' | 'node'>): boolean {
  return node.operation === OperationTypeNode.QUERY && incrementalIn(document) !== null
}

/** What is wrong with the variables that say how many entries come first, which are integers or null. */
export function countProblem(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | undefined {
  const wrong = incrementalIn(document)?.counts.find((name) => {
    const value = variables[name]
    return value === null || (typeof value === 'number' && value < 0)
  })
  return wrong === undefined
    ? undefined
    : badUserInput(`$${wrong} must be 0 or more, as the initialCount of @stream.`)
}

/** A part with its errors as something else makes them. */
export function withErrors(
  { errors, incremental, ...part }: Part,
  made: (error: GraphQLError) => GraphQLError,
): Part {
  return {
    ...(errors && { errors: errors.map(made) }),
    ...part,
    ...(incremental && {
      incremental: incremental.map((later) =>
        later.errors ? { ...later, errors: later.errors.map(made) } : later,
      ),
    }),
  }
}

/** What ends an answer in parts early. */
interface Ends {
  /** How long the parts after the first may take, in milliseconds. */
  timeoutMs: number
  /** The client has gone. */
  gone: AbortSignal
}

/**
 * Executes a query of valid variables, in parts where it has something to deliver later. The parts throw OperationTimeout when they
 * take too long, and what `gone` says. Only this executor delivers later; graphql-js answers the same in one piece.
 */
export async function executeInParts(
  args: ExecutionArgs,
  ends: Ends,
): Promise<ExecutionResult | AsyncIterable<Part>> {
  const end = new AbortController()
  const result = await execute<Record<string, unknown>>({
    ...(args as Parameters<typeof execute<Record<string, unknown>>>[0]),
    signal: end.signal,
  })
  return 'initialResult' in result ? partsOf(result, end, ends) : result
}

async function* partsOf(
  { initialResult, subsequentResults }: { initialResult: Part; subsequentResults: AsyncIterable<Part> },
  end: AbortController,
  { timeoutMs, gone }: Ends,
): AsyncGenerator<Part, void> {
  const late = setTimeout(() => end.abort(new OperationTimeout(timeoutMs)), timeoutMs)
  const leave = () => end.abort(gone.reason)
  gone.addEventListener('abort', leave)
  const delivered = new Delivered()
  try {
    delivered.add([], initialResult.data)
    yield initialResult
    for await (const { incremental = [], ...part } of subsequentResults) {
      const taken = incremental.filter((later) => delivered.take(later))
      if (taken.length > 0 || !part.hasNext) yield { incremental: taken, ...part }
      if (part.hasNext) await pause(GATHER_MS)
    }
  } finally {
    clearTimeout(late)
    gone.removeEventListener('abort', leave)
  }
}

/**
 * What has been delivered. Where a deferred fragment fails, the engine delivers what it had deferred inside it all the same: a
 * client would make up an object for it.
 */
class Delivered {
  /** By where they go. */
  readonly #pieces = new Map<string, unknown[]>()

  add(path: Path, piece: unknown): void {
    if (piece === null || piece === undefined) return
    const key = JSON.stringify(path)
    const known = this.#pieces.get(key)
    if (known) known.push(piece)
    else this.#pieces.set(key, [piece])
  }

  /** Adds what is delivered now; false when there is nothing to which it belongs. */
  take({ path = [], data, items }: Later): boolean {
    if (!this.#has(items === undefined ? path : path.slice(0, -1))) return false
    if (Array.isArray(items)) {
      const first = path.at(-1) as number
      for (const [index, item] of items.entries()) this.add([...path.slice(0, -1), first + index], item)
    } else this.add(path, data)
    return true
  }

  /** Whether there is an object or a list. */
  #has(path: Path): boolean {
    for (let length = 0; length <= path.length; length++) {
      const pieces = this.#pieces.get(JSON.stringify(path.slice(0, length)))
      if (pieces?.some((piece) => isThere(piece, path.slice(length)))) return true
    }
    return false
  }
}

function isThere(piece: unknown, path: Path): boolean {
  let value = piece
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return false
    value = (value as Record<string | number, unknown>)[key]
  }
  return typeof value === 'object' && value !== null
}
