import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention'
import { useServer } from 'graphql-ws/use/ws'
import { createSchema, createYoga } from 'graphql-yoga'
import { WebSocketServer } from 'ws'
import { createGraphiql } from '../../src/server/graphiql/graphiql.ts'
import type { Tabs } from '../../src/server/graphiql/tabs.ts'

/** A query, a subscription that ends by itself, and one more tab: the last one is spared GraphiQL's trouble with clicks. */
export const TOY_TABS = [
  { document: '# Says hello.\nquery Greet {\n  greeting(name: "Ada")\n}\n' },
  {
    document: '# Counts up.\nsubscription Count($to: Int!) {\n  counter(to: $to)\n}\n',
    variables: { to: 3 },
  },
  { document: '# Says hello to you.\nquery GreetYou {\n  greeting\n}\n' },
] as const satisfies Tabs

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    type Query {
      "A friendly word."
      greeting(name: String! = "you"): String!
    }
    type Subscription {
      counter(to: Int!): Int!
    }
  `,
  resolvers: {
    Query: { greeting: (_, { name }: { name: string }) => `Hello, ${name}!` },
    Subscription: {
      counter: {
        async *subscribe(_: unknown, { to }: { to: number }) {
          for (let counter = 1; counter <= to; counter++) yield { counter }
        },
      },
    },
  },
})

/**
 * GraphiQL before a GraphQL server over HTTP, SSE and WebSocket, with CSRF prevention, on a free port.
 * `connectionParams` collects what came with each `connection_init`.
 */
export async function startToyGraphiql() {
  const graphiql = createGraphiql({ tabs: TOY_TABS })
  const yoga = createYoga({
    schema,
    graphiql: false,
    landingPage: false,
    logging: false,
    plugins: [useCSRFPrevention({ requestHeaders: ['x-graphql-yoga-csrf'] })],
  })
  const server = createServer((request, response) => {
    if (!graphiql(request, response)) void yoga(request, response)
  })
  const connectionParams: unknown[] = []
  const sockets = new WebSocketServer({ server, path: '/graphql' })
  const graphqlWs = useServer(
    { schema, onConnect: (context) => void connectionParams.push(context.connectionParams) },
    sockets,
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    connectionParams,
    async [Symbol.asyncDispose]() {
      await graphqlWs.dispose()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
