import { keys, possibleTypes, resolvers, resuming } from '@snapgate/client/urql'
import { Client, fetchExchange } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import { createClient } from 'graphql-ws'
import { authorization, GATEWAY, SOCKET } from '../gateway.ts'

const socket = createClient({
  url: SOCKET,
  connectionParams: async () => ({ authorization: await authorization() }),
  retryAttempts: 0, // resuming() retries.
})

export const client = new Client({
  url: GATEWAY,
  fetch: async (url, init) => {
    const headers = new Headers(init?.headers)
    headers.set('authorization', await authorization())
    return fetch(url, { ...init, headers })
  },
  exchanges: [cacheExchange({ keys, possibleTypes, resolvers }), fetchExchange, resuming(socket)],
})
