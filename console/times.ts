/** In which time zone the console writes times and reads days: the browser's, or UTC. */
export const ZONES = ['local', 'UTC'] as const
export type Zone = (typeof ZONES)[number]

/** Whether times are written as dates, or by how long ago or from now they are. */
export const TIME_FORMS = ['absolute', 'relative'] as const
export type TimeForm = (typeof TIME_FORMS)[number]

/** The units of a relative time, from the largest, in seconds. */
const UNITS = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** How far `at` is from `now`, both in milliseconds, in whole units, rounded down: `3 hours ago`; below a minute, `now`. */
export function relativeTime(at: number, now: number, locale: string): string {
  const seconds = Math.trunc((at - now) / 1000)
  for (const [unit, size] of UNITS) {
    const count = Math.trunc(seconds / size)
    if (count !== 0) return new Intl.RelativeTimeFormat(locale).format(count, unit)
  }
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(0, 'second')
}

/** The first moment of a day, `2026-11-27`, or of the day `later` days after it. */
export function startOfDay(day: string, zone: Zone, later = 0): Date {
  if (zone === 'UTC') return new Date(Date.parse(`${day}T00:00:00Z`) + later * 86_400_000)
  const start = new Date(`${day}T00:00:00`)
  start.setDate(start.getDate() + later)
  return start
}
