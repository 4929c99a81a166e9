import { useSyncExternalStore } from 'react'

let announced = ''
const watchers = new Set<() => void>()

/** Has screen readers say this when they are done with what they are saying. */
export function announce(text: string): void {
  announced = text
  for (const watcher of watchers) watcher()
}

function watch(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

export function Announcer() {
  const text = useSyncExternalStore(watch, () => announced)
  return (
    <div className="unseen" aria-live="polite" role="status">
      {text}
    </div>
  )
}
