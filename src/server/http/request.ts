import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createGraphQLError } from 'graphql-yoga'
import type { ErrorCode } from '../../graphql/errors.ts'
import type { Sent } from '../parameters.ts'
import { preferences } from './preferences.ts'

/** The header that says a GET request was sent on purpose by a program, not by a link on another site. */
export const CSRF_HEADER = 'x-graphql-yoga-csrf'

/** What can be given, as patterns of an Accept header too. */
const ANSWERS = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
]
const ACCEPTABLE = [...ANSWERS, 'application/*', 'text/*', 'multipart/*', '*/*']

/**
 * Only JSON by POST, and GET with the CSRF header: a page on another site can send neither without the browser
 * asking first, and the answer to that is no. Throws a refusal, before anything has been made of the request.
 */
export function checkRequest(
  { headers, method }: IncomingMessage,
  { maxBodyBytes, isAcceptable }: { maxBodyBytes: number; isAcceptable: boolean },
): void {
  if (!isAcceptable) checkAccept(headers.accept)
  if (method === 'GET') checkCsrfHeader(headers)
  else checkBodyHeaders(headers, maxBodyBytes)
}

/** The bytes that say what is asked for. */
export function readSource(
  request: IncomingMessage,
  response: ServerResponse,
  maxBodyBytes: number,
): Buffer | Promise<Buffer> {
  return request.method === 'GET' ? Buffer.from(request.url ?? '') : readBody(request, response, maxBodyBytes)
}

/** The parameters in these bytes. Throws a refusal. */
export function parametersIn({ method }: IncomingMessage, source: Buffer): Sent {
  return method === 'GET' ? parametersInAddress(source.toString()) : parametersInBody(source)
}

function checkAccept(accept = '*/*'): void {
  const wanted = preferences(accept)
  if (ACCEPTABLE.some((type) => (wanted.get(type) ?? 0) > 0)) return
  throw refused(
    406,
    'NOT_ACCEPTABLE',
    `Nothing that the request accepts can be given. Accept one of ${ANSWERS.join(', ')}.`,
  )
}

function checkBodyHeaders(headers: IncomingHttpHeaders, maxBodyBytes: number): void {
  if (headers['content-type'] !== 'application/json') checkContentType(headers['content-type'] ?? '')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw refused(415, 'UNSUPPORTED_MEDIA_TYPE', 'The body must not be compressed. Send no content-encoding.')
  }
  if (Number(headers['content-length'] ?? 0) > maxBodyBytes) throw tooLarge(maxBodyBytes)
}

function checkContentType(contentType: string): void {
  const [type, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim())
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))
  if (type === 'application/json' && (!charset || /^charset="?utf-?8"?$/.test(charset))) return
  throw refused(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'The body must be JSON in UTF-8. Send content-type: application/json.',
  )
}

function checkCsrfHeader(headers: IncomingHttpHeaders): void {
  if (CSRF_HEADER in headers) return
  throw refused(
    403,
    'CSRF_HEADER_REQUIRED',
    `A GET request must carry the header ${CSRF_HEADER}, with any value. Or use POST.`,
  )
}

/** In how many pieces a body may come. The smallest packets of the internet make 500 of the largest body. */
const MAX_PIECES = 2_000

/** How long a client that sends more than it may has to read its answer before it is cut off, in milliseconds. */
const GRACE_MS = 1_000

/** Reads a body while counting: one sent in chunks does not say how long it is. Past the limit nothing more is read. */
function readBody(request: IncomingMessage, response: ServerResponse, maxBodyBytes: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  function read(chunk: Buffer): void {
    size += chunk.length
    chunks.push(chunk)
    if (size <= maxBodyBytes && chunks.length <= MAX_PIECES) return
    request.off('data', read).pause()
    response.once('finish', () => setTimeout(() => request.socket.destroy(), GRACE_MS).unref())
    reject(size > maxBodyBytes ? tooLarge(maxBodyBytes) : tooManyPieces())
  }
  request
    .on('data', read)
    .once('end', () => resolve(Buffer.concat(chunks)))
    .once('error', () => reject(badRequest('The request was cut off.')))
  return promise
}

function parametersInBody(bytes: Buffer): Sent {
  const body = parseJson('The body', () => UTF_8.decode(bytes))
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    const kind = Array.isArray(body) ? 'a list, and batches are not supported' : JSON.stringify(body)
    throw badRequest(
      `The body must be a JSON object with the document under "query"; it is ${kind.slice(0, 64)}.`,
    )
  }
  if ('operationName' in body && body.operationName !== null && typeof body.operationName !== 'string') {
    throw badRequest('operationName must be a string.')
  }
  return body as Sent
}

function parametersInAddress(url: string): Sent {
  const { searchParams } = new URL(url, 'http://localhost')
  const text = (name: string) => searchParams.get(name) || undefined
  const json = (name: string) => {
    const value = text(name)
    return value === undefined ? undefined : parseJson(name, () => value)
  }
  return {
    query: text('query'),
    operationName: text('operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

function parseJson(what: string, text: () => string): unknown {
  try {
    return JSON.parse(text())
  } catch {
    throw badRequest(`${what} is not JSON in UTF-8.`)
  }
}

function badRequest(message: string) {
  return refused(400, 'BAD_REQUEST', message)
}

function tooLarge(maxBodyBytes: number) {
  return refused(413, 'PAYLOAD_TOO_LARGE', `The body is larger than ${maxBodyBytes} bytes.`)
}

function tooManyPieces() {
  return refused(413, 'PAYLOAD_TOO_LARGE', `The body comes in more than ${MAX_PIECES} pieces.`)
}

function refused(status: number, code: ErrorCode, message: string) {
  return createGraphQLError(message, {
    extensions: { code, http: { status, headers: { allow: 'GET, POST' } } },
  })
}
