import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { handleProtocols } from 'graphql-ws'
import { WebSocketServer, type WebSocket } from 'ws'
import type { DatabaseHealth } from '../../database/health.ts'
import { clientError, unavailable } from '../../graphql/errors.ts'
import type { Credentials } from '../auth/credentials.ts'
import { STOPPING } from '../describe-error.ts'
import { ENDPOINT } from '../http/endpoint.ts'
import type { Origins } from '../http/origins.ts'
import { answerRaw } from '../http/raw-answer.ts'
import { turnAway, type Refused } from '../http/turn-away.ts'
import { ClientSocket } from './client-socket.ts'
import { GOING_AWAY } from './close-codes.ts'
import { Connection } from './connection.ts'
import { Reading } from './reading.ts'
import { createProtocol, type Protocol, type ProtocolOptions } from './protocol.ts'

/** How often a socket is asked whether its other side is still there, in milliseconds. One that has not answered by the next time is cut. */
const PING_MS = 12_000

/** The version of the protocol that is spoken here, as a client that speaks another one is told (RFC 6455, 4.4). */
const VERSION = { 'sec-websocket-version': '13' }

const ELSEWHERE = {
  status: 404,
  error: clientError('NOT_FOUND', `Not found. WebSocket connections are accepted at ${ENDPOINT}.`),
}

const FOREIGN = {
  status: 403,
  error: clientError('FOREIGN_ORIGIN', 'Pages of this origin may not open WebSocket connections here.'),
}

const UNAVAILABLE = { status: 503, error: STOPPING }

export interface WebSocketOptions extends ProtocolOptions {
  credentials: Credentials
  database: DatabaseHealth
  origins: Origins
  maxBodyBytes: number
}

/** The WebSockets of a server, at the same endpoint as GraphQL over HTTP. */
export class WebSockets {
  readonly #options: WebSocketOptions
  readonly #protocol: Protocol
  readonly #connections = new Set<Connection>()
  readonly #sockets: WebSocketServer
  readonly #checks: NodeJS.Timeout
  readonly #reading = new Reading()
  #isStopping = false

  constructor(server: Server, options: WebSocketOptions) {
    this.#options = options
    this.#protocol = createProtocol(options)
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: options.maxBodyBytes,
      allowSynchronousEvents: false,
      perMessageDeflate: false,
      handleProtocols,
      WebSocket: ClientSocket,
    })
    this.#sockets
      .on('wsClientError', ({ message }, socket) => {
        const error = clientError('BAD_REQUEST', `Invalid WebSocket handshake: ${message}.`)
        answerRaw(socket, 400, error, options, VERSION)
      })
      .on('connection', (webSocket, { socket }) => this.#open(webSocket, socket))
      .on('error', (error) => options.log.error({ err: error }, 'the WebSocket server failed'))
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#upgrade(request, socket, head),
    )
    this.#checks = setInterval(() => {
      for (const connection of this.#connections) connection.check()
    }, PING_MS)
  }

  /** How many are open. */
  get size(): number {
    return this.#connections.size
  }

  /** Answers every new socket with 503 from now on. */
  refuse(): void {
    this.#isStopping = true
  }

  /** For each open socket, what tells its client to go away and come back (1001). */
  endings(): (() => void)[] {
    return [...this.#sockets.clients].map((socket) => () => goAway(socket))
  }

  /** Tells all to go away; resolves when all are closed. Cuts those that are left after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    clearInterval(this.#checks)
    for (const socket of this.#sockets.clients) goAway(socket)
    // A close handshake waits for the other side, which may not read, or may be gone.
    const late = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate()
    }, timeoutMs)
    await new Promise((resolve) => this.#sockets.close(resolve))
    clearTimeout(late)
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const refused = this.#refusal(request)
    if (refused) answerRaw(socket, refused.status, refused.error, this.#options)
    else
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
        this.#sockets.emit('connection', webSocket, request),
      )
  }

  #refusal(request: IncomingMessage): Refused | undefined {
    const { credentials, database, origins } = this.#options
    if (this.#isStopping) return UNAVAILABLE
    const turnedAway = turnAway(request, credentials.required)
    if (turnedAway) return turnedAway
    if (request.url?.split('?', 1)[0] !== ENDPOINT) return ELSEWHERE
    if (!origins.allowsSocket(request)) return FOREIGN
    if (!database.isLost || !database.problem) return undefined
    return { status: 503, error: unavailable(database.problem.reason) }
  }

  #open(webSocket: WebSocket, socket: Socket): void {
    const { connectionLimits, log } = this.#options
    const connection = new Connection(webSocket, socket, connectionLimits.messagesPerSecond, {
      ...this.#options,
      reading: this.#reading,
    })
    this.#connections.add(connection)
    const closed = this.#protocol.opened(
      {
        protocol: webSocket.protocol,
        send: (message) => connection.send(message),
        close: (code, reason) => webSocket.close(code, reason),
        // It takes messages that are parsed already.
        onMessage: (handle) => connection.onMessage(handle as (message: unknown) => Promise<void>),
      },
      connection,
    )
    webSocket.once('close', (code, reason) => {
      this.#connections.delete(connection)
      closed(code, reason.toString()).catch((error: unknown) =>
        log.error({ err: error }, 'the streams of a socket could not be ended'),
      )
    })
  }
}

function goAway(socket: WebSocket): void {
  socket.close(GOING_AWAY, 'Going away')
}
