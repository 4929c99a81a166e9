import { subscriptionExchange, type Exchange } from '@urql/core'
import type { Data, KeyingConfig, ResolverConfig } from '@urql/exchange-graphcache'
import { relayPagination } from '@urql/exchange-graphcache/extras'
import { connections, embedded, lookups, possibleTypes } from './generated/schema.ts'
import { resuming as resumingClient, type ResumingOptions, type SubscriptionClient } from './resuming.ts'

export { possibleTypes }

/** urql's `subscriptionExchange` over a client of graphql-ws or graphql-sse, with subscriptions that resume. */
export function resuming(client: SubscriptionClient, options?: ResumingOptions): Exchange {
  const { subscribe } = resumingClient(client, options)
  return subscriptionExchange({
    forwardSubscription: (payload) => ({
      subscribe: (sink) => ({ unsubscribe: subscribe(payload, sink) }),
    }),
  })
}

/** Graphcache's `keys`: transitions by their number, what has no id as part of its parent. */
export const keys: KeyingConfig = {
  ...Object.fromEntries(embedded.map((type) => [type, () => null])),
  SnapshotTransition: numberOf,
  DiskTransition: numberOf,
}

function numberOf({ sequence }: Data): string {
  return (sequence as number).toString()
}

/** Graphcache's `resolvers`: pages of a connection as one list, and single objects from what lists have brought. */
export const resolvers: ResolverConfig = resolversOf()

function resolversOf(): ResolverConfig {
  const config: ResolverConfig = {}
  for (const [type, field] of connections) (config[type] ??= {})[field] = relayPagination()
  for (const [field, type] of lookups)
    (config['Query'] ??= {})[field] = (_parent, { id }) => ({ __typename: type, id: id as string })
  return config
}
