import type { Breakpoint, TableProps } from 'antd'
import { useEffect, useRef } from 'react'
import type { Address } from '../address.ts'

type Direction = 'ascend' | 'descend'

/**
 * From which width of the window a column is shown. On narrower ones a row has less and nothing lies over anything; its
 * details have the rest.
 */
export const FROM_TABLET: Breakpoint[] = ['md']
export const FROM_LAPTOP: Breakpoint[] = ['lg']
export const FROM_DESKTOP: Breakpoint[] = ['xl']
export const FROM_WIDE_DESKTOP: Breakpoint[] = ['xxl']

/** A heading that is pressed turns the order round; there is no third state. */
export const SORT_DIRECTIONS: Direction[] = ['ascend', 'descend', 'ascend']

/** Which arrow a column shows; `usual` is the order of a list that says nothing else. */
export function sortOrder(address: Address, usual: Record<string, Direction>) {
  const text = address.text('sort')
  return (field: string): Direction | null => {
    if (!text) return usual[field] ?? null
    if (text.replace(/^-/, '') !== field.toLowerCase()) return null
    return text.startsWith('-') ? 'descend' : 'ascend'
  }
}

/** Puts the order that was asked for by a column's heading into the address. */
export function onSort<Row>(address: Address): NonNullable<TableProps<Row>['onChange']> {
  return (_pagination, _filters, sorter) => {
    const { columnKey, order } = Array.isArray(sorter) ? {} : sorter
    const name = String(columnKey).toLowerCase()
    address.filter({ sort: order ? `${order === 'descend' ? '-' : ''}${name}` : undefined })
  }
}

/** What was there last, until there is something new: a list stays while its next page is read. */
export function useKept<Value>(value: Value | undefined): Value | undefined {
  const kept = useRef(value)
  useEffect(() => {
    if (value !== undefined) kept.current = value
  }, [value])
  // eslint-disable-next-line react-hooks/refs -- what is shown meanwhile has no part in what is shown next
  return value ?? kept.current
}
