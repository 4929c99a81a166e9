import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { Logger } from 'pino'
import { shortened } from '../domain/echo.ts'
import {
  ClientError,
  clientError,
  ERROR_CODES,
  maskError,
  type ErrorCode,
  type ErrorFacts,
} from '../graphql/errors.ts'

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

/** What a client is told of what was thrown. */
export function describeThrown(thrown: unknown, requestId: string, log: Logger): GraphQLError[] {
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  return errors.map((error) => describeError(maskError(error), requestId, log))
}

/** The code of the first error that a client is told of what was thrown. */
export function codeOfThrown(thrown: unknown): ErrorCode {
  const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown]
  return codeOf(maskError(errors[0]))
}

/** What a request or a socket that comes while the gateway stops is told. */
export const STOPPING = clientError('SERVICE_UNAVAILABLE', 'The gateway is stopping. Try again in a moment.')

function factsOf({ extensions }: GraphQLError | GraphQLFormattedError): ErrorFacts {
  const { budget, resetAt, cost, arguments: wrong } = (extensions ?? {}) as ErrorFacts
  return {
    ...(budget && { budget }),
    ...(resetAt && { resetAt }),
    ...(cost && { cost }),
    ...(wrong && { arguments: wrong }),
  }
}

/** The code of an error as a client is told it. */
export function codeOf(error: GraphQLError | GraphQLFormattedError): ErrorCode {
  const given = error.extensions?.code
  if (typeof given === 'string' && Object.hasOwn(ERROR_CODES, given)) return given as ErrorCode
  // What graphql-js says of variables and arguments has no code of its own.
  return 'BAD_USER_INPUT'
}
