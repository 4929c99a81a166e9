import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ConnectionLimits, DocumentLimits, StreamBuffer } from '../../config.ts'
import { schema } from '../../graphql/schema.ts'
import { setUserTimeout } from '../../native/sockets.ts'
import type { Credentials } from '../auth/credentials.ts'
import { introspectionRule, parseDocument } from '../document-rules.ts'
import { createEventStreams } from '../event-stream/event-stream.ts'
import { Gate } from '../gate.ts'
import { FairQueue } from '../limits/fair-queue.ts'
import { Limits, type LimitsOptions } from '../limits/limits.ts'
import { EVERY_DOCUMENT, readTrustedDocuments } from '../limits/trusted-documents.ts'
import { createLive } from '../live/live.ts'
import { Operations, type OperationsOptions } from '../operation.ts'
import { WebSockets } from '../websocket/sockets.ts'
import { limitConnections, MAX_HEADER_BYTES } from './connections.ts'
import { GraphqlOverHttp } from './graphql-over-http.ts'
import { MediaTypes } from './media-types.ts'
import { createOrigins } from './origins.ts'
import { Pipelines } from './pipelines.ts'
import { Router, type RouterOptions } from './router.ts'
import { spread } from './spread.ts'
import { isWebSocketUpgrade } from './upgrades.ts'
import { createGraphqlServer } from './yoga.ts'

export interface ServerOptions
  extends
    Omit<OperationsOptions, 'live' | 'mayIntrospect'>,
    Omit<LimitsOptions, keyof ConnectionLimits>,
    Pick<RouterOptions, 'database' | 'graphiql' | 'webConsole'> {
  host: string
  port: number
  /** Who may come in, and until when. */
  credentials: Credentials
  streamBuffer: StreamBuffer
  maxBodyBytes: number
  documentLimits: DocumentLimits
  connectionLimits: ConnectionLimits
  /** Whether others than administrators may ask for the schema. */
  introspection: boolean
  /** The sites whose pages may use the gateway, besides its own. */
  allowedOrigins: readonly string[]
  /** The file of trusted documents, and whether they are the only ones that are run. */
  trustedDocuments: { path: string; only: boolean } | undefined
  /** Over how many milliseconds the long-lived connections are ended when the server stops. */
  shutdownMs: number
}

/**
 * How long the other side of a connection may leave what it was sent unanswered, or have no room for more, in
 * milliseconds, before the connection is closed. Idle streams are sent a ping every 12 s, so that it shows.
 */
const UNACKNOWLEDGED_MS = 20_000

/** How long what is still open may take to end by itself when the server stops, in milliseconds. */
const DRAIN_MS = 2_000

/** How long answers that are due get before streams are ended because the database is lost, in milliseconds. */
const ANSWERS_FIRST_MS = 200

/** Starts to listen; resolves when connections are accepted, rejects with a clear message when they can't be. */
export async function startServer(options: ServerOptions): Promise<{ url: string } & AsyncDisposable> {
  const { database, shutdownMs } = options
  const parts = await assemble(options)
  const { router, eventStreams } = parts
  const server = createHttpServer(options, router)
  await listen(server, options)
  // Not before: it would print the errors of listening as its own.
  const webSockets = new WebSockets(server, { ...options, ...parts })
  const endStreams = () => spread([...webSockets.endings(), ...eventStreams.endings()], shutdownMs)
  /** Streams would wait for what can no longer come: their clients come again, and are told. */
  database.listen({
    began() {
      if (database.isLost) setTimeout(() => void endStreams(), ANSWERS_FIRST_MS).unref()
    },
  })

  return {
    url: urlOf(server),
    /**
     * Answers new requests with 503, ends what is long-lived over a window, lets the rest finish, and cuts what has not
     * ended `DRAIN_MS` after that.
     */
    async [Symbol.asyncDispose]() {
      router.isStopping = true
      webSockets.refuse()
      await endStreams()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const drained = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await Promise.all([closed, webSockets.close(DRAIN_MS), eventStreams.close(DRAIN_MS)])
      clearTimeout(drained)
    },
  }
}

/** Makes the parts that a request goes through. */
async function assemble(options: ServerOptions) {
  const { credentials, connectionLimits, documentLimits, trustedDocuments, log } = options
  const mayIntrospect = introspectionRule(options.introspection)
  const limits = new Limits({ ...options, ...connectionLimits })
  const gate = new Gate({
    credentials,
    limits,
    documentLimits,
    mayIntrospect,
    queue: new FairQueue(),
    trusted: trustedDocuments
      ? await readTrustedDocuments(trustedDocuments, (text) => parseDocument(text, documentLimits), schema)
      : EVERY_DOCUMENT,
  })
  const operations = new Operations({ ...options, mayIntrospect, live: createLive(options) })
  const [eventStreams, mediaTypes] = [createEventStreams(), new MediaTypes()]
  const yoga = createGraphqlServer({ eventStreams, credentials, mediaTypes, log })
  const graphql = new GraphqlOverHttp({ ...options, gate, limits, operations, mediaTypes, yoga })
  const origins = createOrigins(options.allowedOrigins)
  const pipelines = new Pipelines(connectionLimits.operations)
  const router = new Router({ ...options, gate, graphql, limits, origins, pipelines })
  return { router, gate, limits, operations, eventStreams, origins }
}

function createHttpServer({ connectionLimits, log }: ServerOptions, router: Router): Server {
  const { headersTimeoutMs, requestTimeoutMs, perAddress } = connectionLimits
  const server = createServer(
    {
      requestTimeout: requestTimeoutMs,
      headersTimeout: headersTimeoutMs,
      // The timeouts are looked at this often, and only then.
      connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs / 2),
      maxHeaderSize: MAX_HEADER_BYTES,
      shouldUpgradeCallback: isWebSocketUpgrade,
      // The system finds out when the other side of an idle connection is gone without a word.
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    },
    (request, response) => router.handle(request, response),
  )
  server.on('connection', (socket) => setUserTimeout(socket, UNACKNOWLEDGED_MS))
  limitConnections(server, perAddress, log)
  return server
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem =
        error.code === 'EADDRINUSE'
          ? `Port ${port} on ${host} is in use. Stop what listens there, or set PORT to another one.`
          : `Cannot listen on ${host}:${port}: ${error.message}.`
      reject(new Error(problem, { cause: error }))
    })
    server.listen(port, host, resolve)
  })
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  const host = family === 'IPv6' ? `[${address}]` : address
  return `http://${host === '127.0.0.1' ? 'localhost' : host}:${port}`
}
