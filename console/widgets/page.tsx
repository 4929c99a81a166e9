import { useEffect, useRef, type ReactNode, type RefObject } from 'react'
import { useWords } from '../settings.tsx'

/** Whether a page was shown before: going to another one moves the focus to its heading, for screen readers. */
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
  const page = useRef<HTMLDivElement>(null)
  const heading = useRef<HTMLHeadingElement>(null)
  useKeptFocus(page, heading)
  useEffect(() => {
    document.title = `${title} – ${words.product}`
  }, [title, words])
  useEffect(() => {
    if (shownBefore) heading.current?.focus()
    shownBefore = true
  }, [])
  return (
    <div className="page" ref={page}>
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

/** When what has the focus goes from the page, as a row does whose snapshot is deleted, the focus is not lost but given on. */
function useKeptFocus(page: RefObject<HTMLElement | null>, next: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = page.current
    if (!root) return undefined
    let focused: Node | null = null
    const onFocus = ({ target }: FocusEvent) => {
      focused = target as Node
    }
    // Some browsers say so too when it goes from the page, just before.
    const onBlur = ({ target }: FocusEvent) => {
      queueMicrotask(() => {
        if (target === focused && focused?.isConnected) focused = null
      })
    }
    const observer = new MutationObserver(() => {
      if (!focused || focused.isConnected) return
      focused = null
      if (document.activeElement === document.body) next.current?.focus({ preventScroll: true })
    })
    root.addEventListener('focusin', onFocus)
    root.addEventListener('focusout', onBlur)
    observer.observe(root, { childList: true, subtree: true })
    return () => {
      observer.disconnect()
      root.removeEventListener('focusin', onFocus)
      root.removeEventListener('focusout', onBlur)
    }
  }, [page, next])
}
