import { z } from 'zod'
import { CLIENT_TOKEN_KEPT_HOURS, CLIENT_TOKEN_MAX_LENGTH } from '../../domain/client-token.ts'

/** Limits of a client token. */
export const CLIENT_TOKEN_LIMITS = z
  .string()
  .regex(
    new RegExp(`^[\\x20-\\x7e]{1,${CLIENT_TOKEN_MAX_LENGTH}}$`),
    `clientToken must have 1 to ${CLIENT_TOKEN_MAX_LENGTH} printable ASCII characters.`,
  )

/** The description of a client token; `same` is what a repeated call returns. */
export function clientTokenText(same: string): string {
  return (
    `Idempotency key, 1–${CLIENT_TOKEN_MAX_LENGTH} printable ASCII characters. The same token with the same input returns ` +
    `${same}. It is refused (\`ClientTokenReused\`) with different input, and after what it created was deleted. ` +
    `Tokens are kept for ${CLIENT_TOKEN_KEPT_HOURS} hours. After that, the same call creates a new one.`
  )
}
