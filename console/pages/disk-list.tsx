import { useState } from 'react'
import { known, orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { DISK_ROW, PLACE_OF_DISK, type DiskKind, type DiskStatus } from '../api/disk.ts'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { TOKENS, tokenFilter } from '../filters.ts'
import { useListRefresh, useTransitions } from '../live/following.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useSettings, useWords } from '../settings.tsx'
import { ActionButton, type Action } from '../widgets/actions.tsx'
import { useDiskColumns } from '../widgets/disk-table.tsx'
import { Failure } from '../widgets/failure.tsx'
import { isFiltered, ListFooter, ListTable, NoRows, Toolbar } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Page } from '../widgets/page.tsx'
import type { Permission } from '../widgets/viewer.tsx'

/** The Disk List. */
const DISKS = graphql(
  `
    query Disks(
      $first: Int
      $after: String
      $last: Int
      $before: String
      $filter: DiskFilter
      $orderBy: DiskOrder
    ) {
      disks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
        totalCount
        streamCursor
        pageInfo {
          ...PageInfo
        }
        nodes {
          ...DiskRow
          ...PlaceOfDisk
        }
      }
      connections(first: 0) {
        totalCount
      }
    }
  `,
  [DISK_ROW, PLACE_OF_DISK, PAGE_INFO],
)

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const

function useVariables(address: Address): VariablesOf<typeof DISKS> {
  const { words, zone } = useSettings()
  const text = address.text('q')
  const statuses = known(address.list('status'), Object.keys(words.diskStatus) as DiskStatus[])
  const kinds = known(address.list('kind'), Object.keys(words.diskKind) as DiskKind[])
  return {
    ...pagingOf(address).arguments,
    filter: {
      ...(text && { search: text }),
      ...(statuses.length > 0 && { status: { in: statuses } }),
      ...(kinds.length > 0 && { kind: { in: kinds } }),
      ...tokenFilter(address, zone),
    },
    orderBy: orderOf(address, ORDERS, { field: 'NAME', direction: 'ASC' }),
  }
}

const TOKENS_OF_DISKS = TOKENS.filter((name) => name !== 'expires' && name !== 'origin')
const FILTERS = ['q', 'connection', 'status', 'kind', ...TOKENS_OF_DISKS] as const

/** The Disk List: from here snapshots are created of one disk or of many. */
export function DiskList() {
  const words = useWords()
  const address = useAddress()
  const variables = useVariables(address)
  const { data, fetching, error, readAgain } = usePageQuery(address, DISKS, variables, ({ disks }) => disks)
  const disks = data?.disks
  const [selected, setSelected] = useState<string[]>([])
  const columns = useDiskColumns(address, (data?.connections.totalCount ?? 0) > 0)
  const ofSelected = (key: string, label: string, needs: Permission): Action => ({
    key,
    label,
    needs,
    run: () => address.change({ [key]: selected }),
    refusal: selected.length === 0 ? words.nothingSelected : undefined,
  })
  useTransitions(({ __typename, to, diskId }) => {
    if (__typename === 'DiskTransition' && to === 'DELETED')
      setSelected((ids) => ids.filter((id) => id !== diskId))
  })
  useListRefresh(
    readAgain,
    fetching,
    ({ __typename, from, to }) =>
      __typename === 'DiskTransition' && (from === null || to === 'DELETED' || address.text('status') !== ''),
  )

  return (
    <Page
      title={words.diskList}
      actions={
        <>
          <ActionButton
            action={{
              key: 'register',
              label: words.registration.title,
              needs: 'manageDisks',
              run: () => address.change({ register: 'new' }),
            }}
          />
          <ActionButton
            action={{
              key: 'create-empty',
              label: words.createDisk,
              needs: 'manageDisks',
              run: () => address.change({ 'create-empty': 'new' }),
            }}
          />
          <ActionButton action={ofSelected('edit-tags', words.tagging.action, 'manageDisks')} />
          <ActionButton action={ofSelected('link', words.policy.link, 'managePolicies')} />
          <ActionButton
            type="primary"
            action={ofSelected('create', words.createSnapshot, 'manageSnapshots')}
          />
        </>
      }
    >
      <Toolbar
        address={address}
        searchLabel={words.searchDisks}
        statuses={words.diskStatus}
        choice={{ name: 'kind', label: words.kind, any: words.anyKind, values: words.diskKind }}
        filters={FILTERS}
        tokens={TOKENS_OF_DISKS}
        selected={selected.length}
        tools={
          <ListTools
            table="disks"
            columns={columns}
            variables={variables}
            total={disks?.totalCount}
            readAgain={readAgain}
          />
        }
      />
      {error && <Failure error={error} retry={readAgain} />}
      {(disks || !error) && (
        <ListTable
          table="disks"
          address={address}
          columns={columns}
          list={disks}
          fetching={fetching}
          nothing={
            <NoRows filtered={isFiltered(address, FILTERS)} title={words.noDisks} hint={words.noDisksHint} />
          }
          selection={{ selected, onSelect: setSelected }}
        />
      )}
      <ListFooter address={address} document={DISKS} variables={variables} list={disks} />
      <Dialogs onDone={() => setSelected([])} />
    </Page>
  )
}
