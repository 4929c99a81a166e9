import { Client, fetchExchange } from '@urql/core'

const url = 'http://localhost:4000/graphql'
const client = new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true })
const query = '{ snapshots { streamCursor nodes { id name status } } }'
const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { to } }'

async function list() {
  const { data } = await client.query(query, {})
  console.log(JSON.stringify(data.snapshots.nodes))
  return { after: data.snapshots.streamCursor }
}
client.subscription(watch, await list()).subscribe(() => list())
