import { Alert, Button } from 'antd'
import {
  createContext,
  use,
  useEffect,
  useEffectEvent,
  useReducer,
  useState,
  useSyncExternalStore,
} from 'react'
import { cancellationIn, type LiveTransition, type StepOfDisk } from '../api/transitions.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { announce } from '../widgets/announcer.tsx'
import { useOwnWork } from './notices.tsx'
import type { Connection } from './socket.ts'
import type { Live } from './stream.ts'

/** How long a lost connection counts as a short break, in milliseconds. */
const BREAK_MS = 4_000

/** How long changes of a list are gathered before it is read again, in milliseconds. */
const GATHER_MS = 250

export const LiveContext = createContext<Live | undefined>(undefined)

function useLive(): Live {
  const live = use(LiveContext)
  if (!live) throw new Error('There is no live stream here.')
  return live
}

/** Whether a disk only goes into a snapshot or comes out of it, which that snapshot says itself. */
export function isSaidBySnapshot({ from, to }: Pick<StepOfDisk, 'from' | 'to'>): boolean {
  return to === 'SNAPSHOTTING' || (from === 'SNAPSHOTTING' && to !== 'ERROR')
}

/** Calls back for each transition, once. */
export function useTransitions(onTransition: (transition: LiveTransition) => void): void {
  const live = useLive()
  const call = useEffectEvent(onTransition)
  useEffect(() => live.onTransition((transition) => call(transition)), [live])
}

/**
 * Reads a list again after transitions by which it may have become another one: soon, and once for all that come at once.
 * While it is first read that waits: the answer may be older than the transition, and no second request would be sent.
 */
export function useListRefresh(
  read: () => void,
  fetching: boolean,
  matters: (transition: LiveTransition) => boolean,
): void {
  // Counted, not flagged: React may see a transition together with the reading that it came too late for.
  const [arrived, countArrived] = useReducer(increment, 0)
  const [gathered, setGathered] = useState(0)
  const call = useEffectEvent(read)
  useTransitions((transition) => {
    if (matters(transition)) countArrived()
  })
  const due = arrived > gathered
  const gather = useEffectEvent(() => setGathered(arrived))
  useEffect(() => {
    if (!due || fetching) return undefined
    const timer = setTimeout(() => {
      gather()
      call()
    }, GATHER_MS)
    return () => clearTimeout(timer)
  }, [due, gathered, fetching])
}

function increment(count: number): number {
  return count + 1
}

function useConnection(): Connection & { offline: boolean } {
  const live = useLive()
  const connection = useSyncExternalStore(live.watchConnection, live.connection)
  const [over, setOver] = useState<Connection>()
  useEffect(() => {
    if (connection.phase !== 'lost') return undefined
    const timer = setTimeout(() => setOver(connection), BREAK_MS)
    return () => clearTimeout(timer)
  }, [connection])
  return { ...connection, offline: connection.phase === 'lost' && over === connection }
}

/** Says whether what is shown follows what happens. */
export function LivePill() {
  const words = useWords()
  const format = useFormat()
  const { phase, since, offline } = useConnection()
  const [look, text] = {
    live: ['live', words.live],
    connecting: ['waiting', words.connecting],
    lost: offline ? ['offline', words.offlineSince(format.time(since))] : ['waiting', words.reconnecting],
  }[phase] as [string, string]
  return (
    <span className={`pill ${look}`} role="status" title={phase === 'live' ? words.liveHint : undefined}>
      <span className="pill-dot" aria-hidden />
      {text}
    </span>
  )
}

/** Says across the page that the connection is lost, once that is no short break any more. */
export function OfflineBanner() {
  const live = useLive()
  const words = useWords()
  const format = useFormat()
  const { since, offline } = useConnection()
  if (!offline) return null
  return (
    <Alert
      banner
      type="warning"
      title={words.offlineBanner(format.time(since))}
      action={
        <Button size="small" onClick={live.retryNow}>
          {words.retry}
        </Button>
      }
    />
  )
}

/** Announces each change of a status to screen readers, and gives notice of the end of what this user started. */
export function TransitionAnnouncer() {
  const words = useWords()
  const { formerNames } = useLive()
  const noticeOf = useOwnWork()
  useTransitions((transition) => {
    if (transition.__typename === 'SnapshotTransition') {
      const { snapshot, snapshotId, from, to } = transition
      const name = snapshot?.name ?? formerNames.get(snapshotId) ?? snapshotId
      const step = from === to ? words.cancellation[cancellationIn(transition)] : words.snapshotStatus[to]
      if (!noticeOf(transition, name)) announce(words.announcement(name, step))
    } else {
      const { disk, diskId, from, to } = transition
      const name = disk?.name ?? formerNames.get(diskId) ?? diskId
      const step = from === to ? words.cancellation.request : words.diskStatus[to]
      if (!noticeOf(transition, name) && !isSaidBySnapshot(transition))
        announce(words.diskAnnouncement(name, step))
    }
  })
  return null
}
