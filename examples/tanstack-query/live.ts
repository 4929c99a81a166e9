import { resuming } from '@snapgate/client'
import { QueryClient, QueryObserver } from '@tanstack/query-core'
import { GraphQLClient } from 'graphql-request'
import { createClient } from 'graphql-ws'
import { CREATE, LIST, WATCH, type CreateData, type ListData, type WatchData } from '../documents.ts'
import { authorization, GATEWAY, SOCKET } from '../gateway.ts'
import type { App } from '../page.ts'

const http = new GraphQLClient(GATEWAY, {
  requestMiddleware: async (request) => {
    const headers = new Headers(request.headers)
    headers.set('authorization', await authorization())
    return { ...request, headers }
  },
})
const socket = createClient({
  url: SOCKET,
  connectionParams: async () => ({ authorization: await authorization() }),
  retryAttempts: 0, // resuming() retries.
})
const queries = new QueryClient()
const LISTED = { queryKey: ['snapshots'], queryFn: () => http.request<ListData>(LIST) }

export const live: App['live'] = async (show, onStep) => {
  new QueryObserver(queries, LISTED).subscribe(({ data }) => data && show(data.snapshots.nodes))
  const { snapshots } = await queries.query({ ...LISTED, staleTime: 'static' })
  const payload = { query: WATCH, variables: { after: snapshots.streamCursor } }
  void (async () => {
    for await (const { data } of resuming(socket).iterate<WatchData>(payload)) {
      if (data) onStep(data.snapshotTransitions)
      void queries.invalidateQueries({ queryKey: LISTED.queryKey })
    }
  })()
}

export const create: App['create'] = async (diskId, name) => {
  const { createSnapshot } = await http.request<CreateData>(CREATE, { diskId, name })
  return createSnapshot.message
}
