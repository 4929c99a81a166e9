import { outcomeOf } from './failure.ts'
import { logStreams } from './generated/schema.ts'
import { pause, spread } from './spread.ts'

export { codeOf, type Failure } from './failure.ts'
export { possibleTypes, type ErrorCode } from './generated/schema.ts'
export { pause, spread } from './spread.ts'

/** What graphql-ws and graphql-sse take and give. */
export interface Payload {
  readonly query: string
  readonly variables?: Record<string, unknown> | null | undefined
}
export interface Sink<Result = unknown> {
  next: (result: Result) => void
  error: (error: unknown) => void
  complete: () => void
}
/* eslint-disable @typescript-eslint/no-explicit-any -- The signatures of both clients fit these, generics included. */
export interface SubscriptionClient {
  subscribe: (payload: any, sink: any, ...more: any[]) => () => void
  iterate: (payload: any, ...more: any[]) => AsyncIterableIterator<any>
  dispose: () => unknown
}
/* eslint-enable @typescript-eslint/no-explicit-any */

export interface ResumingOptions {
  /**
   * Lists again, and gives the `streamCursor` of that list; the stream goes on from there. Called when the log does not
   * continue from the last event (`CURSOR_EXPIRED`), or the app reads too slowly (`SLOW_CONSUMER`). Give nothing to go on
   * from the last event after `SLOW_CONSUMER`. A rejection is retried like a lost connection. Without this callback,
   * `CURSOR_EXPIRED` is passed on.
   */
  listAgain?: (why: 'CURSOR_EXPIRED' | 'SLOW_CONSUMER') => Promise<string | undefined>

  /** Waits between two attempts. Default: `setTimeout`. Resolve earlier to retry now; `signal` says that it is over. */
  wait?: (delayMs: number, signal: AbortSignal) => Promise<void>
}

/** How long a stream lasts until the next failure counts as a first one, in milliseconds. */
const STEADY_MS = 5_000

interface Result {
  data?: Record<string, { cursor?: string; sequence?: number } | null> | null
  errors?: readonly unknown[]
}

/**
 * The client, with subscriptions that outlive connections, restarts of the gateway and credentials. Each resumes after the
 * last event that it has delivered, so no event is missed or repeated. Only what a retry cannot change ends a subscription.
 */
export function resuming<Client extends SubscriptionClient>(
  client: Client,
  options: ResumingOptions = {},
): Client {
  const open = new Set<() => void>()

  function subscribe(payload: Payload, sink: Sink, ...more: unknown[]): () => void {
    const end = follow((resumed, each) => client.subscribe(resumed, each, ...more), payload, options, {
      next: (result) => sink.next(result),
      error(error) {
        open.delete(leave)
        sink.error(error)
      },
      complete() {
        open.delete(leave)
        sink.complete()
      },
    })
    function leave(): void {
      if (!open.delete(leave)) return
      end()
      sink.complete()
    }
    open.add(leave)
    return leave
  }

  return {
    ...client,
    subscribe,
    iterate: (payload: Payload, ...more: unknown[]) => iterate((sink) => subscribe(payload, sink, ...more)),
    dispose: () => {
      for (const leave of open) leave()
      return client.dispose()
    },
  }
}

/** One subscription, through as many attempts as it takes. */
function follow(
  attempt: (payload: Payload, sink: Sink<Result>) => () => void,
  payload: Payload,
  { listAgain, wait = pause }: ResumingOptions,
  sink: Sink,
): () => void {
  requireCursor(payload)
  const ending = new AbortController()
  let cursor: string | undefined
  let sequence = 0
  let failures = 0
  let refusals = 0
  let stop: () => void = () => undefined

  // Read whenever the client sends the subscription, so that its own retries resume as well.
  const resumed = Object.defineProperty({ ...payload }, 'variables', {
    enumerable: true,
    get: () => (cursor === undefined ? payload.variables : { ...payload.variables, after: cursor }),
  })

  function end(): void {
    ending.abort()
    stop()
  }

  function start(): void {
    if (ending.signal.aborted) return
    const startedAt = Date.now()
    let over = false

    function fail(failure: unknown): void {
      if (over || ending.signal.aborted) return
      over = true
      stop()
      if (Date.now() - startedAt > STEADY_MS) failures = refusals = 0
      void recover(failure)
    }

    stop = attempt(resumed, {
      next(result) {
        if (over) return
        if (result.errors?.length && !result.data) {
          fail(result.errors)
          return
        }
        failures = refusals = 0
        const event = eventIn(result)
        // What has been delivered is not delivered again, even if something in between repeats it.
        if (event.sequence !== undefined && event.sequence <= sequence) return
        sequence = event.sequence ?? sequence
        cursor = event.cursor ?? cursor
        sink.next(result)
      },
      error: fail,
      complete() {
        if (over || ending.signal.aborted) return
        ending.abort()
        sink.complete()
      },
    })
  }

  async function recover(failure: unknown): Promise<void> {
    const { kind, code, notBefore = 0 } = outcomeOf(failure)
    // The credential may have expired: the client asks for it again, once.
    const isFinal =
      kind === 'FINAL' ||
      (kind === 'REFUSED' && ++refusals > 1) ||
      (code === 'CURSOR_EXPIRED' && listAgain === undefined)
    if (isFinal) {
      ending.abort()
      sink.error(failure)
      return
    }
    await wait(Math.max(spread(failures++), notBefore - Date.now()), ending.signal)
    if (ending.signal.aborted) return
    if (listAgain && (code === 'CURSOR_EXPIRED' || code === 'SLOW_CONSUMER')) {
      try {
        const listed = await listAgain(code)
        // Another log may count from the beginning.
        if (listed !== undefined) sequence = 0
        cursor = listed ?? cursor
      } catch {
        return recover(failure)
      }
    }
    start()
  }

  start()
  return end
}

/** Throws when a subscription could not be resumed without missing or repeating something. */
function requireCursor({ query, variables }: Payload): void {
  const stream = Object.keys(logStreams).find((field) => new RegExp(`\\b${field}\\b`).test(query))
  if (stream === undefined) return
  if (!/\$after\b/.test(query) || !/\bcursor\b/.test(query))
    throw new TypeError(`To be resumed, ${stream} takes (after: $after) and selects cursor.`)
  if (logStreams[stream] === 'LIVE' && typeof variables?.['after'] !== 'string')
    throw new TypeError(`To miss nothing, ${stream} begins at the streamCursor of a list: pass it as $after.`)
}

/** The position of the event, which is the only field of the result. */
function eventIn({ data }: Result): { cursor?: string; sequence?: number } {
  const [event] = Object.values(data ?? {})
  return event ?? {}
}

/** What is delivered to a sink, for a loop. */
function iterate<Value>(subscribe: (sink: Sink<Value>) => () => void): AsyncIterableIterator<Value> {
  const values: Value[] = []
  let failure: { error: unknown } | undefined
  let done = false
  let wake: () => void = () => undefined
  const end = subscribe({
    next(value) {
      values.push(value)
      wake()
    },
    error(error) {
      failure = { error }
      wake()
    },
    complete() {
      done = true
      wake()
    },
  })
  async function* loop(): AsyncGenerator<Value, void> {
    for (;;) {
      while (values.length > 0) yield values.shift() as Value
      if (failure) throw failure.error
      if (done) return
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  // A generator that waits could not be left.
  return Object.assign(loop(), {
    return: async () => {
      end()
      return { done: true as const, value: undefined }
    },
  })
}
