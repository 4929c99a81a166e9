import type { Socket } from 'node:net'
import { GraphQLError } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import { retryAfter } from '../error-contract.ts'
import type { Limits } from '../limits/limits.ts'
import type { RequestFacts } from '../yoga.ts'
import type { Refused } from './admission.ts'
import type { Credentials } from './credentials.ts'

/**
 * Who is behind a credential, which is what the header Authorization holds, or connection_init in its place. Rejects
 * with UNAUTHENTICATED, in words for the client, when it is missing, malformed, unknown, revoked or expired, and with
 * SERVICE_UNAVAILABLE when that cannot be found out now. The socket is where it came from.
 */
export type Authenticate = (authorization: string | undefined, from: Socket) => Promise<Viewer>

export function unauthenticated(message: string) {
  return clientError('UNAUTHENTICATED', message)
}

const guesses = new WeakSet<GraphQLError>()

/**
 * The same for a credential that may have been made up: a token that does not exist, a JWT that no key has signed. Only
 * these are counted against an address. What is missing, malformed, expired or revoked was not guessed, and gets its
 * true answer however much was guessed from the same address.
 */
export function guessed(message: string) {
  const error = unauthenticated(message)
  guesses.add(error)
  return error
}

/** Who asks, which was found out before; an operation on a socket may come when its credential has ceased to hold. */
export function viewerOf({ viewer }: RequestFacts): Viewer {
  if (viewer) return viewer
  throw unauthenticated('The credential no longer holds. Connect again with another one.')
}

/** The same, with what the address of a client may cost the gateway. */
export function limitFailures(
  authenticate: Credentials['authenticate'],
  { takeFailure, takeNewAccount }: Pick<Limits, 'takeFailure' | 'takeNewAccount'>,
): Authenticate {
  return async (authorization, from) => {
    try {
      return await authenticate(authorization, () => takeNewAccount(from))
    } catch (error) {
      if (error instanceof GraphQLError && guesses.has(error)) await takeFailure(from)
      throw error
    }
  }
}

/** What is answered over HTTP to a request whose credential does not let it in. Source: RFC 6750, 3. */
export function notAuthenticated(error: GraphQLError, hasCredential: boolean): Refused {
  switch (error.extensions.code) {
    case 'UNAUTHENTICATED': {
      const challenge = `Bearer realm="snapgate"${hasCredential ? ', error="invalid_token"' : ''}`
      return { status: 401, error, headers: { 'www-authenticate': challenge } }
    }
    case 'RATE_LIMITED':
      return { status: 429, error, headers: retryAfter(error) }
    case 'SERVICE_UNAVAILABLE':
      return { status: 503, error, headers: { 'retry-after': '5' } }
    default:
      return { status: 500, error }
  }
}

/** The credential in what a client sent with connection_init: the same header that it would send over HTTP. */
export function authorizationOf(connectionParams: unknown): string | undefined {
  const [, value] =
    Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
