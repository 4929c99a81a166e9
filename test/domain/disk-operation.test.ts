import { describe, expect, test } from 'vitest'
import {
  attachRefusals,
  blankDiskRefusals,
  cloneRefusals,
  detachRefusals,
  releaseRefusals,
  resizeRefusals,
  rollBackRefusals,
  updateDiskRefusals,
} from '../../src/domain/disk-operation.ts'
import {
  type DiskOperation,
  DISK_KINDS,
  DISK_STATUSES,
  type DiskKind,
  type DiskStatus,
} from '../../src/domain/disk.ts'
import { isSettled, mayDiskFollow } from '../../src/domain/lifecycle.ts'
import { SNAPSHOT_STATUSES } from '../../src/domain/snapshot.ts'
import type { Refusal } from '../../src/domain/refusal.ts'
import {
  DiskNotAttached,
  DiskSizeRefused,
  DiskStatusForbidsOperation,
  SnapshotOfOtherDisk,
  SnapshotStatusForbidsOperation,
  SystemSnapshotForbidsDisk,
  DiskCreationLimitExceeded,
} from '../../src/domain/refusals.ts'

const GIB = 1024n ** 3n

type Letters = `${'U' | ' '}${'A' | ' '}${'D' | ' '}${'R' | ' '}${'B' | ' '}${'X' | ' '}`

/**
 * What each status allows, written out for both kinds: U update, A attach, D detach, R resize, B roll back, X release.
 */
const ALLOWED: Record<DiskStatus, Record<DiskKind, Letters>> = {
  CREATING: { DATA: 'U     ', SYSTEM: 'U     ' },
  UNMOUNTED: { DATA: 'UA RBX', SYSTEM: 'U     ' },
  NORMAL: { DATA: 'U     ', SYSTEM: 'UA RBX' },
  IN_USE: { DATA: 'U DR  ', SYSTEM: 'U DR  ' },
  ATTACHING: { DATA: 'U     ', SYSTEM: 'U     ' },
  DETACHING: { DATA: 'U     ', SYSTEM: 'U     ' },
  SCALING: { DATA: 'U     ', SYSTEM: 'U     ' },
  SNAPSHOTTING: { DATA: 'U     ', SYSTEM: 'U     ' },
  IMAGING: { DATA: 'U     ', SYSTEM: 'U     ' },
  RECHARGING: { DATA: 'U     ', SYSTEM: 'U     ' },
  ROLLING_BACK: { DATA: 'U     ', SYSTEM: 'U     ' },
  DELETING: { DATA: '      ', SYSTEM: '      ' },
  EXPIRED: { DATA: 'U    X', SYSTEM: 'U    X' },
  NOT_AVAILABLE: { DATA: 'U     ', SYSTEM: 'U     ' },
  ERROR: { DATA: 'U    X', SYSTEM: 'U    X' },
  RECYCLED: { DATA: 'U     ', SYSTEM: 'U     ' },
  UNKNOWN: { DATA: 'U     ', SYSTEM: 'U     ' },
  DELETED: { DATA: '      ', SYSTEM: '      ' },
}

const OPERATIONS: Record<string, DiskOperation> = {
  U: 'UPDATE',
  A: 'ATTACH',
  D: 'DETACH',
  R: 'RESIZE',
  B: 'ROLL_BACK',
  X: 'RELEASE',
}
type Rules = Record<string, (disk: ReturnType<typeof diskOf>) => Refusal[]>
const RULES: Rules = {
  U: updateDiskRefusals,
  A: attachRefusals,
  D: detachRefusals,
  R: (disk) => resizeRefusals(disk),
  B: (disk) => rollBackRefusals(disk),
  X: releaseRefusals,
}
const diskOf = (kind: DiskKind, status: DiskStatus) => ({
  id: 'v-1',
  provider: 'local',
  kind,
  status,
  sizeBytes: 10n * GIB,
  instanceId: 'i-1',
})

describe.each(DISK_KINDS)('a %s disk', (kind) => {
  test.each(DISK_STATUSES)('in status %s allows what the table says, and says why not', (status) => {
    for (const [letter, rule] of Object.entries(RULES)) {
      const refusals = rule(diskOf(kind, status))
      expect([letter, refusals.length === 0]).toEqual([letter, ALLOWED[status][kind].includes(letter)])
      for (const refusal of refusals) {
        const allowed = DISK_STATUSES.filter((one) => ALLOWED[one][kind].includes(letter))
        expect(refusal).toEqual(
          new DiskStatusForbidsOperation(OPERATIONS[letter] ?? 'UPDATE', kind, status, allowed),
        )
      }
    }
  })
})

test('a disk that is in use without an attachment cannot be detached', () => {
  expect(detachRefusals({ ...diskOf('DATA', 'IN_USE'), instanceId: null })).toEqual([new DiskNotAttached()])
})

test.each([
  [10n * GIB, 9, 11],
  [10n * GIB, 10, 11],
  [10n * GIB, 11, undefined],
  [10n * GIB + 1n, 11, undefined],
  [10n * GIB - 1n, 10, undefined],
  [10n * GIB, 32_765, undefined],
  [10n * GIB, 32_766, 11],
  [1n, 4, 5],
  [1n, 5, undefined],
])('a disk of %d bytes may become %i GiB, or must become at least %j', (sizeBytes, sizeGiB, least) => {
  const disk = { ...diskOf('DATA', 'UNMOUNTED'), sizeBytes }
  expect(resizeRefusals(disk, sizeGiB)).toEqual(
    least === undefined ? [] : [new DiskSizeRefused(sizeGiB, least, 32_765)],
  )
})

test('a disk that is as large as a disk may be cannot be made larger', () => {
  const [refusal] = resizeRefusals({ ...diskOf('DATA', 'UNMOUNTED'), sizeBytes: 32_765n * GIB })
  expect(refusal).toEqual(new DiskSizeRefused(32_766, 32_766, 32_765))
})

test.each([
  [4, true],
  [5, false],
  [32_765, false],
  [32_766, true],
  [0, true],
  [-1, true],
])('an empty disk of %i GiB is refused: %s', (sizeGiB, refused) => {
  expect(blankDiskRefusals(sizeGiB)).toEqual(refused ? [new DiskSizeRefused(sizeGiB, 5, 32_765)] : [])
})

describe.each(SNAPSHOT_STATUSES)('with a snapshot that is %s', (status) => {
  const source = (operation: 'ROLL_BACK' | 'CREATE_DISK') =>
    status === 'COMPLETED' ? [] : [new SnapshotStatusForbidsOperation(operation, status, ['COMPLETED'])]
  const disk = diskOf('DATA', 'UNMOUNTED')

  test('its own disk can be rolled back only when it is COMPLETED, another one never', () => {
    expect(rollBackRefusals(disk, { diskId: 'v-1', status })).toEqual(source('ROLL_BACK'))
    for (const diskId of ['v-2', null]) {
      const refusals = rollBackRefusals(disk, { diskId, status })
      expect(refusals).toEqual([new SnapshotOfOtherDisk(), ...source('ROLL_BACK')])
    }
  })

  test('a disk can be made only when it is COMPLETED', () => {
    const snapshot = { provider: 'local', diskKind: 'DATA' as const, status, sizeBytes: 10n * GIB }
    expect(cloneRefusals(snapshot, 0)).toEqual(source('CREATE_DISK'))
  })
})

test('everything that speaks against a roll back is said, in order', () => {
  expect(rollBackRefusals(diskOf('DATA', 'IN_USE'), { diskId: 'v-2', status: 'FAILED' })).toEqual([
    new SnapshotOfOtherDisk(),
    new SnapshotStatusForbidsOperation('ROLL_BACK', 'FAILED', ['COMPLETED']),
    new DiskStatusForbidsOperation('ROLL_BACK', 'DATA', 'IN_USE', ['UNMOUNTED']),
  ])
})

test('no disk is made from the snapshot of a system disk', () => {
  const snapshot = {
    provider: 'local',
    diskKind: 'SYSTEM' as const,
    status: 'COMPLETED' as const,
    sizeBytes: GIB,
  }
  expect(cloneRefusals(snapshot, 0)).toEqual([new SystemSnapshotForbidsDisk()])
})

test.each([
  [undefined, 4, []],
  [undefined, 5, [new DiskCreationLimitExceeded(5)]],
  [9, 0, [new DiskSizeRefused(9, 10, 32_765)]],
  [10, 0, []],
  [9, 6, [new DiskSizeRefused(9, 10, 32_765), new DiskCreationLimitExceeded(5)]],
] as const)(
  'a disk of %j GiB from a snapshot of 10 GiB, with %i in progress, is refused by %j',
  (sizeGiB, underWay, refusals) => {
    const snapshot = {
      provider: 'local',
      diskKind: 'DATA' as const,
      status: 'COMPLETED' as const,
      sizeBytes: 10n * GIB - 1n,
    }
    expect(cloneRefusals(snapshot, underWay, sizeGiB)).toEqual(refusals)
  },
)

const REST: DiskStatus[] = ['IN_USE', 'UNMOUNTED', 'NORMAL', 'ERROR']
const ELSEWHERE: DiskStatus[] = ['IMAGING', 'RECHARGING', 'EXPIRED', 'NOT_AVAILABLE', 'RECYCLED', 'UNKNOWN']

/** What each status may be followed by, written out. */
const NEXT: Record<DiskStatus, DiskStatus[]> = {
  CREATING: [...REST, 'UNKNOWN'],
  UNMOUNTED: ['ATTACHING', 'SCALING', 'SNAPSHOTTING', 'ROLLING_BACK', 'DELETING', ...REST, ...ELSEWHERE],
  NORMAL: ['ATTACHING', 'SCALING', 'SNAPSHOTTING', 'ROLLING_BACK', 'DELETING', ...REST, ...ELSEWHERE],
  IN_USE: ['DETACHING', 'SCALING', 'SNAPSHOTTING', ...REST, ...ELSEWHERE],
  ERROR: ['DELETING', ...REST, ...ELSEWHERE],
  EXPIRED: ['DELETING', ...REST, ...ELSEWHERE],
  ATTACHING: [...REST, 'UNKNOWN'],
  DETACHING: [...REST, 'UNKNOWN'],
  SCALING: [...REST, 'UNKNOWN'],
  SNAPSHOTTING: [...REST, 'UNKNOWN'],
  ROLLING_BACK: [...REST, 'UNKNOWN'],
  DELETING: ['DELETED', ...REST, 'UNKNOWN'],
  DELETED: [],
  IMAGING: [...REST, ...ELSEWHERE],
  RECHARGING: [...REST, ...ELSEWHERE],
  NOT_AVAILABLE: [...REST, ...ELSEWHERE],
  RECYCLED: [...REST, ...ELSEWHERE],
  UNKNOWN: [...REST, ...ELSEWHERE],
}

/** Their operations can be cancelled, and a request to do so is a transition from the status to itself. */
const CANCELLABLE: readonly DiskStatus[] = [
  'CREATING',
  'ATTACHING',
  'DETACHING',
  'SCALING',
  'ROLLING_BACK',
  'DELETING',
]

test.each(DISK_STATUSES)('a disk that is %s may become what the life cycle says', (from) => {
  const next = DISK_STATUSES.filter((to) => mayDiskFollow(from, to))
  const steps = [...new Set(NEXT[from])].filter((to) => to !== from)
  if (CANCELLABLE.includes(from)) steps.push(from)
  expect(next.toSorted()).toEqual(steps.toSorted())
})

test('a new disk is in any status but DELETED', () => {
  expect(DISK_STATUSES.filter((to) => !mayDiskFollow(null, to))).toEqual(['DELETED'])
})

test('a disk is settled unless something is in progress', () => {
  expect(DISK_STATUSES.filter((status) => !isSettled(status))).toEqual([
    'CREATING',
    'ATTACHING',
    'DETACHING',
    'SCALING',
    'SNAPSHOTTING',
    'IMAGING',
    'RECHARGING',
    'ROLLING_BACK',
    'DELETING',
  ])
})
