import { Checkbox, Select, Skeleton } from 'antd'
import type { ReactNode } from 'react'
import type { Address } from '../address.ts'
import { useWords } from '../settings.tsx'
import type { ListColumn, Selection } from './table-view.ts'

interface CardsProps<Row> {
  address: Address
  /** The one that cannot be left out is the heading of a card; the actions stand beside it. */
  columns: readonly ListColumn<Row>[]
  rows: readonly Row[]
  loading: boolean
  nothing: ReactNode
  selection: Selection | undefined
  density: string
}

/** The rows of a list as cards, where a table would be wider than the window. */
export function Cards<Row extends { id: string; name: string }>({
  address,
  columns,
  rows,
  loading,
  nothing,
  selection,
  density,
}: CardsProps<Row>) {
  const words = useWords()
  const actions = columns.find(({ key }) => key === 'ACTIONS')
  const heading = columns.find((column) => column.needed && column !== actions)
  const facts = columns.filter((column) => column !== actions && column !== heading)
  return (
    <div className={`cards ${density}`}>
      <CardsHead address={address} columns={columns} rows={rows} selection={selection} />
      {loading && <Skeleton active />}
      {!loading && rows.length === 0 && nothing}
      <ul>
        {rows.map((row) => (
          <li key={row.id} className="row-card" aria-label={row.name}>
            <div className="row-card-head">
              {selection && (
                <Checkbox
                  aria-label={words.selectRow(row.name)}
                  checked={selection.selected.includes(row.id)}
                  onChange={({ target }) => selection.onSelect(changed(selection, [row.id], target.checked))}
                />
              )}
              <div className="row-card-name">{heading?.render(undefined, row)}</div>
              {actions?.render(undefined, row)}
            </div>
            <dl>
              {facts.map((column) => (
                <div key={column.key}>
                  <dt>{column.title}</dt>
                  <dd>{column.render(undefined, row)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** What is selected once these are, or no longer are. */
function changed({ selected }: Selection, ids: readonly string[], isChecked: boolean): string[] {
  const others = selected.filter((id) => !ids.includes(id))
  return isChecked ? [...others, ...ids] : others
}

/** Selects the page, and orders the list, as the headings of a table do. */
function CardsHead<Row extends { id: string }>({
  address,
  columns,
  rows,
  selection,
}: Pick<CardsProps<Row>, 'address' | 'columns' | 'rows' | 'selection'>) {
  const words = useWords()
  const sortable = columns.filter(({ sorter }) => sorter)
  const ordered = sortable.find(({ sortOrder }) => sortOrder)
  const ids = rows.map(({ id }) => id)
  const chosen = ids.filter((id) => selection?.selected.includes(id)).length
  if (!selection && sortable.length === 0) return null
  return (
    <div className="cards-head">
      {selection && (
        <Checkbox
          aria-label={words.selectAll}
          checked={chosen > 0 && chosen === ids.length}
          indeterminate={chosen > 0 && chosen < ids.length}
          onChange={({ target }) => selection.onSelect(changed(selection, ids, target.checked))}
        />
      )}
      {sortable.length > 0 && (
        <Select
          aria-label={words.preferences.order}
          value={ordered && `${ordered.sortOrder === 'descend' ? '-' : ''}${ordered.key.toLowerCase()}`}
          options={sortable.flatMap(({ key, title }) => [
            { value: key.toLowerCase(), label: words.preferences.ascending(title) },
            { value: `-${key.toLowerCase()}`, label: words.preferences.descending(title) },
          ])}
          onChange={(sort: string) => address.filter({ sort })}
        />
      )}
    </div>
  )
}
