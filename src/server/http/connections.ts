import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { GraphQLError } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import { whenClosed } from './handover.ts'
import { answerRaw, type Reporting } from './raw-answer.ts'
import { addressOf } from '../limits/address.ts'
import { Places } from '../limits/places.ts'

/** How long nothing may move on a connection before it is cut, in milliseconds: streams are pinged more often. */
const IDLE_MS = 60_000

/** How large the headers of a request may be, its address included. */
export const MAX_HEADER_BYTES = 16_384

/** Limits the connections of an address, cuts idle ones, and answers what is not HTTP as any other bad request. */
export function limitConnections(server: Server, perAddress: number, reporting: Reporting): void {
  const places = new Places(perAddress)

  server.on('connection', (socket: Socket) => {
    const leave = places.enter(addressOf(socket))
    if (leave) whenClosed(socket, leave)
    else answerRaw(socket, 429, TOO_MANY, reporting)
  })

  server.setTimeout(IDLE_MS)

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const [status, refusal] = REFUSALS[error.code ?? ''] ?? NOT_HTTP
    // On a connection that has had answers, this could be in the middle of one.
    if (socket.writable && socket.bytesWritten === 0) answerRaw(socket, status, refusal, reporting)
    else socket.destroy()
  })
}

const TOO_MANY = clientError(
  'TOO_MANY_CONNECTIONS',
  'Too many connections from this address. Close some of them.',
)
const NOT_HTTP: [number, GraphQLError] = [400, clientError('BAD_REQUEST', 'The request is not HTTP/1.1.')]
const REFUSALS: Record<string, [number, GraphQLError]> = {
  HPE_HEADER_OVERFLOW: [
    431,
    clientError('PAYLOAD_TOO_LARGE', `The headers are larger than ${MAX_HEADER_BYTES} bytes.`),
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, clientError('REQUEST_TIMEOUT', 'The request did not arrive in time.')],
}
