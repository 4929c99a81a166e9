import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  execute,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  type DocumentNode,
  type ExecutionArgs,
  type OperationDefinitionNode,
} from 'graphql'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import type { Reader } from '../database/reader.ts'
import type { Context } from '../graphql/context.ts'
import { projectionOf, type Project } from '../graphql/projection.ts'
import { schema } from '../graphql/schema.ts'
import { coerceVariables } from '../graphql/variables.ts'
import type { Viewer } from '../services/viewer.ts'
import { Answers } from './answers.ts'
import { introspectionRule } from './document-rules.ts'
import { atEndOfRound } from './end-of-round.ts'
import { extensionsOf, type Limits } from './limits/limits.ts'
import { paramsOf, readBody } from './request-rules.ts'
import type { GraphqlOptions, RequestFacts } from './yoga.ts'

/** How many ways to say what is accepted are known. */
const ACCEPTS_KNOWN = 100

/** An operation that is known, asked for once more. */
interface Asked {
  facts: RequestFacts
  viewer: Viewer
  params: GraphQLParams
  body: Buffer
}

/** The beginning of the answer, up to the end of its data, each byte as a character; undefined when it takes the long way. */
type Answer = (asked: Asked) => string | undefined | Promise<string | undefined>

/** The operations of a document that have been executed, by name; how each is answered is found out when it is asked for again. */
type Operations = Map<string | null, Answer | null | undefined>

interface FastPathOptions extends GraphqlOptions {
  reader: Reader
  limits: Limits
  answerCacheBytes: number
  maxAnswerBytes: number
}

export type FastPath = ReturnType<typeof createFastPath>

/**
 * The short way for operations that have been asked for before. It answers only what the long way, which is Yoga with all its
 * rules, has shown it to be right: a document that was parsed, validated and executed there, for an Accept header that was
 * answered there, and then only when all goes well. Who asks, and what they may ask for, is decided by the same functions.
 * Anything else, and every refusal, goes the long way, with what has been decided, and done, by then. So there is no rule
 * here that is not there.
 *
 * What a query was answered is kept as bytes until the next commit, for the same bytes on behalf of the same viewer, in every
 * respect.
 */
export function createFastPath({
  gateway,
  reads,
  reader,
  documents,
  limits,
  introspection,
  answerCacheBytes,
  maxAnswerBytes,
  maxBodyBytes,
  log,
}: FastPathOptions) {
  const mayIntrospect = introspectionRule(introspection)
  /** What is valid for those who may introspect need not be valid for others. */
  const executed = {
    withIntrospection: new WeakMap<DocumentNode, Operations>(),
    without: new WeakMap<DocumentNode, Operations>(),
  }
  const executedBy = (viewer: Viewer) => executed[mayIntrospect(viewer) ? 'withIntrospection' : 'without']
  /** By the header Accept; null is none. */
  const contentTypes = new Map<string | null, string>()
  const answers = new Answers(answerCacheBytes)

  const plugin: Plugin<object, RequestFacts> = {
    onExecute({ args, setExecuteFn }) {
      const { document, operationName, contextValue } = args as ExecutionArgs
      const { result } = contextValue as RequestFacts
      if (result) setExecuteFn(() => result)
      const known = executedBy((contextValue as Context).viewer)
      const operations = known.get(document) ?? (new Map() as Operations)
      known.set(document, operations)
      if (!operations.has(operationName ?? null)) operations.set(operationName ?? null, undefined)
    },

    onResponse({ request, response }) {
      const type = response.headers.get('content-type')
      if (request.method !== 'POST' || response.status !== 200 || !type?.startsWith('application/')) return
      const accept = request.headers.get('accept')
      if (contentTypes.has(accept)) return
      const [oldest] = contentTypes.keys()
      if (contentTypes.size >= ACCEPTS_KNOWN && oldest !== undefined) contentTypes.delete(oldest)
      contentTypes.set(accept, type)
    },
  }

  function answerOf(
    viewer: Viewer,
    document: DocumentNode,
    operationName: string | null | undefined,
  ): Answer | null {
    const operations = executedBy(viewer).get(document)
    const name = operationName ?? null
    if (!operations?.has(name)) return null
    const known = operations.get(name)
    if (known !== undefined) return known
    const answer = compile(document, operationName)
    operations.set(name, answer)
    return answer
  }

  function compile(document: DocumentNode, operationName: string | null | undefined): Answer | null {
    const operation = getOperationAST(document, operationName)
    if (operation?.operation === OperationTypeNode.MUTATION) {
      return (asked) => mutate(document, operation, asked)
    }
    const project = projectionOf(schema, document, operationName)
    return project ? (asked) => read(project, asked) : null
  }

  function contextOf({ facts, viewer }: Asked, mayWait: boolean): Context {
    return { gateway, viewer, reads: reads(viewer, mayWait), requestId: facts.requestId }
  }

  /** The beginning of an answer, unless it is too large: then the long way says so. */
  function bounded(answer: string): string | undefined {
    return answer.length - '{"data":'.length > maxAnswerBytes ? undefined : answer
  }

  /**
   * Executes a mutation, unless its variables are wrong. If there is more to answer than its data, the fallback does so,
   * with the result from here: it is never executed twice.
   */
  async function mutate(document: DocumentNode, operation: OperationDefinitionNode, asked: Asked) {
    const { facts, params } = asked
    const { variables: variableValues, operationName } = params
    if (coerceVariables(schema, operation, variableValues).errors) return undefined
    facts.result = execute({
      schema,
      document,
      operationName,
      variableValues,
      contextValue: contextOf(asked, true),
    })
    const { data, errors } = await facts.result
    return errors ? undefined : bounded(asBytes(`{"data":${JSON.stringify(data)}`))
  }

  function read(project: Project, asked: Asked): string | undefined {
    const { viewer, params, body } = asked
    const key = `${JSON.stringify(viewer)} ${body.toString('latin1')}`
    const version = reader.version()
    const kept = answers.get(version, key)
    if (kept) return kept
    const lasts = { isFleeting: false }
    const contextValue = { ...contextOf(asked, false), fleeting: () => void (lasts.isFleeting = true) }
    const text = reader.atOnce(() => project({ contextValue, variableValues: params.variables }))
    if (text === undefined) return undefined
    const data = bounded(asBytes(`{"data":${text}`))
    if (data === undefined) return undefined
    // Should another process have committed since, the answer is newer than this, and forgotten with the next look.
    if (!lasts.isFleeting) answers.keep(version, key, data)
    return data
  }

  /** The bytes of the answer, each as a character; undefined when it takes the long way. */
  async function bytesOf(
    request: IncomingMessage,
    response: ServerResponse,
    facts: RequestFacts,
  ): Promise<string | undefined> {
    facts.body = readBody({ req: request, res: response }, maxBodyBytes)
    const body = await facts.body
    await limits.takeTurnOverHttp(Object.assign(facts, { res: response }))
    const { admission, viewer } = facts
    if (!admission || !viewer) return undefined
    facts.params = paramsOf(body)
    const params = await limits.admit(facts, facts.params)
    const document = isPlain(params) ? documents.get(params.query ?? '') : undefined
    const answer = document && answerOf(viewer, document, params.operationName)
    if (!answer) return undefined
    await limits.charge(facts, document, params)
    const data = await answer({ facts, viewer, params, body })
    if (data === undefined) return undefined
    admission.turn.executed()
    limits.tell(response, admission)
    return `${data},"extensions":${JSON.stringify(extensionsOf(admission))}}`
  }

  return {
    plugin,

    /** Answers a request, or returns false, with what has been found out about it in the facts. */
    async answer(request: IncomingMessage, response: ServerResponse, facts: RequestFacts): Promise<boolean> {
      const contentType = contentTypes.get(request.headers.accept ?? null)
      if (contentType === undefined || !isPlainPost(request, maxBodyBytes)) return false
      let bytes: string | undefined
      try {
        bytes = await bytesOf(request, response, facts)
      } catch (error) {
        // A refusal is found again by the fallback, which answers it. Anything else is a fault of this path.
        if (!(error instanceof GraphQLError)) {
          log.error({ err: error, requestId: facts.requestId }, 'fault on the fast path')
        }
      }
      if (bytes === undefined) return false
      const head = { 'content-type': contentType, 'content-length': bytes.length }
      if (bytes.length > PIECE_BYTES) await sendInPieces(response.writeHead(200, head), bytes)
      // In one piece with the head, which is a string too.
      else atEndOfRound(() => response.writeHead(200, head).end(bytes, 'latin1'))
      return true
    },
  }
}

/** How much of an answer is sent at once, in bytes: the system copies it meanwhile, which takes a millisecond a MiB or more. */
const PIECE_BYTES = 512 * 1024

/** Sends a long answer, with a turn for others between its pieces. */
async function sendInPieces(response: ServerResponse, bytes: string): Promise<void> {
  for (let start = 0; start < bytes.length && !response.destroyed; start += PIECE_BYTES) {
    if (!response.write(bytes.slice(start, start + PIECE_BYTES), 'latin1')) await roomIn(response)
    await nextTurn()
  }
  response.end()
}

/** Resolves when the client has taken what it was sent, or is gone. */
async function roomIn(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const over = new AbortController()
  const { signal } = over
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  over.abort()
}

/** The bytes of a text in UTF-8, each as a character. */
function asBytes(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}

const PLAIN = new Set(['query', 'operationName', 'variables', 'extensions'])

/** Whether these are parameters that nobody has anything to say about. */
function isPlain(params: GraphQLParams): boolean {
  return (
    Object.keys(params).every((name) => PLAIN.has(name)) &&
    isObject(params.variables) &&
    isObject(params.extensions)
  )
}

function isObject(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value))
}

/** A POST of JSON that says how long it is, and is not too long. */
function isPlainPost({ method, headers }: IncomingMessage, maxBodyBytes: number): boolean {
  return (
    method === 'POST' &&
    (headers['content-type'] === 'application/json' ||
      headers['content-type'] === 'application/json; charset=utf-8') &&
    headers['content-encoding'] === undefined &&
    Number(headers['content-length'] ?? Infinity) <= maxBodyBytes
  )
}
