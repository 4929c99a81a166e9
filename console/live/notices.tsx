import { BellFilled, BellOutlined } from '@ant-design/icons'
import { App, Button } from 'antd'
import { useEffect, useEffectEvent, useMemo, useState } from 'react'
import { navigate } from 'wouter/use-browser-location'
import type { LiveTransition } from '../api/transitions.ts'
import { useWords } from '../settings.tsx'
import { notify, onNotice, placeOf, type Notice } from '../widgets/notices.tsx'
import { useViewer } from '../widgets/viewer.tsx'
import { useNoticeWords } from '../words/notices.ts'
import { CAN_NOTIFY, createNotifier, wantNotifications, wantsNotifications } from './notifier.ts'
import { createOwnWork } from '../api/own-work.ts'

/** How many ends the text of one notification names. */
const NAMED = 5

/** Gives notice of a transition that ends what this user started; answers whether it did. */
export function useOwnWork(): (transition: LiveTransition, name: string) => boolean {
  const viewer = useViewer()
  const { kind, actorId } = viewer?.actor ?? {}
  const endOf = useMemo(
    () => (kind === undefined ? undefined : createOwnWork({ kind, actorId: actorId ?? null })),
    [kind, actorId],
  )
  return (transition, name) => {
    const end = endOf?.(transition)
    if (!end) return false
    notify({ ...end, name })
    return true
  }
}

/** Has the browser notify of what this user started, where that is wanted. */
export function BrowserNotifications() {
  const words = useNoticeWords()
  const { reason: say } = useWords()
  const viewer = useViewer()
  const user = viewer && [viewer.account.id, viewer.actor.kind, viewer.actor.actorId].join(' ')
  const show = useEffectEvent((notices: Notice[]) => {
    const [first] = notices
    if (!first) return
    const lines = notices.map(({ result, work, name }) => words.said[result][work](name))
    const title = notices.length === 1 ? lines[0] : words.several(notices.length)
    const body =
      notices.length === 1
        ? first.reason === null
          ? ''
          : say(first.reason, first.reasons)
        : lines.slice(0, NAMED).join('\n')
    const shown = new Notification(title ?? '', { body, tag: first.key })
    shown.onclick = () => {
      window.focus()
      navigate(notices.length === 1 ? placeOf(first) : '/activity')
      shown.close()
    }
  })
  useEffect(() => {
    if (!CAN_NOTIFY || user === undefined) return undefined
    const notifier = createNotifier<Notice>(user, (notices) => show(notices))
    const stop = onNotice((notice) => notifier.add(notice))
    return () => {
      stop()
      notifier.close()
    }
  }, [user])
  return null
}

/** Switches the notifications of the browser on and off. The browser asks for its permission when it is switched on. */
export function NotificationSwitch() {
  const words = useNoticeWords()
  const { message } = App.useApp()
  const [isOn, setOn] = useState(wantsNotifications)
  if (!CAN_NOTIFY) return null
  const toggle = async () => {
    await wantNotifications(!isOn)
    setOn(wantsNotifications())
    if (!isOn && !wantsNotifications()) void message.warning(words.blocked)
  }
  return (
    <Button
      type="text"
      role="switch"
      aria-checked={isOn}
      aria-label={words.browser}
      title={words.browserHint}
      icon={isOn ? <BellFilled aria-hidden /> : <BellOutlined aria-hidden />}
      onClick={() => void toggle()}
    />
  )
}
