import { useMemo } from 'react'
import { formatDuration } from './duration.ts'
import { useWords } from './settings.tsx'
import { sizeOf } from './units.ts'

/** Numbers, sizes and times as the language writes them. */
export function useFormat() {
  const { locale, moment: writeMoment } = useWords()
  return useMemo(() => {
    const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
    const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' })
    const date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' })
    const nearTime = new Intl.DateTimeFormat(locale, {
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
    })
    const weekday = new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' })
    const list = new Intl.ListFormat(locale)
    const time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' })
    const bytes = (value: number) => sizeOf(value, number)
    return {
      number: (value: number) => number.format(value),
      bytes,
      gib: (value: number) => bytes(value * 1024 ** 3),
      date: (value: string) => date.format(new Date(value)),
      dateTime: (value: string) => dateTime.format(new Date(value)),
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
      time: (value: Date | string) => time.format(new Date(value)),
      duration: (from: string, to: string) =>
        formatDuration(Date.parse(to) - Date.parse(from), (value) => number.format(value)),
    }
  }, [locale, writeMoment])
}

/** A name that says what something is of: as much of that as fits into `length` code points with the suffix. */
export function suggestName(origin: string, suffix: string, length = Infinity): string {
  return `${Array.from(origin)
    .slice(0, length - suffix.length - 1)
    .join('')}-${suffix}`
}

export type Format = ReturnType<typeof useFormat>
