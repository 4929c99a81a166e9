import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { createGraphQLError } from 'graphql-yoga'
import type { ErrorCode } from '../../graphql/errors.ts'
import { PREFLIGHT_HEADERS, type Origins } from './origins.ts'

/** The content types that any page may send. Source: Fetch, "CORS-safelisted request-header". */
const SIMPLE_TYPES = ['', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain']

/** The start of User-Agent in every browser; a page cannot change it without a preflight. */
const BROWSER = 'Mozilla/'

/**
 * Throws a refusal if a page of another site can have sent this GET request. Browsers say so in Origin or Sec-Fetch-Site. One
 * that sends neither (an old one, or any over plain HTTP) must send a header that needs a preflight. Programs need nothing.
 * POST is not checked here: its content type, JSON, needs a preflight.
 */
export function checkSite({ headers }: IncomingMessage, origins: Origins): void {
  if (hasPreflight(headers)) return
  const { origin, 'sec-fetch-site': site } = headers
  if (origin === undefined ? site === 'cross-site' : !origins.allows(origin, headers.host)) {
    throw refused(
      'FOREIGN_ORIGIN',
      'A page of another site cannot send GET requests here. List its origin in ALLOWED_ORIGINS.',
    )
  }
  if (origin !== undefined || site !== undefined || !headers['user-agent']?.startsWith(BROWSER)) return
  throw refused(
    'CSRF_HEADER_REQUIRED',
    `The site that sent this GET request is unknown. Send one of the headers ${PREFLIGHT_HEADERS.join(', ')}, or use POST.`,
  )
}

function hasPreflight(headers: IncomingHttpHeaders): boolean {
  const [type = ''] = (headers['content-type'] ?? '').toLowerCase().split(';')
  return !SIMPLE_TYPES.includes(type.trim()) || PREFLIGHT_HEADERS.some((name) => name in headers)
}

function refused(code: ErrorCode, message: string) {
  return createGraphQLError(message, { extensions: { code, http: { status: 403 } } })
}
