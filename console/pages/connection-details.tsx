import { Alert, Breadcrumb, Descriptions, Skeleton, Tag } from 'antd'
import { Fragment } from 'react'
import { Link } from 'wouter'
import { useAddress } from '../address.ts'
import { CONNECTION_DETAILS, connectionIn, type DetailedConnection } from '../api/connection.ts'
import type { ResultOf } from '../api/graphql.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useFormat } from '../format.ts'
import { useListRefresh } from '../live/following.tsx'
import { useLook } from '../live/look.ts'
import { usePageQuery } from '../live/page-query.ts'
import { useWords } from '../settings.tsx'
import { ConnectionActions } from './connection-actions.tsx'
import { ConnectionState, reasonOf } from '../widgets/connection-state.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Refresh } from '../widgets/list.tsx'
import { Time } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { QueryBehind } from '../widgets/query-behind.tsx'
import { QuotaBar } from '../widgets/quota.tsx'
import { hourName } from '../widgets/schedule.ts'
import { Nothing } from '../widgets/state.tsx'
import { useConnectionWords } from '../words/connections.ts'

type Read = ResultOf<typeof CONNECTION_DETAILS>

/** How often the state is read, which no transition says, in milliseconds. */
const LOOK_MS = 5_000

/** The Connection Details: how the connection is, what it brings, and the quotas and policies of its cloud. */
export function ConnectionDetails({ id }: { id: string }) {
  const { connections } = useWords()
  const words = useConnectionWords()
  const address = useAddress()
  const variables = { id }
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    CONNECTION_DETAILS,
    variables,
    () => undefined,
  )
  useLook(readAgain, LOOK_MS)
  useListRefresh(readAgain, fetching, ({ from, to }) => from === null || to === 'DELETED')
  const connection = connectionIn(data)

  if (connection === null) return <Unknown id={id} />
  return (
    <Page
      title={connection?.name ?? words.details}
      before={
        <Breadcrumb
          items={[{ title: <Link href="/connections">{connections}</Link> }, { title: words.details }]}
        />
      }
      beside={
        connection && (
          <>
            <Copyable text={connection.id} />
            <ConnectionState of={connection} />
          </>
        )
      }
      actions={
        <>
          <Refresh readAgain={readAgain} />
          {connection && <ConnectionActions connection={connection} shown={2} type="default" />}
        </>
      }
    >
      {error && <Failure error={error} retry={readAgain} />}
      {!connection && !error && <Skeleton active />}
      {data && connection && (
        <>
          <div className="details">
            <section className="card" aria-labelledby="overview">
              <Facts read={data} connection={connection} />
            </section>
            <Quotas connection={connection} />
            {connection.upstreamPolicies.length > 0 && <Policies policies={connection.upstreamPolicies} />}
          </div>
          <QueryBehind document={CONNECTION_DETAILS} variables={variables} />
        </>
      )}
      <Dialogs onDone={readAgain} />
    </Page>
  )
}

function Unknown({ id }: { id: string }) {
  const { notFound } = useWords()
  const words = useConnectionWords()
  return (
    <Page title={notFound}>
      <Nothing title={words.missing(id)} hint={words.missingHint}>
        <Link href="/connections">{words.toList}</Link>
      </Nothing>
    </Page>
  )
}

interface FactsProps {
  read: Read
  connection: DetailedConnection
}

function Facts({ read: { disks, snapshots }, connection }: FactsProps) {
  const common = useWords()
  const words = useConnectionWords()
  const format = useFormat()
  const { id, state, syncedAt, credentialsExpireAt: expireAt, credentialsWarnAt: warnAt } = connection
  return (
    <>
      <h2 id="overview">{common.overview}</h2>
      {state !== 'OK' && (
        <Alert
          className="state-hint"
          type={state === 'UNTRIED' ? 'info' : 'warning'}
          showIcon
          title={reasonOf(connection, common) ?? common.connectionState[state]}
          description={words.stateHint[state]}
        />
      )}
      {state === 'OK' && isPast(warnAt) && (
        <Alert
          className="state-hint"
          type="warning"
          showIcon
          title={words.credentialsEnding}
          description={words.credentialsEndingHint}
        />
      )}
      <Descriptions
        size="small"
        colon={false}
        styles={{ label: { minWidth: 110 } }}
        column={{ xs: 1, md: 2 }}
        items={[
          { label: common.providerLabel, children: common.provider[connection.provider] },
          { label: words.region, children: connection.region },
          { label: words.endpoint, children: connection.endpoint ?? words.regionsOwn },
          { label: words.since, children: <Time at={connection.stateSince} /> },
          { label: words.synced, children: syncedAt === null ? words.notSynced : <Time at={syncedAt} /> },
          {
            label: common.disks,
            children: <Link href={`/disks?connection=${id}`}>{format.number(disks.totalCount)}</Link>,
          },
          {
            label: common.snapshots,
            children: <Link href={`/snapshots?connection=${id}`}>{format.number(snapshots.totalCount)}</Link>,
          },
          { label: common.created, children: <Time at={connection.createdAt} /> },
          ...(expireAt === null
            ? []
            : [{ label: words.credentialsExpire, children: <Time near at={expireAt} /> }]),
        ]}
      />
    </>
  )
}

const isPast = (at: string | null) => at !== null && Date.parse(at) <= Date.now()

function Quotas({ connection: { upstreamQuotas, syncedAt } }: { connection: DetailedConnection }) {
  const words = useConnectionWords()
  return (
    <section className="card" aria-labelledby="quotas">
      <h2 id="quotas">{words.quotas}</h2>
      {upstreamQuotas.map(({ kind, used, limit }) => (
        <QuotaBar key={kind} label={words.quota[kind]} quota={{ used, limit }} />
      ))}
      <p className="hint">
        {syncedAt === null ? (
          words.noQuotas
        ) : (
          <>
            {words.synced} <Time at={syncedAt} />
          </>
        )}
      </p>
    </section>
  )
}

/** The policies that the cloud runs by itself: nothing of them can be changed here. */
function Policies({ policies }: { policies: DetailedConnection['upstreamPolicies'] }) {
  const { policy: common, disks: disksWord } = useWords()
  const words = useConnectionWords()
  const format = useFormat()
  const days = (weekdays: readonly number[]) =>
    weekdays.length === DAYS_A_WEEK ? common.everyDay : words.policyDays(format.list(weekdays.map(String)))
  return (
    <section className="card" aria-labelledby="policies">
      <h2 id="policies">{words.policies}</h2>
      <dl className="facts">
        {policies.map(({ id, name, status, timePoints, repeatWeekdays, retentionDays, disks }) => (
          <Fragment key={id}>
            <dt>
              {name} <Tag>{words.policyStatus(status)}</Tag>
            </dt>
            <dd>
              {common.schedule(days(repeatWeekdays), format.list(timePoints.map(hourName)))}
              <div className="hint">
                {common.retention}:{' '}
                {retentionDays === null ? common.keptForever : common.keptDays(retentionDays)} · {disksWord}:{' '}
                {format.number(disks.totalCount)} · {id}
              </div>
            </dd>
          </Fragment>
        ))}
      </dl>
      <p className="hint">{words.policiesHint}</p>
    </section>
  )
}

const DAYS_A_WEEK = 7
