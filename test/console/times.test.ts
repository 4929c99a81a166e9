import { expect, test } from 'vitest'
import { relativeTime, startOfDay } from '../../console/times.ts'

const NOW = Date.parse('2026-11-27T12:00:00Z')

test.each([
  ['2026-11-27T12:00:00Z', 'now'],
  ['2026-11-27T11:59:00.001Z', 'now'],
  ['2026-11-27T11:59:00Z', '1 minute ago'],
  ['2026-11-27T11:00:01Z', '59 minutes ago'],
  ['2026-11-27T11:00:00Z', '1 hour ago'],
  ['2026-11-26T12:00:01Z', '23 hours ago'],
  ['2026-11-26T12:00:00Z', '1 day ago'],
  ['2026-10-28T12:00:00Z', '1 month ago'],
  ['2025-11-27T12:00:01Z', '12 months ago'],
  ['2025-11-27T12:00:00Z', '1 year ago'],
  ['2026-11-27T12:00:59Z', 'now'],
  ['2026-11-29T13:00:00Z', 'in 2 days'],
])('at noon of 27 November 2026, %s is %s', (at, text) => {
  expect(relativeTime(Date.parse(at), NOW, 'en-GB')).toBe(text)
})

test('relative times are written as the language writes them', () => {
  expect(relativeTime(NOW - 3 * 3_600_000, NOW, 'zh-CN')).toBe('3小时前')
  expect(relativeTime(NOW, NOW, 'zh-CN')).toBe('现在')
})

test('a day begins where the reader counts it, also where the clocks change', () => {
  expect(startOfDay('2026-11-27', 'UTC').toISOString()).toBe('2026-11-27T00:00:00.000Z')
  expect(startOfDay('2026-12-31', 'UTC', 1).toISOString()).toBe('2027-01-01T00:00:00.000Z')
  const before = process.env.TZ
  process.env.TZ = 'Europe/Berlin'
  try {
    expect(startOfDay('2026-10-25', 'local').toISOString()).toBe('2026-10-24T22:00:00.000Z')
    expect(startOfDay('2026-10-25', 'local', 1).toISOString()).toBe('2026-10-25T23:00:00.000Z')
  } finally {
    process.env.TZ = before
  }
})
