import { useSyncExternalStore } from 'react'

/** How many announcements stay for those who read more slowly than they come. */
const KEPT = 5

let announced: readonly { key: number; text: string }[] = []
let count = 0
const watchers = new Set<() => void>()

/** Has screen readers say this when they are done with what they are saying. */
export function announce(text: string): void {
  announced = [...announced, { key: count++, text }].slice(-KEPT)
  for (const watcher of watchers) watcher()
}

function watch(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

export function Announcer() {
  const lines = useSyncExternalStore(watch, () => announced)
  return (
    <div className="unseen" aria-live="polite" role="log">
      {lines.map(({ key, text }) => (
        <p key={key}>{text}</p>
      ))}
    </div>
  )
}
