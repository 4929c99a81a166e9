import type { Actor } from '../domain/actor.ts'
import type { Role } from '../domain/role.ts'

/** On whose behalf something is asked. Every read and write is scoped to the account, in the query itself. */
export interface Viewer {
  accountId: string
  role: Role
  /** When the credential ceases to hold; null when it does not by itself. */
  expiresAt: Date | null
  /** The API token that it is; null when it is something else. */
  tokenId: string | null
  /** The name of the API token, or the `sub` of the JWT; null when it has none. */
  name: string | null
}

/** A viewer as the cause of what a request of theirs changes. */
export function actorOf({ tokenId, name, expiresAt }: Viewer, requestId: string | null = null): Actor {
  if (tokenId !== null) return { kind: 'API_TOKEN', id: tokenId, name, requestId }
  // Every JWT expires; nothing else does that is not a token.
  if (expiresAt !== null) return { kind: 'JWT', id: name, name: null, requestId }
  return { kind: 'LOCAL', id: null, name: null, requestId }
}
