import { Tag } from 'antd'
import { useMemo, useState } from 'react'
import { known, orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { PLACE_OF_SNAPSHOT, SNAPSHOT, type SnapshotStatus, type SnapshotType } from '../api/snapshot.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { snapshotTokenFilter, TOKENS } from '../filters.ts'
import { useListRefresh } from '../live/following.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useSettings, useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { Failure } from '../widgets/failure.tsx'
import { isFiltered, ListFooter, Toolbar } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Page } from '../widgets/page.tsx'
import { SnapshotTable, useSnapshotColumns } from '../widgets/snapshot-table.tsx'

/** The Snapshot List. */
const SNAPSHOTS = graphql(
  `
    query Snapshots(
      $first: Int
      $after: String
      $last: Int
      $before: String
      $filter: SnapshotFilter
      $orderBy: SnapshotOrder
    ) {
      snapshots(
        first: $first
        after: $after
        last: $last
        before: $before
        filter: $filter
        orderBy: $orderBy
      ) {
        totalCount
        streamCursor
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...Snapshot
          ...PlaceOfSnapshot
        }
      }
      connections(first: 0) {
        totalCount
      }
    }
  `,
  [SNAPSHOT, PLACE_OF_SNAPSHOT, PAGE_INFO],
)

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const
const FILTERS = ['q', 'connection', 'status', 'method', 'disk', ...TOKENS] as const

function useVariables(address: Address): VariablesOf<typeof SNAPSHOTS> {
  const { words, zone } = useSettings()
  const text = address.text('q')
  const statuses = known(address.list('status'), Object.keys(words.snapshotStatus) as SnapshotStatus[])
  const types = known(address.list('method'), Object.keys(words.snapshotType) as SnapshotType[])
  const diskId = address.text('disk')
  return {
    ...pagingOf(address).arguments,
    filter: {
      ...(text && { search: text }),
      ...(statuses.length > 0 && { status: { in: statuses } }),
      ...(types.length > 0 && { type: { in: types } }),
      ...(diskId && { diskId: { eq: diskId } }),
      ...snapshotTokenFilter(address, zone),
    },
    orderBy: orderOf(address, ORDERS, { field: 'CREATED_AT', direction: 'DESC' }),
  }
}

/** The Snapshot List: from here a snapshot is created by type and disk. */
export function SnapshotList() {
  const words = useWords()
  const address = useAddress()
  const variables = useVariables(address)
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    SNAPSHOTS,
    variables,
    (read) => read.snapshots,
  )
  const snapshots = data?.snapshots
  const [chosen, setSelected] = useState<string[]>([])
  // Those on the page, as long as they are there.
  const selected = useMemo(() => {
    const there = new Set(snapshots?.nodes.map(({ id }) => id))
    return chosen.filter((id) => there.has(id))
  }, [chosen, snapshots])
  const columns = useSnapshotColumns(address, { hasClouds: (data?.connections.totalCount ?? 0) > 0 })
  const diskId = address.text('disk')
  useListRefresh(readAgain, fetching, (transition) => {
    const { __typename, from, to, diskId } = transition
    if (__typename === 'SnapshotTransition') {
      return from === null || to === 'DELETED' || address.text('status') !== ''
    }
    // What can be done with a snapshot depends on its disk, and on the disks that are made from snapshots.
    return (
      from === null ||
      from === 'CREATING' ||
      snapshots?.nodes.some(({ disk }) => disk?.id === diskId) === true
    )
  })

  return (
    <Page title={words.snapshotList} actions={<Actions address={address} selected={selected} />}>
      <Toolbar
        address={address}
        searchLabel={words.searchSnapshots}
        statuses={omitDeleted(words.snapshotStatus)}
        choice={{ name: 'method', label: words.method, any: words.anyMethod, values: words.snapshotType }}
        filters={FILTERS}
        tokens={TOKENS}
        selected={selected.length}
        tools={
          <ListTools
            table="snapshots"
            columns={columns}
            variables={variables}
            total={snapshots?.totalCount}
            readAgain={readAgain}
          />
        }
      >
        {diskId && (
          <Tag closable onClose={() => address.filter({ disk: undefined })}>
            {words.ofDisk(diskId)}
          </Tag>
        )}
      </Toolbar>
      {error && <Failure error={error} retry={readAgain} />}
      {(snapshots || !error) && (
        <SnapshotTable
          table="snapshots"
          columns={columns}
          selection={{ selected, onSelect: setSelected }}
          address={address}
          snapshots={snapshots}
          fetching={fetching}
          filtered={isFiltered(address, FILTERS)}
        />
      )}
      <ListFooter address={address} document={SNAPSHOTS} variables={variables} list={snapshots} />
      <Dialogs />
    </Page>
  )
}

/** The statuses that snapshots in a list have. */
function omitDeleted(statuses: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(statuses).filter(([status]) => status !== 'DELETED'))
}

function Actions({ address, selected }: { address: Address; selected: string[] }) {
  const words = useWords()
  return (
    <>
      <ActionButton
        action={{
          key: 'edit-tags',
          label: words.tagging.action,
          needs: 'manageSnapshots',
          run: () => address.change({ 'edit-tags': selected }),
          refusal: selected.length === 0 ? words.noSnapshotSelected : undefined,
        }}
      />
      <ActionButton
        action={{
          key: 'delete',
          label: words.delete,
          needs: 'manageSnapshots',
          run: () => address.change({ delete: selected }),
          refusal: selected.length === 0 ? words.noSnapshotSelected : undefined,
          danger: true,
        }}
      />
      <ActionButton
        type="primary"
        action={{
          key: 'create',
          label: words.createSnapshot,
          needs: 'manageSnapshots',
          run: () => address.change({ create: 'new' }),
        }}
      />
    </>
  )
}
