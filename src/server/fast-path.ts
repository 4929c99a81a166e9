import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DocumentNode, ExecutionArgs } from 'graphql'
import type { GraphQLParams, Plugin } from 'graphql-yoga'
import type { Context } from '../graphql/context.ts'
import { projectionOf, type Project } from '../graphql/projection.ts'
import { schema } from '../graphql/schema.ts'
import { Answers } from './answers.ts'
import { paramsOf } from './request-rules.ts'
import type { GraphqlOptions, RequestFacts } from './yoga.ts'

/** How many documents are known, and how many ways to say what is accepted. */
const DOCUMENTS_KNOWN = 1_000
const ACCEPTS_KNOWN = 100

interface KnownDocument {
  document: DocumentNode
  operationName: string | null | undefined
  /** Compiled when it is asked for again; null when that cannot be. */
  project?: Project | null
}

export type FastPath = ReturnType<typeof createFastPath>

/**
 * The short way for queries that have been asked before. It answers only what the long way, which is Yoga with all its
 * rules, has shown it to be right: a document that was parsed, validated and executed there, for an Accept header that was
 * answered there, and then only when all goes well. Anything else, and every refusal, goes the long way. So there is
 * no rule here that is not there.
 *
 * What was answered is kept as bytes until the next commit, for the same bytes on behalf of the same viewer, in every respect.
 */
export function createFastPath({
  gateway,
  authenticate,
  database,
  answerCacheBytes,
  maxBodyBytes,
}: GraphqlOptions) {
  const documents = new Map<string, KnownDocument>()
  const contentTypes = new Map<string, string>()
  const answers = new Answers(answerCacheBytes)

  const plugin: Plugin<object, RequestFacts> = {
    onExecute({ args, context }: { args: ExecutionArgs; context: unknown }) {
      const { query, operationName } = (context as { params?: GraphQLParams }).params ?? {}
      if (typeof query !== 'string') return
      const key = keyOf(query, operationName)
      if (documents.has(key)) return
      learn(documents, DOCUMENTS_KNOWN, key, { document: args.document, operationName })
    },

    onResponse({ request, response }) {
      const type = response.headers.get('content-type')
      if (request.method !== 'POST' || response.status !== 200 || !type?.startsWith('application/')) return
      const accept = request.headers.get('accept') ?? ''
      if (!contentTypes.has(accept)) learn(contentTypes, ACCEPTS_KNOWN, accept, type)
    },
  }

  /** The bytes of the answer; undefined when it takes the long way. */
  function answer(body: Buffer, requestId: string): Buffer | undefined {
    const { viewer, reads } = authenticate()
    const key = `${JSON.stringify(viewer)} ${body.toString('latin1')}`
    const version = database.reader.version()
    const kept = answers.get(version, key)
    if (kept) return kept
    const { query, operationName, variables, ...more } = paramsOf(body)
    const known = documents.get(keyOf(query ?? '', operationName))
    if (!known || !isVariables(variables) || Object.keys(more).length > 0) return undefined
    if (known.project === undefined) {
      known.project = projectionOf(schema, known.document, known.operationName) ?? null
    }
    const { project } = known
    if (!project) return undefined
    return database.reader.atOnce(() => {
      const lasts = { isFleeting: false }
      const fleeting = () => void (lasts.isFleeting = true)
      const contextValue: Context = { gateway, viewer, reads, requestId, fleeting }
      const data = project({ contextValue, variableValues: variables })
      if (data === undefined) return undefined
      const bytes = Buffer.from(`{"data":${data}}`)
      // Should another process have committed since, the answer is newer than this, and forgotten with the next look.
      if (!lasts.isFleeting) answers.keep(version, key, bytes)
      return bytes
    })
  }

  return {
    plugin,

    /** Answers a request, or calls `goTheLongWay`, with the body where that has been read. */
    handle(
      request: IncomingMessage,
      response: ServerResponse,
      requestId: string,
      goTheLongWay: (body?: Buffer) => void,
    ): void {
      const contentType = contentTypes.get(request.headers.accept ?? '')
      if (contentType === undefined || !isPlainPost(request, maxBodyBytes)) {
        goTheLongWay()
        return
      }
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.once('end', () => {
        const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
        let bytes: Buffer | undefined
        try {
          bytes = answer(body, requestId)
        } catch {
          // Whatever it was: the long way finds it again, and says what it is.
        }
        if (bytes === undefined) {
          goTheLongWay(body)
          return
        }
        response.writeHead(200, { 'content-type': contentType, 'content-length': bytes.length }).end(bytes)
      })
    },
  }
}

function isVariables(variables: unknown): boolean {
  return (
    variables === undefined ||
    variables === null ||
    (typeof variables === 'object' && !Array.isArray(variables))
  )
}

function keyOf(query: string, operationName: string | null | undefined): string {
  return `${operationName ?? ''} ${query}`
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

/** Remembers something, and forgets what was learnt longest ago. */
function learn<Value>(known: Map<string, Value>, max: number, key: string, value: Value): void {
  const [oldest] = known.keys()
  if (known.size >= max && oldest !== undefined) known.delete(oldest)
  known.set(key, value)
}
