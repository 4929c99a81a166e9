import { parseCursorConnectionArgs } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import { builder } from './builder.ts'
import { columnsRead } from './columns.ts'
import type { Context } from './context.ts'
import { badUserInput } from './errors.ts'
import { readCursor, writeCursor, type Direction, type OrderColumn } from '../reads/pages.ts'
import type { List } from '../reads/reads.ts'
import { jointCursor } from '../transitions/log.ts'

/** How many entries a page has when nobody says, and how many it may have. */
export const PAGE_DEFAULT = 20
export const PAGE_MAX = 100

export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Which way a list is ordered.',
  values: {
    ASC: { description: 'Smallest, oldest or first first.' },
    DESC: { description: 'The other way round.' },
  },
} as const)

type ConnectionArguments = PothosSchemaTypes.DefaultConnectionArguments

/** A page of a list as a Relay connection; the fields that cost something are read only when they are asked for. */
export function connect<Row extends { id: string }, Field extends string>(
  list: List<Row>,
  orders: Record<Field, OrderColumn<Row>>,
  order: { field: Field; direction: Direction },
  args: ConnectionArguments,
  { gateway }: Context,
  info: GraphQLResolveInfo,
) {
  checkSize(args)
  const orderColumn: OrderColumn<Row> = orders[order.field]
  const orderName = `${order.field} ${order.direction}`

  function boundary(name: 'after' | 'before') {
    const cursor = args[name]
    if (cursor === null || cursor === undefined) return undefined
    const position = readCursor(cursor)
    const value = position?.order === orderName ? orderColumn.read(position.value) : undefined
    if (!position || value === undefined) {
      throw badUserInput(
        `${name} is not a cursor of this list in this order. Use a cursor of the same list, ordered alike.`,
      )
    }
    return { value, id: position.id }
  }

  const { limit, expectedSize, inverted, hasNextPage, hasPreviousPage } = parseCursorConnectionArgs({
    args,
    defaultSize: PAGE_DEFAULT,
    maxSize: PAGE_MAX,
  })
  const [after, before] = [boundary('after'), boundary('before')]
  const { rows, heads } = list.page({
    column: orderColumn.column,
    direction: inverted ? opposite(order.direction) : order.direction,
    after: inverted ? before : after,
    before: inverted ? after : before,
    limit,
    columns: columnsRead(info),
  })
  const shown = rows.slice(0, expectedSize)
  if (inverted) shown.reverse()
  const edges = shown.map((node) => new Edge(node, orderName, orderColumn.write))
  return {
    edges,
    pageInfo: {
      get startCursor() {
        return edges.at(0)?.cursor ?? null
      },
      get endCursor() {
        return edges.at(-1)?.cursor ?? null
      },
      hasNextPage: hasNextPage(rows.length),
      hasPreviousPage: hasPreviousPage(rows.length),
    },
    totalCount: list.count,
    get streamCursor() {
      return jointCursor(
        gateway.transitions.cursor(heads.snapshots),
        gateway.diskTransitions.cursor(heads.disks),
      )
    },
  }
}

/** An entry of a list; its cursor is written only where it is asked for. */
class Edge<Row extends { id: string }> {
  readonly node: Row
  readonly #order: string
  readonly #write: (row: Row) => string

  constructor(node: Row, order: string, write: (row: Row) => string) {
    this.node = node
    this.#order = order
    this.#write = write
  }

  get cursor(): string {
    return writeCursor({ order: this.#order, value: this.#write(this.node), id: this.node.id })
  }
}

function checkSize({ first, last }: ConnectionArguments): void {
  if (typeof first === 'number' && typeof last === 'number') {
    throw badUserInput('Give first or last, not both.')
  }
  for (const [name, size] of Object.entries({ first, last })) {
    if (typeof size === 'number' && (size < 0 || size > PAGE_MAX)) {
      throw badUserInput(`${name} is ${size}; it must be from 0 to ${PAGE_MAX}. Page on with the cursors.`)
    }
  }
}

function opposite(direction: Direction): Direction {
  return direction === 'ASC' ? 'DESC' : 'ASC'
}
