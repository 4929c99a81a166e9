import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { maskError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import { describeError } from '../error-contract.ts'
import { authorizationOf } from './authentication.ts'
import type { Credentials } from './credentials.ts'

/** Close codes after which the official client connects again; with the same bad credential it is refused again. */
const FORBIDDEN = 4403
const TRY_AGAIN_LATER = 1013

/** What is known of a socket: who it is for, from `connection_init` until the credential ceases to hold. */
export type SocketSession = Partial<Record<'viewer', Viewer>>

/**
 * Lets a socket in with what its client sent in `connection_init`, and closes it when that does not hold, now or at
 * any time later. Resolves with whether it is in.
 */
export async function admitSocket(
  { extra, connectionParams }: { extra: SocketSession & { socket: WebSocket }; connectionParams?: unknown },
  credentials: Credentials,
  log: Logger,
): Promise<boolean> {
  const { socket } = extra

  function refuse(error: unknown): void {
    delete extra.viewer
    const { message, extensions } = describeError(maskError(error), randomUUID(), log)
    socket.close(extensions['code'] === 'UNAUTHENTICATED' ? FORBIDDEN : TRY_AGAIN_LATER, message)
  }

  try {
    const viewer = await credentials.authenticate(authorizationOf(connectionParams))
    if (socket.readyState !== socket.OPEN) return false
    extra.viewer = viewer
    socket.once('close', credentials.watch(viewer, refuse))
    return true
  } catch (error) {
    refuse(error)
    return false
  }
}
