/** The most that a message shows of a client's text, in characters. */
const MAX_ECHO = 200

/** The text, without its middle where it is longer than this many characters. */
export function shortened(text: string, length = MAX_ECHO): string {
  if (text.length <= length) return text
  const tail = Math.floor((length - 1) / 2)
  return `${text.slice(0, length - 1 - tail)}…${text.slice(-tail)}`.toWellFormed()
}

/** The text in quotes, shortened. */
export function quoted(text: string, length = 64): string {
  return JSON.stringify(shortened(text, length))
}

/** A value of JSON as a message shows it, shortened; only the names of its fields are looked at as a whole. */
export function shown(value: unknown, length: number): string {
  let left = length
  function write(text: string): string {
    left -= text.length
    return text
  }
  function entries(count: number, entry: (index: number) => string, [start, end]: readonly [string, string]) {
    let text = write(start)
    for (let index = 0; index < count; index++) {
      if (index > 0) text += write(', ')
      if (left <= 0) return `${text}…${end}`
      text += entry(index)
    }
    return text + end
  }
  function show(one: unknown): string {
    if (typeof one === 'string') return write(quoted(one, Math.max(8, left)))
    if (typeof one !== 'object' || one === null) return write(String(one))
    if (Array.isArray(one)) return entries(one.length, (index) => show(one[index]), ['[', ']'])
    const keys = Object.keys(one)
    if (keys.length === 0) return write('{}')
    const field = (index: number) => {
      const key = keys[index] ?? ''
      return write(`${shortened(key, Math.max(8, left))}: `) + show((one as Record<string, unknown>)[key])
    }
    return entries(keys.length, field, ['{ ', ' }'])
  }
  return shortened(show(value), length)
}
