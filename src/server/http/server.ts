import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConnectionLimits, DocumentLimits, StreamBuffer } from '../../config.ts'
import { schema } from '../../graphql/schema.ts'
import { setUserTimeout } from '../../native/sockets.ts'
import type { Transport } from '../../observability/observer.ts'
import type { Credentials } from '../auth/credentials.ts'
import { introspectionRule, parseDocument } from '../document-rules.ts'
import { createEventStreams } from '../event-stream/event-stream.ts'
import { Gate } from '../gate.ts'
import { FairQueue } from '../limits/fair-queue.ts'
import { Limits, type LimitsOptions } from '../limits/limits.ts'
import { openPersistedDocuments, type PersistedDocumentsOptions } from '../limits/persisted-documents.ts'
import { createLive, type LiveOptions } from '../live/live.ts'
import { Operations, type OperationsOptions } from '../operation.ts'
import { WebSockets } from '../websocket/sockets.ts'
import { limitConnections, MAX_HEADER_BYTES } from './connections.ts'
import { GraphqlOverHttp } from './graphql-over-http.ts'
import { MediaTypes } from './media-types.ts'
import { createOrigins, type OriginsOptions } from './origins.ts'
import { Pipelines } from './pipelines.ts'
import { Probes, type ProbesOptions } from './probes.ts'
import { Router, type RouterOptions } from './router.ts'
import { SchemaFiles } from './schema-file.ts'
import { spread } from './spread.ts'
import { isWebSocketUpgrade } from './upgrades.ts'
import { createGraphqlServer } from './yoga.ts'

export interface ServerOptions
  extends
    Omit<OperationsOptions, 'live' | 'mayIntrospect' | 'observer'>,
    Omit<LimitsOptions, keyof ConnectionLimits>,
    ProbesOptions,
    Pick<LiveOptions, 'traffic'>,
    Pick<PersistedDocumentsOptions, 'trustedDocuments' | 'registeredDocumentBytes'>,
    Pick<RouterOptions, 'observer' | 'database' | 'graphiql' | 'webConsole'> {
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
  /** Whether queries are answered while it cannot be known whether that is current. */
  staleReads: boolean
  /** Which other origins' pages may use the gateway, and how. */
  cors: OriginsOptions
  /** How long requests are served after the gateway says that it is not ready and before it stops, in milliseconds. */
  drainDelayMs: number
  /** Over how many milliseconds the long-lived connections are ended when the server stops. */
  shutdownMs: number
}

/**
 * How long the other side of a connection may leave what it was sent unanswered, or have no room for more, in
 * milliseconds, before the connection is closed. Idle streams are sent a ping every 12 s, so that it shows.
 */
const UNACKNOWLEDGED_MS = 20_000

/** How long what is still open may take to end by itself when the server stops, in milliseconds. */
const GRACE_MS = 2_000

/** How long answers that are due get before streams are ended because the database is lost, in milliseconds. */
const ANSWERS_FIRST_MS = 200

export interface HttpServer extends AsyncDisposable {
  url: string
  /** Reads the trusted documents again. */
  reloadDocuments: () => Promise<void>
  /** Fails readiness, and resolves when load balancers have had the time to see it; until then all goes on. */
  drain: () => Promise<void>
  /** What is open now. */
  usage: () => Promise<ServerUsage>
}

interface ServerUsage {
  /** Connections by what they are used for. */
  connections: Record<Transport, number>
  /** How full the fullest buffer of a stream is, from 0 to 1. */
  fullestBuffer: number
  /** Streams whose client has not taken all that it was sent. */
  lagging: number
}

/** Starts to listen; resolves when connections are accepted, rejects with a clear message when they can't be. */
export async function startServer(options: ServerOptions): Promise<HttpServer> {
  const { database, drainDelayMs, shutdownMs } = options
  const parts = await assemble(options)
  const { router, probes, eventStreams, live } = parts
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
    reloadDocuments: () => parts.documents.reload(),
    async drain() {
      probes.isStopping = true
      if (drainDelayMs > 0) await pause(drainDelayMs)
    },
    async usage() {
      const websocket = webSockets.size
      const [multipart, sse] = [eventStreams.count('multipart'), eventStreams.count('sse')]
      const all = await promisify(server.getConnections.bind(server))()
      const fills = [...live.streams].map(({ fill }) => fill)
      return {
        connections: { http: all - websocket, multipart, sse, websocket },
        fullestBuffer: fills.reduce((fullest, fill) => Math.max(fullest, fill), 0),
        lagging: fills.filter((fill) => fill > 0).length,
      }
    },
    /**
     * Answers new requests with 503, ends what is long-lived over a window, lets the rest finish, and cuts what has not
     * ended `GRACE_MS` after that.
     */
    async [Symbol.asyncDispose]() {
      probes.isStopping = true
      router.isStopping = true
      webSockets.refuse()
      await endStreams()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const drained = setTimeout(() => server.closeAllConnections(), GRACE_MS)
      await Promise.all([closed, webSockets.close(GRACE_MS), eventStreams.close(GRACE_MS)])
      clearTimeout(drained)
    },
  }
}

/** Makes the parts that a request goes through. */
async function assemble(options: ServerOptions) {
  const { credentials, connectionLimits, documentLimits, log } = options
  const mayIntrospect = introspectionRule(options.introspection)
  const limits = new Limits({ ...options, ...connectionLimits })
  const parse = (text: string) => parseDocument(text, documentLimits)
  const documents = await openPersistedDocuments({ ...options, parse, schema })
  const gate = new Gate({
    credentials,
    reader: options.reader,
    staleReads: options.staleReads,
    limits,
    documentLimits,
    mayIntrospect,
    observer: options.observer,
    queue: new FairQueue(),
    documents,
  })
  const live = createLive(options)
  const operations = new Operations({ ...options, mayIntrospect, live })
  const [eventStreams, mediaTypes] = [createEventStreams(), new MediaTypes()]
  const yoga = createGraphqlServer({ eventStreams, credentials, mediaTypes, log })
  const origins = createOrigins(options.cors)
  const graphql = new GraphqlOverHttp({ ...options, gate, limits, operations, origins, mediaTypes, yoga })
  const pipelines = new Pipelines(connectionLimits.operations)
  const probes = new Probes(options)
  const schemaFiles = new SchemaFiles(mayIntrospect)
  const router = new Router({ ...options, gate, graphql, limits, origins, pipelines, probes, schemaFiles })
  return { router, probes, gate, documents, limits, live, operations, eventStreams, origins }
}

function createHttpServer({ connectionLimits, ...reporting }: ServerOptions, router: Router): Server {
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
  limitConnections(server, perAddress, reporting)
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
