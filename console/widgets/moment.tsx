import { useSyncExternalStore } from 'react'
import { useFormat } from '../format.ts'
import { useSettings } from '../settings.tsx'

/** How often relative times are written again, in milliseconds. */
const TICK_MS = 15_000

let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined
const listeners = new Set<() => void>()

function follow(listener: () => void): () => void {
  listeners.add(listener)
  if (timer === undefined) {
    now = Date.now()
    timer = setInterval(() => {
      now = Date.now()
      for (const one of listeners) one()
    }, TICK_MS)
  }
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

/** The time of the last tick; one timer for all who look. */
const useNow = () => useSyncExternalStore(follow, () => now)

interface TimeProps {
  at: string
  /** For a time close by: with its day of the week and its zone, as that of something else may be another one. */
  near?: boolean
}

/** A point in time as the reader prefers it; its title says it the other way. */
export function Time({ at, near = false }: TimeProps) {
  const format = useFormat()
  const { timeForm } = useSettings()
  const relative = format.relative(at, useNow())
  const absolute = near ? format.moment(at) : format.dateTime(at)
  const [text, title] = timeForm === 'relative' ? [relative, absolute] : [absolute, relative]
  return (
    <time dateTime={at} title={title}>
      {text}
    </time>
  )
}

/** A point in time in a narrow column: the day, and the time of the day below it. */
export function Moment({ at }: { at: string }) {
  const format = useFormat()
  const { timeForm } = useSettings()
  const relative = format.relative(at, useNow())
  if (timeForm === 'relative') return <Time at={at} />
  return (
    <time dateTime={at} title={relative} className="moment">
      {format.date(at)}
      <br />
      <span className="hint">{format.time(at)}</span>
    </time>
  )
}
