import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { CloseCode } from 'graphql-ws'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { maskError } from '../../graphql/errors.ts'
import type { Client } from '../../observability/client.ts'
import type { Observer } from '../../observability/observer.ts'
import type { Viewer } from '../../services/viewer.ts'
import { authorizationOf } from '../auth/authentication.ts'
import type { Credentials } from '../auth/credentials.ts'
import { describeError } from '../describe-error.ts'
import type { Gate } from '../gate.ts'
import type { Limits } from '../limits/limits.ts'
import { TOO_BIG, TRY_AGAIN_LATER } from './close-codes.ts'
import { knownPartsOf } from './message.ts'
import { Pace } from './pace.ts'
import type { Reading } from './reading.ts'

/** How long `connection_init` may be: as long as the headers of a request. */
const MAX_INIT_BYTES = 16 * 1024

export interface ConnectionOptions {
  gate: Gate
  reading: Reading
  limits: Limits
  credentials: Pick<Credentials, 'watch'>
  observer: Observer
  log: Logger
}

/** A WebSocket that a client has opened. */
export class Connection {
  readonly webSocket: WebSocket
  readonly socket: Socket
  readonly pace: Pace
  /** How its client named itself in `connection_init`, and the trace that its operations belong to. */
  client: Client
  traceparent: string | undefined
  readonly #options: ConnectionOptions
  /** Who it is for, from `connection_init` until the credential ceases to hold. */
  #viewer: Viewer | undefined
  /** Whether it has shown that it lives since it was last asked, and how many bytes it had taken then. */
  #isAlive = true
  #taken = 0
  /** Resolves when the last message that waits has been handled. */
  #late: Promise<void> | undefined

  constructor(webSocket: WebSocket, socket: Socket, messagesPerSecond: number, options: ConnectionOptions) {
    this.webSocket = webSocket
    this.socket = socket
    this.pace = new Pace(webSocket, messagesPerSecond)
    this.#options = options
    this.client = options.observer.clients.of({})
    webSocket
      .on('ping', () => this.pace.count())
      .on('pong', () => (this.#isAlive = true))
      .on('error', (error) => options.log.debug({ err: error }, 'a client broke the rules of WebSockets'))
      .once('close', () => this.pace.stop())
  }

  get viewer(): Viewer | undefined {
    return this.#viewer
  }

  get isOpen(): boolean {
    return this.webSocket.readyState === this.webSocket.OPEN
  }

  /**
   * Lets the client in with what it sent in `connection_init`, where its account has room for another socket, and closes the
   * socket when that does not hold, now or at any time later. Resolves with whether it is in.
   */
  async admit(connectionParams: unknown): Promise<boolean> {
    const { gate, limits, credentials, observer } = this.#options
    try {
      const sent = (connectionParams ?? {}) as Readonly<Record<string, unknown>>
      this.traceparent = traceparentIn(sent)
      this.client = observer.clients.of(sent)
      const viewer = await gate.authenticate(authorizationOf(connectionParams), this.socket)
      if (!this.isOpen) return false
      this.#viewer = viewer
      this.webSocket.once(
        'close',
        credentials.watch(viewer, (error) => this.#refuse(error)),
      )
      const leave = limits.sockets.enter(viewer.accountId)
      if (leave) this.webSocket.once('close', leave)
      else this.webSocket.close(TRY_AGAIN_LATER, 'The account has too many streams')
      return leave !== undefined
    } catch (error) {
      this.#refuse(error)
      return false
    }
  }

  /** Sends a message; resolves also when it fails: then the socket is closed, which is what ends everything. */
  send(message: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.isOpen) this.webSocket.send(message, () => resolve())
      else resolve()
    })
  }

  /** Calls back for each message; a failure to handle one closes the socket. */
  onMessage(handle: (message: unknown) => Promise<void>): void {
    this.webSocket.on('message', (message: Buffer, isBinary: boolean) => {
      this.pace.count()
      if (!this.isOpen) return
      if (isBinary) {
        this.webSocket.close(CloseCode.BadRequest, 'Binary message received')
        return
      }
      if (!this.#viewer && message.length > MAX_INIT_BYTES) {
        this.webSocket.close(
          TOO_BIG,
          `A message before the acknowledgement has at most ${MAX_INIT_BYTES} bytes`,
        )
        return
      }
      const waitMs = this.#viewer ? this.#options.reading.waitFor(this.#viewer.accountId, message.length) : 0
      if (waitMs === 0 && !this.#late) {
        this.#handle(handle, message)
        return
      }
      // One after the other: what was sent later is not handled before.
      const late = Promise.all([this.pace.wait(waitMs), this.#late]).then(() => {
        if (this.#late === late) this.#late = undefined
        if (this.isOpen) this.#handle(handle, message)
      })
      this.#late = late
    })
  }

  #handle(handle: (message: unknown) => Promise<void>, message: Buffer): void {
    const beganAt = performance.now()
    handle(knownPartsOf(message.toString())).catch((error: unknown) => this.#fail(error))
    // Messages are parsed before it is the turn of what they ask for.
    if (this.#viewer) this.#options.gate.heldUp(this.#viewer, performance.now() - beganAt)
  }

  /** Cuts it off when it has not answered since the last time, or has taken nothing of what waits for it. */
  check(): void {
    if (!this.isOpen || this.pace.isHeld) return
    const { socket } = this
    const taken = socket.bytesWritten - socket.writableLength
    const isStalled = socket.writableLength > 0 && taken === this.#taken
    if (!this.#isAlive || isStalled) {
      this.webSocket.terminate()
      return
    }
    this.#isAlive = false
    this.#taken = taken
    this.webSocket.ping()
  }

  /** After 4403 the official client does not connect again on its own; after 1013 it does. */
  #refuse(error: unknown): void {
    this.#viewer = undefined
    const { message, extensions } = describeError(maskError(error), randomUUID(), this.#options.log)
    this.#options.observer.rejected(extensions['code'] as string)
    const isForbidden = extensions['code'] === 'UNAUTHENTICATED'
    this.webSocket.close(isForbidden ? CloseCode.Forbidden : TRY_AGAIN_LATER, message)
  }

  #fail(error: unknown): void {
    if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
      this.webSocket.close(CloseCode.BadRequest, 'Invalid message received')
      return
    }
    this.#options.log.error({ err: error }, 'a message could not be handled')
    this.webSocket.close(CloseCode.InternalServerError, 'Internal server error')
  }
}

/** What names the trace; nothing that is longer than such a name can be. Source: Trace Context, 3.2.2. */
function traceparentIn({ traceparent }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof traceparent === 'string' && traceparent.length <= 64 ? traceparent : undefined
}
