import { cacheExchange } from '@urql/exchange-graphcache'
import { Client, fetchExchange, subscriptionExchange } from 'urql'
import { graphql } from './graphql.ts'
import { createLive, type Live } from './live.ts'
import { authorization } from './session.ts'
import type { DiskTransition, SnapshotTransition } from './documents.ts'

export const ENDPOINT = '/graphql'

const PROGRESS_OF_SNAPSHOT = graphql(`
  fragment ProgressOfSnapshot on Snapshot {
    id
    progress
  }
`)

/** What is part of something else, and has no identity of its own. */
const PARTS = [
  'SnapshotQuota',
  'DiskSnapshotQuota',
  'Eligibility',
  'DiskAttachment',
  'DiskStatusForbidsSnapshot',
  'SnapshotQuotaExceeded',
  'InvalidName',
  'ClientTokenReused',
  'DiskNotFound',
  'SnapshotProgress',
  'SnapshotWarning',
  'Tag',
]

/** Reads and writes the API, and keeps what it has read; the transitions of the live stream keep that up to date. */
export function createApi(onUnauthenticated: () => void): { client: Client; live: Live } {
  const live = createLive({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ENDPOINT}`,
    authorization,
    onUnauthenticated,
  })
  const cache = cacheExchange({
    keys: {
      ...Object.fromEntries(PARTS.map((type) => [type, () => null])),
      SnapshotTransition: ({ sequence }) => String(sequence as number),
      DiskTransition: ({ sequence }) => String(sequence as number),
    },
    updates: {
      Subscription: {
        // What the answer holds of the snapshot and its disk is in the cache already.
        snapshotTransitions({ snapshotTransitions }, _arguments, cached) {
          const { to, snapshotId, diskId } = snapshotTransitions as SnapshotTransition
          if (to !== 'DELETED') return
          cached.invalidate({ __typename: 'Snapshot', id: snapshotId })
          cached.invalidate({ __typename: 'Disk', id: diskId }, 'snapshotQuota')
          cached.invalidate({ __typename: 'Disk', id: diskId }, 'snapshotEligibility')
        },
        diskTransitions({ diskTransitions }, _arguments, cached) {
          const { to, diskId } = diskTransitions as DiskTransition
          if (to === 'DELETED') cached.invalidate({ __typename: 'Disk', id: diskId })
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
          subscribe: (sink) => ({ unsubscribe: live.follow({ query, variables: variables as never }, sink) }),
        }),
      }),
    ],
  })
  return { client, live }
}
