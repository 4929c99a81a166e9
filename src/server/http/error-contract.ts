import type { ExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql'
import { isAsyncIterable, processRegularResult, type Plugin } from 'graphql-yoga'
import type { Logger } from 'pino'
import { clientError, type ErrorCode } from '../../graphql/errors.ts'
import { describeError } from '../describe-error.ts'
import { STREAM_HEADERS, type EventStream } from '../event-stream/event-stream.ts'
import { endAfter, INTERRUPTED } from '../event-stream/stream-format.ts'
import type { HttpContext } from './outcome.ts'
import { API_HEADERS } from './raw-answer.ts'

/** Gives the answers over HTTP their codes, request ids and statuses; events of streams are described as they are written. */
export function useErrorContract(log: Logger): Plugin<object, HttpContext> {
  return {
    async onResultProcess(answer) {
      const { result, resultProcessor, serverContext } = answer
      const described = (item: ExecutionResult): ExecutionResult =>
        item.errors
          ? {
              ...item,
              errors: item.errors.map((error) => overHttp(error, item, serverContext.exchange.id, log)),
            }
          : item
      if (Array.isArray(result)) return
      if (!isAsyncIterable(result)) {
        answer.setResult((serverContext.result = described(result)))
      } else if (!streamOf(serverContext)) {
        await result[Symbol.asyncIterator]().return?.()
        answer.setResult(described({ errors: [NOT_A_STREAM] }))
      }
      // Yoga answers with an empty body when it finds nothing that the client accepts.
      if (!resultProcessor) answer.setResultProcessor(processRegularResult, 'application/json')
    },

    async onResponse({ response, serverContext, fetchAPI, ...answer }) {
      const { status, headers } = response
      for (const [name, value] of Object.entries(API_HEADERS)) headers.set(name, value)
      if (headers.get('content-type') !== 'text/event-stream') return
      for (const [name, value] of Object.entries(STREAM_HEADERS)) headers.set(name, value)
      const events = (await response.text()).replace(INTERRUPTED, endAfter(serverContext.result ?? {}))
      // A client of event streams reads errors as events, and takes any other status for a broken connection.
      const answered = STATUSES_BEFORE_EVENTS.includes(status) ? status : 200
      answer.setResponse(new fetchAPI.Response(events, { status: answered, headers }))
    },
  }
}

function streamOf({ outcome }: HttpContext): EventStream | undefined {
  return 'results' in outcome ? outcome.stream : undefined
}

const NOT_A_STREAM = clientError(
  'NOT_ACCEPTABLE',
  'A subscription requires `Accept: text/event-stream` or `multipart/mixed;subscriptionSpec=1.0`, or a WebSocket.',
)

interface HttpExtension {
  status?: number
  headers?: Record<string, string>
  /** Whether a client that accepts application/json gets 200 instead, as the GraphQL over HTTP specification has it. */
  spec?: boolean
}

/** The error with what Yoga makes the status and headers of; that part is not sent. */
function overHttp(
  error: GraphQLError | GraphQLFormattedError,
  { data }: ExecutionResult,
  requestId: string,
  log: Logger,
): GraphQLError {
  const described = describeError(error, requestId, log)
  const http = httpOf(error)
  const code = described.extensions.code as ErrorCode
  const status = STATUS_OF_CODE[code]
  if (code === 'SERVICE_UNAVAILABLE') described.extensions.http = { ...unavailableOverHttp(data), ...http }
  else if (status)
    described.extensions.http = {
      ...http,
      ...status,
      headers: { ...http?.headers, ...retryAfter(described) },
    }
  else if (code === 'INTERNAL_SERVER_ERROR' && !error.path) described.extensions.http = { status: 500 }
  else if (http) described.extensions.http = http
  return described
}

/** The statuses of codes that always mean one. */
const STATUS_OF_CODE: Partial<Record<ErrorCode, HttpExtension>> = {
  BAD_REQUEST: { status: 400, spec: false },
  NOT_ACCEPTABLE: { status: 406 },
  GRAPHQL_PARSE_FAILED: { status: 400, spec: true },
  GRAPHQL_VALIDATION_FAILED: { status: 400, spec: true },
  DOCUMENT_TOO_LARGE: { status: 400, spec: true },
  DOCUMENT_NOT_TRUSTED: { status: 400, spec: true },
  PERSISTED_QUERY_NOT_FOUND: { status: 400, spec: true },
  PERSISTED_QUERY_NOT_SUPPORTED: { status: 400, spec: true },
  INTROSPECTION_DISABLED: { status: 400, spec: true },
  COST_LIMIT_EXCEEDED: { status: 400, spec: true },
  RATE_LIMITED: { status: 429 },
  TOO_MANY_OPERATIONS: { status: 429 },
  TOO_MANY_CONNECTIONS: { status: 429 },
}

/** When to come again; with data beside the error, it is an answer all the same. */
function unavailableOverHttp(data: ExecutionResult['data']): HttpExtension {
  const hasData = Object.values(data ?? {}).some((value) => value !== null)
  return { ...(!hasData && { status: 503 }), headers: { 'retry-after': '1' } }
}

/**
 * The statuses of an answer in events: those about the request or who sends it, before there is an operation. Whatever is
 * wrong with the operation is an event. Source: GraphQL over Server-Sent Events Protocol, "Distinct connections mode".
 */
const STATUSES_BEFORE_EVENTS = [200, 401, 403, 405, 406, 413, 415]

/** The header that says when a budget is full again. */
export function retryAfter({ extensions: { resetAt } }: GraphQLError): Record<string, string> {
  return typeof resetAt === 'string' ? { 'retry-after': String(secondsUntil(resetAt)) } : {}
}

function secondsUntil(time: string): number {
  return Math.max(1, Math.ceil((Date.parse(time) - Date.now()) / 1000))
}

function httpOf(error: GraphQLError | GraphQLFormattedError): HttpExtension | undefined {
  return error.extensions?.http as HttpExtension | undefined
}
