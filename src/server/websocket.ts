import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import { errorAsyncIterator, isAsyncIterable, type GraphQLParams } from 'graphql-yoga'
import type { Logger } from 'pino'
import { WebSocketServer, type WebSocket } from 'ws'
import type { ConnectionLimits, StreamBuffer } from '../config.ts'
import type { DatabaseHealth } from '../database/health.ts'
import { clientError, maskError, unavailable } from '../graphql/errors.ts'
import { turnAway } from './auth/admission.ts'
import type { Authenticate } from './auth/authentication.ts'
import type { Credentials } from './auth/credentials.ts'
import { admitSocket, type SocketSession } from './auth/socket-session.ts'
import { ClientSocket } from './client-socket.ts'
import { describeError, STOPPING } from './error-contract.ts'
import { end, type Limits } from './limits/limits.ts'
import type { Origins } from './limits/origins.ts'
import { Pace } from './limits/pace.ts'
import type { Turn } from './limits/fair-queue.ts'
import type { LiveStream } from '../delivery/live-stream.ts'
import { LiveResults } from './live/live-results.ts'
import { WebSocketOutlet } from './live/websocket-outlet.ts'
import { answerRaw } from './raw-answer.ts'
import { ENDPOINT, type GraphqlServer, type RequestFacts } from './yoga.ts'

/** How long a client may take to introduce itself, in milliseconds. */
const INIT_MS = 3_000

/** How often a socket is asked whether its other side is still there, in milliseconds. One that has not answered by the next time is cut. */
const PING_MS = 12_000

/** The longest id that an operation may have, in characters: it is sent with each event. */
const MAX_ID_LENGTH = 128

/** Close codes of the WebSocket itself after which the official client connects again. */
const GOING_AWAY = 1001
const TRY_AGAIN_LATER = 1013

/** The version of the protocol that is spoken here, as a client that speaks another one is told (RFC 6455, 4.4). */
const VERSION = { 'sec-websocket-version': '13' }

const ELSEWHERE = {
  status: 404,
  error: clientError('NOT_FOUND', `No WebSocket is opened here. They are at ${ENDPOINT}.`),
}

const FOREIGN = {
  status: 403,
  error: clientError('FOREIGN_ORIGIN', 'A page of this site may not open a WebSocket here.'),
}

const UNAVAILABLE = { status: 503, error: STOPPING }

/** What the arguments of an operation carry from its preparation to its execution. */
interface Prepared extends ExecutionArgs {
  rootValue: {
    execute: (args: ExecutionArgs) => Promise<ExecutionResult>
    subscribe: (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
    describe: (errors: readonly GraphQLError[]) => GraphQLError[]
    turn: Turn | undefined
  }
}

/** What is kept of a connection. */
interface Connection extends SocketSession {
  pace: Pace
  /** Whether it has shown that it lives since it was last asked. */
  isAlive: boolean
  /** How many bytes it had taken when it was last asked. */
  taken: number
  /** Gives back the place of its account. */
  leave: () => void
}

export interface WebSocketOptions {
  authenticate: Authenticate
  credentials: Credentials
  database: DatabaseHealth
  limits: Limits
  origins: Origins
  connectionLimits: ConnectionLimits
  maxBodyBytes: number
  streamBuffer: StreamBuffer
  log: Logger
}

/** The sockets of a server, as its end sees them. */
export interface WebSockets {
  /** Answers every new socket with 503 from now on. */
  refuse: () => void
  /** For each open socket, what tells its client to go away and come back (1001). */
  endings: () => (() => void)[]
  /** Tells all to go away; resolves when all are closed. Cuts those that are left after `timeoutMs`. */
  close: (timeoutMs: number) => Promise<void>
}

/**
 * graphql-transport-ws at the same endpoint, run through the same GraphQL as HTTP. An operation that cannot
 * be prepared, a syntax error included, ends that operation and not the socket.
 */
export function serveWebSockets(
  server: Server,
  graphql: GraphqlServer,
  {
    authenticate,
    credentials,
    database,
    limits,
    origins,
    connectionLimits,
    maxBodyBytes,
    streamBuffer,
    log,
  }: WebSocketOptions,
): WebSockets {
  const connections = new Set<Connection>()
  let isStopping = false
  /** Of operations whose answers are being taken, by their payloads. */
  const turns = new WeakMap<object, Turn>()
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxBodyBytes,
    allowSynchronousEvents: false,
    perMessageDeflate: false,
    handleProtocols,
    WebSocket: ClientSocket,
  })
  sockets.on('wsClientError', ({ message }, socket) =>
    answerRaw(socket, 400, clientError('BAD_REQUEST', `No WebSocket handshake: ${message}.`), log, VERSION),
  )
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const refused =
      (isStopping ? UNAVAILABLE : undefined) ??
      turnAway(request, credentials.required) ??
      (request.url?.split('?', 1)[0] === ENDPOINT ? undefined : ELSEWHERE) ??
      (origins.allowsSocket(request) ? lost() : FOREIGN)
    if (refused) answerRaw(socket, refused.status, refused.error, log)
    else
      sockets.handleUpgrade(request, socket, head, (webSocket) =>
        sockets.emit('connection', webSocket, request),
      )
  })

  /** What a new socket is told while there is no database to read. */
  function lost() {
    return database.isLost && database.problem
      ? { status: 503, error: unavailable(database.problem.reason) }
      : undefined
  }

  const protocol = makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_MS,

    async onConnect({ extra: connection, connectionParams }) {
      const viewer = await admitSocket(connection, connectionParams, { authenticate, credentials, log })
      if (!viewer) return false
      const leave = limits.sockets.enter(viewer.accountId)
      if (leave) connection.leave = leave
      else connection.webSocket.close(TRY_AGAIN_LATER, 'The account has too many streams')
      return leave !== undefined
    },

    execute: (args) => (args as Prepared).rootValue.execute(args),
    subscribe: (args) => (args as Prepared).rootValue.subscribe(args) as never,

    async onSubscribe(context, id, params): Promise<Prepared | GraphQLError[]> {
      const { extra: connection } = context
      const requestId = randomUUID()
      const describe = (errors: readonly GraphQLError[]) =>
        errors.map((error) => describeError(error, requestId, log))
      const facts: RequestFacts = { requestId, viewer: connection.viewer }
      try {
        if (Object.keys(context.subscriptions).length > connectionLimits.operations) {
          throw limits.tooManyOperations()
        }
        if (id.length > MAX_ID_LENGTH) {
          const message = `An id has at most ${MAX_ID_LENGTH} characters`
          connection.webSocket.close(CloseCode.BadRequest, message)
          throw clientError('BAD_REQUEST', `${message}.`)
        }
        await limits.takeTurn(facts, connection)
        // Completed by the client while it waited; nobody is told.
        if (!(id in context.subscriptions)) throw clientError('BAD_REQUEST', 'The operation is completed.')
        const admitted = await limits.admit(facts, params as GraphQLParams)
        const outlet = new WebSocketOutlet(connection.webSocket, connection.socket, id, streamBuffer)
        const enveloped = graphql.getEnveloped(Object.assign(facts, { outlet, params: admitted }) as never)
        const document = enveloped.parse(admitted.query ?? '') as DocumentNode
        const errors = enveloped.validate(enveloped.schema, document) as GraphQLError[]
        if (errors.length > 0) return refuse(describe(errors))
        return {
          schema: enveloped.schema as GraphQLSchema,
          document,
          operationName: admitted.operationName,
          variableValues: admitted.variables,
          contextValue: await enveloped.contextFactory(),
          rootValue: {
            execute: enveloped.execute as Prepared['rootValue']['execute'],
            subscribe: (args) =>
              follow(enveloped.subscribe as Follow, args, describe, facts.admission?.leaveStream),
            describe,
            turn: facts.admission?.turn,
          },
        }
      } catch (error) {
        return refuse(describe([maskError(error)]))
      }

      function refuse(errors: GraphQLError[]): GraphQLError[] {
        facts.admission?.leaveStream?.()
        if (facts.admission) end(facts.admission.turn)
        return errors
      }
    },

    onOperation(_context, _id, payload, args, result) {
      const { turn } = (args as Prepared).rootValue
      turn?.executed()
      if (isAsyncIterable(result)) turn?.answered()
      else if (turn) turns.set(payload, turn)
    },

    onComplete: (_context, _id, payload) => turns.get(payload)?.answered(),

    onNext: (_context, _id, _payload, args, result) =>
      result.errors ? { ...result, errors: (args as Prepared).rootValue.describe(result.errors) } : result,
  })

  sockets.on('connection', (webSocket, { socket }) => {
    const pace = new Pace(webSocket, connectionLimits.messagesPerSecond)
    const connection: Connection = {
      webSocket,
      socket,
      pace,
      isAlive: true,
      taken: 0,
      leave: () => undefined,
    }
    connections.add(connection)
    const closed = protocol.opened(
      {
        protocol: webSocket.protocol,
        // When it fails, the socket is closed, which is what ends everything.
        send: (message) =>
          new Promise((resolve) => {
            if (webSocket.readyState === webSocket.OPEN) webSocket.send(message, () => resolve())
            else resolve()
          }),
        close: (code, reason) => webSocket.close(code, reason),
        onMessage: (handle) =>
          webSocket.on('message', (message: Buffer, isBinary: boolean) => {
            pace.count()
            if (webSocket.readyState !== webSocket.OPEN) return
            if (isBinary) webSocket.close(CloseCode.BadRequest, 'Binary message received')
            else handle(message.toString()).catch((error: unknown) => fail(connection, error))
          }),
      },
      connection,
    )
    webSocket
      .on('ping', () => pace.count())
      .on('pong', () => (connection.isAlive = true))
      .on('error', (error) => log.debug({ err: error }, 'a client broke the rules of WebSockets'))
      .once('close', (code, reason) => {
        connections.delete(connection)
        pace.stop()
        connection.leave()
        closed(code, reason.toString()).catch((error: unknown) =>
          log.error({ err: error }, 'the streams of a socket could not be ended'),
        )
      })
  })
  sockets.on('error', (error) => log.error({ err: error }, 'the WebSocket server failed'))

  function fail({ webSocket }: Connection, error: unknown): void {
    if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
      webSocket.close(CloseCode.BadRequest, 'Invalid message received')
      return
    }
    log.error({ err: error }, 'a message could not be handled')
    webSocket.close(CloseCode.InternalServerError, 'Internal server error')
  }

  /** Cuts those that have not answered since the last time, or have taken nothing of what waits for them. */
  function check(): void {
    for (const connection of connections) {
      const { webSocket, socket, pace } = connection
      if (webSocket.readyState !== webSocket.OPEN || pace.isHeld) continue
      const taken = socket.bytesWritten - socket.writableLength
      const isStalled = socket.writableLength > 0 && taken === connection.taken
      if (!connection.isAlive || isStalled) {
        webSocket.terminate()
        continue
      }
      connection.isAlive = false
      connection.taken = taken
      webSocket.ping()
    }
  }
  const checks = setInterval(check, PING_MS)

  const goAway = (socket: WebSocket) => socket.close(GOING_AWAY, 'Going away')

  return {
    refuse: () => (isStopping = true),
    endings: () => [...sockets.clients].map((socket) => () => goAway(socket)),

    async close(timeoutMs) {
      clearInterval(checks)
      for (const socket of sockets.clients) goAway(socket)
      // A close handshake waits for the other side, which may not read, or may be gone.
      const late = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
      }, timeoutMs)
      await new Promise((resolve) => sockets.close(resolve))
      clearTimeout(late)
    },
  }
}

type Follow = Prepared['rootValue']['subscribe']

/** Runs a subscription; when it has joined its group, lets go of all that its own execution needed. */
async function follow(
  subscribe: Follow,
  args: ExecutionArgs,
  describe: Prepared['rootValue']['describe'],
  onEnd: () => void = () => undefined,
): ReturnType<Follow> {
  const result = await subscribe(args).catch((error: unknown) => {
    onEnd()
    throw error
  })
  if (!isAsyncIterable(result)) {
    onEnd()
    return result
  }
  const { live } = args.contextValue as { live?: LiveStream }
  const results = live
    ? new LiveResults(result, live, () =>
        Object.assign(args, { contextValue: undefined, rootValue: { describe } }),
      )
    : result
  return endingWith(
    errorAsyncIterator(results, (error) => {
      throw describe([maskError(error)])[0] ?? error
    }),
    onEnd,
  )
}

/** The same results; calls back when they have ended, failed or been left. */
function endingWith<T>(results: AsyncIterable<T>, onEnd: () => void): AsyncIterableIterator<T> {
  const iterator = results[Symbol.asyncIterator]()
  return {
    async next() {
      try {
        const next = await iterator.next()
        if (next.done) onEnd()
        return next
      } catch (error) {
        onEnd()
        throw error
      }
    },
    async return() {
      onEnd()
      await iterator.return?.()
      return { value: undefined, done: true }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
