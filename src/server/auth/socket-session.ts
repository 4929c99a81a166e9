import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { maskError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import { describeError } from '../error-contract.ts'
import { authorizationOf, type Authenticate } from './authentication.ts'
import type { Credentials } from './credentials.ts'

/** Close codes after which the official client connects again; with the same bad credential it is refused again. */
const FORBIDDEN = 4403
const TRY_AGAIN_LATER = 1013

/** What is known of a socket. */
export interface SocketSession {
  webSocket: WebSocket
  socket: Socket
  /** Who it is for, from `connection_init` until the credential ceases to hold. */
  viewer?: Viewer
}

/**
 * Lets a socket in with what its client sent in `connection_init`, and closes it when that does not hold, now or at
 * any time later. Resolves with who is in.
 */
export async function admitSocket(
  session: SocketSession,
  connectionParams: unknown,
  {
    authenticate,
    credentials,
    log,
  }: { authenticate: Authenticate; credentials: Pick<Credentials, 'watch'>; log: Logger },
): Promise<Viewer | undefined> {
  const { webSocket, socket } = session

  function refuse(error: unknown): void {
    delete session.viewer
    const { message, extensions } = describeError(maskError(error), randomUUID(), log)
    webSocket.close(extensions['code'] === 'UNAUTHENTICATED' ? FORBIDDEN : TRY_AGAIN_LATER, message)
  }

  try {
    const viewer = await authenticate(authorizationOf(connectionParams), socket)
    if (webSocket.readyState !== webSocket.OPEN) return undefined
    session.viewer = viewer
    webSocket.once('close', credentials.watch(viewer, refuse))
    return viewer
  } catch (error) {
    refuse(error)
    return undefined
  }
}
