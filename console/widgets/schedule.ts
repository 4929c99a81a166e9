import type { Policy } from '../api/policy.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'

/** As weeks are read: Sunday, which the API counts as 0, last. */
export const WEEK = [1, 2, 3, 4, 5, 6, 0] as const
export const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** The retention of a policy whose snapshots are kept until the quota is full. */
export const NO_EXPIRY = -1

export const hourName = (hour: number) => `${String(hour).padStart(2, '0')}:00`

/** When a policy runs, and how long it keeps what it makes, in words. */
export function useSchedule() {
  const { policy: words } = useWords()
  const format = useFormat()

  function days(weekdays: readonly number[]): string {
    const chosen = WEEK.filter((day) => weekdays.includes(day))
    if (chosen.length === WEEK.length) return words.everyDay
    if (chosen.length === 5 && chosen.at(-1) === 5) return words.workdays
    return format.list(chosen.map(format.weekday))
  }

  return {
    runs: ({ repeatWeekdays, timePoints }: Policy) =>
      words.schedule(
        days(repeatWeekdays),
        timePoints.length === HOURS.length ? words.everyHour : format.list(timePoints.map(hourName)),
      ),
    kept: ({ retentionDays }: Policy) =>
      retentionDays === NO_EXPIRY ? words.keptForever : words.keptDays(retentionDays),
  }
}
