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
  throw unauthenticated('The credential no longer holds. Connect again with another one.')
}

/** The credential in what a client sent with connection_init: the same header that it would send over HTTP. */
export function authorizationOf(connectionParams: unknown): string | undefined {
  const [, value] =
    Object.entries(connectionParams ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
