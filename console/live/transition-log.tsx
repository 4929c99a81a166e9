import { Timeline } from 'antd'
import { cancellationIn, type StepOfDisk, type Transition } from '../api/transitions.ts'
import { useWords } from '../settings.tsx'
import { Time } from '../widgets/moment.tsx'

type Event = Transition | StepOfDisk

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

interface TransitionLogProps<Step extends Event> {
  /** Newest first. */
  transitions: readonly Step[]
  /** What each one is of, where they are of several things. */
  nameOf?: (transition: Step) => string
}

/** What happened to snapshots and disks, step by step. */
export function TransitionLog<Step extends Event>({ transitions, nameOf }: TransitionLogProps<Step>) {
  const words = useWords()
  return (
    <Timeline
      className="log"
      items={transitions.map((transition) => {
        const { sequence, from, to, reason, reasons, at } = transition
        const status = (token: Event['to']) =>
          transition.__typename === 'DiskTransition'
            ? words.diskStatus[token as StepOfDisk['to']]
            : words.snapshotStatus[token as Transition['to']]
        const step =
          from === to
            ? words.cancellation[cancellationIn(transition)]
            : words.transition(from === null ? undefined : status(from), status(to))
        return {
          key: `${transition.__typename} ${sequence}`,
          color: COLORS[to] ?? 'blue',
          content: (
            <>
              <div>
                {nameOf && <strong>{nameOf(transition)} </strong>}
                {step}
              </div>
              {reason !== null && from !== to && (
                <div className="reason">{words.reason(reason, reasons)}</div>
              )}
              <div className="hint">
                <Time at={at} /> · #{sequence}
              </div>
            </>
          ),
        }
      })}
    />
  )
}
