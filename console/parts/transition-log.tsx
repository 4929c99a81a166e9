import { Timeline } from 'antd'
import type { DiskTransition, Transition } from '../api/documents.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

type Event = Transition | DiskTransition

const COLORS: Partial<Record<Event['to'], string>> = {
  COMPLETED: 'green',
  IN_USE: 'green',
  NORMAL: 'green',
  UNMOUNTED: 'green',
  FAILED: 'red',
  UNAVAILABLE: 'red',
  ERROR: 'red',
  DELETED: 'gray',
}

interface TransitionLogProps {
  /** Newest first. */
  transitions: readonly Event[]
  /** What each one is of, where they are of several things. */
  nameOf?: (transition: Event) => string
}

/** What happened to snapshots and disks, step by step. */
export function TransitionLog({ transitions, nameOf }: TransitionLogProps) {
  const words = useWords()
  const format = useFormat()
  return (
    <Timeline
      className="log"
      items={transitions.map((transition) => {
        const { sequence, from, to, reason, at } = transition
        const status = (token: Event['to']) =>
          transition.__typename === 'DiskTransition'
            ? words.diskStatus[token as DiskTransition['to']]
            : words.snapshotStatus[token as Transition['to']]
        const step = words.transition(from === null ? undefined : status(from), status(to))
        return {
          key: `${transition.__typename} ${sequence}`,
          color: COLORS[to] ?? 'blue',
          content: (
            <>
              <div>
                {nameOf && <strong>{nameOf(transition)} </strong>}
                {step}
              </div>
              {reason !== null && <div className="reason">{reason}</div>}
              <div className="hint">
                <time dateTime={at}>{format.dateTime(at)}</time> · #{sequence}
              </div>
            </>
          ),
        }
      })}
    />
  )
}
