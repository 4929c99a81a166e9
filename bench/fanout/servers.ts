import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildSchema, type DocumentNode, type GraphQLError, type GraphQLSchema } from 'graphql'
import { fastify } from 'fastify'
import { PubSub } from 'graphql-subscriptions'
import { useServer } from 'graphql-ws/use/ws'
import { createPubSub, createSchema, createYoga } from 'graphql-yoga'
import { mercurius } from 'mercurius'
import { pino } from 'pino'
import { WebSocketServer } from 'ws'
import { startApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import type { Contender, Row } from './messages.ts'

/** A contender as it listens: how it is told of transitions. */
export interface Running {
  port: number
  publish: (rows: Row[]) => void
}

const TYPES = `
  type Query { ok: Boolean! }
  enum SnapshotStatus { CREATING COMPLETED FAILED UNAVAILABLE DELETING DELETED }
  type SnapshotTransition {
    sequence: Float!
    cursor: String!
    snapshotId: ID!
    diskId: ID!
    from: SnapshotStatus
    to: SnapshotStatus!
    reason: String
    at: String!
  }
  type Subscription { snapshotTransitions: SnapshotTransition! }
`
const TOPIC = 'transitions'

const asField = (row: Row) => ({ snapshotTransitions: row })

export const SERVERS: Record<Contender, () => Promise<Running>> = {
  gateway,
  'gateway-sse': gateway,
  raw,
  yoga,
  mercurius: mercuriusServer,
  pubsub: graphqlWsWithPubSub,
}

/** Its rows come from the database, where another process has committed them. */
async function gateway(): Promise<Running> {
  const config = readConfig({
    ...process.env,
    PORT: '0',
    DEMO: 'false',
    LOG_LEVEL: 'silent',
    GRAPHIQL: 'false',
    // All subscribers come from one address, on behalf of one account.
    MAX_CONNECTIONS_PER_ADDRESS: '1000000',
    MAX_STREAMS_PER_ACCOUNT: '1000000',
    RATE_REQUESTS: '1000000000',
    RATE_COST: '1000000000',
  })
  const app = await startApp(config, pino({ level: 'silent' }), { background: false })
  return { port: Number(new URL(app.url).port), publish: () => app.hub.wake() }
}

/** One prepared buffer, sent to everyone: what any fan-out with Node costs at least. */
async function raw(): Promise<Running> {
  const server = createServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  // As long as a real one.
  const id = crypto.randomUUID()
  return {
    port: await listen(server),
    publish(rows) {
      for (const row of rows) {
        const message = Buffer.from(JSON.stringify({ id, type: 'next', payload: { data: asField(row) } }))
        for (const socket of sockets.clients) socket.send(message, { binary: false })
      }
    },
  }
}

/** As its documentation has it: Yoga and its PubSub, with graphql-ws for the sockets. */
async function yoga(): Promise<Running> {
  const pubsub = createPubSub<{ transitions: [Row] }>()
  const app = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: TYPES,
      resolvers: {
        Subscription: {
          snapshotTransitions: { subscribe: () => pubsub.subscribe(TOPIC), resolve: (row: Row) => row },
        },
      },
    }),
  })
  const server = createServer((request, response) => void app(request, response))
  const sockets = new WebSocketServer({ server, path: '/graphql' })
  useServer(
    {
      execute: (args) => (args.rootValue as ReturnType<typeof app.getEnveloped>).execute(args) as never,
      subscribe: (args) => (args.rootValue as ReturnType<typeof app.getEnveloped>).subscribe(args) as never,
      async onSubscribe({ extra }, _id, params) {
        const enveloped = app.getEnveloped({ req: extra.request, socket: extra.socket, params } as never)
        const document = enveloped.parse(params.query) as DocumentNode
        const errors = enveloped.validate(enveloped.schema, document) as GraphQLError[]
        if (errors.length > 0) return errors
        return {
          schema: enveloped.schema as GraphQLSchema,
          operationName: params.operationName,
          document,
          variableValues: params.variables,
          contextValue: await enveloped.contextFactory(),
          rootValue: enveloped,
        }
      },
    },
    sockets,
  )
  return {
    port: await listen(server),
    publish: (rows) => {
      for (const row of rows) pubsub.publish(TOPIC, row)
    },
  }
}

async function mercuriusServer(): Promise<Running> {
  const app = fastify()
  await app.register(mercurius, {
    schema: TYPES,
    subscription: true,
    resolvers: {
      Query: { ok: () => true },
      Subscription: {
        snapshotTransitions: { subscribe: async (_root, _args, { pubsub }) => pubsub.subscribe(TOPIC) },
      },
    },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return {
    port: (app.server.address() as AddressInfo).port,
    publish: (rows) => {
      for (const row of rows) app.graphql.pubsub.publish({ topic: TOPIC, payload: asField(row) })
    },
  }
}

/** The usual set-up beside Apollo Server. */
async function graphqlWsWithPubSub(): Promise<Running> {
  const pubsub = new PubSub()
  const schema = buildSchema(TYPES)
  const server = createServer()
  const sockets = new WebSocketServer({ server, path: '/graphql' })
  useServer(
    {
      schema,
      roots: { subscription: { snapshotTransitions: () => pubsub.asyncIterableIterator(TOPIC) } },
    },
    sockets,
  )
  return {
    port: await listen(server),
    publish: (rows) => {
      for (const row of rows) void pubsub.publish(TOPIC, asField(row))
    },
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
