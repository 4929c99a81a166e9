import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GraphQLError } from 'graphql'
import type { Logger } from 'pino'
import type { StreamBuffer } from '../config.ts'
import { clientError } from '../graphql/errors.ts'
import { describeError } from './error-contract.ts'
import type { GraphiqlHandler } from './graphiql/graphiql.ts'
import { createFastPath } from './fast-path.ts'
import { createLive } from './live/live.ts'
import { spread } from './spread.ts'
import { serveWebSockets } from './websocket.ts'
import { createGraphql, ENDPOINT, type GraphqlOptions } from './yoga.ts'

export interface ServerOptions extends GraphqlOptions {
  host: string
  port: number
  streamBuffer: StreamBuffer
  /** Serves GraphiQL at the endpoint; left out when it is switched off. */
  graphiql: GraphiqlHandler | undefined
  /** Over how many milliseconds the long-lived connections are ended when the server stops. */
  shutdownMs: number
  log: Logger
}

/** Where a client may name its own request, so that both sides' logs meet. */
const REQUEST_ID_HEADER = 'x-request-id'
const ACCEPTABLE_REQUEST_ID = /^[\w.-]{8,64}$/

/** How long requests under way may take to end after that, in milliseconds. */
const DRAIN_MS = 2_000

/** Starts to listen; resolves when connections are accepted, rejects with a clear message when they can't be. */
export async function startServer(options: ServerOptions): Promise<{ url: string } & AsyncDisposable> {
  const { host, port, graphiql, shutdownMs, log } = options
  const live = createLive(options)
  const fastPath = createFastPath(options)
  const graphql = createGraphql(options, live, fastPath)
  let stopping = false

  function fail(response: ServerResponse, status: number, error: GraphQLError, requestId: string): void {
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
      .end(JSON.stringify({ errors: [describeError(error, requestId, log)] }))
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers[REQUEST_ID_HEADER]
    const requestId = typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) ? given : randomUUID()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    const path = request.url?.split('?', 1)[0]
    if (path === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
    } else if (path === '/readyz') {
      response
        .writeHead(stopping ? 503 : 200, { 'content-type': 'text/plain' })
        .end(stopping ? 'stopping\n' : 'ok\n')
    } else if (stopping) {
      response.setHeader('connection', 'close').setHeader('retry-after', '1')
      fail(
        response,
        503,
        clientError('SERVICE_UNAVAILABLE', 'The gateway is stopping. Try again in a moment.'),
        requestId,
      )
    } else if (graphiql?.(request, response)) {
      log.debug({ requestId, url: request.url }, 'graphiql')
    } else if (path === ENDPOINT) {
      fastPath.handle(request, response, requestId, (body) => {
        Promise.resolve(graphql(request, response, { requestId, body })).catch((error: unknown) => {
          log.error({ err: error, requestId }, 'a request could not be answered')
          response.destroy()
        })
      })
    } else {
      fail(response, 404, clientError('NOT_FOUND', `Not found. GraphQL is at ${ENDPOINT}.`), requestId)
    }
  }

  const server = createServer(
    {
      requestTimeout: 30_000,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
      // The system finds out when the other side of an idle connection is gone without a word.
      keepAlive: true,
      keepAliveInitialDelay: 10_000,
    },
    handle,
  )
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
  const webSockets = serveWebSockets(server, graphql, options)
  const address = server.address() as AddressInfo
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${shownHost === '127.0.0.1' ? 'localhost' : shownHost}:${address.port}`,
    /** Answers nothing new but that it stops, ends what is long-lived over a window, and lets the rest finish. */
    async [Symbol.asyncDispose]() {
      stopping = true
      await spread([...webSockets.endings(), ...live.eventStreams.endings()], shutdownMs)
      const closed = new Promise((resolve) => server.close(resolve))
      await webSockets[Symbol.asyncDispose]()
      server.closeIdleConnections()
      const drained = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await closed
      clearTimeout(drained)
    },
  }
}
