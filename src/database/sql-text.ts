import type { Order, Table } from './rows.ts'

/** The parts of statements that are the same text on every database; values are pushed, and their places are `?`. */

export function insertInto(table: string, row: object, values: unknown[]): string {
  const { names, places } = listed(row, values)
  return `INSERT INTO "${table}" (${names}) VALUES (${places})`
}

/** The columns of a row, and a place for each of their values. */
export function listed(row: object, values: unknown[]): { names: string; places: string } {
  let names = ''
  let places = ''
  for (const [column, value] of Object.entries(row)) {
    if (value === undefined) continue
    names += names === '' ? `"${column}"` : `,"${column}"`
    places += places === '' ? '?' : ',?'
    values.push(value)
  }
  return { names, places }
}

/** How a database writes what others write otherwise. */
export type Dialect = Record<
  'in' | 'notIn',
  (list: readonly unknown[]) => [condition: string, value: unknown]
> & {
  /** A column in a condition that names ids too, so that rows are looked up by those. */
  besideIds: (column: string) => string
}

const OPERATORS: Record<string, string> = { lt: '<', lte: '<=', gt: '>', gte: '>=', not: '<>' }

/** The tables of what belongs to an account, by the columns that name it elsewhere. */
const OWNED: Record<string, string> = { '"snapshotId"': 'Snapshot', '"diskId"': 'Disk' }

function ownedBy(column: string): string {
  const table = OWNED[column]
  if (table === undefined) throw new Error(`${column} names nothing that belongs to an account.`)
  return `EXISTS (SELECT 1 FROM "${table}" WHERE "id" = ${column} AND "accountId" = ?)`
}

const quoted = (column: string) => `"${column}"`

const namesIds = ({ id }: { id?: unknown }): boolean =>
  typeof id === 'object' && id !== null ? 'in' in id : id !== undefined

/** Writes the conditions of `Where` as this database has them; a list has one place, however long it is. */
export function conditions(dialect: Dialect) {
  function whereOf(where: object, values: unknown[]): string {
    const text = allOf(where, values, namesIds(where))
    return text && ` WHERE ${text}`
  }

  function allOf(where: object, values: unknown[], isById: boolean): string {
    let text = ''
    for (const [column, condition] of Object.entries(where) as [string, unknown][]) {
      if (text) text += ' AND '
      if (column === 'AND' || column === 'OR') text += joined(column, condition as object[], values, isById)
      else {
        const name = isById && column !== 'id' ? dialect.besideIds(column) : quoted(column)
        text += conditionOf(name, condition, values)
      }
    }
    return text
  }

  function joined(
    word: 'AND' | 'OR',
    alternatives: readonly object[],
    values: unknown[],
    isById: boolean,
  ): string {
    return `(${alternatives.map((where) => allOf(where, values, isById || namesIds(where))).join(` ${word} `)})`
  }

  function conditionOf(column: string, condition: unknown, values: unknown[]): string {
    if (condition === undefined) throw new Error(`The condition of ${column} is undefined.`)
    if (condition === null) return `${column} IS NULL`
    if (typeof condition !== 'object' || condition instanceof Date) {
      values.push(condition)
      return `${column} = ?`
    }
    return Object.entries(condition)
      .map(([name, value]: [string, unknown]) => {
        if (value === undefined) throw new Error(`The condition of ${column} is undefined.`)
        if (name === 'in' || name === 'notIn') {
          const [text, list] = dialect[name](value as unknown[])
          values.push(list)
          return `${column} ${text}`
        }
        if (value === null) return `${column} IS NOT NULL`
        values.push(value)
        if (name === 'ownedBy') return ownedBy(column)
        return `${column} ${OPERATORS[name] ?? ''} ?`
      })
      .join(' AND ')
  }

  return { whereOf }
}

export function orderOf(order: Order<Table> | undefined): string {
  if (!order?.orderBy) return ''
  const columns = Object.entries<'asc' | 'desc' | undefined>(order.orderBy)
  return ` ORDER BY ${columns.map(([column, way]) => `"${column}"${way === 'desc' ? ' DESC' : ''}`).join()}`
}
