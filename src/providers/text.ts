/** No text that others send, such as a cloud, is kept or shown longer, in characters. */
const TEXT_CHARACTERS_MAX = 300

/** A text of others as data: bounded, on one line. */
export function cut(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length <= TEXT_CHARACTERS_MAX
    ? line
    : `${line.slice(0, TEXT_CHARACTERS_MAX - 1).toWellFormed()}…`
}
