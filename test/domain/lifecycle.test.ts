import { describe, expect, test } from 'vitest'
import { isSettled, mayFollow } from '../../src/domain/lifecycle.ts'
import { SNAPSHOT_STATUSES, type SnapshotStatus } from '../../src/domain/snapshot.ts'

const STEPS: [SnapshotStatus | null, SnapshotStatus][] = [
  [null, 'CREATING'],
  // A request to cancel.
  ['CREATING', 'CREATING'],
  ['DELETING', 'DELETING'],
  ['CREATING', 'COMPLETED'],
  ['CREATING', 'FAILED'],
  ['COMPLETED', 'COMPLETED'],
  ['COMPLETED', 'UNAVAILABLE'],
  ['COMPLETED', 'DELETING'],
  ['FAILED', 'DELETING'],
  ['UNAVAILABLE', 'UNAVAILABLE'],
  ['UNAVAILABLE', 'DELETING'],
  ['DELETING', 'DELETED'],
  ['DELETING', 'COMPLETED'],
  ['DELETING', 'FAILED'],
  ['DELETING', 'UNAVAILABLE'],
]

describe.each([null, ...SNAPSHOT_STATUSES])('a snapshot that is %s', (from) => {
  test.each(SNAPSHOT_STATUSES)('may become %s only if the life cycle allows it', (to) => {
    expect(mayFollow(from, to)).toBe(STEPS.some(([before, after]) => before === from && after === to))
  })
})

test('a snapshot is settled unless something is in progress', () => {
  expect(SNAPSHOT_STATUSES.filter(isSettled)).toEqual(['COMPLETED', 'FAILED', 'UNAVAILABLE', 'DELETED'])
})
