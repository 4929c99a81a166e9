import { useMemo } from 'react'
import { Link } from 'wouter'
import { pagingOf, useAddress, type Address } from '../address.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { POLICY } from '../api/policy.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useFormat } from '../format.ts'
import { usePageQuery } from '../live/page-query.ts'
import { useRuns } from '../widgets/policy-runs.ts'
import { useWords } from '../settings.tsx'
import { ActionButton, RowActions } from '../widgets/actions.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { ListFooter, ListTable } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Moment } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { policyActions } from '../widgets/policy-actions.ts'
import { useSchedule } from '../widgets/schedule.ts'
import { Nothing } from '../widgets/state.tsx'
import { FROM_DESKTOP, FROM_LAPTOP, FROM_TABLET } from '../widgets/table.ts'
import type { ListColumn } from '../widgets/table-view.ts'

/** The policies of the account, with how many disks each is linked to, and its last run. */
const POLICY_LIST = graphql(
  `
    query PolicyList($first: Int, $after: String, $last: Int, $before: String) {
      autoSnapshotPolicies(first: $first, after: $after, last: $last, before: $before) {
        totalCount
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...Policy
          disks(first: 0) {
            totalCount
          }
          lastRun {
            id
            scheduledFor
            outcome
          }
        }
      }
      # Where to watch from.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [POLICY, PAGE_INFO],
)

type ListedPolicy = ResultOf<typeof POLICY_LIST>['autoSnapshotPolicies']['nodes'][number]

/** The Policy List. */
export function PolicyList() {
  const words = useWords()
  const address = useAddress()
  const variables = pagingOf(address).arguments
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    POLICY_LIST,
    variables,
    (read) => read.autoSnapshotPolicies,
  )
  const policies = data?.autoSnapshotPolicies
  const columns = useColumns(address)
  const next = policies?.nodes.flatMap(({ nextRuns }) => nextRuns.slice(0, 1)).toSorted()[0]
  useRuns(next, false, readAgain)
  return (
    <Page
      title={words.policy.list}
      actions={
        <>
          <ListTools
            table="policies"
            columns={columns}
            variables={variables}
            total={policies?.totalCount}
            readAgain={readAgain}
          />
          <ActionButton
            type="primary"
            action={{
              key: 'create-policy',
              label: words.policy.createTitle,
              needs: 'managePolicies',
              run: () => address.change({ 'create-policy': 'new' }),
            }}
          />
        </>
      }
    >
      {error && <Failure error={error} retry={readAgain} />}
      {(policies || !error) && (
        <ListTable
          table="policies"
          address={address}
          columns={columns}
          list={policies}
          fetching={fetching}
          nothing={<Nothing title={words.policy.noPolicies} hint={words.policy.noPoliciesHint} />}
        />
      )}
      <ListFooter address={address} document={POLICY_LIST} variables={variables} list={policies} />
      <Dialogs onDone={readAgain} />
    </Page>
  )
}

function useColumns(address: Address): ListColumn<ListedPolicy>[] {
  const words = useWords()
  const format = useFormat()
  const schedule = useSchedule()
  return useMemo(
    () => [
      {
        key: 'NAME',
        needed: true,
        title: words.nameAndId,
        render: (_, { id, name }) => (
          <>
            <Link href={`/policies/${id}`}>{name}</Link>
            <br />
            <Copyable text={id} />
          </>
        ),
      },
      {
        key: 'RUNS',
        title: words.policy.runs,
        from: FROM_TABLET,
        render: (_, policy) => (
          <>
            {schedule.runs(policy)}
            <div className="hint">{policy.timeZone}</div>
          </>
        ),
      },
      {
        key: 'RETENTION',
        title: words.policy.retention,
        from: FROM_DESKTOP,
        render: (_, policy) => schedule.kept(policy),
      },
      {
        key: 'DISKS',
        title: words.policy.linkedDisks,
        width: 96,
        align: 'right',
        render: (_, { disks }) => format.number(disks.totalCount),
      },
      {
        key: 'NEXT_RUN',
        title: words.policy.nextRun,
        width: 124,
        from: FROM_LAPTOP,
        render: (_, { nextRuns: [at] }) => (at === undefined ? words.none : <Moment at={at} />),
      },
      {
        key: 'LAST_RUN',
        title: words.policy.lastRun,
        width: 150,
        from: FROM_DESKTOP,
        render: (_, { lastRun }) =>
          lastRun ? (
            <>
              <Moment at={lastRun.scheduledFor} />
              {lastRun.outcome !== 'RUN' && (
                <div className="reason">{words.policy.runOutcome[lastRun.outcome]}</div>
              )}
            </>
          ) : (
            words.policy.neverRan
          ),
      },
      {
        key: 'ACTIONS',
        needed: true,
        title: words.actions,
        width: 68,
        render: (_, policy) => (
          <RowActions of={policy.name} shown={0} actions={policyActions(policy.id, address, words)} />
        ),
      },
    ],
    [address, words, format, schedule],
  )
}
