import type { introspection } from '@snapgate/client/introspection'
import { initGraphQLTada } from 'gql.tada'
import { request } from 'graphql-request'
import { createClient } from 'graphql-sse'

const url = 'http://localhost:4000/graphql'
const graphql = initGraphQLTada<{ introspection: introspection }>()
const list = graphql('{ snapshots { streamCursor nodes { id name status } } }')
const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { to } }'

const { snapshots } = await request(url, list)
console.log(JSON.stringify(snapshots.nodes))
const steps = createClient({ url }).iterate({ query: watch, variables: { after: snapshots.streamCursor } })
for await (const { errors } of steps)
  console.log(JSON.stringify(errors ?? (await request(url, list)).snapshots.nodes))
