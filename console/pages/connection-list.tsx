import { useMemo } from 'react'
import { Link } from 'wouter'
import { known, pagingOf, useAddress } from '../address.ts'
import { CONNECTION, type Connection } from '../api/connection.ts'
import { graphql } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useLook } from '../live/look.ts'
import { usePageQuery } from '../live/page-query.ts'
import { useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { ConnectionActions } from './connection-actions.tsx'
import { ConnectionState, reasonOf } from '../widgets/connection-state.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Choices, ListFooter, ListTable, NoRows } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Moment } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { FROM_LAPTOP, FROM_TABLET } from '../widgets/table.ts'
import type { ListColumn } from '../widgets/table-view.ts'
import { useConnectionWords } from '../words/connections.ts'

const CONNECTIONS = graphql(
  `
    query Connections($first: Int, $after: String, $last: Int, $before: String, $filter: ConnectionFilter) {
      connections(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
        totalCount
        streamCursor
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...Connection
        }
      }
    }
  `,
  [CONNECTION, PAGE_INFO],
)

/** How often states are read, which no transition says, in milliseconds. */
const LOOK_MS = 5_000

/** The connections to clouds, with their states. */
export function ConnectionList() {
  const { connections: title, connectionState, status, anyStatus } = useWords()
  const words = useConnectionWords()
  const address = useAddress()
  const states = known(address.list('status'), Object.keys(connectionState) as Connection['state'][])
  const variables = {
    ...pagingOf(address).arguments,
    filter: { ...(states.length > 0 && { state: { in: states } }) },
  }
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    CONNECTIONS,
    variables,
    (read) => read.connections,
  )
  useLook(readAgain, LOOK_MS)
  const list = data?.connections
  const columns = useColumns()
  return (
    <Page
      title={title}
      actions={
        <ActionButton
          type="primary"
          action={{
            key: 'create-connection',
            label: words.createTitle,
            needs: 'manageConnections',
            run: () => address.change({ 'create-connection': 'new' }),
          }}
        />
      }
    >
      <div className="toolbar">
        <Choices address={address} name="status" label={status} any={anyStatus} values={connectionState} />
        <span className="space" />
        <ListTools
          table="connections"
          columns={columns}
          variables={variables}
          total={list?.totalCount}
          readAgain={readAgain}
        />
      </div>
      {error && <Failure error={error} retry={readAgain} />}
      {(list ?? !error) && (
        <ListTable
          table="connections"
          address={address}
          columns={columns}
          list={list}
          fetching={fetching}
          nothing={<NoRows filtered={states.length > 0} title={words.none} hint={words.noneHint} />}
        />
      )}
      <ListFooter address={address} document={CONNECTIONS} variables={variables} list={list} />
      <Dialogs onDone={readAgain} />
    </Page>
  )
}

function useColumns(): ListColumn<Connection>[] {
  const common = useWords()
  const words = useConnectionWords()
  return useMemo(
    () => [
      {
        key: 'NAME',
        needed: true,
        title: common.nameAndId,
        render: (_, { id, name }) => (
          <>
            <Link href={`/connections/${id}`}>{name}</Link>
            <br />
            <Copyable text={id} />
          </>
        ),
      },
      {
        key: 'STATE',
        title: common.status,
        width: 260,
        render: (_, connection) => {
          const reason = reasonOf(connection, common)
          return (
            <>
              <ConnectionState of={connection} />
              {reason !== undefined && (
                <div className="reason" title={reason}>
                  {reason}
                </div>
              )}
            </>
          )
        },
      },
      {
        key: 'SINCE',
        title: words.since,
        width: 124,
        from: FROM_LAPTOP,
        render: (_, { stateSince }) => <Moment at={stateSince} />,
      },
      {
        key: 'CLOUD',
        title: words.cloud,
        width: 150,
        from: FROM_TABLET,
        render: (_, { provider, region }) => (
          <>
            {common.provider[provider]}
            <div className="hint">{region}</div>
          </>
        ),
      },
      {
        key: 'SYNCED',
        title: words.synced,
        width: 124,
        from: FROM_TABLET,
        render: (_, { syncedAt }) =>
          syncedAt === null ? <span className="hint">{words.notSynced}</span> : <Moment at={syncedAt} />,
      },
      {
        key: 'ACTIONS',
        needed: true,
        title: common.actions,
        width: 68,
        render: (_, connection) => <ConnectionActions connection={connection} shown={0} type="link" />,
      },
    ],
    [common, words],
  )
}
