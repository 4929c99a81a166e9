import { createClient, type Sink } from 'graphql-ws'
import { Environment, fetchQuery, graphql, Network, Observable, requestSubscription } from 'relay-runtime'
import type { GraphQLResponse, RequestParameters, Variables } from 'relay-runtime'
import type { firstListQuery } from './__generated__/firstListQuery.graphql.ts'

const socket = createClient({ url: 'ws://localhost:4000/graphql' })
const run = ({ text }: RequestParameters, variables: Variables) =>
  Observable.create<GraphQLResponse>((to) => socket.subscribe({ query: text ?? '', variables }, to as Sink))
const environment = new Environment({ network: Network.create(run, run) })

// prettier-ignore
const query = graphql`query firstListQuery { snapshots { streamCursor nodes { id name status } } }`
// prettier-ignore
const watch = graphql`subscription firstWatchSubscription($after: String) { snapshotTransitions(after: $after) { to } }`

async function list() {
  const data = await fetchQuery<firstListQuery>(environment, query, {}).toPromise()
  console.log(JSON.stringify(data?.snapshots.nodes))
  return { after: data?.snapshots.streamCursor }
}
requestSubscription(environment, { subscription: watch, variables: await list(), onNext: () => void list() })
