import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'

const link = new HttpLink({ uri: 'http://localhost:4000/graphql' })
const client = new ApolloClient({ cache: new InMemoryCache(), link })
const query = gql('{ snapshots { streamCursor nodes { id name status } } }')
const watch = gql('subscription ($after: String) { snapshotTransitions(after: $after) { to } }')

const list = client.watchQuery({ query })
list.subscribe(({ data }) => data && console.log(JSON.stringify(data.snapshots.nodes)))
const { data } = await list.refetch()
const variables = { after: data.snapshots.streamCursor }
client.subscribe({ query: watch, variables }).subscribe(() => list.refetch())
