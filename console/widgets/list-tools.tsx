import { DownloadOutlined, SettingOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState } from 'react'
import { useWords } from '../settings.tsx'
import { lazyPart } from './lazy.tsx'
import { Refresh } from './list.tsx'
import type { ColumnFacts, TableName } from './table-view.ts'

const TablePreferences = lazyPart(
  async () => (await import('./table-preferences.tsx')).TablePreferences,
  null,
)

interface TableSettingsProps {
  table: TableName
  columns: readonly ColumnFacts[]
}

/** Opens the preferences of a table, which are loaded then. */
function TableSettings({ table, columns }: TableSettingsProps) {
  const { preferences } = useWords()
  const [state, setState] = useState<'unopened' | 'open' | 'closed'>('unopened')
  return (
    <>
      <Button
        aria-label={preferences.table}
        aria-haspopup="dialog"
        title={preferences.table}
        icon={<SettingOutlined aria-hidden />}
        onClick={() => setState('open')}
      />
      {state !== 'unopened' && (
        <TablePreferences
          table={table}
          columns={columns}
          open={state === 'open'}
          close={() => setState('closed')}
        />
      )}
    </>
  )
}

const ExportDialog = lazyPart(async () => (await import('../export/export-dialog.tsx')).ExportDialog, null)

interface ListToolsProps extends TableSettingsProps {
  /** What the list was read with, of which its filter and order are exported. */
  variables: object
  /** How many rows it has; undefined until that is known. */
  total: number | undefined
  /** Left out where something else reads the list again. */
  readAgain?: () => void
}

/** What can be done with a list as a whole. */
export function ListTools({ table, columns, variables, total, readAgain }: ListToolsProps) {
  const { exporting } = useWords()
  const [run, setRun] = useState({ number: 0, open: false })
  return (
    <>
      <Button
        aria-label={exporting.title}
        aria-haspopup="dialog"
        title={exporting.title}
        icon={<DownloadOutlined aria-hidden />}
        disabled={total === undefined}
        onClick={() => setRun({ number: run.number + 1, open: true })}
      />
      {run.number > 0 && (
        <ExportDialog
          key={run.number}
          open={run.open}
          list={table}
          variables={variables}
          total={total ?? 0}
          close={() => setRun({ ...run, open: false })}
        />
      )}
      <TableSettings table={table} columns={columns} />
      {readAgain && <Refresh readAgain={readAgain} />}
    </>
  )
}
