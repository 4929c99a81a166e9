import { Tag } from 'antd'
import { useMemo, type ReactNode } from 'react'
import { known, pagingOf, useAddress, type Address } from '../address.ts'
import {
  ACTIVITY,
  type Activity,
  type ActivityAction,
  type ActivityResult as Result,
} from '../api/activity.ts'
import { graphql } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { tokenFilter } from '../filters.ts'
import { useFormat } from '../format.ts'
import { useListRefresh } from '../live/following.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useSettings, useWords } from '../settings.tsx'
import { ActivityResult, ActivitySubject, useActorName } from '../widgets/activity.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Choices, isFiltered, ListFooter, ListTable, NoRows } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Moment } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { FROM_DESKTOP, FROM_TABLET } from '../widgets/table.ts'
import type { ListColumn } from '../widgets/table-view.ts'
import { AddFilter, Tokens } from '../widgets/tokens.tsx'
import { useReportWords } from '../words/reports.ts'

/** A page of what was done in the account. */
const ACTIVITIES = graphql(
  `
    query Activity($filter: ActivityFilter, $first: Int, $after: String, $last: Int, $before: String) {
      activity(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        totalCount
        streamCursor
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...Activity
        }
      }
    }
  `,
  [ACTIVITY, PAGE_INFO],
)

const TOKEN_NAMES = ['created'] as const
const FILTERS = ['action', 'result', 'disk', 'snapshot', 'actor', 'since', ...TOKEN_NAMES] as const

function useVariables(address: Address) {
  const words = useReportWords()
  const { zone } = useSettings()
  const actions = known(address.list('action'), Object.keys(words.action) as ActivityAction[])
  const results = known(address.list('result'), Object.keys(words.result) as Result[])
  const [disk, snapshot, actor] = ['disk', 'snapshot', 'actor'].map((name) => address.text(name))
  const since = sinceOf(address)
  const { createdAt } = tokenFilter(address, zone)
  return {
    ...pagingOf(address).arguments,
    filter: {
      ...(actions.length > 0 && { action: { in: actions } }),
      ...(results.length > 0 && { result: { in: results } }),
      ...(disk && { diskId: { eq: disk } }),
      ...(snapshot && { snapshotId: { eq: snapshot } }),
      ...(actor && { actorId: { eq: actor } }),
      ...((createdAt ?? since !== undefined) && {
        at: { ...createdAt, ...(since !== undefined && { gt: since }) },
      }),
    },
  }
}

/** The moment after which the address asks for; undefined where it names none. */
function sinceOf(address: Address): string | undefined {
  const text = address.text('since')
  return text && !Number.isNaN(Date.parse(text)) ? new Date(text).toISOString() : undefined
}

/** Activity: who did what, when, from where, and how that ended. */
export function ActivityList() {
  const words = useReportWords()
  const address = useAddress()
  const variables = useVariables(address)
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    ACTIVITIES,
    variables,
    (read) => read.activity,
  )
  useListRefresh(readAgain, fetching, () => true)
  const columns = useColumns(address)
  const activity = data?.activity
  const list = useMemo(
    () =>
      activity && {
        ...activity,
        nodes: activity.nodes.map((one) => ({ ...one, name: one.subjectName ?? one.subjectId })),
      },
    [activity],
  )
  return (
    <Page title={words.activity.title}>
      <Filters
        address={address}
        tools={
          <ListTools
            table="activity"
            columns={columns}
            variables={variables}
            total={activity?.totalCount}
            readAgain={readAgain}
          />
        }
      />
      {error && <Failure error={error} retry={readAgain} />}
      {(list || !error) && (
        <ListTable
          table="activity"
          address={address}
          columns={columns}
          list={list}
          fetching={fetching}
          nothing={
            <NoRows
              filtered={isFiltered(address, FILTERS)}
              title={words.activity.none}
              hint={words.activity.noneHint}
            />
          }
        />
      )}
      <ListFooter address={address} document={ACTIVITIES} variables={variables} list={list} />
    </Page>
  )
}

function Filters({ address, tools }: { address: Address; tools: ReactNode }) {
  const words = useReportWords()
  const format = useFormat()
  const since = sinceOf(address)
  const named = {
    disk: words.activity.onDisk(address.text('disk')),
    snapshot: words.activity.onSnapshot(address.text('snapshot')),
    actor: words.activity.by(address.text('actor')),
    since: since === undefined ? '' : words.activity.since(format.dateTime(since)),
  }
  return (
    <div className="toolbar">
      <Choices address={address} name="action" any={words.activity.anyAction} values={words.action} />
      <Choices address={address} name="result" any={words.activity.anyResult} values={words.result} />
      <AddFilter address={address} names={TOKEN_NAMES} />
      <Tokens address={address} names={TOKEN_NAMES} />
      {Object.entries(named)
        .filter(([name]) => address.text(name))
        .map(([name, text]) => (
          <Tag
            key={name}
            closable={{ 'aria-label': words.activity.remove(text) }}
            onClose={() => address.filter({ [name]: undefined })}
          >
            {text}
          </Tag>
        ))}
      <span className="space" />
      {tools}
    </div>
  )
}

function useColumns(address: Address): ListColumn<Activity & { name: string }>[] {
  const words = useReportWords()
  const { none } = useWords()
  const actorName = useActorName()
  return useMemo(
    () => [
      { key: 'AT', title: words.activity.when, width: 124, render: (_, { at }) => <Moment at={at} /> },
      {
        key: 'ACTION',
        title: words.activity.what,
        width: 150,
        render: (_, { action }) => words.action[action],
      },
      {
        key: 'SUBJECT',
        needed: true,
        title: words.activity.subject,
        render: (_, one) => <ActivitySubject activity={one} />,
      },
      {
        key: 'ACTOR',
        title: words.activity.who,
        from: FROM_TABLET,
        render: (_, { actor }) =>
          actor.actorId === null ? (
            actorName(actor)
          ) : (
            <button
              type="button"
              className="link-button"
              title={words.activity.only(actorName(actor))}
              onClick={() => address.filter({ actor: actor.actorId ?? undefined })}
            >
              {actorName(actor)}
            </button>
          ),
      },
      {
        key: 'FROM',
        title: words.activity.from,
        from: FROM_DESKTOP,
        render: (_, { clientAddress }) => clientAddress ?? none,
      },
      { key: 'RESULT', title: words.activity.result, render: (_, one) => <ActivityResult activity={one} /> },
      {
        key: 'REQUEST_ID',
        title: words.activity.requestId,
        from: FROM_DESKTOP,
        render: (_, { actor: { requestId } }) => (requestId === null ? none : <Copyable text={requestId} />),
      },
    ],
    [address, words, none, actorName],
  )
}
