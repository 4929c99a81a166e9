import { Alert } from 'antd'
import type { ReactNode } from 'react'

interface BatchTableProps<Row> {
  /** What screen readers say of the table. */
  caption: string
  /** The headings, that of the rows' names first. */
  head: readonly string[]
  rows: readonly Row[]
  /** The cells of a row after its name, in the order of the headings. */
  cells: (row: Row, index: number) => readonly ReactNode[]
}

/** Several disks or snapshots at once, each with its result. */
export function BatchTable<Row extends { id: string; name: string }>({
  caption,
  head,
  rows,
  cells,
}: BatchTableProps<Row>) {
  return (
    <table className="batch">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          {head.map((title) => (
            <th scope="col" key={title}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={row.id}>
            <th scope="row">
              {row.name}
              <div className="hint">
                <code>{row.id}</code>
              </div>
            </th>
            {cells(row, index).map((cell, column) => (
              <td key={head[column + 1]}>{cell}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** The results together: a warning unless all of them are good. */
export function BatchResult({ ok, title, link }: { ok: boolean; title: string; link?: ReactNode }) {
  return <Alert type={ok ? 'success' : 'warning'} showIcon title={title} description={link} />
}
