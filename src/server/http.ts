import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from 'pino'
import type { GraphiqlHandler } from './graphiql/graphiql.ts'
import { serveWebSockets } from './websocket.ts'
import { createGraphql, ENDPOINT, type GraphqlOptions } from './yoga.ts'

export interface ServerOptions extends GraphqlOptions {
  host: string
  port: number
  /** Serves GraphiQL at the endpoint; left out when it is switched off. */
  graphiql: GraphiqlHandler | undefined
  log: Logger
}

/** Where a client may name its own request, so that both sides' logs meet. */
const REQUEST_ID_HEADER = 'x-request-id'
const ACCEPTABLE_REQUEST_ID = /^[\w.-]{8,64}$/

/** How long requests under way may take to end when the server stops, in milliseconds. */
const DRAIN_MS = 2_000

/** Starts to listen; resolves when connections are accepted, rejects with a clear message when they can't be. */
export async function startServer(options: ServerOptions): Promise<{ url: string } & AsyncDisposable> {
  const { host, port, graphiql, log } = options
  const graphql = createGraphql(options)

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers[REQUEST_ID_HEADER]
    const requestId = typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) ? given : randomUUID()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    const path = request.url?.split('?', 1)[0]
    if (path === '/healthz' || path === '/readyz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n')
    } else if (graphiql?.(request, response)) {
      log.debug({ requestId, url: request.url }, 'graphiql')
    } else if (path === ENDPOINT) {
      Promise.resolve(graphql(request, response, { requestId })).catch((error: unknown) => {
        log.error({ err: error, requestId }, 'a request could not be answered')
        response.destroy()
      })
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(`Not found. GraphQL is at ${ENDPOINT}.\n`)
    }
  }

  const server = createServer(
    {
      requestTimeout: 30_000,
      headersTimeout: 10_000,
      connectionsCheckingInterval: 5_000,
      maxHeaderSize: 16_384,
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
  const webSockets = serveWebSockets(server, graphql)
  const address = server.address() as AddressInfo
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address

  return {
    url: `http://${shownHost === '127.0.0.1' ? 'localhost' : shownHost}:${address.port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      await webSockets[Symbol.asyncDispose]()
      server.closeIdleConnections()
      const drained = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
      await closed
      clearTimeout(drained)
    },
  }
}
