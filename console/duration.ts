/** The units of a duration, from the largest, in seconds. */
const UNITS = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
  { name: 's', seconds: 1 },
] as const

/**
 * How long something took: below a minute in seconds to a tenth, above it in whole seconds, of which the two largest units
 * are shown, without one that is zero: `0.4 s`, `1 min 5 s`, `3 h`, `2 d 4 h`.
 */
export function formatDuration(milliseconds: number, formatNumber: (value: number) => string): string {
  const tenths = Math.round(Math.max(0, milliseconds) / 100) / 10
  if (tenths < 60) return `${formatNumber(tenths)} s`
  let left = Math.round(milliseconds / 1000)
  const largest = UNITS.findIndex(({ seconds }) => left >= seconds)
  const parts: string[] = []
  for (const { name, seconds } of UNITS.slice(largest, largest + 2)) {
    const count = Math.floor(left / seconds)
    left -= count * seconds
    if (count > 0) parts.push(`${formatNumber(count)} ${name}`)
  }
  return parts.join(' ')
}
