import { Button, Skeleton } from 'antd'
import { useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { REASON } from '../api/reasons.ts'
import { TRANSITION } from '../api/transitions.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Nothing } from '../widgets/state.tsx'
import { useKept } from '../widgets/table.ts'
import { isSaidBySnapshot, useListRefresh } from './following.tsx'
import { useReadAgain } from './read-again.ts'
import { TransitionLog } from './transition-log.tsx'

/** A page of what happened to a disk and its snapshots. */
const DISK_HISTORY = graphql(
  `
    query DiskHistory($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      disk(id: $id) {
        id
        history(first: $first, after: $after, last: $last, before: $before) {
          pageInfo {
            ...PageInfo
          }
          nodes {
            __typename
            ... on SnapshotTransition {
              ...Transition
              snapshotName
              snapshot {
                id
                name
              }
            }
            # The statuses of disks and snapshots are of two types, so those of disks go by other names.
            ... on DiskTransition {
              sequence
              reason
              reasons {
                ...Reason
              }
              at
              diskFrom: from
              diskTo: to
            }
          }
        }
      }
    }
  `,
  [TRANSITION, PAGE_INFO, REASON],
)

/** How many transitions a page of the log has. */
const PAGE_SIZE = 20

type Place = { after?: string | null; before?: string | null }

/** What happened to a disk and its snapshots, as the gateway stored it, newest first and page by page. */
export function EventLog({ diskId }: { diskId: string }) {
  const words = useWords()
  const [{ after, before }, setPlace] = useState<Place>({})
  const variables = {
    id: diskId,
    ...(before ? { last: PAGE_SIZE, before } : { first: PAGE_SIZE, after: after ?? null }),
  }
  const [{ data, fetching, stale, error }] = useQuery({ query: DISK_HISTORY, variables })
  const history = useKept(data)?.disk?.history
  const readAgain = useReadAgain(DISK_HISTORY, variables)
  useListRefresh(readAgain, fetching, (transition) => transition.diskId === diskId)

  if (error && !history) return <Failure error={error} retry={readAgain} />
  if (!history) return <Skeleton active />
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = history.pageInfo
  // The newest page follows what happens, so it is not the one before an event.
  if (before && !hasPreviousPage && !fetching && !stale) setPlace({})
  // That a disk goes into a snapshot and comes out of it is said by that snapshot.
  const events = history.nodes
    .map((event) =>
      event.__typename === 'DiskTransition' ? { ...event, from: event.diskFrom, to: event.diskTo } : event,
    )
    .filter((event) => event.__typename === 'SnapshotTransition' || !isSaidBySnapshot(event))
  return (
    <>
      {events.length === 0 && !hasPreviousPage && !hasNextPage ? (
        <Nothing title={words.noEvents} />
      ) : (
        <TransitionLog
          transitions={events}
          nameOf={(event) =>
            event.__typename === 'DiskTransition'
              ? words.disk
              : (event.snapshot?.name ?? event.snapshotName ?? event.snapshotId)
          }
        />
      )}
      {(hasPreviousPage || hasNextPage) && (
        <div className="log-pages">
          <Button size="small" disabled={!hasPreviousPage} onClick={() => setPlace({ before: startCursor })}>
            {words.newerEvents}
          </Button>
          <Button size="small" disabled={!hasNextPage} onClick={() => setPlace({ after: endCursor })}>
            {words.olderEvents}
          </Button>
        </div>
      )}
    </>
  )
}
