import { describe, expect, test } from 'vitest'
import { SNAPSHOT_STATUSES, type SnapshotStatus } from '../../src/domain/snapshot.ts'
import {
  SnapshotInUse,
  SnapshotProtected,
  SnapshotStatusForbidsOperation,
} from '../../src/domain/refusals.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../../src/domain/snapshot-operation.ts'

/** Written out for every status. */
const ALLOWED: Record<SnapshotStatus, { changing: boolean; verifying: boolean }> = {
  CREATING: { changing: false, verifying: false },
  COMPLETED: { changing: true, verifying: true },
  FAILED: { changing: true, verifying: false },
  UNAVAILABLE: { changing: true, verifying: false },
  DELETING: { changing: false, verifying: false },
  DELETED: { changing: false, verifying: false },
}
const CHANGEABLE = ['COMPLETED', 'FAILED', 'UNAVAILABLE'] as const

describe.each(SNAPSHOT_STATUSES)('a snapshot that is %s', (status) => {
  const snapshot = { id: 's-1', provider: 'local', status, deletionProtection: false }
  const { changing, verifying } = ALLOWED[status]
  const refusal = (operation: 'UPDATE' | 'DELETE') =>
    changing ? [] : [new SnapshotStatusForbidsOperation(operation, status, CHANGEABLE)]

  test(`can be changed: ${changing}`, () => {
    expect(updateSnapshotRefusals(snapshot)).toEqual(refusal('UPDATE'))
  })

  test(`can be deleted: ${changing}, and not while it is read`, () => {
    expect(deleteSnapshotRefusals(snapshot, false)).toEqual(refusal('DELETE'))
    expect(deleteSnapshotRefusals(snapshot, true)).toEqual(
      changing ? [new SnapshotInUse('s-1')] : refusal('DELETE'),
    )
  })

  test('cannot be deleted while it is protected, whether or not it is read', () => {
    const refused = changing ? [new SnapshotProtected('s-1')] : refusal('DELETE')
    expect(deleteSnapshotRefusals({ ...snapshot, deletionProtection: true }, false)).toEqual(refused)
    expect(deleteSnapshotRefusals({ ...snapshot, deletionProtection: true }, true)).toEqual(refused)
  })

  test(`can be verified: ${verifying}, and not twice at once`, () => {
    const refused = [new SnapshotStatusForbidsOperation('VERIFY', status, ['COMPLETED'])]
    expect(verifySnapshotRefusals(snapshot, false)).toEqual(verifying ? [] : refused)
    expect(verifySnapshotRefusals(snapshot, true)).toEqual(verifying ? [new SnapshotInUse('s-1')] : refused)
  })
})
