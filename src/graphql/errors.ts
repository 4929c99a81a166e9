import { GraphQLError, Kind, OperationTypeNode, type ExecutionResult } from 'graphql'
import { UNAVAILABLE, unavailabilityOf, type Unavailability } from '../domain/unavailable.ts'
import { OperationTimeout } from '../reads/scans.ts'
import { SlowConsumer } from '../delivery/slow-consumer.ts'
import { CursorExpired } from '../transitions/cursor.ts'

/** The codes of top-level errors, `extensions.code`: a closed list. Refusals are not among them: they are data. */
export const ERROR_CODES = {
  BAD_REQUEST: 'The request is not a GraphQL request, or does not say which operation to run.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  DOCUMENT_TOO_LARGE: 'The document exceeds a limit on bytes, tokens, depth, aliases or other parts.',
  DOCUMENT_NOT_TRUSTED: 'The gateway runs trusted documents only, and this is not one of them.',
  PERSISTED_QUERY_NOT_FOUND: 'No document is registered under this hash. Send its text with the hash.',
  PERSISTED_QUERY_NOT_SUPPORTED: 'Documents cannot be registered here. Send their text.',
  INTROSPECTION_DISABLED: 'Introspection is restricted to admins.',
  COST_LIMIT_EXCEEDED:
    'The operation exceeds the cost limit. Request less at once; `extensions.cost` has both numbers.',
  ANSWER_TOO_LARGE: 'The response exceeds MAX_ANSWER_BYTES, or an event STREAM_BUFFER_BYTES. Select less.',
  OPERATION_TIMEOUT: 'The operation scanned rows for longer than OPERATION_TIMEOUT_MS. Narrow its filters.',
  RATE_LIMITED: 'A budget of the account or address is exhausted. Retry at `extensions.resetAt`.',
  TOO_MANY_OPERATIONS: 'Too many operations are in flight on the connection. Wait until some of them end.',
  TOO_MANY_CONNECTIONS: 'The address or account has too many connections. Close some of them.',
  BAD_USER_INPUT:
    'A variable or argument has an invalid value; `extensions.arguments` has the paths of arguments.',
  UNAUTHENTICATED:
    'The credential is missing, invalid, revoked or expired. Send a valid one: docs/clients.md.',
  FORBIDDEN: 'The credential is valid, but its role does not allow this.',
  NOT_FOUND: 'The snapshot or disk to watch does not exist, or the URL is wrong.',
  CURSOR_EXPIRED: 'The log cannot continue from the stream cursor. List again and watch from the new cursor.',
  SLOW_CONSUMER: 'The client read too slowly, and the stream was ended. Resume from the last cursor.',
  METHOD_NOT_ALLOWED: 'The HTTP method is neither GET nor POST, or a mutation was sent by GET. Use POST.',
  UNSUPPORTED_MEDIA_TYPE: 'The body is not plain JSON in UTF-8. Send content-type: application/json.',
  NOT_ACCEPTABLE: 'None of the accepted media types is supported.',
  PAYLOAD_TOO_LARGE: 'The request body is larger than MAX_BODY_BYTES, or its headers are larger than 16 KiB.',
  REQUEST_TIMEOUT: 'The request did not arrive in time.',
  CSRF_HEADER_REQUIRED:
    'The site that sent the GET request is unknown. Add x-graphql-yoga-csrf, or use POST.',
  FOREIGN_ORIGIN: 'The origin of the page is not in ALLOWED_ORIGINS.',
  SERVICE_UNAVAILABLE:
    'The gateway is stopping, or cannot reach its database, storage or JWT keys. Retry shortly.',
  INTERNAL_SERVER_ERROR: 'A fault in the gateway. Report the request id; the log has the details.',
} as const
export type ErrorCode = keyof typeof ERROR_CODES

/** What an error may say besides its code, for programs. */
export interface ErrorFacts {
  /** The budget that is used up. */
  budget?: string
  /** When it is full again, in ISO 8601. */
  resetAt?: string
  /** What an operation costs, and what it may cost, in points. */
  cost?: { requested: number; limit: number }
  /** The paths of the arguments that are invalid, such as `input.region`. */
  arguments?: readonly string[]
}

/** How many errors of one kind, such as those of its document or its variables, a request is told at most. */
export const MAX_ERRORS = 10

/** An error in our own words, which show `MAX_ECHO` characters of what a client sent at most. */
export class ClientError extends GraphQLError {}

/** An error that clients may see as it is. */
export function clientError(code: ErrorCode, message: string, facts?: ErrorFacts): GraphQLError {
  return new ClientError(message, { extensions: { ...facts, code } })
}

/** An answer, or event, that has more bytes than it may have; a mutation has made its changes all the same. */
export function answerTooLarge(bytes: number, operation: OperationTypeNode): GraphQLError {
  const changes = operation === OperationTypeNode.MUTATION ? ' Changes were made.' : ''
  return clientError(
    'ANSWER_TOO_LARGE',
    `The answer is larger than ${bytes} bytes. Request smaller pages or fewer fields.${changes}`,
  )
}

export function badUserInput(message: string, facts?: Pick<ErrorFacts, 'arguments'>): GraphQLError {
  return clientError('BAD_USER_INPUT', message, facts)
}

/**
 * What a client is told of an error: what is meant for clients as it is, a fault only as "Unexpected error.".
 * Errors of the stream layer and of long reads get their code here.
 */
export function maskError(error: unknown): GraphQLError {
  if (isFault(error)) return error
  const cause = error instanceof GraphQLError && error.originalError ? error.originalError : error
  if (cause instanceof CursorExpired) return locatedError('CURSOR_EXPIRED', cause, error)
  if (cause instanceof SlowConsumer) return locatedError('SLOW_CONSUMER', cause, error)
  if (cause instanceof OperationTimeout) return locatedError('OPERATION_TIMEOUT', cause, error)
  const unavailability = unavailabilityOf(cause)
  if (unavailability) return unavailable(unavailability, error)
  if (error instanceof GraphQLError && !isFaultOfAnAnswer(error)) {
    if (!error.originalError || error.originalError instanceof GraphQLError) return error
  }
  const located = error instanceof GraphQLError ? error : undefined
  return new GraphQLError('Unexpected error.', {
    nodes: located?.nodes ?? null,
    path: located?.path ?? null,
    originalError: error instanceof Error ? error : new Error(String(error)),
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  })
}

/** The result with its errors as a client is told of them. */
export function masked(result: ExecutionResult): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(maskError) } : result
}

/** Whether an error is a fault that is masked. */
function isFault(error: unknown): error is GraphQLError {
  return error instanceof GraphQLError && error.extensions.code === 'INTERNAL_SERVER_ERROR'
}

/** What a client is told when the service is unavailable, because of an error in a field or of none. */
export function unavailable(reason: Unavailability, error?: unknown): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined
  return new GraphQLError(`${UNAVAILABLE[reason]} Try again in a moment.`, {
    nodes: located?.nodes ?? null,
    path: located?.path ?? null,
    originalError: located?.originalError ?? (error instanceof Error ? error : null),
    extensions: { code: 'SERVICE_UNAVAILABLE' },
  })
}

function locatedError(code: ErrorCode, { message }: Error, error: unknown): GraphQLError {
  const { nodes = null, path = null } = error instanceof GraphQLError ? error : {}
  return new GraphQLError(message, { nodes, path, extensions: { code } })
}

/**
 * Whether the engine could not make an answer of what a resolver gave it, such as a text that is no member of its enum.
 * It reports that with an error as for bad arguments; but those name the argument, not the field.
 */
function isFaultOfAnAnswer({ path, originalError }: GraphQLError): boolean {
  return (
    path !== undefined &&
    originalError instanceof GraphQLError &&
    originalError.extensions.code === undefined &&
    (originalError.nodes ?? []).every(({ kind }) => kind === Kind.FIELD)
  )
}
