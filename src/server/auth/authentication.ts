import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { clientError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import type { RequestFacts } from '../yoga.ts'

/**
 * Who is behind a credential, which is what the header Authorization holds, or connection_init in its place. Rejects
 * with UNAUTHENTICATED, in words for the client, when it is missing, malformed, unknown, revoked or expired, and with
 * SERVICE_UNAVAILABLE when that cannot be found out now. The socket is where it came from.
 */
export type Authenticate = (authorization: string | undefined, from: Socket) => Promise<Viewer>

export function unauthenticated(message: string) {
  return clientError('UNAUTHENTICATED', message)
}

/** Who asks, which was found out before; an operation on a socket may come when its credential has ceased to hold. */
export function viewerOf({ viewer }: RequestFacts): Viewer {
  if (viewer) return viewer
  throw unauthenticated('The credential no longer holds. Connect again with another one.')
}

/** The same, but that each failure with a credential is counted against where it came from. */
export function limitFailures(
  authenticate: (authorization: string | undefined) => Promise<Viewer>,
  takeFailure: (from: Socket) => Promise<void>,
): Authenticate {
  return async (authorization, from) => {
    try {
      return await authenticate(authorization)
    } catch (error) {
      const isFailure = error instanceof GraphQLError && error.extensions.code === 'UNAUTHENTICATED'
      if (isFailure && authorization !== undefined) await takeFailure(from)
      throw error
    }
  }
}

/** Finds out who asks before anything else is made of a request over HTTP: its body is not even read before. */
export function useAuthentication(
  authenticate: Authenticate,
): Plugin<object, RequestFacts & { req: IncomingMessage }> {
  return {
    async onRequestParse({ request, serverContext }) {
      const authorization = request.headers.get('authorization') ?? undefined
      try {
        serverContext.viewer = await (serverContext.authenticated ??
          authenticate(authorization, serverContext.req.socket))
      } catch (error) {
        throw error instanceof GraphQLError ? overHttp(error, authorization !== undefined) : error
      }
    },
  }
}

/** The status and headers of the answer. Source: RFC 6750, 3. */
function overHttp(error: GraphQLError, hasCredential: boolean): GraphQLError {
  const challenge = `Bearer realm="snapgate"${hasCredential ? ', error="invalid_token"' : ''}`
  const [status, headers]: [number, Record<string, string>] =
    error.extensions.code === 'UNAUTHENTICATED'
      ? [401, { 'www-authenticate': challenge }]
      : [503, { 'retry-after': '5' }]
  return new GraphQLError(error.message, { extensions: { ...error.extensions, http: { status, headers } } })
}

/** The credential in what a client sent with connection_init: the same header that it would send over HTTP. */
export function authorizationOf(connectionParams: unknown): string | undefined {
  const [, value] =
    Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
