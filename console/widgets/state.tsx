import { Empty } from 'antd'
import type { ReactNode } from 'react'

/** What a list says when it has nothing to show. */
export function Nothing({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <Empty
      image={Empty.PRESENTED_IMAGE_SIMPLE}
      description={
        <>
          <strong>{title}</strong>
          {hint !== undefined && <div className="hint">{hint}</div>}
        </>
      }
    >
      {children}
    </Empty>
  )
}
