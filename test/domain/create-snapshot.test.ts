import { describe, expect, test } from 'vitest'
import { DISK_STATUSES, type DiskKind, type DiskStatus } from '../../src/domain/disk.ts'
import { DiskStatusForbidsSnapshot, SnapshotQuotaExceeded } from '../../src/domain/refusals.ts'
import { consistencyOf, snapshotRefusals, snapshotWarnings } from '../../src/domain/create-snapshot.ts'

const QUOTA = { MANUAL: 256, AUTOMATIC: 256 }

/** What the source document allows, written out for every status of both kinds. */
const ALLOWED: Record<DiskStatus, Record<DiskKind, boolean>> = {
  IN_USE: { DATA: true, SYSTEM: true },
  UNMOUNTED: { DATA: true, SYSTEM: false },
  NORMAL: { DATA: false, SYSTEM: true },
  CREATING: { DATA: false, SYSTEM: false },
  ATTACHING: { DATA: false, SYSTEM: false },
  DETACHING: { DATA: false, SYSTEM: false },
  SCALING: { DATA: false, SYSTEM: false },
  SNAPSHOTTING: { DATA: false, SYSTEM: false },
  IMAGING: { DATA: false, SYSTEM: false },
  RECHARGING: { DATA: false, SYSTEM: false },
  ROLLING_BACK: { DATA: false, SYSTEM: false },
  DELETING: { DATA: false, SYSTEM: false },
  EXPIRED: { DATA: false, SYSTEM: false },
  NOT_AVAILABLE: { DATA: false, SYSTEM: false },
  ERROR: { DATA: false, SYSTEM: false },
  RECYCLED: { DATA: false, SYSTEM: false },
  UNKNOWN: { DATA: false, SYSTEM: false },
  DELETED: { DATA: false, SYSTEM: false },
}

describe.each(['DATA', 'SYSTEM'] as const)('a snapshot of a %s disk', (kind) => {
  test.each(DISK_STATUSES)('in status %s is allowed exactly as the source document says', (status) => {
    const allowed: DiskStatus[] = kind === 'DATA' ? ['IN_USE', 'UNMOUNTED'] : ['IN_USE', 'NORMAL']

    const refusals = snapshotRefusals({ kind, status }, 'MANUAL', 0, QUOTA)

    expect(refusals).toEqual(
      ALLOWED[status][kind] ? [] : [new DiskStatusForbidsSnapshot(kind, status, allowed)],
    )
  })
})

test.each([
  ['MANUAL', 255, false],
  ['MANUAL', 256, true],
  ['MANUAL', 300, true],
  ['AUTOMATIC', 255, false],
  ['AUTOMATIC', 256, true],
] as const)(
  'a disk that holds as many %s snapshots as %i refuses the next one: %s',
  (type, held, refused) => {
    const refusals = snapshotRefusals({ kind: 'DATA', status: 'UNMOUNTED' }, type, held, QUOTA)

    expect(refusals).toEqual(refused ? [new SnapshotQuotaExceeded(type, held, 256)] : [])
  },
)

test('a disk that is in a wrong status and full says both, the status first', () => {
  const refusals = snapshotRefusals({ kind: 'SYSTEM', status: 'UNMOUNTED' }, 'MANUAL', 256, QUOTA)

  expect(refusals).toEqual([
    new DiskStatusForbidsSnapshot('SYSTEM', 'UNMOUNTED', ['IN_USE', 'NORMAL']),
    new SnapshotQuotaExceeded('MANUAL', 256, 256),
  ])
})

test('a disk with a snapshot in progress says that it has to wait for it', () => {
  const [refusal] = snapshotRefusals({ kind: 'DATA', status: 'SNAPSHOTTING' }, 'MANUAL', 0, QUOTA)

  expect(refusal?.message).toBe('A snapshot of this disk is already being created. Wait until it ends.')
})

test.each([
  ['IN_USE', 'CRASH_CONSISTENT', ['DISK_IN_USE']],
  ['UNMOUNTED', 'CLEAN', []],
  ['NORMAL', 'CLEAN', []],
] as const)(
  'a snapshot of a disk that is %s is %s, with the warnings %j',
  (status, consistency, warnings) => {
    expect(consistencyOf(status)).toBe(consistency)
    expect(snapshotWarnings(consistency).map(({ code }) => code)).toEqual(warnings)
  },
)
