import { z } from 'zod'

/** A text of this many characters; without NUL and halves of characters, which cannot be stored as they are. */
export function text(name: string, min: number, max: number) {
  const size = min === 0 ? `at most ${max}` : `${min} to ${max}`
  return z
    .string()
    .refine(({ length }) => length >= min && length <= max, `${name} has ${size} characters.`)
    .refine(isPlain, `${name} must not contain NUL or half a surrogate pair.`)
}

function isPlain(value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}
