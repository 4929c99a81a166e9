import type { Role } from '../domain/role.ts'

/** On whose behalf something is asked. Every read and write is scoped to the account, in the query itself. */
export interface Viewer {
  accountId: string
  role: Role
  /** When the credential ceases to hold; null when it does not by itself. */
  expiresAt: Date | null
  /** The API token that it is; null when it is something else. */
  tokenId: string | null
}
