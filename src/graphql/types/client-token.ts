import { z } from 'zod'
import { CLIENT_TOKEN_MAX_LENGTH } from '../../domain/snapshot-input.ts'

/** What a client token is held to. */
export const CLIENT_TOKEN_LIMITS = z
  .string()
  .regex(
    new RegExp(`^[\\x20-\\x7e]{1,${CLIENT_TOKEN_MAX_LENGTH}}$`),
    `clientToken has 1 to ${CLIENT_TOKEN_MAX_LENGTH} printable ASCII characters.`,
  )
