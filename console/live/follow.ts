import { codeOf, spread, type Payload, type Sink } from '@snapgate/client'
import type { Socket } from './socket.ts'

interface FollowOptions {
  socket: Socket
  /** The credentials are missing, or were refused, and the gateway says why. */
  onUnauthenticated: (why: string) => void
  /** The stream cannot go on: it is begun again, from new lists. */
  onLost: () => void
}

/** How many failures count as many: what a retry does not change may still pass. */
const MANY = 5

/** Subscribes until it completes, cannot go on, or is ended here; the connection is made again as often as it takes. */
export function follow(
  { socket, onUnauthenticated, onLost }: FollowOptions,
  payload: Payload,
  sink: Sink<never>,
): () => void {
  return socket.client.subscribe(payload, {
    next: (result: never) => sink.next(result),
    complete: () => sink.complete(),
    error(error) {
      const code = codeOf(error)
      const refusal = refusalOf(error)
      if (refusal !== undefined) onUnauthenticated(refusal)
      else if (code === 'NOT_FOUND') sink.complete()
      else if (code === 'CURSOR_EXPIRED' || code === 'BAD_USER_INPUT') onLost()
      else void socket.retries.wait(spread(MANY)).then(onLost)
    },
  })
}

/** Why the gateway does not accept the credentials of the connection, or not any more; undefined for other failures. */
function refusalOf(error: unknown): string | undefined {
  const [first] = (Array.isArray(error) ? error : [error]) as {
    message?: string
    code?: number
    reason?: string
  }[]
  if (codeOf(error) === 'UNAUTHENTICATED') return first?.message
  return first?.code === 4401 || first?.code === 4403 ? (first.reason ?? '') : undefined
}
