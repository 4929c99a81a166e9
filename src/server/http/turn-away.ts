import type { IncomingMessage } from 'node:http'
import type { GraphQLError } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import { JWT_SHAPE, TOKEN_SHAPE } from '../../domain/secret-shapes.ts'
import { retryAfter } from './error-contract.ts'

/** Names under which people send credentials in an address. */
const CREDENTIAL_NAME =
  /^(access[-_]?token|api[-_]?(key|token)|auth|authorization|bearer|id[-_]?token|jwt|token)$/i
const ENDS_WITH_JWT = new RegExp(`(^|\\s)${JWT_SHAPE.source}$`)

/** The only names of a gateway that requires no credential. Source: RFC 6761, 6.3, and the addresses of loopback. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]']

/**
 * Headers in which proxies say for whom they ask, and the beginnings of others. Not all proxies add one, and any client
 * can send them; but a request with one of them need not have come from this machine. Source: RFC 9110, 7.6.3; RFC 7239;
 * RFC 8586; the documentation of nginx, Apache, HAProxy, Envoy, WebLogic, Akamai, Azure, Cloudflare, Fastly, Fly.io and
 * Google Cloud.
 */
const PROXY_HEADERS = new Set([
  'cdn-loop',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded',
  'proxy-client-ip',
  'true-client-ip',
  'via',
  'wl-proxy-client-ip',
  'x-appengine-user-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forward-for',
  'x-host',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-real-port',
  'x-remote-addr',
  'x-remote-ip',
  'x-scheme',
])
const PROXY_PREFIXES = ['cf-', 'forwarded-', 'x-azure-', 'x-envoy-', 'x-forwarded', 'x-original-', 'x-proxy-']

/** Headers that the gateway, or a library under it, takes apart, and how long one of them may be, in characters. */
const PARSED_HEADERS = [
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'host',
  'if-none-match',
  'origin',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
]
const MAX_PARSED_LENGTH = 2_048

/** How many parameters an address may have; GraphQL has four. */
const MAX_PARAMETERS = 32

/** A request that is not answered, before anything is made of it. */
export interface Refused {
  status: number
  error: GraphQLError
  headers?: Record<string, string>
}

/**
 * What is turned away before anything is made of it; undefined when it may go on. What would take long to read is refused
 * by its length. A credential in the address, which is written into histories and logs on the way, is refused rather than
 * ignored. And where no credential is required, only the names of this machine are answered, and not for a proxy: a page
 * of another site could have its own name lead here, and then be taken by the browser for the gateway's own; and a proxy
 * could bring clients from anywhere.
 */
export function turnAway({ url = '', headers }: IncomingMessage, required: boolean): Refused | undefined {
  const long = PARSED_HEADERS.find((name) => (headers[name]?.length ?? 0) > MAX_PARSED_LENGTH)
  if (long !== undefined) {
    const message = `The header ${long} is longer than ${MAX_PARSED_LENGTH} characters.`
    return { status: 431, error: clientError('PAYLOAD_TOO_LARGE', message) }
  }
  if (hasManyParameters(url)) {
    const message = `The address has more than ${MAX_PARAMETERS} parameters.`
    return { status: 400, error: clientError('BAD_REQUEST', message) }
  }
  if (hasCredential(url)) {
    const message =
      'A credential must not be in the address. Send it in the header Authorization, and revoke this one: it may have been logged.'
    return { status: 400, error: clientError('BAD_REQUEST', message) }
  }
  if (required) return undefined
  if (!isLocalHost(headers.host)) {
    const message = `This gateway requires no credentials, so it can only be reached from this machine, as ${LOCAL_HOSTS.join(', ')}.`
    return { status: 403, error: clientError('FORBIDDEN', message) }
  }
  const proxied = Object.keys(headers).find(isOfProxy)
  if (proxied !== undefined) {
    const message = `This gateway requires no credentials, so it refuses requests that came through a proxy, such as those with the header ${proxied}. Create an API token first.`
    return { status: 403, error: clientError('FORBIDDEN', message) }
  }
  return undefined
}

function isOfProxy(header: string): boolean {
  return PROXY_HEADERS.has(header) || PROXY_PREFIXES.some((prefix) => header.startsWith(prefix))
}

function hasManyParameters(url: string): boolean {
  let at = url.indexOf('?')
  for (let count = 0; at >= 0; count++) {
    if (count >= MAX_PARAMETERS) return true
    at = url.indexOf('&', at + 1)
  }
  return false
}

function hasCredential(url: string): boolean {
  const start = url.indexOf('?')
  if (TOKEN_SHAPE.test(url)) return true
  return (
    start >= 0 &&
    [...new URLSearchParams(url.slice(start))].some(
      ([name, value]) => CREDENTIAL_NAME.test(name) || TOKEN_SHAPE.test(value) || ENDS_WITH_JWT.test(value),
    )
  )
}

/** A browser always says which name it was led by. */
function isLocalHost(host: string | undefined): boolean {
  return host === undefined || LOCAL_HOSTS.includes(host.replace(/:\d+$/, '').toLowerCase())
}

/** What is answered over HTTP to a request whose credential does not let it in. Source: RFC 6750, 3. */
export function notAuthenticated(error: GraphQLError, hasCredential: boolean): Refused {
  switch (error.extensions.code) {
    case 'UNAUTHENTICATED': {
      const challenge = `Bearer realm="snapgate"${hasCredential ? ', error="invalid_token"' : ''}`
      return { status: 401, error, headers: { 'www-authenticate': challenge } }
    }
    case 'RATE_LIMITED':
      return { status: 429, error, headers: retryAfter(error) }
    case 'SERVICE_UNAVAILABLE':
      return { status: 503, error, headers: { 'retry-after': '5' } }
    default:
      return { status: 500, error }
  }
}
