import { createGraphQLError, type Plugin } from 'graphql-yoga'
import type { ErrorCode } from '../graphql/errors.ts'

/** The header that says a GET request was sent on purpose by a program, not by a link on another site. */
export const CSRF_HEADER = 'x-graphql-yoga-csrf'

/**
 * Only JSON by POST, and GET with the CSRF header: a page on another site can send neither without the browser
 * asking first, and the answer to that is no.
 */
export function useRequestRules(): Plugin {
  return {
    onRequestParse({ request }) {
      const contentType = request.headers.get('content-type')
      if (request.method === 'POST' && !/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
        throw refused(
          415,
          'UNSUPPORTED_MEDIA_TYPE',
          'The body must be JSON. Send content-type: application/json.',
        )
      }
      if (request.method === 'GET' && !request.headers.has(CSRF_HEADER)) {
        throw refused(
          403,
          'CSRF_HEADER_REQUIRED',
          `A GET request must carry the header ${CSRF_HEADER}, with any value. Or use POST.`,
        )
      }
    },
  }
}

function refused(status: number, code: ErrorCode, message: string) {
  return createGraphQLError(message, {
    extensions: { code, http: { status, headers: { allow: 'GET, POST' } } },
  })
}
