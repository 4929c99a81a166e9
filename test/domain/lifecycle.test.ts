import { describe, expect, test } from 'vitest'
import {
  isSettled,
  mayFollow,
  SNAPSHOT_STATUSES_IN_ORDER,
  type SnapshotStatus,
} from '../../src/domain/lifecycle.ts'

const STEPS: [SnapshotStatus | null, SnapshotStatus][] = [
  [null, 'CREATING'],
  ['CREATING', 'COMPLETED'],
  ['CREATING', 'FAILED'],
  ['COMPLETED', 'UNAVAILABLE'],
  ['COMPLETED', 'DELETING'],
  ['FAILED', 'DELETING'],
  ['UNAVAILABLE', 'DELETING'],
  ['DELETING', 'DELETED'],
  ['DELETING', 'COMPLETED'],
  ['DELETING', 'FAILED'],
  ['DELETING', 'UNAVAILABLE'],
]

describe.each([null, ...SNAPSHOT_STATUSES_IN_ORDER])('a snapshot that is %s', (from) => {
  test.each(SNAPSHOT_STATUSES_IN_ORDER)('may become %s only if the life cycle says so', (to) => {
    expect(mayFollow(from, to)).toBe(STEPS.some(([before, after]) => before === from && after === to))
  })
})

test('a snapshot is settled unless something is in progress', () => {
  expect(SNAPSHOT_STATUSES_IN_ORDER.filter(isSettled)).toEqual([
    'COMPLETED',
    'FAILED',
    'UNAVAILABLE',
    'DELETED',
  ])
})
