import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { DatabaseHealth } from '../../database/health.ts'
import { UNAVAILABLE } from '../../domain/unavailable.ts'
import { clientError, maskError, unavailable } from '../../graphql/errors.ts'
import type { Credentials } from '../auth/credentials.ts'
import { describeError, STOPPING } from '../describe-error.ts'
import { Exchange } from '../exchange.ts'
import type { Gate } from '../gate.ts'
import type { Limits } from '../limits/limits.ts'
import type { PageHandler } from '../pages/assets/page.ts'
import { ENDPOINT } from './endpoint.ts'
import type { GraphqlOverHttp } from './graphql-over-http.ts'
import type { Origins } from './origins.ts'
import type { Pipelines } from './pipelines.ts'
import { API_HEADERS } from './raw-answer.ts'
import { notAuthenticated, turnAway, type Refused } from './turn-away.ts'

export interface RouterOptions {
  gate: Gate
  graphql: GraphqlOverHttp
  limits: Limits
  origins: Origins
  pipelines: Pipelines
  credentials: Pick<Credentials, 'required'>
  /** Whether the database can be used. */
  database: DatabaseHealth
  /** Serves GraphiQL at the endpoint; left out when it is switched off. */
  graphiql: PageHandler | undefined
  /** Serves the web console at `/`. */
  webConsole: PageHandler
  log: Logger
}

/** Where a client may name its own request, so that both sides' logs meet. */
const REQUEST_ID_HEADER = 'x-request-id'
const ACCEPTABLE_REQUEST_ID = /^[\w.-]{8,64}$/

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

/** Leads requests to what answers them: probes, pages or GraphQL. */
export class Router {
  /** Whether new requests are refused. */
  isStopping = false
  readonly #options: RouterOptions

  constructor(options: RouterOptions) {
    this.#options = options
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const given = request.headers[REQUEST_ID_HEADER]
    const requestId = typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) ? given : randomUUID()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    for (const [name, value] of API_HEADER_ENTRIES) response.setHeader(name, value)
    const path = request.url?.split('?', 1)[0]
    if (this.#options.origins.answerCors(request, response)) return
    if (path === '/healthz' || path === '/readyz') {
      this.#answerProbe(path, response)
      return
    }
    const refused = this.#refusal(request, response)
    if (refused) this.#fail(response, refused, requestId)
    else if (!this.#answerPage(request, response, requestId))
      this.#toGraphql(request, response, { path, requestId })
  }

  #answerProbe(path: '/healthz' | '/readyz', response: ServerResponse): void {
    const problem = path === '/readyz' ? this.#whyNotReady() : undefined
    response
      .writeHead(problem === undefined ? 200 : 503, { 'content-type': 'text/plain' })
      .end(`${problem ?? 'ok'}\n`)
  }

  /** In words that a stranger may read; the log has the details. */
  #whyNotReady(): string | undefined {
    if (this.isStopping) return 'stopping'
    const reason = this.#options.database.unready()
    return reason && UNAVAILABLE[reason]
  }

  /** Why no request is answered now. */
  #refusal(request: IncomingMessage, response: ServerResponse): Refused | undefined {
    if (!this.isStopping) return turnAway(request, this.#options.credentials.required)
    response.setHeader('connection', 'close').setHeader('retry-after', '1')
    return { status: 503, error: STOPPING }
  }

  #answerPage(request: IncomingMessage, response: ServerResponse, requestId: string): boolean {
    const { graphiql, webConsole, log } = this.#options
    const page = graphiql?.(request, response)
      ? 'graphiql'
      : webConsole(request, response)
        ? 'console'
        : undefined
    if (page) log.debug({ requestId, path: request.url?.split('?', 1)[0] }, page)
    return page !== undefined
  }

  #toGraphql(
    request: IncomingMessage,
    response: ServerResponse,
    { path, requestId }: { path: string | undefined; requestId: string },
  ): void {
    const { database, pipelines, limits, log } = this.#options
    const fail = (refused: Refused) => this.#fail(response, refused, requestId)
    if (path !== ENDPOINT) {
      fail(NOT_HERE)
    } else if (request.method !== 'GET' && request.method !== 'POST') {
      fail(NOT_GET_OR_POST)
    } else if (database.isLost) {
      const error = unavailable(database.problem?.reason ?? 'REMOVED')
      fail({ status: 503, error, headers: { 'retry-after': '5' } })
    } else {
      pipelines.enter(request.socket, response, {
        run: () => {
          this.#answer(request, response, requestId).catch((error: unknown) => {
            log.error({ err: error, requestId }, 'a request could not be answered')
            response.destroy()
          })
        },
        refuse: () => fail({ status: 429, error: limits.tooManyOperations() }),
      })
    }
  }

  /** Finds out who asks before anything else is made of a request: its body is not even read before. */
  async #answer(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const { gate, graphql } = this.#options
    const { headers, method, socket } = request
    let viewer
    try {
      viewer = await gate.authenticate(headers.authorization, socket)
    } catch (error) {
      this.#fail(response, notAuthenticated(maskError(error), headers.authorization !== undefined), id)
      return
    }
    const isReadOnly = method === 'GET'
    await graphql.answer(request, response, new Exchange({ id, viewer, connection: socket, isReadOnly }))
  }

  #fail(response: ServerResponse, { status, error, headers }: Refused, requestId: string): void {
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
      .end(JSON.stringify({ errors: [describeError(error, requestId, this.#options.log)] }))
  }
}
