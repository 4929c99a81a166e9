import { expect, test } from 'vitest'
import { DISK_STATUSES } from '../../src/domain/disk.ts'
import { dueSlots, linkRefusals } from '../../src/domain/policy.ts'
import { brokenPolicyRules } from '../../src/domain/policy-input.ts'

const GOOD = { timePoints: [0, 23], repeatWeekdays: [0, 6], retentionDays: 7, timeZone: 'UTC' }

test.each([
  [{}, []],
  [{ retentionDays: -1 }, []],
  [{ retentionDays: 65_536 }, []],
  [{ timePoints: [] }, ['TIME_POINTS']],
  [{ timePoints: [24] }, ['TIME_POINTS']],
  [{ timePoints: [-1] }, ['TIME_POINTS']],
  [{ timePoints: [1.5] }, ['TIME_POINTS']],
  [{ repeatWeekdays: [] }, ['REPEAT_WEEKDAYS']],
  [{ repeatWeekdays: [7] }, ['REPEAT_WEEKDAYS']],
  [{ retentionDays: 0 }, ['RETENTION_DAYS']],
  [{ retentionDays: -2 }, ['RETENTION_DAYS']],
  [{ retentionDays: 65_537 }, ['RETENTION_DAYS']],
  [{ timeZone: 'Mars/Olympus' }, ['TIME_ZONE']],
  [
    { timePoints: [], repeatWeekdays: [9], retentionDays: 0, timeZone: '' },
    ['TIME_POINTS', 'REPEAT_WEEKDAYS', 'RETENTION_DAYS', 'TIME_ZONE'],
  ],
])('%o breaks %o', (changed, broken) => {
  expect(brokenPolicyRules({ ...GOOD, ...changed })).toEqual(broken)
})

test.each(DISK_STATUSES)('a disk that is %s', (status) => {
  const codes = (policyId: string | null, wanted?: string) =>
    linkRefusals({ status, policyId }, wanted).map(({ code }) => code)
  const forbidden = status === 'IN_USE' ? [] : ['DISK_STATUS_FORBIDS_POLICY']
  expect(codes(null, 'asp-this')).toEqual(forbidden)
  expect(codes('asp-this', 'asp-this')).toEqual([])
  expect(codes('asp-other', 'asp-this')).toEqual(['DISK_LINKED_ELSEWHERE', ...forbidden])
  expect(codes(null)).toEqual(forbidden)
  expect(codes('asp-other')).toEqual(['DISK_LINKED_ELSEWHERE', ...forbidden])
})

test('of what is due the latest is run, and what was before it was missed', () => {
  const schedule = { timePoints: [1, 2, 3], repeatWeekdays: [0], timeZone: 'Europe/Berlin' }
  const due = (since: string, now: string) =>
    dueSlots(schedule, new Date(since), new Date(now)).slots.map(
      ({ slot, outcome }) => `${slot.name.slice(11, 16)} ${outcome}`,
    )
  expect(due('2026-03-28T20:00Z', '2026-03-29T00:00Z')).toEqual(['01:00 RUN'])
  expect(due('2026-03-28T20:00Z', '2026-03-29T12:00Z')).toEqual([
    '01:00 MISSED',
    '02:00 NO_SUCH_HOUR',
    '03:00 RUN',
  ])
  expect(due('2026-03-29T00:00Z', '2026-03-29T00:30Z')).toEqual([])
  expect(due('2026-03-29T12:00Z', '2026-03-29T12:00Z')).toEqual([])
})
