import { isAsyncIterable, mapAsyncIterator, processRegularResult, type Plugin } from 'graphql-yoga'
import { GraphQLError, type ExecutionResult, type GraphQLFormattedError } from 'graphql'
import type { Logger } from 'pino'
import { shortened } from '../domain/echo.ts'
import { ClientError, clientError, ERROR_CODES, type ErrorCode, type ErrorFacts } from '../graphql/errors.ts'

/**
 * What a client is told of an error, on every transport: `extensions.code` of a closed list and
 * `extensions.requestId`. A fault goes to the log, whole, under the same id. A message that is not ours, such as one of
 * the engine, may repeat all that the client sent: it is shortened.
 */
export function describeError(
  error: GraphQLError | GraphQLFormattedError,
  requestId: string,
  log: Logger,
): GraphQLError {
  const code = codeOf(error)
  const located = error instanceof GraphQLError ? error : undefined
  if (code === 'INTERNAL_SERVER_ERROR') {
    log.error({ err: located?.originalError ?? error, requestId, path: error.path }, 'fault in a request')
  } else if (code === 'SERVICE_UNAVAILABLE' && located?.originalError) {
    // The first of its kind is an error in the log; this is one of those that it causes.
    log.debug({ err: located.originalError, requestId, path: error.path }, 'unavailable to a request')
  }
  const isOurs = (located?.originalError ?? error) instanceof ClientError
  return new GraphQLError(isOurs ? error.message : shortened(error.message), {
    nodes: located?.nodes,
    source: located?.source,
    positions: located?.positions,
    path: error.path,
    extensions: { ...factsOf(error), code, requestId },
  })
}

/** Gives the answers over HTTP and server-sent events their codes, request ids and statuses. */
export function useErrorContract(log: Logger): Plugin<object, { requestId: string }> {
  return {
    async onResultProcess(answer) {
      const { result, resultProcessor, serverContext } = answer
      const described = (item: ExecutionResult): ExecutionResult =>
        item.errors
          ? {
              ...item,
              errors: item.errors.map((error) => overHttp(error, item, serverContext.requestId, log)),
            }
          : item
      if (Array.isArray(result)) return
      if (!isAsyncIterable(result)) answer.setResult(described(result))
      else if (resultProcessor) answer.setResult(mapAsyncIterator(result, described))
      else {
        await result[Symbol.asyncIterator]().return?.()
        answer.setResult(described({ errors: [NOT_A_STREAM] }))
      }
      // Yoga answers with an empty body when it finds nothing that the client accepts.
      if (!resultProcessor) answer.setResultProcessor(processRegularResult, 'application/json')
    },

    // A client of event streams reads errors as events, and takes any other status for a broken connection.
    onResponse({ response, fetchAPI, ...answer }) {
      const { status, headers, body } = response
      if (headers.get('content-type') !== 'text/event-stream') return
      if (!STATUSES_BEFORE_EVENTS.includes(status))
        answer.setResponse(new fetchAPI.Response(body, { status: 200, headers }))
    },
  }
}

/** What a request or a socket that comes while the gateway stops is told. */
export const STOPPING = clientError('SERVICE_UNAVAILABLE', 'The gateway is stopping. Try again in a moment.')

const NOT_A_STREAM = clientError(
  'NOT_ACCEPTABLE',
  'A subscription is answered with text/event-stream, which the request does not accept. Accept it, or use a WebSocket.',
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
  DOCUMENT_TOO_LARGE: { status: 400, spec: true },
  DOCUMENT_NOT_TRUSTED: { status: 400, spec: true },
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

function factsOf({ extensions }: GraphQLError | GraphQLFormattedError): ErrorFacts {
  const { budget, resetAt, cost } = (extensions ?? {}) as ErrorFacts
  return { ...(budget && { budget }), ...(resetAt && { resetAt }), ...(cost && { cost }) }
}

const CODE_OF_STATUS: Record<number, ErrorCode> = {
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
}

function codeOf(error: GraphQLError | GraphQLFormattedError): ErrorCode {
  const byStatus = CODE_OF_STATUS[httpOf(error)?.status ?? 0]
  if (byStatus) return byStatus
  const given = error.extensions?.code
  if (typeof given === 'string' && Object.hasOwn(ERROR_CODES, given)) return given as ErrorCode
  // What graphql-js says of variables and arguments has no code of its own.
  return 'BAD_USER_INPUT'
}

function httpOf(error: GraphQLError | GraphQLFormattedError): HttpExtension | undefined {
  return error.extensions?.http as HttpExtension | undefined
}
