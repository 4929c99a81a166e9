export type Cell = string | number | null

/** What tells Excel that a file is UTF-8. */
export const BYTE_ORDER_MARK = '\uFEFF'

/** How a text begins that spreadsheets compute. Source: OWASP, "CSV Injection". */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/

/** A line of a CSV file by RFC 4180. A text that would be a formula gets an apostrophe, which spreadsheets show as text. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number') return String(cell)
  const text = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
