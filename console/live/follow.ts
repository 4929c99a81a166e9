import type { SubscribePayload } from 'graphql-ws'
import { transitionIn } from '../api/transitions.ts'
import { codeOf, complaintOfClose, isUnauthenticated, type Complaint } from './complaints.ts'
import type { Socket } from './socket.ts'

interface Sink {
  next: (result: never) => void
  error: (error: unknown) => void
  complete: () => void
}

interface FollowOptions {
  socket: Socket
  /** The credentials are missing, or were refused, and the gateway says why. */
  onUnauthenticated: (why: string) => void
  /** The log no longer reaches back to the cursor, or is another one. */
  onExpired: () => void
}

/** Subscribes, and again after every loss of the connection, until it completes or is ended here. */
export function follow(
  { socket, onUnauthenticated, onExpired }: FollowOptions,
  payload: SubscribePayload,
  sink: Sink,
): () => void {
  let ended = false
  let end: () => void = () => undefined
  let after: string | undefined
  let lastSequence = 0

  function subscribe(): void {
    if (ended) return
    const variables = after === undefined ? payload.variables : { ...payload.variables, after }
    end = socket.client.subscribe(
      { ...payload, variables },
      {
        next(result) {
          if (result.errors && result.errors.length > 0) {
            end()
            fail(result.errors)
            return
          }
          socket.retries.succeeded()
          const transition = transitionIn(result.data)
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
      onExpired()
    } else if (codes.includes('NOT_FOUND')) {
      sink.complete()
    } else {
      void socket.retries.wait().then(subscribe)
    }
  }

  subscribe()
  return () => {
    ended = true
    end()
  }
}
