import type { ApolloLink, TypePolicies } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { relayStylePagination } from '@apollo/client/utilities'
import { connections, possibleTypes } from './generated/schema.ts'
import { resuming as resumingClient, type ResumingOptions, type SubscriptionClient } from './resuming.ts'

export { possibleTypes }

/** Apollo's link for subscriptions over a client of graphql-ws or graphql-sse, with subscriptions that resume. */
export function resuming(client: SubscriptionClient, options?: ResumingOptions): ApolloLink {
  // The link calls nothing but `subscribe`, which both clients have.
  return new GraphQLWsLink(resumingClient(client, options) as never)
}

/** InMemoryCache's `typePolicies`: pages of a connection as one list. */
export const typePolicies: TypePolicies = typePoliciesOf()

function typePoliciesOf(): TypePolicies {
  const policies: TypePolicies = {}
  for (const [type, field, keyArgs] of connections) {
    const { fields } = (policies[type] ??= { fields: {} })
    Object.assign(fields ?? {}, { [field]: relayStylePagination([...keyArgs]) })
  }
  return policies
}
