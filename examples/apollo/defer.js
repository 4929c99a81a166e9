import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { Defer20220824Handler } from '@apollo/client/incremental'

const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri: 'http://localhost:4000/graphql' }),
  incrementalHandler: new Defer20220824Handler(),
})
const query = gql('{ disks { nodes { id name ... @defer { snapshots { totalCount } } } } }')
const disks = client.watchQuery({ query })
disks.subscribe(({ data, dataState }) => console.log(dataState, JSON.stringify(data)))
