import { Skeleton, Timeline } from 'antd'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { ACTIVITY } from '../api/activity.ts'
import { graphql } from '../api/graphql.ts'
import { ActivityResult, useActorName } from '../widgets/activity.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Nothing } from '../widgets/state.tsx'
import { useKept } from '../widgets/table.ts'
import { useReportWords } from '../words/reports.ts'
import { useListRefresh } from './following.tsx'
import { useReadAgain } from './read-again.ts'
import { Time } from '../widgets/moment.tsx'

/** The latest of what was done with a disk or a snapshot. */
const LATEST_ACTIVITY = graphql(
  `
    query LatestActivity($filter: ActivityFilter!) {
      activity(filter: $filter, first: 8) {
        totalCount
        nodes {
          ...Activity
        }
      }
    }
  `,
  [ACTIVITY],
)

/** What was done with a disk or a snapshot, by whom and from where, newest first; the page of all activity has the rest. */
export function ActivityLog({ of, id }: { of: 'disk' | 'snapshot'; id: string }) {
  const words = useReportWords()
  const actorName = useActorName()
  const variables = { filter: of === 'disk' ? { diskId: { eq: id } } : { snapshotId: { eq: id } } }
  const [{ data, fetching, error }] = useQuery({ query: LATEST_ACTIVITY, variables })
  const readAgain = useReadAgain(LATEST_ACTIVITY, variables)
  useListRefresh(readAgain, fetching, (transition) =>
    of === 'disk' ? transition.diskId === id : 'snapshotId' in transition && transition.snapshotId === id,
  )
  const activity = useKept(data)?.activity
  if (error && !activity) return <Failure error={error} retry={readAgain} />
  if (!activity) return <Skeleton active />
  if (activity.nodes.length === 0) return <Nothing title={words.activity.nothing} />
  return (
    <>
      <Timeline
        className="log"
        items={activity.nodes.map((one) => ({
          key: one.id,
          content: (
            <>
              <div>
                <strong>{words.action[one.action]}</strong> <ActivityResult activity={one} />
              </div>
              <div className="hint">
                {actorName(one.actor)} · <Time at={one.at} />
                {one.clientAddress !== null && ` · ${one.clientAddress}`}
              </div>
            </>
          ),
        }))}
      />
      <Link href={`/activity?${of}=${id}`}>{words.activity.all}</Link>
    </>
  )
}
