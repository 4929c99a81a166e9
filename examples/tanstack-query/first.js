import { QueryClient, QueryObserver } from '@tanstack/query-core'
import { request } from 'graphql-request'
import { createClient } from 'graphql-ws'

const query = '{ snapshots { streamCursor nodes { id name status } } }'
const watch = 'subscription ($after: String) { snapshotTransitions(after: $after) { to } }'

const list = { queryKey: ['list'], queryFn: () => request('http://localhost:4000/graphql', query) }
const queries = new QueryClient()
new QueryObserver(queries, list).subscribe(({ data }) => console.log(JSON.stringify(data?.snapshots.nodes)))
const { snapshots } = await queries.query({ ...list, staleTime: 'static' })
const variables = { after: snapshots.streamCursor }
const next = () => queries.invalidateQueries(list)
createClient({ url: 'ws://localhost:4000/graphql' }).subscribe({ query: watch, variables }, { next })
