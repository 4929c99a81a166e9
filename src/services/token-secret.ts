import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { TOKEN_SHAPE } from '../domain/secret-shapes.ts'

const WHOLE_TOKEN = new RegExp(`^${TOKEN_SHAPE.source}$`)
const RANDOM_LENGTH = 43
const CHECKSUM_LENGTH = 6

/**
 * A token from 32 random bytes. The prefix and the checksum let a scanner for secrets find one with next to no false
 * alarms, and let a mistyped one be told from an unknown one.
 */
export function tokenFrom(random: Uint8Array): string {
  const body = base62(BigInt(`0x${Buffer.from(random).toString('hex')}`), RANDOM_LENGTH)
  return `sg_${body}${checksum(body)}`
}

/** Whether it is a whole token, whose checksum is right; whether there is such a token only the database knows. */
export function isToken(text: string): boolean {
  if (!WHOLE_TOKEN.test(text)) return false
  const body = text.slice('sg_'.length, -CHECKSUM_LENGTH)
  return text.endsWith(checksum(body))
}

/**
 * What is stored of a token. A fast digest is right here: of 256 random bits nothing can be guessed, so there is
 * nothing that a slow one, as for passwords, would slow down, and each request has to make it.
 */
export function hashOfToken(token: string): string {
  return hash('sha256', token, 'hex')
}

/** Without a BigInt, because each request computes it. */
function checksum(body: string): string {
  let text = ''
  for (let rest = crc32(body); text.length < CHECKSUM_LENGTH; rest = Math.floor(rest / 62))
    text = DIGITS.charAt(rest % 62) + text
  return text
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function base62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = DIGITS.charAt(Number(rest % 62n)) + text
  return text
}
