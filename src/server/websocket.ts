import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import type { DocumentNode, ExecutionArgs, ExecutionResult, GraphQLError, GraphQLSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { errorAsyncIterator, isAsyncIterable } from 'graphql-yoga'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import type { StreamBuffer } from '../config.ts'
import { maskError } from '../graphql/errors.ts'
import { turnAway } from './auth/admission.ts'
import type { Credentials } from './auth/credentials.ts'
import { admitSocket, type SocketSession } from './auth/socket-session.ts'
import { describeError } from './error-contract.ts'
import { LiveResults, type LiveStream } from './live/live-stream.ts'
import { WebSocketOutlet } from './live/websocket-outlet.ts'
import { ENDPOINT, type GraphqlServer } from './yoga.ts'

/** The largest message a client may send, in bytes: a document with its variables. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** The close code after which the official client connects again. */
const GOING_AWAY = 1001

/** What the arguments of an operation carry from its preparation to its execution. */
interface Prepared extends ExecutionArgs {
  rootValue: {
    execute: (args: ExecutionArgs) => Promise<ExecutionResult>
    subscribe: (args: ExecutionArgs) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>
    describe: (errors: readonly GraphQLError[]) => GraphQLError[]
  }
}

/**
 * graphql-transport-ws at the same endpoint, run through the same GraphQL as HTTP. An operation that cannot
 * be prepared, a syntax error included, ends that operation and not the socket.
 */
export function serveWebSockets(
  server: Server,
  graphql: GraphqlServer,
  { credentials, streamBuffer, log }: { credentials: Credentials; streamBuffer: StreamBuffer; log: Logger },
): AsyncDisposable & { endings: () => (() => void)[] } {
  const sockets = new WebSocketServer({
    server,
    path: ENDPOINT,
    maxPayload: MAX_MESSAGE_BYTES,
    allowSynchronousEvents: false,
    perMessageDeflate: false,
    verifyClient({ req }, accept) {
      const turnedAway = turnAway(req, credentials.required)
      if (turnedAway) accept(false, turnedAway.status, turnedAway.error.message)
      else accept(isSameOrigin(req), 403, 'Foreign origin')
    },
  })
  const protocol = useServer<Record<string, unknown>, SocketSession>(
    {
      connectionInitWaitTimeout: 3_000,
      // Else a fault in the transport is told to the client as the reason of the close.
      isProd: true,
      onConnect: (context) => admitSocket(context, credentials, log),
      execute: (args) => (args as Prepared).rootValue.execute(args),
      subscribe: (args) => (args as Prepared).rootValue.subscribe(args) as never,
      async onSubscribe(
        { extra: { socket, request, viewer } },
        id,
        params,
      ): Promise<Prepared | GraphQLError[]> {
        const requestId = randomUUID()
        const describe = (errors: readonly GraphQLError[]) =>
          errors.map((error) => describeError(error, requestId, log))
        try {
          const outlet = new WebSocketOutlet(socket, request.socket, id, streamBuffer)
          const enveloped = graphql.getEnveloped({ requestId, viewer, params, outlet } as never)
          const document = enveloped.parse(params.query) as DocumentNode
          const errors = enveloped.validate(enveloped.schema, document) as GraphQLError[]
          if (errors.length > 0) return describe(errors)
          return {
            schema: enveloped.schema as GraphQLSchema,
            document,
            operationName: params.operationName,
            variableValues: params.variables,
            contextValue: await enveloped.contextFactory(),
            rootValue: {
              execute: enveloped.execute as Prepared['rootValue']['execute'],
              subscribe: (args) => follow(enveloped.subscribe as Follow, args, describe),
              describe,
            },
          }
        } catch (error) {
          return describe([maskError(error)])
        }
      },
      onNext: (_context, _id, _payload, args, result) =>
        result.errors ? { ...result, errors: (args as Prepared).rootValue.describe(result.errors) } : result,
    },
    sockets,
  )
  return {
    /** For each open socket, what tells its client to go away and come back (1001). */
    endings: () => [...sockets.clients].map((socket) => () => socket.close(GOING_AWAY, 'Going away')),

    async [Symbol.asyncDispose]() {
      await protocol.dispose()
      sockets.close()
    },
  }
}

type Follow = Prepared['rootValue']['subscribe']

/** Runs a subscription; when it has joined its group, lets go of all that its own execution needed. */
async function follow(
  subscribe: Follow,
  args: ExecutionArgs,
  describe: Prepared['rootValue']['describe'],
): ReturnType<Follow> {
  const result = await subscribe(args)
  if (!isAsyncIterable(result)) return result
  const { live } = args.contextValue as { live?: LiveStream }
  const results = live
    ? new LiveResults(result, live, () =>
        Object.assign(args, { contextValue: undefined, rootValue: { describe } }),
      )
    : result
  return errorAsyncIterator(results, (error) => {
    throw describe([maskError(error)])[0] ?? error
  })
}

/** A browser lets a page open a socket to any site, and says which site the page is of: it must be this one. */
function isSameOrigin({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
