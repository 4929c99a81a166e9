import { JWT_SHAPE, TOKEN_SHAPE } from '../domain/secret-shapes.ts'

/** What stands in the log in the place of a secret. */
export const REDACTED = '[secret]'
const SHAPES = new RegExp(`${TOKEN_SHAPE.source}|${JWT_SHAPE.source}`, 'g')

/** The text with whatever looks like a credential taken out. */
export function withoutSecrets(text: string): string {
  return text.replace(SHAPES, REDACTED)
}
