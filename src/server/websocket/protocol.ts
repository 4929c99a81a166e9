import { randomUUID } from 'node:crypto'
import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { CloseCode, makeServer, type Server } from 'graphql-ws'
import { errorAsyncIterator, isAsyncIterable } from 'graphql-yoga'
import type { Logger } from 'pino'
import type { ConnectionLimits, StreamBuffer } from '../../config.ts'
import { clientError } from '../../graphql/errors.ts'
import { schema } from '../../graphql/schema.ts'
import type { Observer } from '../../observability/observer.ts'
import { viewerOf } from '../auth/authentication.ts'
import { codeOfThrown, describeError, describeThrown } from '../describe-error.ts'
import { Exchange, type Operation } from '../exchange.ts'
import type { Gate } from '../gate.ts'
import type { Limits } from '../limits/limits.ts'
import { LiveResults } from '../live/live-results.ts'
import type { Operations } from '../operation.ts'
import type { Sent } from '../parameters.ts'
import type { Connection } from './connection.ts'
import { lengthOf, release } from './message.ts'
import { WebSocketOutlet } from './outlet.ts'

export interface ProtocolOptions {
  gate: Gate
  limits: Limits
  operations: Operations
  connectionLimits: ConnectionLimits
  streamBuffer: StreamBuffer
  observer: Observer
  log: Logger
}

/** How long a client may take to introduce itself, in milliseconds. */
const INIT_MS = 3_000

/** The longest id that an operation may have, in characters: it is sent with each event. */
const MAX_ID_LENGTH = 128

/** An operation that the gate has admitted, as it is handed from one hook of graphql-ws to the next. */
interface Admitted extends ExecutionArgs {
  contextValue: {
    requestId: string
    /** Let go of when a group serves a subscription: it may wait for days. */
    execution?: { exchange: Exchange; operation: Operation; outlet: WebSocketOutlet }
  }
}

export type Protocol = Server<Connection>

/**
 * graphql-transport-ws, with the gate and the execution of every transport. An operation that is refused, for a syntax error
 * too, ends that operation and not the socket.
 */
export function createProtocol(options: ProtocolOptions): Protocol {
  const { operations, log } = options
  /** Of operations whose answers are being taken, by their payloads. */
  const exchanges = new WeakMap<object, Exchange>()

  const described = (errors: readonly GraphQLError[], requestId: string) =>
    errors.map((error) => describeError(error, requestId, log))

  return makeServer<Record<string, unknown>, Connection>({
    connectionInitWaitTimeout: INIT_MS,

    onConnect(context) {
      const { extra: connection, connectionParams } = context
      // graphql-ws would keep them for as long as the socket is open.
      Reflect.deleteProperty(context, 'connectionParams')
      return connection.admit(connectionParams)
    },

    onSubscribe: ({ extra, subscriptions }, id, payload) =>
      admit(options, extra, { id, subscriptions, payload: payload as unknown as Sent }),

    async execute(args) {
      const { exchange, operation } = executionOf(args as Admitted)
      return operations.execute(exchange, operation).catch(endingBy(exchange))
    },

    subscribe: (args) => follow(operations, args as Admitted, log) as never,

    onOperation(_context, _id, payload, args, result) {
      if (!isAsyncIterable(result)) exchanges.set(payload, executionOf(args as Admitted).exchange)
    },

    onComplete: (_context, _id, payload) => exchanges.get(payload)?.end(),

    onNext: (_context, _id, _payload, args, result) =>
      result.errors
        ? { ...result, errors: described(result.errors, (args as Admitted).contextValue.requestId) }
        : result,
  })
}

function executionOf({ contextValue: { execution } }: Admitted) {
  if (!execution) throw new Error('An operation was released before it was executed.')
  return execution
}

interface Subscribed {
  id: string
  /** Those of the connection, this one included. */
  subscriptions: Readonly<Record<string, unknown>>
  payload: Sent
}

/** Lets an operation in; what refuses it is its answer. */
async function admit(
  { gate, limits, connectionLimits, streamBuffer, observer, log }: ProtocolOptions,
  connection: Connection,
  { id, subscriptions, payload }: Subscribed,
): Promise<Admitted | GraphQLError[]> {
  const { viewer, webSocket, socket } = connection
  const requestId = randomUUID()
  const exchange = new Exchange({
    id: requestId,
    transport: 'websocket',
    client: connection.client,
    context: observer.contextFor(connection.traceparent),
    observer,
    viewer,
    connection,
    from: socket,
  })
  try {
    if (Object.keys(subscriptions).length > connectionLimits.operations) throw limits.tooManyOperations()
    if (id.length > MAX_ID_LENGTH) {
      const message = `Operation ids are limited to ${MAX_ID_LENGTH} characters`
      webSocket.close(CloseCode.BadRequest, message)
      throw clientError('BAD_REQUEST', `${message}.`)
    }
    const leave = limits.enterWaiting(viewerOf(exchange).accountId, lengthOf(payload))
    const operation = await gate
      .admit(exchange, () => {
        // Completed by the client while it waited; nobody is told.
        if (!(id in subscriptions))
          throw clientError('BAD_REQUEST', 'The client has completed the operation.')
        return { ...payload }
      })
      .finally(leave)
    release(payload)
    const outlet = new WebSocketOutlet(webSocket, socket, id, streamBuffer)
    return {
      schema,
      document: operation.document,
      operationName: operation.parameters.operationName,
      contextValue: { requestId, execution: { exchange, operation, outlet } },
    }
  } catch (error) {
    exchange.outcome = codeOfThrown(error)
    exchange.end()
    return describeThrown(error, requestId, log)
  }
}

/** Runs a subscription; when it has joined its group, lets go of all that its own execution needed. */
async function follow(
  operations: Operations,
  args: Admitted,
  log: Logger,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
  const { exchange, operation, outlet } = executionOf(args)
  const { requestId } = args.contextValue
  const onBegin = () => void (args.contextValue = { requestId })
  const { leaveStream: onEnd = ignore } = exchange
  const results = await operations
    .subscribe(exchange, operation, outlet, { onBegin, onEnd })
    .catch(endingBy(exchange))
  return results instanceof LiveResults ? describingFailure(results, requestId, log) : results
}

/** What a failure of an operation does: it ends it. */
function endingBy(exchange: Exchange): (error: unknown) => never {
  return (error) => {
    exchange.outcome = codeOfThrown(error)
    exchange.end()
    throw error
  }
}

function describingFailure(results: AsyncIterable<ExecutionResult>, requestId: string, log: Logger) {
  return errorAsyncIterator(results, (error) => {
    throw describeThrown(error, requestId, log)[0] ?? error
  })
}

function ignore(): void {}
