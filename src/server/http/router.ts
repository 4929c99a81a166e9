import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { DatabaseHealth } from '../../database/health.ts'
import { clientError, maskError, unavailable } from '../../graphql/errors.ts'
import type { Observer } from '../../observability/observer.ts'
import { withoutSecrets } from '../../observability/secrets.ts'
import type { Viewer } from '../../services/viewer.ts'
import type { Credentials } from '../auth/credentials.ts'
import { codeOf, describeError, STOPPING } from '../describe-error.ts'
import { Exchange } from '../exchange.ts'
import type { Gate } from '../gate.ts'
import type { Limits } from '../limits/limits.ts'
import type { PageHandler } from '../pages/assets/page.ts'
import { ENDPOINT } from './endpoint.ts'
import type { GraphqlOverHttp } from './graphql-over-http.ts'
import type { Origins } from './origins.ts'
import type { Pipelines } from './pipelines.ts'
import type { Probes } from './probes.ts'
import { API_HEADERS } from './raw-answer.ts'
import { isSchemaPath, type SchemaFiles, type SchemaPath } from './schema-file.ts'
import { notAuthenticated, turnAway, type Refused } from './turn-away.ts'

export interface RouterOptions {
  gate: Gate
  graphql: GraphqlOverHttp
  limits: Limits
  origins: Origins
  pipelines: Pipelines
  probes: Probes
  credentials: Pick<Credentials, 'required'>
  /** Whether the database can be used. */
  database: DatabaseHealth
  /** Serves GraphiQL at the endpoint; left out when it is switched off. */
  graphiql: PageHandler | undefined
  schemaFiles: SchemaFiles
  /** Serves the web console at `/`. */
  webConsole: PageHandler
  observer: Observer
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
    const requestId = isRequestId(given) ? given : randomUUID()
    response.setHeader(REQUEST_ID_HEADER, requestId)
    for (const [name, value] of API_HEADER_ENTRIES) response.setHeader(name, value)
    const path = request.url?.split('?', 1)[0]
    if (this.#options.origins.answerCors(request, response)) return
    if (path !== ENDPOINT && this.#options.probes.answer(request.url ?? '', response)) return
    const refused = this.#refusal(request, response)
    if (refused) this.#fail(response, refused, requestId)
    else if (isSchemaPath(path)) this.#toSchema(path, request, response, requestId)
    else if (!this.#answerPage(request, response, requestId))
      this.#toGraphql(request, response, { path, requestId })
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

  #toSchema(path: SchemaPath, request: IncomingMessage, response: ServerResponse, requestId: string): void {
    const { schemaFiles, log } = this.#options
    const refused = schemaFiles.refusal(path, request)
    if (refused) {
      this.#fail(response, refused, requestId)
      return
    }
    this.#answerSchema(path, request, response, requestId).catch((error: unknown) => {
      log.error({ err: error, requestId }, 'a request could not be answered')
      response.destroy()
    })
  }

  async #answerSchema(
    path: SchemaPath,
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
  ): Promise<void> {
    const viewer = await this.#viewer(request, response, id)
    const refused = viewer && (await this.#options.schemaFiles.answer(path, request, response, viewer))
    if (refused) this.#fail(response, refused, id)
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
    const { graphql, observer } = this.#options
    const { headers, method, socket } = request
    const viewer = await this.#viewer(request, response, id)
    if (!viewer) return
    const isReadOnly = method === 'GET'
    const exchange = new Exchange({
      id,
      transport: 'http',
      client: observer.clients.of(headers),
      context: observer.contextFor(headers.traceparent),
      observer,
      viewer,
      connection: socket,
      from: socket,
      isReadOnly,
    })
    await graphql.answer(request, response, exchange)
  }

  /** Who asks; undefined when that was answered with an error. */
  async #viewer(
    { headers: { authorization }, socket }: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<Viewer | undefined> {
    try {
      return await this.#options.gate.authenticate(authorization, socket)
    } catch (error) {
      this.#fail(response, notAuthenticated(maskError(error), authorization !== undefined), requestId)
      return undefined
    }
  }

  #fail(response: ServerResponse, { status, error, headers }: Refused, requestId: string): void {
    this.#options.observer.rejected(codeOf(error))
    response
      .writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
      .end(JSON.stringify({ errors: [describeError(error, requestId, this.#options.log)] }))
  }
}

/** Whether it can be given back, and written into the log, as it is. */
function isRequestId(given: unknown): given is string {
  return typeof given === 'string' && ACCEPTABLE_REQUEST_ID.test(given) && withoutSecrets(given) === given
}
