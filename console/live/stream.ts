import { createClient, type SubscribePayload } from 'graphql-ws'
import { makeOperation, type Exchange, type Operation, type OperationResult } from 'urql'
import { empty, fromArray, fromValue, mergeMap, pipe, share, tap, type Source } from 'wonka'
import { DISK_TRANSITIONS, SNAPSHOT_TRANSITIONS, type LiveTransition } from '../api/transitions.ts'
import { checkVersion } from '../api/version.ts'
import { newsOfChange, newsOfTransition, withNews, type News } from './news.ts'

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

/** Between two attempts to connect, in milliseconds: from the first, doubling, to the last, each with up to half more. */
const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 8_000

/** What is followed, each with a cursor and numbers of its own. */
const STREAMS = [SNAPSHOT_TRANSITIONS, DISK_TRANSITIONS] as const

interface LiveOptions {
  url: string
  authorization: () => string | undefined
  /** The credentials are missing, or were refused, and the gateway says why. */
  onUnauthenticated: (why: string) => void
}

/** Something said of disks and snapshots: by a change that was answered, or by a transition, which may be a deletion. */
interface Recent {
  news: News
  isChange?: true
  deletion?: OperationResult
}

interface Sink {
  next: (result: never) => void
  error: (error: unknown) => void
  complete: () => void
}

export type Live = ReturnType<typeof createLive>

/**
 * The one WebSocket of this tab, and the two subscriptions over it: to all transitions of snapshots, and of disks.
 *
 * They begin at the `streamCursor` of the first list that is read, and after any loss of the connection each at the cursor
 * of the last transition seen, so nothing is missed; what comes twice is dropped by its sequence number.
 * An answer that is older than a transition that arrived before it is amended: see `exchange`.
 */
export function createLive({ url, authorization, onUnauthenticated }: LiveOptions) {
  let connection: Connection = { phase: 'connecting', since: new Date() }
  const watchers = new Set<() => void>()
  const listeners = new Set<(transition: LiveTransition) => void>()
  /** Resolves the waits of those who would connect again. */
  let hurry = new Set<() => void>()
  let attempts = 0
  let closed = false
  /** Begins the subscriptions; called with the first cursor. */
  let begin: ((cursor: string) => void) | undefined
  let startOver: () => void = () => undefined

  function become(phase: Connection['phase']): void {
    if (connection.phase === phase) return
    connection = { phase, since: new Date() }
    for (const watcher of watchers) watcher()
  }

  let pong: ReturnType<typeof setTimeout> | undefined
  /** The open socket, once it is acknowledged. */
  let wire: WebSocket | undefined
  const expectPong = () => {
    clearTimeout(pong)
    pong = setTimeout(() => socket.terminate(), PONG_MS)
  }
  const socket = createClient({
    url,
    // Connecting again is done here: with a cursor that is newer than the one of the first attempt.
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
        attempts = 0
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

  /** Asks the gateway for a sign of life: what a browser says of its network is no proof of anything. */
  function probe(): void {
    if (wire?.readyState !== WebSocket.OPEN) return
    wire.send(JSON.stringify({ type: 'ping' }))
    expectPong()
  }

  /** Tries now what would be tried later, and finds out whether the connection there is still lives. */
  const wake = () => {
    attempts = 0
    if (wire) probe()
    // One that has been opening for long may never do so.
    else if (hurry.size === 0) socket.terminate()
    for (const go of hurry) go()
  }
  window.addEventListener('online', wake)
  window.addEventListener('offline', probe)

  function waitToRetry(): Promise<void> {
    const delay = Math.min(FIRST_RETRY_MS * 2 ** attempts++, LAST_RETRY_MS) * (1 + Math.random() / 2)
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer)
        hurry.delete(go)
        resolve()
      }
      const timer = setTimeout(go, delay)
      hurry.add(go)
    })
  }

  /** Subscribes, and again after every loss of the connection, until it completes or is ended here. */
  function follow(payload: SubscribePayload, sink: Sink): () => void {
    let ended = false
    let end: () => void = () => undefined
    let after: string | undefined
    let lastSequence = 0

    function subscribe(): void {
      if (ended) return
      const variables = after === undefined ? payload.variables : { ...payload.variables, after }
      end = socket.subscribe(
        { ...payload, variables },
        {
          next(result) {
            if (result.errors && result.errors.length > 0) {
              end()
              fail(result.errors)
              return
            }
            attempts = 0
            const transition = transitionOf(result.data)
            if (transition) {
              after = transition.cursor
              if (transition.sequence <= lastSequence) return
              lastSequence = transition.sequence
            }
            sink.next(result as never)
          },
          error(error) {
            fail(Array.isArray(error) ? (error as Complaint[]) : [complaintOfClose(error)])
          },
          complete() {
            if (!ended) sink.complete()
          },
        },
      )
    }

    function fail(complaints: readonly Complaint[]): void {
      if (ended) return
      const refused = complaints.find(isUnauthenticated)
      const codes = complaints.map(codeOf)
      if (refused) {
        onUnauthenticated(refused.message)
      } else if (codes.includes('CURSOR_EXPIRED') || codes.includes('BAD_USER_INPUT')) {
        // The log no longer reaches back so far, or is another one: list again.
        startOver()
      } else if (codes.includes('NOT_FOUND')) {
        sink.complete()
      } else {
        void waitToRetry().then(subscribe)
      }
    }

    subscribe()
    return () => {
      ended = true
      end()
    }
  }

  /**
   * Sits between the cache and the network.
   * An answer may be given before a transition, or before a change, and arrive after it: then what is older in it is
   * replaced before the cache sees it, so that the page never goes back. Of two answers to the same query that overtake each
   * other, the one asked for first is dropped. When the connection comes back, what could not be read is asked for again.
   */
  const exchange: Exchange =
    ({ client, forward }) =>
    (operations) => {
      const active = new Map<number, Operation>()
      const failed = new Set<number>()
      /** What is waited for: its number, how much news there was when it was asked for, and whether the streams had begun. */
      const asked = new Map<Operation, { number: number; seen: number; begun: boolean }>()
      let lastNumber = 0
      /** The number of the last answer to each query. */
      const answered = new Map<number, number>()
      /** What came while something was waited for. */
      let recent: Recent[] = []
      let following: { unsubscribe: () => void }[] | undefined

      const readAgain = (operation: Operation) =>
        client.reexecuteOperation(
          makeOperation('query', operation, { ...operation.context, requestPolicy: 'network-only' }),
        )
      begin = (cursor) => {
        following = STREAMS.map((document) => {
          let told = 0
          return client.subscription<unknown>(document, { after: cursor }).subscribe(({ data }) => {
            const transition = transitionOf(data)
            // What is handed to the cache once more comes by here as well.
            if (!transition || transition.sequence <= told) return
            told = transition.sequence
            for (const listener of listeners) listener(transition)
          })
        })
      }
      startOver = () => {
        for (const subscription of following ?? []) subscription.unsubscribe()
        following = undefined
        for (const operation of active.values()) readAgain(operation)
      }
      function readFailed(): void {
        for (const key of failed) {
          const operation = active.get(key)
          if (operation) readAgain(operation)
        }
        failed.clear()
      }
      watchers.add(() => {
        if (connection.phase === 'live') readFailed()
      })

      function onResult(result: OperationResult): Source<OperationResult> {
        const { key, kind } = result.operation
        const refused = result.error?.graphQLErrors.find(isUnauthenticated)
        if (refused) onUnauthenticated(refused.message)
        const transition = kind === 'subscription' ? transitionOf(result.data) : undefined
        if (transition) {
          if (asked.size > 0) {
            const isDeletion = transition.to === 'DELETED'
            recent.push({ news: newsOfTransition(transition), ...(isDeletion && { deletion: result }) })
          }
          return fromValue(result)
        }
        const asking = asked.get(result.operation)
        if (!asking) return fromValue(result)
        const missed = recent.slice(asking.seen)
        forget(result.operation)
        if (kind === 'mutation') {
          if (asked.size > 0) recent.push({ news: newsOfChange(result.data), isChange: true })
          const said = missed.filter(({ isChange, deletion }) => !isChange && !deletion)
          return deliver(result, said, missed)
        }
        if (asking.number < (answered.get(key) ?? 0)) return empty as Source<OperationResult>
        answered.set(key, asking.number)
        if (!refused) onRead(result, asking.begun)
        return deliver(result, missed, missed)
      }

      function forget(operation: Operation): void {
        asked.delete(operation)
        if (asked.size === 0) recent = []
      }

      /** Passes an answer on, amended by what was `said` meanwhile; the cache then drops what was deleted. */
      function deliver(result: OperationResult, said: Recent[], missed: Recent[]): Source<OperationResult> {
        const data: unknown = withNews(
          result.data,
          said.map(({ news }) => news),
        )
        const deletions = missed.map(({ deletion }) => deletion).filter((one) => one !== undefined)
        return fromArray([{ ...result, data }, ...deletions])
      }

      function onRead(result: OperationResult, begun: boolean): void {
        if (result.error) {
          failed.add(result.operation.key)
          // With no stream, or with one that outlives the network of requests, nothing else says that they pass again.
          if (!following || (result.error.networkError && connection.phase === 'live'))
            void waitToRetry().then(readFailed)
        }
        const cursor = findStreamCursor(result.data)
        if (cursor !== undefined && !following) begin?.(cursor)
        else if (following && !begun) readAgain(result.operation)
      }

      return pipe(
        operations,
        tap((operation) => {
          const { key, kind } = operation
          if (kind === 'query') active.set(key, operation)
          if (kind === 'query' || kind === 'mutation') {
            const begun = following !== undefined
            asked.set(operation, { number: ++lastNumber, seen: recent.length, begun })
          } else if (kind === 'teardown') {
            active.delete(key)
            answered.delete(key)
            for (const waiting of asked.keys()) if (waiting.key === key) forget(waiting)
          }
        }),
        share,
        forward,
        mergeMap(onResult),
        share,
      )
    }

  return {
    follow,
    exchange,

    /** What the things that are gone were called: their last transition does not say it. */
    formerNames: new Map<string, string>(),

    /** For `useSyncExternalStore`. */
    watchConnection: (onChange: () => void): (() => void) => {
      watchers.add(onChange)
      return () => watchers.delete(onChange)
    },
    connection: () => connection,

    /** Calls back for each transition, once. */
    onTransition(listener: (transition: LiveTransition) => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    /** Tries to connect now instead of later. */
    retryNow: wake,

    close(): void {
      closed = true
      window.removeEventListener('online', wake)
      window.removeEventListener('offline', probe)
      hurry = new Set()
      void socket.dispose()
    },
  }
}

/** What there is to an error of the API, whichever way it came. */
interface Complaint {
  message: string
  extensions?: Record<string, unknown>
}

function codeOf({ extensions }: Complaint): unknown {
  return extensions?.['code']
}

function isUnauthenticated(complaint: Complaint): boolean {
  return codeOf(complaint) === 'UNAUTHENTICATED'
}

/** 4401 and 4403: the gateway does not accept the credentials of the connection, or not any more. */
function complaintOfClose(error: unknown): Complaint {
  const { code, reason = '' } = error as Partial<CloseEvent>
  const refused = code === 4401 || code === 4403
  return { message: reason, extensions: { code: refused ? 'UNAUTHENTICATED' : 'CONNECTION_LOST' } }
}

/** The transition in an answer, if that is of one of the streams. */
function transitionOf(data: unknown): LiveTransition | undefined {
  const { snapshotTransitions, diskTransitions } = (data ?? {}) as Partial<
    Record<'snapshotTransitions' | 'diskTransitions', LiveTransition>
  >
  return snapshotTransitions ?? diskTransitions
}

/** The `streamCursor` of the list in a result. */
function findStreamCursor(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  if ('streamCursor' in data && typeof data.streamCursor === 'string') return data.streamCursor
  for (const value of Object.values(data)) {
    const cursor = findStreamCursor(value)
    if (cursor !== undefined) return cursor
  }
  return undefined
}
