import type { MaybePromise } from '@pothos/core'
import type { GraphQLResolveInfo } from 'graphql'
import { builder } from './builder.ts'
import { columnsRead } from './columns.ts'
import type { Context } from './context.ts'
import { badUserInput } from './errors.ts'
import {
  readCursor,
  writeCursor,
  type Bound,
  type Direction,
  type OrderColumn,
  type Page,
} from '../reads/pages.ts'
import type { List } from '../reads/reads.ts'
import { jointCursor } from '../transitions/cursor.ts'

/** How many entries a page has when nobody says, and how many it may have. */
export const PAGE_DEFAULT = 20
export const PAGE_MAX = 100

export const OrderDirection = builder.enumType('OrderDirection', {
  description: 'Sort direction.',
  values: {
    ASC: { description: 'Ascending: smallest, oldest or alphabetically first entry first.' },
    DESC: { description: 'Descending: largest, newest or alphabetically last entry first.' },
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

  function boundary(name: 'after' | 'before'): Bound | undefined {
    const cursor = args[name]
    if (!isGiven(cursor)) return undefined
    const position = readCursor(cursor)
    const value = position?.order === orderName ? orderColumn.read(position.value) : undefined
    if (!position || value === undefined) {
      throw badUserInput(
        `${name} is not a cursor of this list in this order. Use a cursor from the same list with the same order.`,
      )
    }
    return { value, id: position.id }
  }

  const { first, last } = args
  const [after, before] = [boundary('after'), boundary('before')]
  // Counted from the end of the list, or back from a cursor.
  const inverted = !isGiven(first) && (isGiven(last) || (after === undefined && before !== undefined))
  const size = first ?? last ?? PAGE_DEFAULT
  const [from, to] = inverted ? [before, after] : [after, before]
  const ahead = inverted ? opposite(order.direction) : order.direction
  const { column } = orderColumn
  return whenRead(
    list.page({
      column,
      direction: ahead,
      after: from,
      before: to,
      // One more, which says whether the page is followed by anything.
      limit: size + 1,
      columns: columnsRead(info),
    }),
    connectionOf,
  )

  function connectionOf({ rows, heads }: Page<Row>) {
    const shown = rows.slice(0, size)
    const exists = (direction: Direction, bound?: Bound) =>
      whenRead(
        list.page({ column, direction, after: bound, limit: 1, columns: [] }),
        (page) => page.rows.length > 0,
      )

    /** Whether the list has entries beyond the page, in the direction in which it was read. */
    function hasMoreAhead(): MaybePromise<boolean> {
      if (rows.length > size) return true
      // The page may have ended at the other cursor and not at the end of the list.
      return to !== undefined && exists(ahead, shown.length > 0 ? { ...to, inclusive: true } : from)
    }

    /** The same in the other direction. The row of the cursor may be deleted, and all rows before it. */
    function hasMoreBehind(): MaybePromise<boolean> {
      return from !== undefined && exists(opposite(ahead), { ...from, inclusive: true })
    }

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
        get hasNextPage() {
          return whenShown(inverted ? hasMoreBehind() : hasMoreAhead())
        },
        get hasPreviousPage() {
          return whenShown(inverted ? hasMoreAhead() : hasMoreBehind())
        },
      },
      totalCount: list.count,
      get streamCursor() {
        return jointCursor(
          gateway.transitions.cursorOf(heads.snapshots),
          gateway.diskTransitions.cursorOf(heads.disks),
        )
      },
    }
  }
}

/** Goes on with what was read, at once where it is there: only a list that takes a long scan has to be waited for. */
function whenRead<T, U>(read: MaybePromise<T>, then: (value: T) => U): MaybePromise<U> {
  return read instanceof Promise ? read.then(then) : then(read)
}

/** The engine waits for the value of a property, which the type of a page does not say. */
function whenShown(value: MaybePromise<boolean>): boolean {
  return value as boolean
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
      throw badUserInput(
        `${name} is ${size}; it must be from 0 to ${PAGE_MAX}. Use cursors for the next page.`,
      )
    }
  }
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined
}

function opposite(direction: Direction): Direction {
  return direction === 'ASC' ? 'DESC' : 'ASC'
}
