import { Breadcrumb, Descriptions, Skeleton } from 'antd'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { LINKED_DISK, type LinkedDisk } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { POLICY } from '../api/policy.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useFormat } from '../format.ts'
import { useListRefresh } from '../live/following.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useRuns } from '../widgets/policy-runs.ts'
import { RunHistory } from '../live/run-history.tsx'
import { useWords } from '../settings.tsx'
import { ActionButton, RowActions } from '../widgets/actions.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { ListFooter, ListTable, Refresh } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Page } from '../widgets/page.tsx'
import { policyActions } from '../widgets/policy-actions.ts'
import { levelOf } from '../widgets/quota.tsx'
import { useSchedule } from '../widgets/schedule.ts'
import { Nothing } from '../widgets/state.tsx'
import { DiskStatusTag } from '../widgets/status.tsx'
import { FROM_TABLET, sortOrder } from '../widgets/table.ts'
import type { ListColumn } from '../widgets/table-view.ts'
import { Time } from '../widgets/moment.tsx'

/** A policy, with a page of the disks that are linked to it. */
const POLICY_DETAILS = graphql(
  `
    query PolicyDetails(
      $id: ID!
      $first: Int
      $after: String
      $last: Int
      $before: String
      $orderBy: DiskOrder
    ) {
      autoSnapshotPolicy(id: $id) {
        ...Policy
        createdAt
        updatedAt
        lastRun {
          id
          scheduledFor
        }
        disks(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
          totalCount
          pageInfo {
            ...PageInfo
          }
          nodes {
            ...LinkedDisk
          }
        }
      }
      # Where to watch from.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [POLICY, LINKED_DISK, PAGE_INFO],
)

type DetailedPolicy = NonNullable<ResultOf<typeof POLICY_DETAILS>['autoSnapshotPolicy']>

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const

/** The Policy Details: when it runs, which disks it is linked to, and what its runs made of them. */
export function PolicyDetails({ id }: { id: string }) {
  const words = useWords()
  const address = useAddress()
  const variables = {
    id,
    ...pagingOf(address).arguments,
    orderBy: orderOf(address, ORDERS, { field: 'NAME', direction: 'ASC' }),
  }
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    POLICY_DETAILS,
    variables,
    (read) => read.autoSnapshotPolicy?.disks,
  )
  const policy = data?.autoSnapshotPolicy
  useRuns(policy?.nextRuns[0], false, readAgain)
  useListRefresh(
    readAgain,
    fetching,
    ({ __typename, to }) => __typename === 'DiskTransition' && to === 'DELETED',
  )

  if (policy === null) return <Unknown id={id} />
  return (
    <Page
      title={policy?.name ?? words.policy.details}
      before={
        <Breadcrumb
          items={[
            { title: <Link href="/policies">{words.policy.list}</Link> },
            { title: words.policy.details },
          ]}
        />
      }
      beside={policy && <Copyable text={policy.id} />}
      actions={
        <>
          <Refresh readAgain={readAgain} />
          {policy && (
            <RowActions
              of={policy.name}
              type="default"
              shown={0}
              actions={policyActions(id, address, words).filter(({ key }) => key !== 'link-disks')}
            />
          )}
          {policy && (
            <ActionButton
              type="primary"
              action={{
                key: 'link-disks',
                label: words.policy.linkDisks,
                needs: 'managePolicies',
                run: () => address.change({ 'link-disks': id }),
              }}
            />
          )}
        </>
      }
    >
      {error && <Failure error={error} retry={readAgain} />}
      {!policy && !error && <Skeleton active />}
      {policy && (
        <div className="details single">
          <section className="card" aria-labelledby="overview">
            <h2 id="overview">{words.overview}</h2>
            <Facts policy={policy} />
          </section>
          <LinkedDisks address={address} disks={policy.disks} fetching={fetching} variables={variables} />
          <section className="card" aria-labelledby="runs">
            <h2 id="runs">{words.policy.runHistory}</h2>
            <RunHistory policyId={id} next={policy.nextRuns[0]} />
          </section>
        </div>
      )}
      <Dialogs
        disk={policy?.disks.nodes.find((disk) => disk.id === address.text('unlink'))}
        onDone={readAgain}
      />
    </Page>
  )
}

interface LinkedDisksProps {
  address: Address
  disks: DetailedPolicy['disks']
  fetching: boolean
  variables: object
}

/** A page of the disks that are linked to it. */
function LinkedDisks({ address, disks, fetching, variables }: LinkedDisksProps) {
  const words = useWords()
  const columns = useColumns(address)
  return (
    <section className="card held" aria-labelledby="linked">
      <div className="card-head">
        <h2 id="linked">{words.policy.linkedDisks}</h2>
        <span className="card-tools">
          <ListTools table="policy-disks" columns={columns} variables={variables} total={disks.totalCount} />
        </span>
      </div>
      <ListTable
        table="policy-disks"
        address={address}
        columns={columns}
        list={disks}
        fetching={fetching}
        nothing={<Nothing title={words.policy.noDisks} />}
      />
      <ListFooter address={address} document={POLICY_DETAILS} variables={variables} list={disks} />
    </section>
  )
}

function Unknown({ id }: { id: string }) {
  const words = useWords()
  return (
    <Page title={words.notFound}>
      <Nothing title={words.policy.missing(id)} hint={words.policy.missingHint}>
        <Link href="/policies">{words.policy.toList}</Link>
      </Nothing>
    </Page>
  )
}

function Facts({ policy }: { policy: DetailedPolicy }) {
  const words = useWords()
  const schedule = useSchedule()
  return (
    <Descriptions
      size="small"
      colon={false}
      styles={{ label: { minWidth: 110 } }}
      column={{ xs: 1, md: 2 }}
      items={[
        { label: words.policy.runs, children: schedule.runs(policy) },
        { label: words.policy.timeZone, children: policy.timeZone },
        { label: words.policy.retention, children: schedule.kept(policy) },
        { label: words.created, children: <Time at={policy.createdAt} /> },
        {
          label: words.policy.nextRuns,
          children: (
            <span className="moments">
              {policy.nextRuns.map((at) => (
                <Time near key={at} at={at} />
              ))}
            </span>
          ),
        },
        { label: words.policy.lastChange, children: <Time at={policy.updatedAt} /> },
      ]}
    />
  )
}

function useColumns(address: Address): ListColumn<LinkedDisk>[] {
  const words = useWords()
  const format = useFormat()
  return useMemo(() => {
    const sort = sortOrder(address, { NAME: 'ascend' })
    return [
      {
        title: words.nameAndId,
        key: 'NAME',
        needed: true,
        sorter: true,
        sortOrder: sort('NAME'),
        render: (_, { id, name }) => (
          <>
            <Link href={`/disks/${id}`}>{name}</Link>
            <br />
            <Copyable text={id} />
          </>
        ),
      },
      {
        key: 'STATUS',
        title: words.status,
        width: 145,
        render: (_, disk) => <DiskStatusTag status={disk.status} of={disk} />,
      },
      {
        key: 'QUOTA',
        title: words.automaticQuota,
        width: 170,
        align: 'right',
        from: FROM_TABLET,
        render: (_, { snapshotQuota: { automatic } }) => (
          <span className={levelOf(automatic)}>
            {words.quotaUsed(format.number(automatic.used), format.number(automatic.limit))}
          </span>
        ),
      },
      {
        key: 'ACTIONS',
        needed: true,
        title: words.actions,
        width: 100,
        render: (_, { id }) => (
          <ActionButton
            type="link"
            size="small"
            action={{
              key: 'unlink',
              label: words.policy.unlink,
              needs: 'managePolicies',
              run: () => address.change({ unlink: id }),
            }}
          />
        ),
      },
    ]
  }, [address, words, format])
}
