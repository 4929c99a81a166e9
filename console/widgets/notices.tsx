import { Alert, Button } from 'antd'
import { useEffect, useState, useSyncExternalStore } from 'react'
import { Link } from 'wouter'
import type { End } from '../api/own-work.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { useNoticeWords } from '../words/notices.ts'

/** The end of something that the user of this tab started. */
export interface Notice extends End {
  name: string
}

/** How many notices are shown at once, and how many are counted. */
const SHOWN = 4
const KEPT = 1_000

/** How long a success stays while it is in view, in milliseconds; what failed stays until it is dismissed. */
const STAY_MS = 10_000

let notices: readonly Notice[] = []
const watchers = new Set<() => void>()

function change(next: readonly Notice[]): void {
  notices = next
  for (const watcher of watchers) watcher()
}

function watch(onChange: () => void): () => void {
  watchers.add(onChange)
  return () => watchers.delete(onChange)
}

const listeners = new Set<(notice: Notice) => void>()

/** Calls back for each new notice. */
export function onNotice(listener: (notice: Notice) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Shows a notice on whatever page the user is. */
export function notify(notice: Notice): void {
  change([notice, ...notices].slice(0, KEPT))
  for (const listener of listeners) listener(notice)
}

/** Another user has no notices yet. */
export const dismissAll = () => change([])

const dismiss = (gone: Notice) => change(notices.filter(({ key }) => key !== gone.key))

/** Where to look at what a notice is about. */
export function placeOf({ subjectId, isGone }: End): string {
  const isSnapshot = subjectId.startsWith('s-')
  if (isGone) return `/activity?${isSnapshot ? 'snapshot' : 'disk'}=${subjectId}`
  return isSnapshot ? `/snapshots?show=${subjectId}` : `/disks/${subjectId}`
}

/** The notices of this tab, the newest first. */
export function Notices() {
  const words = useNoticeWords()
  const format = useFormat()
  const all = useSyncExternalStore(watch, () => notices)
  if (all.length === 0) return null
  const more = all.length - SHOWN
  return (
    <section className="notices" aria-label={words.title}>
      {all.slice(0, SHOWN).map((notice) => (
        <NoticeCard key={notice.key} notice={notice} />
      ))}
      {all.length > 1 && (
        <div className="notices-all">
          {more > 0 && <Link href="/activity">{words.more(format.number(more))}</Link>}
          <Button size="small" onClick={dismissAll}>
            {words.dismissAll}
          </Button>
        </div>
      )}
    </section>
  )
}

const TYPES = { SUCCEEDED: 'success', FAILED: 'error', CANCELLED: 'info' } as const

function NoticeCard({ notice }: { notice: Notice }) {
  const { reason: say } = useWords()
  const words = useNoticeWords()
  const isSeen = useSyncExternalStore(watchVisibility, isVisible)
  const [isHeld, hold] = useState(false)
  const { result, work, name, reason, reasons } = notice
  const stays = result === 'FAILED' || isHeld || !isSeen
  useEffect(() => {
    if (stays) return undefined
    const timer = setTimeout(() => dismiss(notice), STAY_MS)
    return () => clearTimeout(timer)
  }, [notice, stays])
  return (
    <div
      onMouseEnter={() => hold(true)}
      onMouseLeave={() => hold(false)}
      onFocus={() => hold(true)}
      onBlur={() => hold(false)}
    >
      <Alert
        role={result === 'FAILED' ? 'alert' : 'status'}
        type={TYPES[result]}
        showIcon
        title={words.said[result][work](name)}
        description={reason === null ? undefined : say(reason, reasons)}
        action={<Link href={placeOf(notice)}>{words.view}</Link>}
        closable={{ 'aria-label': words.dismiss, onClose: () => dismiss(notice) }}
      />
    </div>
  )
}

const isVisible = () => document.visibilityState === 'visible'

function watchVisibility(onChange: () => void): () => void {
  document.addEventListener('visibilitychange', onChange)
  return () => document.removeEventListener('visibilitychange', onChange)
}
