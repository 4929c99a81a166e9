import { ReloadOutlined } from '@ant-design/icons'
import { Button, Select, Table, type TableProps } from 'antd'
import { useMemo, type ReactNode } from 'react'
import type { TypedDocumentNode } from 'urql'
import { pagingOf, type Address } from '../address.ts'
import type { TokenName } from '../filters.ts'
import { useWords } from '../settings.tsx'
import { Cards } from './cards.tsx'
import { isEmptied, Pager, type Listed } from './pager.tsx'
import { QueryBehind } from './query-behind.tsx'
import { Search } from './search.tsx'
import { Nothing } from './state.tsx'
import { AddFilter, Tokens } from './tokens.tsx'
import { onSort, SORT_DIRECTIONS } from './table.ts'
import {
  useIsPhone,
  useShownColumns,
  useTableView,
  type ListColumn,
  type Selection,
  type TableName,
} from './table-view.ts'

interface ToolbarProps {
  address: Address
  searchLabel: string
  statuses: Readonly<Record<string, string>>
  /** The one other property that a list is filtered by: its name in the address, and what its values are called. */
  choice: { name: string; label: string; any: string; values: Readonly<Record<string, string>> }
  /** The parameters of the address that filter this list, and those among them that are tokens. */
  filters: readonly string[]
  tokens: readonly TokenName[]
  /** How many rows are selected. */
  selected: number
  /** What can be done with the list as a whole. */
  tools: ReactNode
  children?: ReactNode
}

const optionsOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([value, label]) => ({ value, label }))

export const isFiltered = (address: Address, filters: readonly string[]) =>
  filters.some((name) => address.text(name))

interface ChoicesProps {
  address: Address
  /** Its name in the address. */
  name: string
  label?: string
  any: string
  values: Readonly<Record<string, string>>
}

/** Filters a list by some of the values of a property. */
export function Choices({ address, name, any, label = any, values }: ChoicesProps) {
  return (
    <Select
      mode="multiple"
      className="filter"
      allowClear
      maxTagCount="responsive"
      aria-label={label}
      placeholder={any}
      value={address.list(name)}
      onChange={(chosen: string[]) => address.filter({ [name]: chosen })}
      options={optionsOf(values)}
    />
  )
}

/** Searches and filters a list. */
export function Toolbar({
  address,
  searchLabel,
  statuses,
  choice,
  filters,
  tokens,
  selected,
  tools,
  children,
}: ToolbarProps) {
  const words = useWords()
  return (
    <div className="toolbar">
      <Search
        label={searchLabel}
        value={address.text('q')}
        onSearch={(q) => address.filter({ q }, { replace: true })}
      />
      <Choices address={address} name="status" label={words.status} any={words.anyStatus} values={statuses} />
      <Select
        className="filter"
        allowClear
        aria-label={choice.label}
        placeholder={choice.any}
        value={address.text(choice.name) || null}
        onChange={(value: string | undefined) => address.filter({ [choice.name]: value })}
        options={optionsOf(choice.values)}
      />
      <AddFilter address={address} names={tokens} />
      {children}
      <Tokens address={address} names={tokens} />
      {isFiltered(address, filters) && (
        <Button
          type="link"
          onClick={() => address.filter(Object.fromEntries(filters.map((name) => [name, undefined])))}
        >
          {words.clearFilters}
        </Button>
      )}
      <span className="space" />
      {selected > 0 && <span className="selected">{words.selected(selected)}</span>}
      {tools}
    </div>
  )
}

export function Refresh({ readAgain }: { readAgain: () => void }) {
  const words = useWords()
  return (
    <Button
      aria-label={words.refresh}
      title={words.refresh}
      icon={<ReloadOutlined aria-hidden />}
      onClick={readAgain}
    />
  )
}

/** What is said of an empty list: what is filtered away, or that there is nothing yet. */
export function NoRows({ filtered, title, hint }: { filtered: boolean; title: string; hint: string }) {
  const words = useWords()
  return filtered ? <Nothing title={words.noMatches} /> : <Nothing title={title} hint={hint} />
}

interface ListTableProps<Row> {
  /** By which its view is remembered. */
  table: TableName
  address: Address
  columns: readonly ListColumn<Row>[]
  /** The page of the list; undefined until it has been read. */
  list: (Listed & { nodes: readonly Row[] }) | undefined
  fetching: boolean
  /** What is said when there are no rows. */
  nothing: ReactNode
  /** Where rows can be selected. They stay selected while other pages are shown. */
  selection?: Selection | undefined
}

/** The rows of a page of a list; on a phone as cards. */
export function ListTable<Row extends { id: string; name: string }>({
  table,
  address,
  columns,
  list,
  fetching,
  nothing,
  selection,
}: ListTableProps<Row>) {
  const { density } = useTableView(table)
  const isPhone = useIsPhone()
  const shown = useTableColumns(table, columns)
  const rowSelection = useSelection<Row>(selection)
  const emptied = isEmptied(list)
  if (isPhone) {
    return (
      <Cards
        address={address}
        columns={shown}
        rows={list?.nodes ?? []}
        loading={(fetching && !list) || emptied}
        nothing={nothing}
        selection={selection}
        density={density}
      />
    )
  }
  return (
    <Table<Row>
      rowKey="id"
      size={density === 'compact' ? 'small' : 'large'}
      columns={shown}
      dataSource={list?.nodes ?? []}
      loading={(fetching && !list) || emptied}
      pagination={false}
      showSorterTooltip={false}
      sortDirections={SORT_DIRECTIONS}
      className="list"
      onChange={onSort(address)}
      {...(rowSelection && { rowSelection })}
      locale={{ emptyText: fetching || emptied ? ' ' : nothing }}
    />
  )
}

/** The columns that are shown, as the same list while they are the same: a table draws its rows again for another. */
function useTableColumns<Row>(table: TableName, columns: readonly ListColumn<Row>[]): ListColumn<Row>[] {
  const shown = useShownColumns(table, columns)
  const keys = shown.map(({ key }) => key).join()
  return useMemo(() => columns.filter(({ key }) => keys.split(',').includes(key)), [columns, keys])
}

function useSelection<Row extends { name: string }>({ selected, onSelect }: Partial<Selection> = {}) {
  const words = useWords()
  return useMemo(
    (): TableProps<Row>['rowSelection'] =>
      onSelect && {
        selectedRowKeys: selected ?? [],
        preserveSelectedRowKeys: true,
        onChange: (keys) => onSelect(keys as string[]),
        getTitleCheckboxProps: () => ({ 'aria-label': words.selectAll }),
        getCheckboxProps: ({ name }) => ({ 'aria-label': words.selectRow(name) }),
      },
    [selected, onSelect, words],
  )
}

interface ListFooterProps {
  address: Address
  document: TypedDocumentNode<unknown, never>
  variables: object
  list: Listed | undefined
}

export function ListFooter({ address, document, variables, list }: ListFooterProps) {
  return (
    <footer className="list-footer">
      <QueryBehind document={document} variables={variables} />
      {list && <Pager address={address} paging={pagingOf(address)} list={list} />}
    </footer>
  )
}
