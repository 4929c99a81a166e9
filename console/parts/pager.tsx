import { DoubleLeftOutlined, DoubleRightOutlined, LeftOutlined, RightOutlined } from '@ant-design/icons'
import { Button, Select } from 'antd'
import type { Address, Paging } from '../address.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

interface PagerProps {
  address: Address
  paging: Paging
  list: {
    totalCount: number
    pageInfo: {
      startCursor: string | null
      endCursor: string | null
      hasNextPage: boolean
      hasPreviousPage: boolean
    }
    nodes: readonly unknown[]
  }
}

/** Goes through a list page by page; each page is read from the gateway. */
export function Pager({
  address,
  paging: { page, size, sizes },
  list: { totalCount, pageInfo, nodes },
}: PagerProps) {
  const words = useWords()
  const format = useFormat()
  const from = (page - 1) * size + 1
  const pages = Math.max(1, Math.ceil(totalCount / size))
  const go = (to: number, place: { after?: string | null; before?: string | null; last?: number }) =>
    address.change({
      page: to > 1 ? String(to) : undefined,
      after: place.after ?? undefined,
      before: place.before ?? undefined,
      last: place.last === undefined ? undefined : String(place.last),
    })
  const { hasPreviousPage, hasNextPage, startCursor, endCursor } = pageInfo
  return (
    <nav className="pager" aria-label={words.perPage}>
      <span className="pager-range">
        {nodes.length > 0 &&
          words.range(
            format.number(from),
            format.number(from + nodes.length - 1),
            format.number(Math.max(totalCount, from + nodes.length - 1)),
          )}
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
        onClick={() => go(pages, { last: totalCount - (pages - 1) * size })}
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
