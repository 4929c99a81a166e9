import { Timeline } from 'antd'
import type { Transition } from '../api/documents.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

const COLORS: Partial<Record<Transition['to'], string>> = {
  COMPLETED: 'green',
  FAILED: 'red',
  UNAVAILABLE: 'red',
  DELETED: 'gray',
}

interface TransitionLogProps {
  /** Newest first. */
  transitions: readonly Transition[]
  /** What each one is of, where they are of several snapshots. */
  nameOf?: (transition: Transition) => string
}

/** What happened to snapshots, step by step. */
export function TransitionLog({ transitions, nameOf }: TransitionLogProps) {
  const words = useWords()
  const format = useFormat()
  return (
    <Timeline
      className="log"
      items={transitions.map((transition) => {
        const { sequence, from, to, reason, at } = transition
        const step = words.transition(
          from === null ? undefined : words.snapshotStatus[from],
          words.snapshotStatus[to],
        )
        return {
          key: sequence,
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
