import { resuming } from '@snapgate/client'
import { createClient, type Sink } from 'graphql-ws'
import { Environment, Network, Observable, type GraphQLResponse } from 'relay-runtime'
import { authorization, GATEWAY, SOCKET } from '../gateway.ts'

const socket = resuming(
  createClient({
    url: SOCKET,
    connectionParams: async () => ({ authorization: await authorization() }),
    retryAttempts: 0, // resuming() retries.
  }),
)

const network = Network.create(
  async ({ text }, variables) => {
    const headers = { 'content-type': 'application/json', authorization: await authorization() }
    const body = JSON.stringify({ query: text, variables })
    const response = await fetch(GATEWAY, { method: 'POST', headers, body })
    return (await response.json()) as GraphQLResponse
  },
  ({ text }, variables) =>
    Observable.create<GraphQLResponse>((sink) =>
      socket.subscribe({ query: text ?? '', variables }, sink as Sink),
    ),
)

export const environment = new Environment({ network })
