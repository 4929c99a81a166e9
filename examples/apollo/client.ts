import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client'
import { SetContextLink } from '@apollo/client/link/context'
import { possibleTypes, resuming, typePolicies } from '@snapgate/client/apollo'
import { OperationTypeNode } from 'graphql'
import { createClient } from 'graphql-ws'
import { authorization, GATEWAY, SOCKET } from '../gateway.ts'

const withToken = new SetContextLink(async () => ({ headers: { authorization: await authorization() } }))
const socket = createClient({
  url: SOCKET,
  connectionParams: async () => ({ authorization: await authorization() }),
  retryAttempts: 0, // resuming() retries.
})

export const client = new ApolloClient({
  cache: new InMemoryCache({ possibleTypes, typePolicies }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    resuming(socket),
    withToken.concat(new HttpLink({ uri: GATEWAY })),
  ),
})
