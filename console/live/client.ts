import { keys, possibleTypes } from '@snapgate/client/urql'
import { cacheExchange, type Cache } from '@urql/exchange-graphcache'
import { Client, fetchExchange, subscriptionExchange } from 'urql'
import { ENDPOINT, graphql } from '../api/graphql.ts'
import { authorization } from '../api/session.ts'
import type { DiskTransition, SnapshotTransition } from '../api/transitions.ts'
import { createLive, type Live } from './stream.ts'

const PROGRESS_OF_SNAPSHOT = graphql(`
  fragment ProgressOfSnapshot on Snapshot {
    id
    progress
  }
`)

/** Reads and writes the API, and keeps what it has read; the transitions of the live stream keep that up to date. */
export function createApi(onUnauthenticated: (why: string) => void): { client: Client; live: Live } {
  const own = authorization()
  const live = createLive({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ENDPOINT}`,
    authorization,
    // What others still hear of a credential that is no longer used says nothing of the one that is.
    onUnauthenticated: (why) => {
      if (authorization() === own) onUnauthenticated(why)
    },
  })
  function forget(gone: { __typename: string; id: string }, cached: Cache): void {
    const name = cached.resolve(gone, 'name')
    if (typeof name === 'string') live.formerNames.set(gone.id, name)
    cached.invalidate(gone)
  }
  const cache = cacheExchange({
    keys,
    // Which refusals there are: without them, fragments on UserError are lost in the answers to changes.
    possibleTypes,
    updates: {
      Subscription: {
        // What the answer holds of the snapshot and its disk is in the cache already.
        snapshotTransitions({ snapshotTransitions }, _arguments, cached) {
          const { to, snapshotId, diskId } = snapshotTransitions as SnapshotTransition
          if (to !== 'DELETED') return
          forget({ __typename: 'Snapshot', id: snapshotId }, cached)
          cached.invalidate({ __typename: 'Disk', id: diskId }, 'snapshotQuota')
          cached.invalidate({ __typename: 'Disk', id: diskId }, 'snapshotEligibility')
        },
        diskTransitions({ diskTransitions }, _arguments, cached) {
          const { to, diskId } = diskTransitions as DiskTransition
          if (to === 'DELETED') forget({ __typename: 'Disk', id: diskId }, cached)
        },
        snapshotProgress({ snapshotProgress }, _arguments, cached) {
          const { snapshotId, percent } = snapshotProgress as { snapshotId: string; percent: number | null }
          cached.writeFragment(PROGRESS_OF_SNAPSHOT, { id: snapshotId, progress: percent })
        },
      },
    },
  })
  const client = new Client({
    url: ENDPOINT,
    // Lists are shown as they were, and read again.
    requestPolicy: 'cache-and-network',
    preferGetMethod: false,
    fetchOptions: (): RequestInit => {
      const value = authorization()
      return { headers: value === undefined ? {} : { authorization: value } }
    },
    exchanges: [
      cache,
      live.exchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: live.follow({ query, variables }, sink) }),
        }),
      }),
    ],
  })
  return { client, live }
}
