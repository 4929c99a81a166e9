import { useEffect, useEffectEvent } from 'react'

/** Looks again and again while something is to be seen that no transition says, and somebody sees the page. */
export function useLook(look: () => void, everyMs: number, isWanted = true): void {
  const call = useEffectEvent(look)
  useEffect(() => {
    if (!isWanted) return undefined
    const timer = setInterval(() => {
      if (!document.hidden) call()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, isWanted])
}
