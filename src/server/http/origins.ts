import type { IncomingMessage, ServerResponse } from 'node:http'

export interface OriginsOptions {
  /** The origins whose pages may use the gateway, besides its own. */
  allowed: readonly string[]
  /** Names of headers that their pages may send, and read, besides those listed here. */
  requestHeaders: readonly string[]
  responseHeaders: readonly string[]
}

/** Headers that clients add to a GET request for this purpose. A browser lets no foreign page send one: it asks first (CORS). */
export const PREFLIGHT_HEADERS = [
  'x-graphql-yoga-csrf',
  'apollo-require-preflight',
  'x-apollo-operation-name',
]

/** Headers that pages of allowed origins may send: those of the API, of well-known clients, and of tracing. */
const REQUEST_HEADERS = [
  'authorization',
  'cache-control',
  'content-type',
  'last-event-id',
  'pragma',
  'x-request-id',
  ...PREFLIGHT_HEADERS,
  'apollographql-client-name',
  'apollographql-client-version',
  'graphql-client-name',
  'graphql-client-version',
  'x-apollo-operation-id',
  'x-graphql-client-name',
  'x-graphql-client-version',
  'x-requested-with',
  // W3C Trace Context and Baggage, Zipkin, Sentry, Datadog, Elastic, Jaeger, New Relic, AWS X-Ray and Google Cloud.
  'b3',
  'baggage',
  'elastic-apm-traceparent',
  'newrelic',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-b3-flags',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-datadog-origin',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
  'x-datadog-tags',
  'x-datadog-trace-id',
]

/** Headers of responses that they may read. */
const RESPONSE_HEADERS = ['x-request-id', 'x-query-cost', 'ratelimit', 'ratelimit-policy', 'retry-after']

export type Origins = ReturnType<typeof createOrigins>

/** Whose pages may use the gateway: its own, and those of the origins that are listed. */
export function createOrigins({ allowed, requestHeaders, responseHeaders }: OriginsOptions) {
  const origins = new Set(allowed)
  const allowedHeaders = [...REQUEST_HEADERS, ...requestHeaders].join(', ')
  const exposedHeaders = [...RESPONSE_HEADERS, ...responseHeaders].join(', ')

  /** Whether pages of this origin may use the gateway, which the request calls `host`. */
  function allows(origin: string, host: string | undefined): boolean {
    return origins.has(origin) || (URL.canParse(origin) && new URL(origin).host === host)
  }

  return {
    allows,

    /** Whether a WebSocket may be opened: a browser lets a page of any site try, and says of which. A program says none. */
    allowsSocket({ headers: { origin, host } }: IncomingMessage): boolean {
      return origin === undefined || allows(origin, host)
    },

    /** Lets pages of listed origins read the answer; true when that was all that was asked (CORS preflight). */
    answerCors({ method, headers }: IncomingMessage, response: ServerResponse): boolean {
      if (origins.size === 0) return false
      response.setHeader('vary', 'origin')
      if (headers.origin === undefined || !origins.has(headers.origin)) return false
      response.setHeader('access-control-allow-origin', headers.origin)
      response.setHeader('access-control-expose-headers', exposedHeaders)
      if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false
      response
        .writeHead(204, {
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': allowedHeaders,
          'access-control-max-age': '600',
        })
        .end()
      return true
    },
  }
}
