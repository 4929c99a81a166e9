import { useMemo } from 'react'
import { formatDuration } from './duration.ts'
import { useSettings, useWords } from './settings.tsx'
import { relativeTime } from './times.ts'
import { sizeOf } from './units.ts'

/** Numbers, sizes and times as the language writes them, times in the zone that is preferred. */
export function useFormat() {
  const { locale, moment: writeMoment } = useWords()
  const { zone } = useSettings()
  return useMemo(() => {
    const timeZone = zone === 'UTC' ? 'UTC' : undefined
    // Their own clock is what readers expect; UTC is said.
    const suffix = zone === 'UTC' ? ' UTC' : ''
    const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
    const dateTime = new Intl.DateTimeFormat(locale, {
      dateStyle: 'medium',
      timeStyle: 'medium',
      timeZone,
    })
    const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone })
    const utcDay = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
    const nearTime = new Intl.DateTimeFormat(locale, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
      timeZone,
    })
    const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' })
    const list = new Intl.ListFormat(locale)
    const time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone })
    const bytes = (value: number) => sizeOf(value, number)
    return {
      number: (value: number) => number.format(value),
      bytes,
      gib: (value: number) => bytes(value * 1024 ** 3),
      date: (value: string) => date.format(new Date(value)),
      dateTime: (value: string) => dateTime.format(new Date(value)) + suffix,
      /** A day of a report, which is one of UTC. */
      day: (value: string) => utcDay.format(new Date(value)),
      /** How far a time is from `now`, in milliseconds since 1970. */
      relative: (value: string, now: number) => relativeTime(Date.parse(value), now, locale),
      /** A near time with its zone, where that of something else may be another one. */
      moment: (value: string) => {
        const parts = Object.fromEntries(
          nearTime.formatToParts(new Date(value)).map(({ type, value: text }) => [type, text]),
        ) as Record<'weekday' | 'day' | 'month' | 'hour' | 'minute' | 'timeZoneName', string>
        return writeMoment(parts)
      },
      /** A day of the week, 0 (Sunday) to 6: the first of January 2023 was a Sunday. */
      weekday: (day: number) => weekday.format(Date.UTC(2023, 0, 1 + day)),
      list: (items: readonly string[]) => list.format(items),
      time: (value: Date | string) => time.format(new Date(value)) + suffix,
      duration: (from: string, to: string) =>
        formatDuration(Date.parse(to) - Date.parse(from), (value) => number.format(value)),
    }
  }, [locale, zone, writeMoment])
}

/** A name that says what something is of: as much of that as fits into `length` code points with the suffix. */
export function suggestName(origin: string, suffix: string, length = Infinity): string {
  return `${Array.from(origin)
    .slice(0, length - suffix.length - 1)
    .join('')}-${suffix}`
}

export type Format = ReturnType<typeof useFormat>
