import { useEffect, useRef, type ReactNode } from 'react'
import { useWords } from '../settings.tsx'

/** Whether a page was shown before: whoever goes to another one is taken to its heading, also without eyes. */
let shownBefore = false

interface PageProps {
  title: string
  /** Beside the title. */
  beside?: ReactNode
  /** In the upper right corner. */
  actions?: ReactNode
  before?: ReactNode
  children: ReactNode
}

export function Page({ title, beside, actions, before, children }: PageProps) {
  const words = useWords()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} – ${words.product}`
  }, [title, words])
  useEffect(() => {
    if (shownBefore) heading.current?.focus()
    shownBefore = true
  }, [])
  return (
    <div className="page">
      {before}
      <header className="page-header">
        <div className="page-title">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {beside}
        </div>
        <div className="page-actions">{actions}</div>
      </header>
      {children}
    </div>
  )
}
