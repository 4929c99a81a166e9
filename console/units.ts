const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** A size in the largest unit of which there is at least one; `bytes` may be a fraction of a byte. */
export function sizeOf(bytes: number, number: Intl.NumberFormat): string {
  let value = bytes
  let power = 0
  // As it is written: 1,023.96 KiB would read 1,024.
  while (power < SIZES.length - 1 && Math.round(value * 10) >= 10_240) {
    value /= 1024
    power++
  }
  return `${number.format(value)} ${SIZES[power] ?? ''}`
}
