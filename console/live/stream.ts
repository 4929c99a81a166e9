import { codeOf, spread, type Payload, type Sink } from '@snapgate/client'
import { makeOperation, type Client, type Exchange, type Operation, type OperationResult } from 'urql'
import { fromArray, fromValue, mergeMap, pipe, share, tap, type Source } from 'wonka'
import {
  DISK_TRANSITIONS,
  SNAPSHOT_TRANSITIONS,
  transitionIn,
  type LiveTransition,
} from '../api/transitions.ts'
import { createAnswers } from './answers.ts'
import { follow } from './follow.ts'
import { createSocket, type Socket } from './socket.ts'

/** What is followed, each with a cursor and numbers of its own. */
const STREAMS = [SNAPSHOT_TRANSITIONS, DISK_TRANSITIONS] as const

interface LiveOptions {
  url: string
  authorization: () => string | undefined
  /** The credentials are missing, or were refused, and the gateway says why. */
  onUnauthenticated: (why: string) => void
}

export type Live = ReturnType<typeof createLive>

/**
 * The one WebSocket of this tab, and the two subscriptions over it: to all transitions of snapshots, and of disks.
 *
 * They begin at the `streamCursor` of the first list that is read, and after any loss of the connection each at the cursor
 * of the last transition seen, so nothing is missed or comes twice: that is @snapgate/client's.
 * An answer that is older than a transition that arrived before it is amended: see `createAnswers`.
 */
export function createLive({ url, authorization, onUnauthenticated }: LiveOptions) {
  const listeners = new Set<(transition: LiveTransition) => void>()
  const socket = createSocket({ url, authorization })
  let startOver: () => void = () => undefined

  /** Sits between the cache and the network, so that what arrives late never makes the page go back. */
  const exchange: Exchange =
    ({ client, forward }) =>
    (operations) => {
      const answers = createAnswers()
      const reading = createReading(client, socket, (transition) => {
        for (const listener of listeners) listener(transition)
      })
      startOver = reading.startOver

      function onResult(result: OperationResult): Source<OperationResult> {
        const { kind } = result.operation
        const refused = result.error?.graphQLErrors.find((error) => codeOf(error) === 'UNAUTHENTICATED')
        if (refused) onUnauthenticated(refused.message)
        const transition = kind === 'subscription' ? transitionIn(result.data) : undefined
        if (transition) {
          answers.hear(transition, result)
          return fromValue(result)
        }
        const settled = answers.settle(result)
        if (!settled) return fromValue(result)
        const { results, begun } = settled
        if (kind === 'query' && results.length > 0 && !refused) reading.onRead(result, begun)
        return fromArray(results)
      }

      return pipe(
        operations,
        tap((operation) => {
          const { key, kind } = operation
          if (kind === 'query') reading.add(operation)
          if (kind === 'query' || kind === 'mutation') {
            answers.ask(operation, reading.isFollowing())
          } else if (kind === 'teardown') {
            reading.remove(key)
            answers.tearDown(key)
          }
        }),
        share,
        forward,
        mergeMap(onResult),
        share,
      )
    }

  return {
    follow: (payload: Payload, sink: Sink<never>) =>
      follow({ socket, onUnauthenticated, onLost: () => startOver() }, payload, sink),
    exchange,

    /** What the things that are gone were called: their last transition does not say it. */
    formerNames: new Map<string, string>(),

    /** For `useSyncExternalStore`. */
    watchConnection: socket.watch,
    connection: socket.connection,

    /** Calls back for each transition, once. */
    onTransition(listener: (transition: LiveTransition) => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    /** Tries to connect now instead of later. */
    retryNow: socket.wake,
    close: socket.close,
  }
}

/**
 * The queries of the page, and the streams that keep their answers up to date. What was asked for before the streams began,
 * or could not be read, is read again.
 */
function createReading(client: Client, socket: Socket, tell: (transition: LiveTransition) => void) {
  const active = new Map<number, Operation>()
  const failed = new Set<number>()
  let failures = 0
  let following: { unsubscribe: () => void }[] | undefined

  const readAgain = (operation: Operation) =>
    client.reexecuteOperation(
      makeOperation('query', operation, { ...operation.context, requestPolicy: 'network-only' }),
    )

  function begin(cursor: string): void {
    following = STREAMS.map((document) => {
      let told = 0
      return client.subscription<unknown>(document, { after: cursor }).subscribe(({ data }) => {
        const transition = transitionIn(data)
        // What is handed to the cache once more comes by here as well.
        if (!transition || transition.sequence <= told) return
        told = transition.sequence
        tell(transition)
      })
    })
  }

  function readFailed(): void {
    for (const key of failed) {
      const operation = active.get(key)
      if (operation) readAgain(operation)
    }
    failed.clear()
  }
  socket.watch(() => {
    if (socket.connection().phase === 'live') readFailed()
  })

  return {
    add: (operation: Operation) => void active.set(operation.key, operation),
    remove: (key: number) => void active.delete(key),
    isFollowing: () => following !== undefined,

    /** Reads everything again, and follows from there. */
    startOver: (): void => {
      for (const subscription of following ?? []) subscription.unsubscribe()
      following = undefined
      for (const operation of active.values()) readAgain(operation)
    },

    onRead(result: OperationResult, begun: boolean): void {
      if (result.error) {
        failed.add(result.operation.key)
        // With no stream, or with one that outlives the network of requests, nothing else says that they pass again.
        if (!following || (result.error.networkError && socket.connection().phase === 'live'))
          void socket.retries.wait(spread(failures++)).then(readFailed)
      } else {
        failures = 0
      }
      const cursor = findStreamCursor(result.data)
      if (cursor !== undefined && !following) begin(cursor)
      else if (following && !begun) readAgain(result.operation)
    },
  }
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
