/** Reads a value of a cloud's answer, of which nothing is certain: what is missing or of another kind is null. */
export class Fields {
  readonly #values: Record<string, unknown>

  constructor(value: unknown) {
    this.#values = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  }

  /** A text; numbers are taken as texts, and empty texts as missing. */
  text(name: string): string | null {
    const value = this.#values[name]
    if (typeof value === 'number') return String(value)
    return typeof value === 'string' && value !== '' ? value : null
  }

  /** A number that is zero or more; texts of digits are taken as numbers. */
  count(name: string): number | null {
    const text = this.text(name)
    const value = text !== null && /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : NaN
    return Number.isSafeInteger(Math.trunc(value)) ? value : null
  }

  /** A size that is given in GiB, in bytes. */
  gibibytes(name: string): bigint | null {
    const value = this.count(name)
    return value === null ? null : BigInt(Math.trunc(value)) * 2n ** 30n
  }

  /** A moment; one without a zone is in UTC, and one before 1980 means that there is none. */
  moment(name: string): Date | null {
    const text = this.text(name)
    if (text === null || !/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text)) return null
    const at = new Date(/(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`)
    return Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1980 ? null : at
  }

  flag(name: string): boolean {
    return this.#values[name] === true || this.#values[name] === 'true'
  }

  fields(name: string): Fields {
    return new Fields(this.#values[name])
  }

  list(name: string): Fields[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.map((item) => new Fields(item)) : []
  }

  /** The whole numbers of a list, each once, in ascending order; texts of digits are taken as numbers. */
  counts(name: string): number[] {
    const value = this.#values[name]
    const all: unknown[] = Array.isArray(value) ? value : []
    const counts = all.flatMap((one) => new Fields({ one }).count('one') ?? [])
    return [...new Set(counts.filter(Number.isInteger))].sort((a, b) => a - b)
  }

  texts(name: string): string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
  }

  /** Whether there is a list, which may be empty. */
  hasList(name: string): boolean {
    return Array.isArray(this.#values[name])
  }
}

/** A size in whole GiB, as clouds take it: rounded up. */
export const toGibibytes = (bytes: bigint): number => Number((bytes + 2n ** 30n - 1n) / 2n ** 30n)

/** A percentage as clouds write it; null for what is none. */
export function percentOf(text: string | null): number | null {
  const [, digits] = /^(\d{1,3}(?:\.\d+)?) ?%?$/.exec(text ?? '') ?? []
  const percent = digits === undefined ? NaN : Number(digits)
  return percent <= 100 ? percent : null
}
