import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { ConnectionLimits, StreamBuffer } from '../config.ts'
import type { DatabaseHealth } from '../database/health.ts'
import type { Reader } from '../database/reader.ts'
import { UNAVAILABLE } from '../domain/unavailable.ts'
import { clientError, maskError, unavailable } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import { setUserTimeout } from '../native/sockets.ts'
import type { Viewer } from '../services/viewer.ts'
import { turnAway, type Refused } from './auth/admission.ts'
import { limitFailures, notAuthenticated } from './auth/authentication.ts'
import type { Credentials } from './auth/credentials.ts'
import { parseDocument } from './document-rules.ts'
import { describeError, STOPPING } from './error-contract.ts'
import type { PageHandler } from './assets/page.ts'
import { createFastPath } from './fast-path.ts'
import { limitConnections, MAX_HEADER_BYTES } from './limits/connections.ts'
import { createDocumentCache } from './limits/document-cache.ts'
import { Pipelines } from './limits/pipelines.ts'
import { FairQueue } from './limits/fair-queue.ts'
import { createLimits } from './limits/limits.ts'
import { createOrigins } from './limits/origins.ts'
import type { Rates } from './limits/rates.ts'
import { EVERY_DOCUMENT, readTrustedDocuments } from './limits/trusted-documents.ts'
import { createLive } from './live/live.ts'
import { API_HEADERS } from './raw-answer.ts'
import { spread } from './spread.ts'
import { isWebSocketUpgrade } from './upgrades.ts'
import { serveWebSockets } from './websocket.ts'
import { createGraphql, ENDPOINT, type GraphqlOptions, type RequestFacts } from './yoga.ts'

export interface ServerOptions extends Omit<GraphqlOptions, 'documents'> {
  host: string
  port: number
  /** Who may come in, and until when. */
  credentials: Credentials
  streamBuffer: StreamBuffer
  reader: Reader
  /** Whether the database can be used. */
  database: DatabaseHealth
  /** What answers that are kept may take together, in bytes; 0 keeps none. */
  answerCacheBytes: number
  maxCost: number
  /** What an answer may have, in bytes. */
  maxAnswerBytes: number
  rates: Rates
  windowSeconds: number
  connectionLimits: ConnectionLimits
  /** The sites whose pages may use the gateway, besides its own. */
  allowedOrigins: readonly string[]
  /** The file of trusted documents, and whether they are the only ones that are run. */
  trustedDocuments: { path: string; only: boolean } | undefined
  /** Serves GraphiQL at the endpoint; left out when it is switched off. */
  graphiql: PageHandler | undefined
  /** Serves the web console at `/`. */
  webConsole: PageHandler
  /** Over how many milliseconds the long-lived connections are ended when the server stops. */
  shutdownMs: number
  log: Logger
}

/** Where a client may name its own request, so that both sides' logs meet. */
const REQUEST_ID_HEADER = 'x-request-id'
const ACCEPTABLE_REQUEST_ID = /^[\w.-]{8,64}$/

/**
 * How long the other side of a connection may leave what it was sent unanswered, or have no room for more, in
 * milliseconds, before the connection is closed. Idle streams are sent a ping every 12 s, so that it shows.
 */
const UNACKNOWLEDGED_MS = 20_000

/** How long what is still open may take to end by itself when the server stops, in milliseconds. */
const DRAIN_MS = 2_000

const API_HEADER_ENTRIES = Object.entries(API_HEADERS)

const NOT_HERE: Refused = {
  status: 404,
  error: clientError('NOT_FOUND', `Not found. GraphQL is at ${ENDPOINT}.`),
}
const NOT_GET_OR_POST: Refused = {
  status: 405,
  error: clientError('METHOD_NOT_ALLOWED', 'GraphQL only supports GET and POST requests.'),
  headers: { allow: 'GET, POST' },
}

/** How long answers that are due get before streams are ended because the database is lost, in milliseconds. */
const ANSWERS_FIRST_MS = 200

/** Starts to listen; resolves when connections are accepted, rejects with a clear message when they can't be. */
export async function startServer(options: ServerOptions): Promise<{ url: string } & AsyncDisposable> {
  const { host, port, credentials, database, graphiql, webConsole, shutdownMs, log } = options
  const { connectionLimits, documentLimits } = options
  const live = createLive(options)
  const limits = createLimits({
    ...options,
    ...connectionLimits,
    schema,
    queue: new FairQueue(),
    trusted: options.trustedDocuments
      ? await readTrustedDocuments(
          options.trustedDocuments,
          (text) => parseDocument(text, documentLimits),
          schema,
        )
      : EVERY_DOCUMENT,
  })
  const authenticate = limitFailures(credentials.authenticate, limits)
  const common = { ...options, documents: createDocumentCache() }
  const fastPath = createFastPath({ ...common, limits })
  const graphql = createGraphql(common, live, limits, fastPath)
  const origins = createOrigins(options.allowedOrigins)
  const pipelines = new Pipelines(connectionLimits.operations)
  let stopping = false

  function fail(response: ServerResponse, { status, error, headers }: Refused, requestId: string): void {
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
      .end(JSON.stringify({ errors: [describeError(error, requestId, log)] }))
  }

  /** Finds out who asks before anything else is made of a request: its body is not even read before. */
  async function answer(request: IncomingMessage, response: ServerResponse, { requestId }: RequestFacts) {
    const { authorization } = request.headers
    let viewer: Viewer
    try {
      viewer = await authenticate(authorization, request.socket)
    } catch (error) {
      fail(response, notAuthenticated(maskError(error), authorization !== undefined), requestId)
      return
    }
    const facts: RequestFacts = { requestId, viewer }
    if (await fastPath.answer(request, response, facts)) return
    await graphql(request, response, facts)
  }

  /** In words that a stranger may read; the log has the details. */
  function whyNotReady(): string | undefined {
    if (stopping) return 'stopping'
    const reason = database.unready()
    return reason && UNAVAILABLE[reason]
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers[REQUEST_ID_HEADER]
    const requestId = typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) ? given : randomUUID()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    for (const [name, value] of API_HEADER_ENTRIES) response.setHeader(name, value)
    const path = request.url?.split('?', 1)[0]
    if (origins.answerCors(request, response)) return
    const turnedAway = turnAway(request, credentials.required)
    if (path === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
    } else if (path === '/readyz') {
      const unready = whyNotReady()
      response
        .writeHead(unready === undefined ? 200 : 503, { 'content-type': 'text/plain' })
        .end(`${unready ?? 'ok'}\n`)
    } else if (stopping) {
      response.setHeader('connection', 'close').setHeader('retry-after', '1')
      fail(response, { status: 503, error: STOPPING }, requestId)
    } else if (turnedAway) {
      fail(response, turnedAway, requestId)
    } else if (graphiql?.(request, response)) {
      log.debug({ requestId, path }, 'graphiql')
    } else if (webConsole(request, response)) {
      log.debug({ requestId, path }, 'console')
    } else if (path !== ENDPOINT) {
      fail(response, NOT_HERE, requestId)
    } else if (request.method !== 'GET' && request.method !== 'POST') {
      fail(response, NOT_GET_OR_POST, requestId)
    } else if (database.isLost) {
      const error = unavailable(database.problem?.reason ?? 'REMOVED')
      fail(response, { status: 503, error, headers: { 'retry-after': '5' } }, requestId)
    } else {
      pipelines.enter(request.socket, response, {
        run: () => {
          answer(request, response, { requestId }).catch((error: unknown) => {
            log.error({ err: error, requestId }, 'a request could not be answered')
            response.destroy()
          })
        },
        refuse: () => fail(response, { status: 429, error: limits.tooManyOperations() }, requestId),
      })
    }
  }

  const server = createServer(
    {
      requestTimeout: connectionLimits.requestTimeoutMs,
      headersTimeout: connectionLimits.headersTimeoutMs,
      // The timeouts are looked at this often, and only then.
      connectionsCheckingInterval: Math.min(5_000, connectionLimits.headersTimeoutMs / 2),
      maxHeaderSize: MAX_HEADER_BYTES,
      shouldUpgradeCallback: isWebSocketUpgrade,
      // The system finds out when the other side of an idle connection is gone without a word.
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    },
    handle,
  )
  server.on('connection', (socket) => setUserTimeout(socket, UNACKNOWLEDGED_MS))
  limitConnections(server, connectionLimits.perAddress, log)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} on ${host} is in use. Stop what listens there, or set PORT to another one.`,
            )
          : new Error(`Cannot listen on ${host}:${port}: ${error.message}.`, { cause: error }),
      )
    })
    server.listen(port, host, resolve)
  })
  // Not before: it would print the errors of listening as its own.
  const webSockets = serveWebSockets(server, graphql, { ...options, authenticate, limits, origins })
  /** Streams would wait for what can no longer come: their clients come again, and are told. */
  database.listen({
    began() {
      if (!database.isLost) return
      const end = () => spread([...webSockets.endings(), ...live.eventStreams.endings()], shutdownMs)
      setTimeout(() => void end(), ANSWERS_FIRST_MS).unref()
    },
  })
  const address = server.address() as AddressInfo
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${shownHost === '127.0.0.1' ? 'localhost' : shownHost}:${address.port}`,
    /**
     * Answers new requests with 503, ends what is long-lived over a window, lets the rest finish, and cuts what has not
     * ended `DRAIN_MS` after that.
     */
    async [Symbol.asyncDispose]() {
      stopping = true
      webSockets.refuse()
      await spread([...webSockets.endings(), ...live.eventStreams.endings()], shutdownMs)
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const drained = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await Promise.all([closed, webSockets.close(DRAIN_MS), live.eventStreams.close(DRAIN_MS)])
      clearTimeout(drained)
    },
  }
}
