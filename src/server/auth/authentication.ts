import { GraphQLError } from 'graphql'
import { clientError } from '../../graphql/errors.ts'
import type { Viewer } from '../../services/viewer.ts'
import type { Exchange } from '../exchange.ts'

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

/** Whether an error is about a credential that may have been made up. */
export function isGuess(error: unknown): boolean {
  return error instanceof GraphQLError && guesses.has(error)
}

/** Who asks; an operation of a socket may come when its credential no longer holds. */
export function viewerOf({ viewer }: Exchange): Viewer {
  if (viewer) return viewer
  throw unauthenticated('The credential is no longer valid. Reconnect with a valid one.')
}

/**
 * The credential in what a client sent with connection_init, as the header would hold it over HTTP, in one of the spellings
 * that clients use: `authorization` in any case, the same within `headers`, or `authToken`, with or without its scheme.
 */
export function authorizationOf(connectionParams: unknown): string | undefined {
  const { headers, authToken } = (connectionParams ?? {}) as Record<string, unknown>
  const authorization = headerIn(connectionParams) ?? headerIn(headers)
  if (authorization !== undefined || typeof authToken !== 'string') return authorization
  return /^Bearer /i.test(authToken) ? authToken : `Bearer ${authToken}`
}

function headerIn(fields: unknown): string | undefined {
  const [, value] =
    Object.entries(fields ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
