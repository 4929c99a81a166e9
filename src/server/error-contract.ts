import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga'
import { GraphQLError, type ExecutionResult, type GraphQLFormattedError } from 'graphql'
import { ERROR_CODES, type ErrorCode } from '../graphql/errors.ts'

/** Every top-level error, on every transport, has `extensions.code` of a closed list and `extensions.requestId`. */
export function describeErrors<Result extends { errors?: readonly (GraphQLError | GraphQLFormattedError)[] }>(
  result: Result,
  requestId: string,
): Result {
  if (!result.errors) return result
  return { ...result, errors: result.errors.map((error) => describeError(error, requestId)) }
}

export function describeError(error: GraphQLError | GraphQLFormattedError, requestId: string): GraphQLError {
  const { http, ...extensions } = (error.extensions ?? {}) as { http?: HttpExtension; code?: unknown }
  return new GraphQLError(error.message, {
    nodes: error instanceof GraphQLError ? error.nodes : undefined,
    source: error instanceof GraphQLError ? error.source : undefined,
    positions: error instanceof GraphQLError ? error.positions : undefined,
    path: error.path,
    extensions: { code: codeOf(extensions.code, http?.status), requestId, ...(http && { http }) },
  })
}

/** Gives the answers over HTTP and server-sent events their codes and request ids. */
export function useErrorContract(): Plugin<object, { requestId: string }> {
  return {
    onResultProcess(answer) {
      const { result, serverContext } = answer
      const { requestId } = serverContext
      if (Array.isArray(result)) return
      if (isAsyncIterable(result)) {
        answer.setResult(mapAsyncIterator(result, (item: ExecutionResult) => describeErrors(item, requestId)))
      } else {
        answer.setResult(describeErrors(result, requestId))
      }
    },
  }
}

interface HttpExtension {
  status?: number
}

const CODE_OF_STATUS: Record<number, ErrorCode> = {
  405: 'METHOD_NOT_ALLOWED',
  406: 'NOT_ACCEPTABLE',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
}

function codeOf(given: unknown, status: number | undefined): ErrorCode {
  const byStatus = status === undefined ? undefined : CODE_OF_STATUS[status]
  if (byStatus) return byStatus
  if (typeof given === 'string' && given in ERROR_CODES) return given as ErrorCode
  // What graphql-js says of variables and arguments has no code of its own.
  return 'BAD_USER_INPUT'
}
