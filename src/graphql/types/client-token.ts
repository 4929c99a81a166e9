import { z } from 'zod'
import { CLIENT_TOKEN_KEPT_HOURS, CLIENT_TOKEN_MAX_LENGTH } from '../../domain/client-token.ts'

/** What a client token is held to. */
export const CLIENT_TOKEN_LIMITS = z
  .string()
  .regex(
    new RegExp(`^[\\x20-\\x7e]{1,${CLIENT_TOKEN_MAX_LENGTH}}$`),
    `clientToken has 1 to ${CLIENT_TOKEN_MAX_LENGTH} printable ASCII characters.`,
  )

/** What a client token does, for descriptions; `same` is what a repeated call gets. */
export function clientTokenText(same: string): string {
  return (
    `Makes the call repeatable, 1–${CLIENT_TOKEN_MAX_LENGTH} ASCII characters: the same token with the same input returns ` +
    `${same}; with other input, or when what was created has been deleted since, it is refused (\`ClientTokenReused\`). ` +
    `Tokens are remembered for ${CLIENT_TOKEN_KEPT_HOURS} hours; after that the same call creates anew.`
  )
}
