import { expect, test } from 'vitest'
import { quotaUsage, SNAPSHOT_QUOTA } from '../../src/domain/quota.ts'

test('a disk may hold 256 manual and 256 automatic snapshots', () => {
  expect(SNAPSHOT_QUOTA).toEqual({ MANUAL: 256, AUTOMATIC: 256 })
})

test.each([
  [0, 256, 256],
  [255, 256, 1],
  [256, 256, 0],
  [300, 256, 0],
])('%i used of %i leaves %i', (used, limit, remaining) => {
  expect(quotaUsage(used, limit)).toEqual({ used, limit, remaining })
})
