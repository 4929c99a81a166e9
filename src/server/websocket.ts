import type { Server } from 'node:http'
import { randomUUID } from 'node:crypto'
import type { DocumentNode, ExecutionArgs, GraphQLError, GraphQLSchema } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import { maskError } from '../graphql/errors.ts'
import { describeError, describeErrors } from './error-contract.ts'
import { ENDPOINT, type GraphqlServer } from './yoga.ts'

/** The largest message a client may send, in bytes: a document with its variables. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** What the arguments of an operation carry from its preparation to its execution. */
interface Prepared extends ExecutionArgs {
  rootValue: {
    execute: (args: ExecutionArgs) => unknown
    subscribe: (args: ExecutionArgs) => unknown
    requestId: string
  }
}

/**
 * graphql-transport-ws at the same endpoint, run through the same GraphQL as HTTP. An operation that cannot
 * be prepared, a syntax error included, ends that operation and not the socket.
 */
export function serveWebSockets(server: Server, graphql: GraphqlServer): AsyncDisposable {
  const sockets = new WebSocketServer({
    server,
    path: ENDPOINT,
    maxPayload: MAX_MESSAGE_BYTES,
    allowSynchronousEvents: false,
    perMessageDeflate: false,
  })
  const protocol = useServer(
    {
      connectionInitWaitTimeout: 3_000,
      execute: (args) => (args as Prepared).rootValue.execute(args) as never,
      subscribe: (args) => (args as Prepared).rootValue.subscribe(args) as never,
      async onSubscribe({ extra }, _id, params) {
        const requestId = randomUUID()
        try {
          const enveloped = graphql.getEnveloped({ request: extra.request, requestId, params } as never)
          const document = enveloped.parse(params.query) as DocumentNode
          const errors = enveloped.validate(enveloped.schema, document) as GraphQLError[]
          if (errors.length > 0) return errors.map((error) => describeError(error, requestId))
          const prepared: Prepared = {
            schema: enveloped.schema as GraphQLSchema,
            document,
            operationName: params.operationName,
            variableValues: params.variables,
            contextValue: await enveloped.contextFactory(),
            rootValue: { execute: enveloped.execute, subscribe: enveloped.subscribe, requestId },
          }
          return prepared
        } catch (error) {
          return [describeError(maskError(error), requestId)]
        }
      },
      onNext: (_context, _id, _payload, args, result) =>
        describeErrors(result, (args as Prepared).rootValue.requestId) as never,
      onError: (_context, _id, _payload, errors) =>
        errors.map((error) =>
          'requestId' in error.extensions ? error : describeError(maskError(error), randomUUID()),
        ),
    },
    sockets,
  )
  return {
    async [Symbol.asyncDispose]() {
      await protocol.dispose()
      sockets.close()
    },
  }
}
