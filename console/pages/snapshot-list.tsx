import { ReloadOutlined } from '@ant-design/icons'
import { Button, Select, Tag } from 'antd'
import { useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { known, orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { SNAPSHOT, type SnapshotStatus, type SnapshotType } from '../api/snapshot.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useListRefresh } from '../live/following.tsx'
import { useReadAgain } from '../live/read-again.ts'
import { useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Page } from '../widgets/page.tsx'
import { isEmptied, Pager, useExistingPage } from '../widgets/pager.tsx'
import { QueryBehind } from '../widgets/query-behind.tsx'
import { Search } from '../widgets/search.tsx'
import { SnapshotTable } from '../widgets/snapshot-table.tsx'
import { Nothing } from '../widgets/state.tsx'
import { useKept } from '../widgets/table.ts'

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
        }
      }
    }
  `,
  [SNAPSHOT, PAGE_INFO],
)

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const
const FILTERS = ['q', 'status', 'method', 'disk'] as const

function useVariables(address: Address): VariablesOf<typeof SNAPSHOTS> {
  const words = useWords()
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
    },
    orderBy: orderOf(address, ORDERS, { field: 'CREATED_AT', direction: 'DESC' }),
  }
}

/** The Snapshot List: from here a snapshot is created by type and disk. */
export function SnapshotList() {
  const words = useWords()
  const address = useAddress()
  const variables = useVariables(address)
  const [{ data, fetching, stale, error }] = useQuery({ query: SNAPSHOTS, variables })
  const snapshots = useKept(data)?.snapshots
  useExistingPage(address, pagingOf(address), fetching || stale ? undefined : data?.snapshots)
  const [chosen, setSelected] = useState<string[]>([])
  // Those on the page, as long as they are there.
  const selected = useMemo(() => {
    const there = new Set(snapshots?.nodes.map(({ id }) => id))
    return chosen.filter((id) => there.has(id))
  }, [chosen, snapshots])
  const diskId = address.text('disk')
  const filtered = FILTERS.some((name) => address.text(name))
  const readAgain = useReadAgain(SNAPSHOTS, variables)
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
    <Page
      title={words.snapshotList}
      actions={
        <>
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
      }
    >
      <div className="toolbar">
        <Search
          label={words.searchSnapshots}
          value={address.text('q')}
          onSearch={(q) => address.filter({ q }, { replace: true })}
        />
        <Select
          mode="multiple"
          className="filter"
          allowClear
          maxTagCount="responsive"
          aria-label={words.status}
          placeholder={words.anyStatus}
          value={address.list('status')}
          onChange={(status: string[]) => address.filter({ status })}
          options={Object.entries(words.snapshotStatus)
            .filter(([value]) => value !== 'DELETED')
            .map(([value, label]) => ({ value, label }))}
        />
        <Select
          className="filter"
          allowClear
          aria-label={words.method}
          placeholder={words.anyMethod}
          value={address.text('method') || null}
          onChange={(method: string | undefined) => address.filter({ method })}
          options={Object.entries(words.snapshotType).map(([value, label]) => ({ value, label }))}
        />
        {diskId && (
          <Tag closable onClose={() => address.filter({ disk: undefined })}>
            {words.ofDisk(diskId)}
          </Tag>
        )}
        {filtered && (
          <Button
            type="link"
            onClick={() => address.filter(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
          >
            {words.clearFilters}
          </Button>
        )}
        <span className="space" />
        {selected.length > 0 && <span className="selected">{words.selected(selected.length)}</span>}
        <Button
          aria-label={words.refresh}
          title={words.refresh}
          icon={<ReloadOutlined aria-hidden />}
          onClick={readAgain}
        />
      </div>
      {error && <Failure error={error} retry={readAgain} />}
      {(snapshots || !error) && (
        <SnapshotTable
          withDisk
          selected={selected}
          onSelect={setSelected}
          address={address}
          snapshots={snapshots?.nodes}
          loading={(fetching && !snapshots) || isEmptied(snapshots)}
          nothing={
            filtered ? (
              <Nothing title={words.noMatches} />
            ) : (
              <Nothing title={words.noSnapshots} hint={words.noSnapshotsHint} />
            )
          }
        />
      )}
      <footer className="list-footer">
        <QueryBehind document={SNAPSHOTS} variables={variables} />
        {snapshots && <Pager address={address} paging={pagingOf(address)} list={snapshots} />}
      </footer>
      <Dialogs />
    </Page>
  )
}
