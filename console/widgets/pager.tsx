import { DoubleLeftOutlined, DoubleRightOutlined, LeftOutlined, RightOutlined } from '@ant-design/icons'
import { Button, Select } from 'antd'
import { useEffect } from 'react'
import { PLACE, type Address, type Paging } from '../address.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** A page of a list. */
export interface Listed {
  totalCount: number
  pageInfo: {
    startCursor: string | null
    endCursor: string | null
    hasNextPage: boolean
    hasPreviousPage: boolean
  }
  nodes: readonly unknown[]
}

interface PagerProps {
  address: Address
  paging: Paging
  list: Listed
}

/** Whether the page has lost all its rows, and others are left. */
export function isEmptied(list: Listed | undefined): boolean {
  return list !== undefined && list.nodes.length === 0 && list.totalCount > 0
}

/** The last page of a list, for the address: it holds what is left when all others are full. */
function lastPage(totalCount: number, size: number) {
  const pages = Math.max(1, Math.ceil(totalCount / size))
  return pages === 1 ? {} : { page: String(pages), last: String(totalCount - (pages - 1) * size) }
}

/**
 * Moves to a page that exists when rows were deleted: to the last one when this page was emptied, to the first one when
 * nothing is left before it. `list` is what the address names, as it is now; undefined until that is read.
 */
export function useExistingPage(address: Address, { page, size }: Paging, list: Listed | undefined): void {
  useEffect(() => {
    if (!list || !PLACE.some((name) => address.text(name))) return
    const { totalCount, pageInfo } = list
    const last = lastPage(totalCount, size)
    if (!pageInfo.hasPreviousPage) address.filter({}, { replace: true })
    // The last page is asked for by how many rows it has, which changes with the list.
    else if (isEmptied(list) || (address.text('last') && address.text('last') !== last.last))
      address.filter(last, { replace: true })
    else if (!pageInfo.hasNextPage && last.page !== undefined && last.page !== String(page))
      address.change({ page: last.page }, { replace: true })
  }, [address, page, size, list])
}

/** Goes through a list page by page; each page is read from the gateway. */
export function Pager({
  address,
  paging: { page, size, sizes },
  list: { totalCount, pageInfo, nodes },
}: PagerProps) {
  const words = useWords()
  const format = useFormat()
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = pageInfo
  const shown = nodes.length
  // The number of the page is as old as the address. What lies before and after it says where it is not.
  const counted = hasNextPage ? Math.min((page - 1) * size + 1, totalCount - shown) : totalCount - shown + 1
  const from = hasPreviousPage ? Math.max(2, counted) : 1
  const go = (to: number, place: { after?: string | null; before?: string | null }) =>
    address.filter({
      page: to > 1 ? String(to) : undefined,
      after: place.after ?? undefined,
      before: place.before ?? undefined,
    })
  return (
    <nav className="pager" aria-label={words.perPage}>
      <span className="pager-range">
        {shown > 0 &&
          words.range(format.number(from), format.number(from + shown - 1), format.number(totalCount))}
      </span>
      <Button
        type="text"
        aria-label={words.firstPage}
        icon={<DoubleLeftOutlined aria-hidden />}
        disabled={!hasPreviousPage}
        onClick={() => go(1, {})}
      />
      <Button
        type="text"
        aria-label={words.previousPage}
        icon={<LeftOutlined aria-hidden />}
        disabled={!hasPreviousPage}
        onClick={() => go(page - 1, page === 2 ? {} : { before: startCursor })}
      />
      <Button
        type="text"
        aria-label={words.nextPage}
        icon={<RightOutlined aria-hidden />}
        disabled={!hasNextPage}
        onClick={() => go(page + 1, { after: endCursor })}
      />
      <Button
        type="text"
        aria-label={words.lastPage}
        icon={<DoubleRightOutlined aria-hidden />}
        disabled={!hasNextPage}
        onClick={() => address.filter(lastPage(totalCount, size))}
      />
      <Select
        aria-label={words.perPage}
        value={size}
        options={sizes.map((value) => ({ value, label: format.number(value) }))}
        onChange={(value: number) => address.filter({ size: String(value) })}
      />
    </nav>
  )
}
