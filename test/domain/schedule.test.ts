import { expect, test } from 'vitest'
import { isTimeZone, nextRuns, slotsBetween, type Schedule } from '../../src/domain/schedule.ts'

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]

function schedule(timeZone: string, timePoints: number[], repeatWeekdays = EVERY_DAY): Schedule {
  return { timePoints, repeatWeekdays, timeZone }
}

function shown(of: Schedule, after: string, until: string): string[] {
  return slotsBetween(of, new Date(after), new Date(until)).map(
    ({ name, at, exists }) => `${name} ${at.toISOString().slice(0, 16)}${exists ? '' : ' does not exist'}`,
  )
}

test('runs on the hour, by the clocks of its zone, after the first instant and up to the second', () => {
  expect(shown(schedule('UTC', [6, 0, 6]), '2026-05-01T00:00Z', '2026-05-02T06:00Z')).toEqual([
    '2026-05-01T06:00[UTC] 2026-05-01T06:00',
    '2026-05-02T00:00[UTC] 2026-05-02T00:00',
    '2026-05-02T06:00[UTC] 2026-05-02T06:00',
  ])
  expect(shown(schedule('Asia/Shanghai', [0]), '2026-05-01T00:00Z', '2026-05-02T00:00Z')).toEqual([
    '2026-05-02T00:00[Asia/Shanghai] 2026-05-01T16:00',
  ])
})

test('Sunday is 0, and the day is that of the zone', () => {
  // Sunday 3 May 2026 has begun in Auckland (UTC+12) while it is Saturday in London.
  expect(shown(schedule('Pacific/Auckland', [1], [0]), '2026-05-01T00:00Z', '2026-05-09T00:00Z')).toEqual([
    '2026-05-03T01:00[Pacific/Auckland] 2026-05-02T13:00',
  ])
  expect(shown(schedule('UTC', [0], [6]), '2026-05-01T00:00Z', '2026-05-09T00:00Z')).toEqual([
    '2026-05-02T00:00[UTC] 2026-05-02T00:00',
    '2026-05-09T00:00[UTC] 2026-05-09T00:00',
  ])
})

test.each([
  ['Europe/Berlin', '2026-03-28T20:00Z', [1, 2, 3], '2026-03-29T02:00', '2026-03-29T01:00'],
  ['America/New_York', '2026-03-07T22:00Z', [1, 2, 3], '2026-03-08T02:00', '2026-03-08T07:00'],
  // Half an hour is left out, at midnight: the hour is named by its start, which does not exist.
  ['Australia/Lord_Howe', '2026-10-03T10:00Z', [1, 2, 3], '2026-10-04T02:00', '2026-10-03T15:30'],
  ['America/Havana', '2026-03-07T22:00Z', [0, 1], '2026-03-08T00:00', '2026-03-08T05:00'],
])('%s: an hour that the clocks leave out is said not to exist', (timeZone, after, hours, gap, at) => {
  const slots = shown(
    schedule(timeZone, hours),
    after,
    new Date(Date.parse(after) + 20 * 3_600_000).toISOString(),
  )
  expect(slots).toHaveLength(hours.length)
  expect(slots.filter((slot) => slot.endsWith('does not exist'))).toEqual([
    `${gap}[${timeZone}] ${at} does not exist`,
  ])
})

test('a day that the calendar leaves out does not exist, in order', () => {
  expect(shown(schedule('Pacific/Apia', [0, 23]), '2011-12-30T09:30Z', '2011-12-31T09:00Z')).toEqual([
    '2011-12-30T00:00[Pacific/Apia] 2011-12-30T10:00 does not exist',
    '2011-12-30T23:00[Pacific/Apia] 2011-12-30T10:00 does not exist',
    '2011-12-31T00:00[Pacific/Apia] 2011-12-30T10:00',
    '2011-12-31T23:00[Pacific/Apia] 2011-12-31T09:00',
  ])
})

test.each([
  ['Europe/Berlin', '2026-10-25', 2, '2026-10-25T00:00'],
  ['America/New_York', '2026-11-01', 1, '2026-11-01T05:00'],
  ['America/Havana', '2026-11-01', 0, '2026-11-01T04:00'],
])('%s: an hour that occurs twice runs once, the first time', (timeZone, day, hour, at) => {
  const midday = new Date(`${day}T20:00Z`)
  const slots = slotsBetween(schedule(timeZone, [hour]), new Date(midday.getTime() - 24 * 3_600_000), midday)
  expect(slots.map(({ at }) => at.toISOString().slice(0, 16))).toEqual([at])
  expect(slots[0]?.exists).toBe(true)
})

test('between the two occurrences of an hour it is not due again', () => {
  const of = schedule('Europe/Berlin', [2], [0])
  expect(slotsBetween(of, new Date('2026-10-25T00:30Z'), new Date('2026-10-25T12:00Z'))).toEqual([])
})

test('however the time is cut into pieces, the slots are the same', () => {
  for (const timeZone of ['Europe/Berlin', 'Australia/Lord_Howe', 'America/Havana', 'UTC']) {
    const of = schedule(timeZone, [0, 1, 2, 3, 23])
    const start = Date.parse('2026-01-01T00:00Z')
    const end = Date.parse('2027-01-01T00:00Z')
    const whole = slotsBetween(of, new Date(start), new Date(end))
    const pieces = []
    for (let from = start; from < end;) {
      const to = Math.min(end, from + 5.5 * 3_600_000)
      pieces.push(...slotsBetween(of, new Date(from), new Date(to)))
      from = to
    }
    expect(pieces).toEqual(whole)
    expect(new Set(whole.map(({ name }) => name)).size).toBe(365 * 5)
  }
})

test('the next runs leave out hours that do not exist', () => {
  const runs = nextRuns(schedule('Europe/Berlin', [2]), new Date('2026-03-27T12:00Z'), 3)
  expect(runs.map((run) => run.toISOString())).toEqual([
    '2026-03-28T01:00:00.000Z',
    '2026-03-30T00:00:00.000Z',
    '2026-03-31T00:00:00.000Z',
  ])
})

test.each([
  ['UTC', true],
  ['Asia/Shanghai', true],
  ['America/Argentina/Buenos_Aires', true],
  ['+08:00', false],
  ['Mars/Olympus', false],
  ['', false],
  ['2026-01-01T00:00[UTC]', false],
])('%s names a time zone: %s', (name, is) => {
  expect(isTimeZone(name)).toBe(is)
})
