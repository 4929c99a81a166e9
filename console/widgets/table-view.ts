import { Grid, type Breakpoint } from 'antd'
import { useSyncExternalStore, type ReactNode } from 'react'
import { forBrowser } from '../api/storage.ts'

export const DENSITIES = ['comfortable', 'compact'] as const
type Density = (typeof DENSITIES)[number]

/** The tables whose columns and density are remembered, each by itself, and whose rows can be exported. */
export type TableName =
  | 'disks'
  | 'snapshots'
  | 'policies'
  | 'tokens'
  | 'activity'
  | 'connections'
  | 'disk-snapshots'
  | 'policy-disks'

/** How a table is shown. */
export interface TableView {
  density: Density
  /** Which columns were chosen or left out; the others are shown where there is room. */
  columns: Readonly<Record<string, boolean>>
}

/** Which rows are selected; each part is the same as long as nothing has changed, or every row is drawn again. */
export interface Selection {
  selected: string[]
  onSelect: (ids: string[]) => void
}

/** What is known of a column besides what it shows. */
export interface ColumnFacts {
  key: string
  title: string
  /** Set where it cannot be left out. */
  needed?: true
  /** From which widths of the window there is room for it. */
  from?: Breakpoint[]
}

/** A column of a list. */
export interface ListColumn<Row> extends ColumnFacts {
  width?: number
  align?: 'right'
  /** Set where the list can be ordered by its key. */
  sorter?: true
  sortOrder?: 'ascend' | 'descend' | null
  render: (value: unknown, row: Row) => ReactNode
}

export const USUAL_VIEW: TableView = { density: 'compact', columns: {} }

/** The view that was remembered as this text; the usual one for what cannot be read. */
export function viewIn(text: string | null): TableView {
  const read = parsed(text)
  if (typeof read !== 'object' || read === null) return USUAL_VIEW
  const { density, columns } = read as { density?: unknown; columns?: unknown }
  const chosen = typeof columns === 'object' && columns !== null ? Object.entries(columns) : []
  return {
    density: DENSITIES.find((known) => known === density) ?? USUAL_VIEW.density,
    columns: Object.fromEntries(
      chosen.filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'),
    ),
  }
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The columns that are shown in a window of this width: those chosen, and of the others those for which there is room. */
export function shownColumns<Column extends Omit<ColumnFacts, 'title'>>(
  columns: readonly Column[],
  view: TableView,
  hasRoom: (width: Breakpoint) => boolean,
): Column[] {
  return columns.filter(
    ({ key, needed, from }) =>
      needed === true || (view.columns[key] ?? (from === undefined || from.some(hasRoom))),
  )
}

const views = new Map<TableName, TableView>()
const listeners = new Set<() => void>()

const placeOf = (name: TableName) => `snapgate:table:${name}`

function viewOf(name: TableName): TableView {
  const view = views.get(name) ?? viewIn(forBrowser.get(placeOf(name)))
  views.set(name, view)
  return view
}

function follow(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function setTableView(name: TableName, view: TableView): void {
  views.set(name, view)
  forBrowser.set(placeOf(name), JSON.stringify(view))
  for (const listener of listeners) listener()
}

export const useTableView = (name: TableName): TableView => useSyncExternalStore(follow, () => viewOf(name))

const phone = () => matchMedia('(max-width: 599.98px)')

function followWidth(listener: () => void): () => void {
  const width = phone()
  width.addEventListener('change', listener)
  return () => width.removeEventListener('change', listener)
}

/** Whether the window is as narrow as a phone: lists are cards. */
export const useIsPhone = (): boolean => useSyncExternalStore(followWidth, () => phone().matches)

/** The columns of a table that are shown now; cards have room for all. */
export function useShownColumns<Column extends ColumnFacts>(
  name: TableName,
  columns: readonly Column[],
): Column[] {
  const screens = Grid.useBreakpoint()
  const view = useTableView(name)
  const isPhone = useIsPhone()
  return shownColumns(columns, view, (width) => isPhone || screens[width] === true)
}
