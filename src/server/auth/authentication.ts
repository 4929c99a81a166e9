import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { clientError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import type { RequestFacts } from '../yoga.ts'

/**
 * Who is behind a credential, which is what the header Authorization holds, or connection_init in its place. Rejects
 * with UNAUTHENTICATED, in words for the client, when it is missing, malformed, unknown, revoked or expired.
 */
export type Authenticate = (authorization: string | undefined) => Promise<Viewer>

export function unauthenticated(message = 'There is no credential. Send authorization: Bearer <token>.') {
  return clientError('UNAUTHENTICATED', message)
}

/** Finds out who asks before anything else is made of a request over HTTP: its body is not even read before. */
export function useAuthentication(authenticate: Authenticate): Plugin<object, RequestFacts> {
  return {
    async onRequestParse({ request, serverContext }) {
      try {
        serverContext.viewer = await authenticate(request.headers.get('authorization') ?? undefined)
      } catch (error) {
        throw error instanceof GraphQLError ? overHttp(error) : error
      }
    },
  }
}

/** The answer to a request without a valid credential: RFC 6750, 3. */
function overHttp(error: GraphQLError): GraphQLError {
  const http = { status: 401, headers: { 'www-authenticate': 'Bearer realm="snapgate"' } }
  return new GraphQLError(error.message, { extensions: { ...error.extensions, http } })
}

/** The credential in what a client sent with connection_init: the same header that it would send over HTTP. */
export function authorizationOf(connectionParams: Record<string, unknown> | undefined): string | undefined {
  const [, value] =
    Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
