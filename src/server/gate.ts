import type { Socket } from 'node:net'
import { GraphQLError, OperationTypeNode, type OperationDefinitionNode } from 'graphql'
import type { DocumentLimits } from '../config.ts'
import type { Reader } from '../database/sqlite/reader.ts'
import { Unavailable } from '../domain/unavailable.ts'
import { maskError } from '../graphql/errors.ts'
import { schema } from '../graphql/schema.ts'
import type { Observer } from '../observability/observer.ts'
import type { Viewer } from '../services/viewer.ts'
import { isGuess, viewerOf } from './auth/authentication.ts'
import type { Credentials } from './auth/credentials.ts'
import { chosenOperation, parseDocument, problemsOf } from './document-rules.ts'
import type { Exchange, Operation } from './exchange.ts'
import { createDocumentCache } from './limits/document-cache.ts'
import type { FairQueue } from './limits/fair-queue.ts'
import type { Limits } from './limits/limits.ts'
import type { PersistedDocuments } from './limits/persisted-documents.ts'
import { checkParameters, type Parameters, type Sent } from './parameters.ts'

export interface GateOptions {
  credentials: Pick<Credentials, 'authenticate'>
  reader: Pick<Reader, 'fresh' | 'staleSince'>
  /** Whether queries are answered while it cannot be known whether that is current. */
  staleReads: boolean
  queue: FairQueue
  limits: Limits
  documents: PersistedDocuments
  observer: Pick<Observer, 'trust'>
  documentLimits: DocumentLimits
  /** Who may ask for the schema. */
  mayIntrospect: (viewer: Viewer) => boolean
}

/** What keeps a document from being run. */
class InvalidDocument extends AggregateError {
  declare readonly errors: GraphQLError[]
}

/**
 * Lets operations in, the same on every transport: authenticate → fresh → turn → parameters → admit → parse and validate → charge.
 * What is refused on the way has cost no more than the steps up to there.
 */
export class Gate {
  readonly #options: GateOptions
  readonly #documents = createDocumentCache()

  constructor(options: GateOptions) {
    this.#options = options
  }

  /**
   * Who is behind a credential, which is what the header Authorization holds, or connection_init in its place: over HTTP for
   * each request, before its body is read, over a WebSocket once. Rejects with UNAUTHENTICATED, in words for the client, when
   * it is missing, malformed, unknown, revoked or expired, with RATE_LIMITED when the address it came from has guessed too
   * often, and with SERVICE_UNAVAILABLE when that cannot be found out now.
   */
  async authenticate(authorization: string | undefined, from: Socket): Promise<Viewer> {
    const { credentials, limits } = this.#options
    try {
      return await credentials.authenticate(authorization, () => limits.takeNewAccount(from))
    } catch (error) {
      if (isGuess(error)) await limits.takeFailure(from)
      throw error
    }
  }

  /**
   * The operation that is to be executed. Rejects with the GraphQLError, or InvalidDocument, that the client is told.
   * `readParameters` is called once it is its turn, and may throw a refusal itself.
   */
  async admit(exchange: Exchange, readParameters: () => Sent): Promise<Operation> {
    const { queue, limits, documents } = this.#options
    const viewer = viewerOf(exchange)
    // Before its turn: those who wait for one answer of the database together hold up nobody.
    const current = this.#options.reader.fresh()
    if (current) await current
    exchange.begin(await queue.enter(viewer.accountId, exchange.connection))
    const sent = readParameters()
    await limits.count(exchange, viewer)
    const resolved = documents.resolve(sent, viewer.accountId)
    const operation = this.#operation(exchange, viewer, resolved)
    // The document of a reference may change without a commit.
    if (resolved !== sent && exchange.source)
      exchange.source = Buffer.concat([exchange.source, Buffer.from(operation.parameters.query)])
    exchange.operation = operation
    await limits.charge(exchange, viewer, operation)
    if (current) this.#checkStale(exchange, operation)
    return operation
  }

  /** What was done for a viewer at once, before it was its turn, has held up others for this many milliseconds. */
  heldUp({ accountId }: Viewer, ms: number): void {
    this.#options.queue.hold(accountId, ms)
  }

  /** Notes since when the operation reads what may be out of date. Throws where that is refused. */
  #checkStale(exchange: Exchange, { node }: Operation): void {
    const { reader, staleReads } = this.#options
    exchange.staleSince = reader.staleSince
    const isRead = node.operation !== OperationTypeNode.MUTATION
    if (exchange.staleSince && isRead && !staleReads) throw maskError(new Unavailable('DISCONNECTED'))
  }

  /** Parses and validates; nothing is done again for a document that is known. */
  #operation({ isReadOnly }: Exchange, viewer: Viewer, parameters: Sent): Operation {
    checkParameters(parameters)
    const document = this.#parsed(parameters.query)
    const node = chosenOperation(document, parameters.operationName)
    if (isReadOnly && node.operation === OperationTypeNode.MUTATION) throw mutationRefused()
    const problems = problemsOf(schema, document, this.#options.mayIntrospect(viewer))
    if (problems.length > 0) throw new InvalidDocument(problems)
    return { document, node, parameters: usedBy(node, parameters) }
  }

  #parsed(query: string) {
    const known = this.#documents.get(query)
    if (known) return known
    const document = parseDocument(query, this.#options.documentLimits)
    this.#documents.set(query, document)
    if (this.#options.documents.isTrusted(query)) this.#options.observer.trust(document)
    return document
  }
}

/** The parameters that the operation reads. A stream keeps them while it is open, and nothing else that its client sent. */
function usedBy({ variableDefinitions = [] }: OperationDefinitionNode, parameters: Parameters): Parameters {
  const { query, operationName = null, variables } = parameters
  const names = variableDefinitions.map(({ variable }) => variable.name.value)
  const used = names.filter((name) => variables && Object.hasOwn(variables, name))
  return {
    query,
    operationName,
    variables: Object.fromEntries(used.map((name) => [name, variables?.[name]])),
  }
}

function mutationRefused() {
  const message = 'Can only perform a mutation operation from a POST request.'
  return new GraphQLError(message, {
    extensions: { code: 'METHOD_NOT_ALLOWED', http: { status: 405, headers: { allow: 'POST' } } },
  })
}
