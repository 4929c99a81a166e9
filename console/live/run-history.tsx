import { Button, Skeleton, Table, type TableColumnsType } from 'antd'
import { useMemo, useState, type MouseEventHandler } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { RunOutcome } from '../widgets/run-outcome.tsx'
import { Nothing } from '../widgets/state.tsx'
import { useKept } from '../widgets/table.ts'
import { useIsPhone } from '../widgets/table-view.ts'
import { useListRefresh } from './following.tsx'
import { useRuns } from '../widgets/policy-runs.ts'
import { useReadAgain } from './read-again.ts'
import { Time } from '../widgets/moment.tsx'

/** A page of the runs of a policy. */
const POLICY_RUNS = graphql(
  `
    query PolicyRuns($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      autoSnapshotPolicy(id: $id) {
        id
        runs(first: $first, after: $after, last: $last, before: $before) {
          pageInfo {
            ...PageInfo
          }
          nodes {
            id
            scheduledFor
            decidedAt
            outcome
            disks(first: 0) {
              totalCount
            }
          }
        }
      }
    }
  `,
  [PAGE_INFO],
)

/** What a run made of its disks. */
const RUN_DISKS = graphql(
  `
    query RunDisks($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      node(id: $id) {
        __typename
        ... on AutoSnapshotRun {
          id
          disks(first: $first, after: $after, last: $last, before: $before) {
            pageInfo {
              ...PageInfo
            }
            nodes {
              diskId
              disk {
                id
                name
              }
              outcome
              snapshot {
                id
                name
                status
              }
              refusalCode
              refusalMessage
            }
          }
        }
      }
    }
  `,
  [PAGE_INFO],
)

type Run = NonNullable<ResultOf<typeof POLICY_RUNS>['autoSnapshotPolicy']>['runs']['nodes'][number]
type PageInfo = ResultOf<typeof PAGE_INFO>

const RUNS = 10
const DISKS = 20

/** Which page of a list within a page is shown: the state of a part, not of the address. */
function usePlace(size: number) {
  const [{ after, before }, setPlace] = useState<{ after?: string | null; before?: string | null }>({})
  return {
    setPlace,
    arguments: before ? { last: size, before } : { first: size, after: after ?? null },
  }
}

interface PagesProps extends Pick<ReturnType<typeof usePlace>, 'setPlace'> {
  pageInfo: PageInfo
  labels: readonly [previous: string, next: string]
}

function Pages({ pageInfo, setPlace, labels: [previous, next] }: PagesProps) {
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = pageInfo
  if (!hasPreviousPage && !hasNextPage) return null
  return (
    <div className="log-pages">
      <Button size="small" disabled={!hasPreviousPage} onClick={() => setPlace({ before: startCursor })}>
        {previous}
      </Button>
      <Button size="small" disabled={!hasNextPage} onClick={() => setPlace({ after: endCursor })}>
        {next}
      </Button>
    </div>
  )
}

/** The runs of a policy, latest first, each with what happened to its disks; `next` is when it runs next. */
export function RunHistory({ policyId, next }: { policyId: string; next: string | undefined }) {
  const words = useWords()
  const { setPlace, ...place } = usePlace(RUNS)
  const variables = { id: policyId, ...place.arguments }
  const [{ data, fetching, error }] = useQuery({ query: POLICY_RUNS, variables })
  const runs = useKept(data)?.autoSnapshotPolicy?.runs
  const readAgain = useReadAgain(POLICY_RUNS, variables)
  useRuns(next, false, readAgain)
  useListRefresh(
    readAgain,
    fetching,
    ({ __typename, from }) => __typename === 'SnapshotTransition' && from === null,
  )
  const isPhone = useIsPhone()

  if (error && !runs) return <Failure error={error} retry={readAgain} />
  if (!runs) return <Skeleton active />
  if (runs.nodes.length === 0 && !runs.pageInfo.hasPreviousPage) {
    return <Nothing title={words.policy.neverRan} />
  }
  return (
    <>
      {isPhone ? <RunCards runs={runs.nodes} /> : <RunTable runs={runs.nodes} />}
      <Pages pageInfo={runs.pageInfo} setPlace={setPlace} labels={[words.newerEvents, words.olderEvents]} />
    </>
  )
}

interface RunsProps {
  runs: readonly Run[]
}

function RunTable({ runs }: RunsProps) {
  const columns = useColumns()
  return (
    <Table<Run>
      rowKey="id"
      size="small"
      className="list"
      columns={columns}
      dataSource={[...runs]}
      pagination={false}
      expandable={{
        expandedRowRender: ({ id }) => <RunDisks runId={id} />,
        rowExpandable: ({ disks }) => disks.totalCount > 0,
        expandIcon: ({ expanded, expandable, onExpand, record }) =>
          expandable && <ShowDisks isShown={expanded} toggle={(event) => onExpand(record, event)} />,
        columnWidth: 110,
      }}
    />
  )
}

/** The runs where a table would be wider than the window. */
function RunCards({ runs }: RunsProps) {
  return (
    <div className="cards compact">
      <ul>
        {runs.map((run) => (
          <RunCard key={run.id} run={run} />
        ))}
      </ul>
    </div>
  )
}

function RunCard({ run: { id, scheduledFor, outcome, disks } }: { run: Run }) {
  const words = useWords()
  const format = useFormat()
  const [isShown, setShown] = useState(false)
  return (
    <li className="row-card">
      <div className="row-card-head">
        <div className="row-card-name">
          <Time near at={scheduledFor} />
        </div>
        {disks.totalCount > 0 && <ShowDisks isShown={isShown} toggle={() => setShown(!isShown)} />}
      </div>
      <dl>
        <div>
          <dt>{words.dialog.result}</dt>
          <dd>{words.policy.runOutcome[outcome]}</dd>
        </div>
        <div>
          <dt>{words.disks}</dt>
          <dd>{format.number(disks.totalCount)}</dd>
        </div>
      </dl>
      {isShown && <RunDisks runId={id} />}
    </li>
  )
}

/** Shows what a run made of its disks, and hides it. */
function ShowDisks({ isShown, toggle }: { isShown: boolean; toggle: MouseEventHandler<HTMLElement> }) {
  const words = useWords()
  return (
    <Button type="link" size="small" aria-expanded={isShown} onClick={toggle}>
      {isShown ? words.policy.hideDisks : words.policy.showDisks}
    </Button>
  )
}

function useColumns(): TableColumnsType<Run> {
  const words = useWords()
  const format = useFormat()
  return useMemo(
    () => [
      {
        title: words.policy.scheduledFor,
        render: (_, { scheduledFor }) => <Time near at={scheduledFor} />,
      },
      { title: words.dialog.result, render: (_, { outcome }) => words.policy.runOutcome[outcome] },
      {
        title: words.disks,
        width: 90,
        align: 'right',
        render: (_, { disks }) => format.number(disks.totalCount),
      },
    ],
    [words, format],
  )
}

function RunDisks({ runId }: { runId: string }) {
  const words = useWords()
  const { setPlace, ...place } = usePlace(DISKS)
  const variables = { id: runId, ...place.arguments }
  const [{ data, fetching, error }] = useQuery({ query: RUN_DISKS, variables })
  const node = useKept(data)?.node
  const readAgain = useReadAgain(RUN_DISKS, variables)
  const disks = node?.__typename === 'AutoSnapshotRun' ? node.disks : undefined
  useListRefresh(readAgain, fetching, ({ __typename }) => __typename === 'SnapshotTransition')
  if (error) return <Failure error={error} retry={readAgain} />
  if (!disks) return <Skeleton active />
  return (
    <>
      <ul className="run-disks">
        {disks.nodes.map((result) => (
          <li key={result.diskId}>
            {result.disk ? (
              <Link href={`/disks/${result.diskId}`}>{result.disk.name}</Link>
            ) : (
              <span>
                <code>{result.diskId}</code> {words.released}
              </span>
            )}
            <RunOutcome result={result} />
          </li>
        ))}
      </ul>
      <Pages pageInfo={disks.pageInfo} setPlace={setPlace} labels={[words.previousPage, words.nextPage]} />
    </>
  )
}
