import { Skeleton } from 'antd'
import { useState, type ReactNode } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import type { Activity } from '../api/activity.ts'
import type { ResultOf } from '../api/graphql.ts'
import { OVERVIEW } from '../api/overview.ts'
import { useFormat } from '../format.ts'
import { useListRefresh } from '../live/following.tsx'
import { useLook } from '../live/look.ts'
import { useReadAgain } from '../live/read-again.ts'
import { useWords } from '../settings.tsx'
import { ActivityResult, ActivitySubject, useActorName } from '../widgets/activity.tsx'
import { ConnectionState, reasonOf } from '../widgets/connection-state.tsx'
import { Failure } from '../widgets/failure.tsx'
import { GrowthChart } from '../widgets/growth-chart.tsx'
import { Refresh } from '../widgets/list.tsx'
import { Page } from '../widgets/page.tsx'
import { QueryBehind } from '../widgets/query-behind.tsx'
import { QuotaBar } from '../widgets/quota.tsx'
import { DiskStatusTag, SnapshotStatusTag } from '../widgets/status.tsx'
import { useKept } from '../widgets/table.ts'
import { useReportWords } from '../words/reports.ts'
import { Time } from '../widgets/moment.tsx'

const DAY_MS = 86_400_000

/** How often progress and states of connections are read, which no transition says, in milliseconds. */
const LOOK_MS = 5_000

/** How many of the next runs are shown. */
const RUNS = 5

type Read = ResultOf<typeof OVERVIEW>

/** The Overview: how the account is doing. Each number leads to the list that it counts. */
export function Overview() {
  const words = useReportWords()
  const [since] = useState(() => new Date(Date.now() - DAY_MS).toISOString())
  const variables = { since }
  const [{ data, fetching, error }] = useQuery({ query: OVERVIEW, variables })
  const readAgain = useReadAgain(OVERVIEW, variables)
  useListRefresh(readAgain, fetching, () => true)
  const read = useKept(data)
  useLook(readAgain, LOOK_MS, read && read.running.totalCount + read.connections.totalCount > 0)
  return (
    <Page title={words.overview.title} actions={<Refresh readAgain={readAgain} />}>
      {error && <Failure error={error} retry={readAgain} />}
      {!read && !error && <Skeleton active />}
      {read && (
        <>
          <div className="overview-grid">
            <Disks counts={read.inventory.disks} />
            <Snapshots counts={read.inventory.snapshots} />
            <Running running={read.running} />
            <Growth inventory={read.inventory} />
            <Failures failures={read.failures} since={since} />
            <Quotas quotas={read.inventory.nearlyFullQuotas} />
            <Runs policies={read.autoSnapshotPolicies.nodes} />
            {read.connections.totalCount > 0 && <Connections troubled={read.troubled} />}
          </div>
          <QueryBehind document={OVERVIEW} variables={variables} />
        </>
      )}
    </Page>
  )
}

interface CardProps {
  id: string
  title: string
  /** The number that the card is about, and the list that it counts. */
  total?: { count: number; href: string }
  wide?: boolean
  children: ReactNode
}

function Card({ id, title, total, wide = false, children }: CardProps) {
  const format = useFormat()
  return (
    <section className={wide ? 'card wide' : 'card'} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {total && (
        <Link className="total" href={total.href} aria-label={`${title}: ${format.number(total.count)}`}>
          {format.number(total.count)}
        </Link>
      )}
      {children}
    </section>
  )
}

const sum = (counts: readonly { count: number }[]) => counts.reduce((all, { count }) => all + count, 0)

function Disks({ counts }: { counts: Read['inventory']['disks'] }) {
  const words = useReportWords()
  const format = useFormat()
  return (
    <Card id="disks" title={words.overview.disks} total={{ count: sum(counts), href: '/disks' }}>
      <ul className="counts">
        {counts.map(({ status, count }) => (
          <li key={status}>
            <DiskStatusTag status={status} />
            <Link href={`/disks?status=${status}`}>{format.number(count)}</Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Snapshots({ counts }: { counts: Read['inventory']['snapshots'] }) {
  const words = useReportWords()
  const { snapshotType } = useWords()
  const format = useFormat()
  const statuses = [...Map.groupBy(counts, ({ status }) => status)]
  const types = [...Map.groupBy(counts, ({ type }) => type)]
  return (
    <Card id="snapshots" title={words.overview.snapshots} total={{ count: sum(counts), href: '/snapshots' }}>
      <ul className="counts">
        {statuses.map(([status, own]) => (
          <li key={status}>
            <SnapshotStatusTag status={status} />
            <Link href={`/snapshots?status=${status}`}>{format.number(sum(own))}</Link>
          </li>
        ))}
        {types.map(([type, own]) => (
          <li key={type}>
            <span className="quiet">{snapshotType[type]}</span>
            <Link href={`/snapshots?method=${type}`}>{format.number(sum(own))}</Link>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Growth({ inventory: { snapshots, usage } }: { inventory: Read['inventory'] }) {
  const words = useReportWords()
  const format = useFormat()
  const held = snapshots.reduce((all, { dataBytes }) => all + dataBytes, 0)
  return (
    <Card id="storage" title={words.overview.storage} wide>
      <Link className="total" href="/snapshots?sort=-size">
        {format.bytes(held)}
      </Link>
      <p className="hint">{words.overview.storageHint}</p>
      <GrowthChart days={usage} />
    </Card>
  )
}

function Running({ running: { nodes, totalCount } }: { running: Read['running'] }) {
  const words = useReportWords()
  return (
    <Card
      id="running"
      title={words.overview.running}
      total={{ count: totalCount, href: '/activity?result=IN_PROGRESS' }}
    >
      <Entries of={nodes} none={words.overview.nothingRuns} />
    </Card>
  )
}

function Failures({ failures: { nodes, totalCount }, since }: { failures: Read['failures']; since: string }) {
  const words = useReportWords()
  const href = `/activity?${new URLSearchParams({ result: 'FAILED', since }).toString()}`
  return (
    <Card id="failures" title={words.overview.failures} total={{ count: totalCount, href }}>
      <Entries of={nodes} none={words.overview.noFailures} />
    </Card>
  )
}

function Entries({ of, none }: { of: readonly Activity[]; none: string }) {
  const words = useReportWords()
  const actorName = useActorName()
  if (of.length === 0) return <p className="quiet">{none}</p>
  return (
    <ul className="entries">
      {of.map((one) => (
        <li key={one.id}>
          <div>
            {words.action[one.action]} <ActivityResult activity={one} />
          </div>
          <ActivitySubject activity={one} />
          <div className="hint">
            {actorName(one.actor)} · <Time at={one.at} />
          </div>
        </li>
      ))}
    </ul>
  )
}

function Quotas({ quotas }: { quotas: Read['inventory']['nearlyFullQuotas'] }) {
  const words = useReportWords()
  const { manualQuota, automaticQuota } = useWords()
  return (
    <Card id="quotas" title={words.overview.quotas}>
      {quotas.length === 0 && <p className="quiet">{words.overview.noQuotas}</p>}
      <ul className="entries">
        {quotas.map(({ disk, type, used, limit }) =>
          disk === null ? null : (
            <li key={`${disk.id} ${type}`}>
              <Link href={`/disks/${disk.id}`}>{disk.name}</Link>
              <QuotaBar label={type === 'MANUAL' ? manualQuota : automaticQuota} quota={{ used, limit }} />
            </li>
          ),
        )}
      </ul>
    </Card>
  )
}

function Runs({ policies }: { policies: Read['autoSnapshotPolicies']['nodes'] }) {
  const words = useReportWords()
  const next = policies
    .flatMap(({ id, name, nextRuns: [at], disks }) =>
      at === undefined || disks.totalCount === 0 ? [] : [{ id, name, at }],
    )
    .toSorted((a, b) => a.at.localeCompare(b.at))
    .slice(0, RUNS)
  return (
    <Card id="runs" title={words.overview.runs}>
      {next.length === 0 && <p className="quiet">{words.overview.noRuns}</p>}
      <ul className="entries">
        {next.map(({ id, name, at }) => (
          <li key={id}>
            <Link href={`/policies/${id}`}>{name}</Link>
            <div className="hint">
              <Time near at={at} />
            </div>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Connections({ troubled: { nodes, totalCount } }: { troubled: Read['troubled'] }) {
  const words = useReportWords()
  const common = useWords()
  const states = Object.keys(common.connectionState).filter((state) => state !== 'OK')
  return (
    <Card
      id="connections"
      title={words.overview.connections}
      total={{ count: totalCount, href: `/connections?status=${states.join()}` }}
    >
      {nodes.length === 0 && <p className="quiet">{words.overview.allOk}</p>}
      <ul className="entries">
        {nodes.map((connection) => (
          <li key={connection.id}>
            <Link href={`/connections/${connection.id}`}>{connection.name}</Link>
            <div>
              <ConnectionState of={connection} />
            </div>
            <div className="reason">{reasonOf(connection, common)}</div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
