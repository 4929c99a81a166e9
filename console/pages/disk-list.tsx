import { ReloadOutlined } from '@ant-design/icons'
import { Button, Grid, Select, Table, type TableColumnsType } from 'antd'
import { useMemo, useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { known, orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { DISK, type Disk, type DiskKind, type DiskStatus } from '../api/disk.ts'
import { graphql, type VariablesOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useFormat } from '../format.ts'
import { useListRefresh } from '../live/following.tsx'
import { useReadAgain } from '../live/read-again.ts'
import { useWords } from '../settings.tsx'
import { ActionButton, RowActions } from '../widgets/actions.tsx'
import { cancelActions } from '../widgets/cancel-action.ts'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Moment } from '../widgets/moment.tsx'
import { Page } from '../widgets/page.tsx'
import { isEmptied, Pager, useExistingPage } from '../widgets/pager.tsx'
import { QueryBehind } from '../widgets/query-behind.tsx'
import { whyNot, whyNotLink } from '../widgets/refusal.ts'
import { Search } from '../widgets/search.tsx'
import { Nothing } from '../widgets/state.tsx'
import { CancellingHint, DiskStatusTag } from '../widgets/status.tsx'
import {
  FROM_DESKTOP,
  FROM_LAPTOP,
  FROM_TABLET,
  onSort,
  SORT_DIRECTIONS,
  sortOrder,
  useKept,
} from '../widgets/table.ts'

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
          ...Disk
        }
      }
    }
  `,
  [DISK, PAGE_INFO],
)

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const

function useVariables(address: Address): VariablesOf<typeof DISKS> {
  const words = useWords()
  const text = address.text('q')
  const statuses = known(address.list('status'), Object.keys(words.diskStatus) as DiskStatus[])
  const kinds = known(address.list('kind'), Object.keys(words.diskKind) as DiskKind[])
  return {
    ...pagingOf(address).arguments,
    filter: {
      ...(text && { search: text }),
      ...(statuses.length > 0 && { status: { in: statuses } }),
      ...(kinds.length > 0 && { kind: { in: kinds } }),
    },
    orderBy: orderOf(address, ORDERS, { field: 'NAME', direction: 'ASC' }),
  }
}

/** The Disk List: from here snapshots are created of one disk or of many. */
export function DiskList() {
  const words = useWords()
  const address = useAddress()
  const variables = useVariables(address)
  const [{ data, fetching, stale, error }] = useQuery({ query: DISKS, variables })
  const disks = useKept(data)?.disks
  useExistingPage(address, pagingOf(address), fetching || stale ? undefined : data?.disks)
  const [selected, setSelected] = useState<string[]>([])
  const columns = useColumns(address)
  const filtered = ['q', 'status', 'kind'].some((name) => address.text(name))
  const readAgain = useReadAgain(DISKS, variables)
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
              key: 'link',
              label: words.policy.link,
              needs: 'managePolicies',
              run: () => address.change({ link: selected }),
              refusal: selected.length === 0 ? words.nothingSelected : undefined,
            }}
          />
          <ActionButton
            type="primary"
            action={{
              key: 'create',
              label: words.createSnapshot,
              needs: 'manageSnapshots',
              run: () => address.change({ create: selected }),
              refusal: selected.length === 0 ? words.nothingSelected : undefined,
            }}
          />
        </>
      }
    >
      <div className="toolbar">
        <Search
          label={words.searchDisks}
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
          options={Object.entries(words.diskStatus).map(([value, label]) => ({ value, label }))}
        />
        <Select
          className="filter"
          allowClear
          aria-label={words.kind}
          placeholder={words.anyKind}
          value={address.text('kind') || null}
          onChange={(kind: string | undefined) => address.filter({ kind })}
          options={Object.entries(words.diskKind).map(([value, label]) => ({ value, label }))}
        />
        {filtered && (
          <Button
            type="link"
            onClick={() => address.filter({ q: undefined, status: undefined, kind: undefined })}
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
      {(disks || !error) && (
        <Table<Disk>
          rowKey="id"
          size="small"
          columns={columns}
          dataSource={disks?.nodes ?? []}
          loading={(fetching && !disks) || isEmptied(disks)}
          pagination={false}
          showSorterTooltip={false}
          sortDirections={SORT_DIRECTIONS}
          className="list"
          onChange={onSort(address)}
          rowSelection={{
            selectedRowKeys: selected,
            preserveSelectedRowKeys: true,
            onChange: (keys) => setSelected(keys as string[]),
            getTitleCheckboxProps: () => ({ 'aria-label': words.selectAll }),
            getCheckboxProps: ({ name }) => ({ 'aria-label': words.selectRow(name) }),
          }}
          locale={{
            emptyText:
              fetching || isEmptied(disks) ? (
                ' '
              ) : filtered ? (
                <Nothing title={words.noMatches} />
              ) : (
                <Nothing title={words.noDisks} hint={words.noDisksHint} />
              ),
          }}
        />
      )}
      <footer className="list-footer">
        <QueryBehind document={DISKS} variables={variables} />
        {disks && <Pager address={address} paging={pagingOf(address)} list={disks} />}
      </footer>
      <Dialogs onDone={() => setSelected([])} />
    </Page>
  )
}

function useColumns(address: Address): TableColumnsType<Disk> {
  const isWide = Grid.useBreakpoint().md === true
  const words = useWords()
  const format = useFormat()
  return useMemo(() => {
    const sort = sortOrder(address, { NAME: 'ascend' })
    return [
      {
        title: words.nameAndId,
        key: 'NAME',
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
        title: words.status,
        width: 145,
        render: (_, { status, statusReason, operation }) => (
          <>
            <DiskStatusTag status={status} reason={statusReason} />
            <CancellingHint operation={operation} />
          </>
        ),
      },
      {
        title: words.kind,
        width: 98,
        responsive: FROM_DESKTOP,
        render: (_, { kind }) => words.diskKind[kind],
      },
      { title: words.storageType, dataIndex: 'storageType', width: 92, responsive: FROM_DESKTOP },
      {
        title: words.size,
        key: 'SIZE',
        sorter: true,
        sortOrder: sort('SIZE'),
        width: 84,
        align: 'right',
        responsive: FROM_TABLET,
        render: (_, { sizeGiB }) => format.gib(sizeGiB),
      },
      {
        title: words.attachment,
        width: 116,
        responsive: FROM_LAPTOP,
        render: (_, { attachment }) =>
          attachment ? (
            <>
              <code>{attachment.instanceId}</code>
              <div className="hint">{attachment.device}</div>
            </>
          ) : (
            <span className="hint">{words.notAttached}</span>
          ),
      },
      {
        title: words.heldSnapshots,
        width: 128,
        align: 'right',
        responsive: FROM_TABLET,
        render: (_, { id, snapshotQuota: { manual, automatic } }) => (
          <>
            <Link
              href={`/snapshots?disk=${id}`}
              title={`${words.manualQuota}: ${words.quotaUsed(format.number(manual.used), format.number(manual.limit))}`}
            >
              {words.quotaUsed(format.number(manual.used), format.number(manual.limit))}
            </Link>
            {automatic.used > 0 && (
              <div className="hint">
                {words.snapshotType.AUTOMATIC}{' '}
                {words.quotaUsed(format.number(automatic.used), format.number(automatic.limit))}
              </div>
            )}
          </>
        ),
      },
      {
        title: words.created,
        key: 'CREATED_AT',
        sorter: true,
        sortOrder: sort('CREATED_AT'),
        width: 124,
        responsive: FROM_DESKTOP,
        render: (_, { createdAt }) => <Moment at={createdAt} />,
      },
      {
        title: words.actions,
        width: isWide ? 130 : 68,
        render: (_, disk) => (
          <RowActions
            of={disk.name}
            shown={isWide ? 1 : 0}
            actions={[
              {
                key: 'create',
                label: words.createSnapshot,
                needs: 'manageSnapshots',
                run: () => address.change({ create: disk.id }),
                refusal: whyNot(disk, words, format),
              },
              {
                key: 'link',
                label: words.policy.link,
                needs: 'managePolicies',
                run: () => address.change({ link: disk.id }),
                refusal: whyNotLink(disk, words),
              },
              ...cancelActions(disk.id, disk.operation, address, words),
            ]}
          />
        ),
      },
    ]
  }, [address, isWide, words, format])
}
