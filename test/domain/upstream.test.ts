import { describe, expect, test } from 'vitest'
import { DISK_STATUSES } from '../../src/domain/disk.ts'
import { SNAPSHOT_STATUSES, type SnapshotStatus } from '../../src/domain/snapshot.ts'
import { mayDiskFollowUpstream, mayFollowUpstream, statusAfterSeeing } from '../../src/domain/upstream.ts'

/** By the status of the snapshot: what it becomes when the cloud shows each. */
const AFTER: Record<SnapshotStatus, Partial<Record<SnapshotStatus, SnapshotStatus>>> = {
  CREATING: {
    CREATING: 'CREATING',
    COMPLETED: 'COMPLETED',
    FAILED: 'FAILED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  COMPLETED: {
    CREATING: 'COMPLETED',
    COMPLETED: 'COMPLETED',
    FAILED: 'UNAVAILABLE',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  FAILED: {
    CREATING: 'FAILED',
    COMPLETED: 'COMPLETED',
    FAILED: 'FAILED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  UNAVAILABLE: {
    CREATING: 'UNAVAILABLE',
    COMPLETED: 'COMPLETED',
    FAILED: 'UNAVAILABLE',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  DELETING: {
    CREATING: 'DELETING',
    COMPLETED: 'COMPLETED',
    FAILED: 'FAILED',
    UNAVAILABLE: 'UNAVAILABLE',
    DELETING: 'DELETING',
    DELETED: 'DELETED',
  },
  DELETED: {},
}

describe.each(SNAPSHOT_STATUSES)('a snapshot in a cloud that is %s', (status) => {
  test.each(SNAPSHOT_STATUSES)('is what the table says when the cloud shows %s, by a legal step', (seen) => {
    const after = statusAfterSeeing(status, seen)
    expect(after).toBe(AFTER[status][seen] ?? status)
    expect(mayFollowUpstream(status, after)).toBe(after !== status)
  })

  test('stays so when the cloud shows a status that is not known here', () => {
    expect(statusAfterSeeing(status, undefined)).toBe(status)
  })
})

test('a snapshot that has completed is never CREATING again, and one that is deleted nothing', () => {
  expect(SNAPSHOT_STATUSES.filter((from) => mayFollowUpstream(from, 'CREATING'))).toEqual([])
  expect(SNAPSHOT_STATUSES.filter((to) => mayFollowUpstream('DELETED', to))).toEqual([])
  expect(SNAPSHOT_STATUSES.filter((to) => !mayFollowUpstream(null, to))).toEqual(['DELETED'])
})

test('a disk in a cloud may come from and go to any status but DELETED, which is the last', () => {
  for (const from of DISK_STATUSES)
    for (const to of DISK_STATUSES)
      expect(mayDiskFollowUpstream(from, to)).toBe(from !== to && from !== 'DELETED')
  expect(DISK_STATUSES.filter((to) => !mayDiskFollowUpstream(null, to))).toEqual(['DELETED'])
})
