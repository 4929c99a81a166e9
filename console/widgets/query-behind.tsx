import { CodeOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useAddress } from '../address.ts'
import { useWords } from '../settings.tsx'
import { lazyPart } from './lazy.tsx'
import type { QueryDrawerProps } from './query-drawer.tsx'

const LazyDrawer = lazyPart(async () => (await import('./query-drawer.tsx')).QueryDrawer, null)

/** Shows what a page has asked the API, to be taken from there. */
export function QueryBehind(props: QueryDrawerProps) {
  const words = useWords()
  const address = useAddress()
  const asks = address.text('show') === 'query'
  return (
    <>
      <Button
        type="link"
        icon={<CodeOutlined aria-hidden />}
        onClick={() => address.change({ show: 'query' })}
      >
        {words.queryBehind}
      </Button>
      {(asks || LazyDrawer.isLoaded()) && <LazyDrawer {...props} />}
    </>
  )
}
