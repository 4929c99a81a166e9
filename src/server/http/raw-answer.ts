import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import type { Observer } from '../../observability/observer.ts'
import { codeOf, describeError } from '../describe-error.ts'

/** On every answer of the API: it is for one client only, and is nothing else than its type says. */
export const API_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Where it is told what went wrong. */
export interface Reporting {
  log: Logger
  observer: Pick<Observer, 'rejected'>
}

/** Answers a connection that has no request, or no response any more, with an error, and closes it. */
export function answerRaw(
  socket: Duplex,
  status: number,
  error: GraphQLError,
  { log, observer }: Reporting,
  headers: Record<string, string> = {},
): void {
  const requestId = randomUUID()
  observer.rejected(codeOf(error))
  const body = JSON.stringify({ errors: [describeError(error, requestId, log)] })
  const head = {
    connection: 'close',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    ...API_HEADERS,
    'x-request-id': requestId,
    ...headers,
  }
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`)
  // Without a listener, a client that has gone would end the process.
  socket.on('error', ignore)
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`)
}

function ignore(): void {}
