import type { IncomingMessage, ServerResponse } from 'node:http'
import { CSRF_HEADER } from './request.ts'

/** Headers of answers that a page of another site may read. */
const EXPOSED = 'x-request-id, x-query-cost, ratelimit, ratelimit-policy, retry-after'

/**
 * Whose pages may use the gateway: its own, and those of the sites that are named. What says no origin comes from a program,
 * not a page.
 */
export function createOrigins(allowed: readonly string[]) {
  const origins = new Set(allowed)

  return {
    /** Whether a WebSocket may be opened: a browser lets a page of any site try, and says of which. */
    allowsSocket({ headers: { origin, host } }: IncomingMessage): boolean {
      if (origin === undefined || origins.has(origin)) return true
      return URL.canParse(origin) && new URL(origin).host === host
    },

    /** Lets pages of named sites read the answer; true when that was all that was asked (CORS preflight). */
    answerCors({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
      if (origins.size === 0) return false
      response.setHeader('vary', 'origin')
      if (headers.origin === undefined || !origins.has(headers.origin)) return false
      response.setHeader('access-control-allow-origin', headers.origin)
      response.setHeader('access-control-expose-headers', EXPOSED)
      if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false
      response
        .writeHead(204, {
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': `content-type, authorization, x-request-id, ${CSRF_HEADER}`,
          'access-control-max-age': '600',
        })
        .end()
      return true
    },
  }
}

export type Origins = ReturnType<typeof createOrigins>
