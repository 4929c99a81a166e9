import { forBrowser } from '../api/storage.ts'

const KEY = 'snapgate:notifications'

/** How long what ends at about the same time is gathered, in milliseconds. */
const GATHER_MS = 500

/** Browsers have notifications, and locks between tabs, only where the page came over TLS or from this machine. */
export const CAN_NOTIFY = 'Notification' in globalThis && 'locks' in navigator

/** Whether notifications were asked for, and are still allowed. */
export const wantsNotifications = () =>
  CAN_NOTIFY && forBrowser.get(KEY) === 'on' && Notification.permission === 'granted'

/** Remembers whether notifications are wanted, in all tabs; asks the browser's permission first. */
export async function wantNotifications(wanted: boolean): Promise<void> {
  if (!wanted) forBrowser.remove(KEY)
  else if ((await Notification.requestPermission()) === 'granted') forBrowser.set(KEY, 'on')
}

/**
 * Hands on what is to be notified by the browser: in one of the tabs of a user, and only while none of them is in view. The tab
 * that has the first lock notifies; each one that is in view shares the second.
 */
export function createNotifier<Item>(user: string, show: (items: Item[]) => void) {
  const closing = new AbortController()
  const { signal } = closing
  const inView = `snapgate:in-view:${user}`
  let leads = false
  let gathered: Item[] = []
  let leave: (() => void) | undefined

  function follow(): void {
    leave?.()
    leave = undefined
    if (document.visibilityState !== 'visible') return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    leave = () => resolve(undefined)
    void navigator.locks.request(inView, { mode: 'shared' }, () => promise)
  }

  async function flush(): Promise<void> {
    const items = gathered
    gathered = []
    if (!leads || !wantsNotifications()) return
    await navigator.locks.request(inView, { ifAvailable: true }, (lock) => {
      if (lock) show(items)
    })
  }

  const lead = async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    signal.addEventListener('abort', () => resolve(undefined))
    await navigator.locks.request(`snapgate:notifier:${user}`, { signal }, () => {
      leads = true
      return promise
    })
  }
  lead().catch(() => undefined)
  follow()
  document.addEventListener('visibilitychange', follow)

  return {
    add(item: Item): void {
      gathered.push(item)
      if (gathered.length === 1) setTimeout(() => void flush(), GATHER_MS)
    },

    close(): void {
      document.removeEventListener('visibilitychange', follow)
      leave?.()
      closing.abort()
    },
  }
}
