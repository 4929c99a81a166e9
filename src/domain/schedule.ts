import { Temporal } from 'temporal-polyfill'
import { DAY_MS } from './units.ts'

/** When a policy runs: at these hours, on these weekdays, by the clocks of this time zone. */
export interface Schedule {
  /** Hours, 0 to 23. */
  timePoints: readonly number[]
  /** 0 (Sunday) to 6. */
  repeatWeekdays: readonly number[]
  /** An IANA name. */
  timeZone: string
}

/** One moment of a schedule. */
export interface Slot {
  /**
   * What the clocks show, and where: `2026-03-29T02:00[Europe/Berlin]`. An hour that occurs twice is one slot, which is
   * why it is this that tells slots apart and not the instant.
   */
  name: string
  /** The instant; of an hour that occurs twice the first, of one that does not exist the end of the gap. */
  at: Date
  /** False for an hour that the clocks leave out that day. */
  exists: boolean
}

const DAYS_A_WEEK = 7

/** The slots after an instant, in order, without end. */
export function* slotsAfter(schedule: Schedule, after: Date): Generator<Slot, never> {
  const { timeZone } = schedule
  const from = Temporal.Instant.fromEpochMilliseconds(after.getTime()).toZonedDateTimeISO(timeZone)
  const hours = sorted(schedule.timePoints)
  // A day earlier: the clocks may have been set back since, so that yesterday's slots come after this instant.
  for (let day = from.toPlainDate().subtract({ days: 1 }); ; day = day.add({ days: 1 })) {
    // Temporal's Sunday is 7.
    if (!schedule.repeatWeekdays.includes(day.dayOfWeek % DAYS_A_WEEK)) continue
    for (const hour of hours) {
      const shown = day.toPlainDateTime({ hour })
      const moment = shown.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
      const exists = moment.toPlainDateTime().equals(shown)
      const at = exists ? moment : (moment.getTimeZoneTransition('next') ?? moment)
      if (at.epochMilliseconds <= after.getTime()) continue
      yield {
        name: `${shown.toString({ smallestUnit: 'minute' })}[${timeZone}]`,
        at: new Date(at.epochMilliseconds),
        exists,
      }
    }
  }
}

/** The next moments at which the schedule runs, hours that do not exist left out. */
export function nextRuns(schedule: Schedule, after: Date, count: number): Date[] {
  const runs: Date[] = []
  if (count === 0) return runs
  for (const { at, exists } of slotsAfter(schedule, after)) {
    if (exists) runs.push(at)
    if (runs.length === count) break
  }
  return runs
}

/** The slots after one instant up to and including another. */
export function slotsBetween(schedule: Schedule, after: Date, until: Date): Slot[] {
  const slots: Slot[] = []
  for (const slot of slotsAfter(schedule, after)) {
    if (slot.at > until) break
    slots.push(slot)
  }
  return slots
}

/** The last slot after one instant up to and including another whose hour exists; undefined when there is none. */
export function latestSlot(schedule: Schedule, after: Date, until: Date): Slot | undefined {
  for (let days = 1; ; days *= 2) {
    const from = new Date(Math.max(after.getTime(), until.getTime() - days * DAY_MS))
    const latest = slotsBetween(schedule, from, until).findLast(({ exists }) => exists)
    if (latest || from.getTime() === after.getTime()) return latest
  }
}

/** Whether this is the name of a time zone: an IANA name, as opposed to a fixed distance from UTC such as +08:00. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    Temporal.Now.zonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

let zones: readonly string[] | undefined

/** The main name of each time zone, in alphabetical order; `isTimeZone` accepts their other names too. */
export function timeZones(): readonly string[] {
  return (zones ??= [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])].filter(isTimeZone).sort())
}

/** Each number once, in ascending order. */
export function sorted(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b)
}
