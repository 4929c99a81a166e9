import { Button, Checkbox, Modal } from 'antd'
import { useId } from 'react'
import { useWords } from '../settings.tsx'
import { Choice } from './choice.tsx'
import {
  DENSITIES,
  setTableView,
  USUAL_VIEW,
  useShownColumns,
  useTableView,
  type ColumnFacts,
  type TableName,
} from './table-view.ts'

export interface TablePreferencesProps {
  table: TableName
  columns: readonly ColumnFacts[]
  open: boolean
  close: () => void
}

/** Which columns a table has, and how dense it is. Each choice holds at once. */
export function TablePreferences({ table, columns, open, close }: TablePreferencesProps) {
  const words = useWords()
  const { preferences } = words
  const view = useTableView(table)
  const shown = useShownColumns(table, columns)
  const label = useId()
  return (
    <Modal
      open={open}
      centered
      width={420}
      className="dialog"
      title={preferences.table}
      onCancel={close}
      footer={
        <>
          <Button onClick={() => setTableView(table, USUAL_VIEW)}>{preferences.reset}</Button>
          <Button onClick={close}>{words.close}</Button>
        </>
      }
    >
      <div className="create">
        <div className="field">
          <span id={label}>{preferences.columns}</span>
          <div className="policies" role="group" aria-labelledby={label}>
            {columns
              .filter(({ needed }) => needed !== true)
              .map((column) => (
                <Checkbox
                  key={column.key}
                  checked={shown.includes(column)}
                  onChange={({ target }) =>
                    setTableView(table, {
                      ...view,
                      columns: { ...view.columns, [column.key]: target.checked },
                    })
                  }
                >
                  {column.title}
                </Checkbox>
              ))}
          </div>
        </div>
        <Choice
          label={preferences.density}
          values={DENSITIES}
          names={preferences.densities}
          value={view.density}
          onChange={(density) => setTableView(table, { ...view, density })}
        />
      </div>
    </Modal>
  )
}
