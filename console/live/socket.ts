import { pause, resuming } from '@snapgate/client'
import { createClient } from 'graphql-ws'
import { checkVersion } from '../api/version.ts'

/** How the page is connected to what happens; `since` is when that began. */
export interface Connection {
  phase: 'connecting' | 'live' | 'lost'
  since: Date
}

/** How long a silent connection is trusted, in milliseconds: a ping that often, and so long for its answer. */
const PING_MS = 10_000
const PONG_MS = 5_000

/** How long the connection is kept while nothing is subscribed to, in milliseconds. */
const LAZY_CLOSE_MS = 3_000

interface SocketOptions {
  url: string
  authorization: () => string | undefined
}

export type Socket = ReturnType<typeof createSocket>

/** The WebSocket of this tab: whether it lives, and when to try again once it does not. */
export function createSocket({ url, authorization }: SocketOptions) {
  let connection: Connection = { phase: 'connecting', since: new Date() }
  const watchers = new Set<() => void>()
  const retries = createRetries()
  let closed = false
  let pong: ReturnType<typeof setTimeout> | undefined
  /** The open socket, once it is acknowledged. */
  let wire: WebSocket | undefined

  function become(phase: Connection['phase']): void {
    if (connection.phase === phase) return
    connection = { phase, since: new Date() }
    for (const watcher of watchers) watcher()
  }

  const expectPong = () => {
    clearTimeout(pong)
    pong = setTimeout(() => wired.terminate(), PONG_MS)
  }
  const wired = createClient({
    url,
    // Connecting again is left to `resuming`, which can be hurried.
    retryAttempts: 0,
    lazyCloseTimeout: LAZY_CLOSE_MS,
    keepAlive: PING_MS,
    connectionAckWaitTimeout: PONG_MS,
    connectionParams: () => {
      const value = authorization()
      return value === undefined ? {} : { authorization: value }
    },
    on: {
      connected: (opened) => {
        wire = opened as WebSocket
        if (connection.phase === 'lost') void checkVersion()
        become('live')
      },
      ping: (received) => {
        if (!received) expectPong()
      },
      pong: (received) => {
        if (received) clearTimeout(pong)
      },
      closed: () => {
        wire = undefined
        clearTimeout(pong)
        if (!closed) become('lost')
      },
    },
  })

  const client = resuming(wired, { wait: retries.wait })

  /** Asks the gateway for a sign of life: what a browser says of its network is no proof of anything. */
  function probe(): void {
    if (wire?.readyState !== WebSocket.OPEN) return
    wire.send(JSON.stringify({ type: 'ping' }))
    expectPong()
  }

  /** Tries now what would be tried later, and finds out whether the connection there is still lives. */
  const wake = () => {
    if (wire) probe()
    // One that has been opening for long may never do so.
    else if (retries.waiting() === 0) wired.terminate()
    retries.hurry()
  }
  window.addEventListener('online', wake)
  window.addEventListener('offline', probe)

  return {
    client,
    retries,
    wake,
    connection: () => connection,

    watch: (onChange: () => void): (() => void) => {
      watchers.add(onChange)
      return () => watchers.delete(onChange)
    },

    close: (): void => {
      closed = true
      window.removeEventListener('online', wake)
      window.removeEventListener('offline', probe)
      retries.abandon()
      void client.dispose()
    },
  }
}

/** The waits of what would connect again. */
function createRetries() {
  const waits = new Set<AbortController>()
  let abandoned = false
  return {
    waiting: () => waits.size,
    /** Ends all waits now. */
    hurry(): void {
      for (const wait of waits) wait.abort()
    },
    /** From now on nothing is tried again. */
    abandon(): void {
      abandoned = true
    },
    /** Resolves when it is time to try again, or when the signal says that nobody waits any more. */
    wait: async (delayMs: number, signal?: AbortSignal): Promise<void> => {
      const hurried = new AbortController()
      waits.add(hurried)
      await pause(delayMs, signal ? AbortSignal.any([signal, hurried.signal]) : hurried.signal)
      waits.delete(hurried)
      if (abandoned) await new Promise(() => undefined)
    },
  }
}
