import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createGraphQLError } from 'graphql-yoga'
import type { ErrorCode } from '../../graphql/errors.ts'
import type { Sent } from '../parameters.ts'
import { checkSite } from './cross-site.ts'
import type { Origins } from './origins.ts'
import { preferences } from './preferences.ts'

/** What can be given, as patterns of an Accept header too. */
const ANSWERS = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
]
const ACCEPTABLE = [...ANSWERS, 'application/*', 'text/*', 'multipart/*', '*/*']

/**
 * Only JSON by POST, and GET from this site: the browser lets a page of another site send neither. Throws a refusal, before
 * anything has been made of the request.
 */
export function checkRequest(
  request: IncomingMessage,
  { maxBodyBytes, isAcceptable, origins }: { maxBodyBytes: number; isAcceptable: boolean; origins: Origins },
): void {
  if (!isAcceptable) checkAccept(request.headers.accept)
  if (request.method === 'GET') checkSite(request, origins)
  else checkBodyHeaders(request.headers, maxBodyBytes)
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
    `None of the accepted media types is available. Accept one of ${ANSWERS.join(', ')}.`,
  )
}

function checkBodyHeaders(headers: IncomingHttpHeaders, maxBodyBytes: number): void {
  if (headers['content-type'] !== 'application/json') checkContentType(headers['content-type'] ?? '')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw refused(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      'Compressed bodies are not supported. Omit content-encoding.',
    )
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
    .once('error', () => reject(badRequest('The request ended before its body was complete.')))
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
    documentId: text('documentId'),
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
  return refused(413, 'PAYLOAD_TOO_LARGE', `The body has more than ${MAX_PIECES} chunks.`)
}

function refused(status: number, code: ErrorCode, message: string) {
  return createGraphQLError(message, {
    extensions: { code, http: { status, headers: { allow: 'GET, POST' } } },
  })
}
