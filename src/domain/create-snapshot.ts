import type { ConnectionState } from './connection.ts'
import type { Disk, DiskKind, DiskStatus } from './disk.ts'
import type { SnapshotQuota } from './quota.ts'
import type { Refusal } from './refusal.ts'
import {
  ConnectionUnavailable,
  DiskStatusForbidsSnapshot,
  SnapshotQuotaExceeded,
  StorageSpaceLow,
} from './refusals.ts'
import type { SnapshotConsistency, SnapshotType } from './snapshot.ts'
import { MIB } from './units.ts'

/**
 * The disk statuses in which a snapshot may be taken. Everything else is refused, `SNAPSHOTTING`
 * included: a disk has one snapshot in progress at a time.
 * Source: the cloud's documentation, "Manual Snapshot", "Description", items 3 and 4.
 */
export const STATUSES_FOR_SNAPSHOT: Record<DiskKind, readonly DiskStatus[]> = {
  DATA: ['IN_USE', 'UNMOUNTED'],
  SYSTEM: ['IN_USE', 'NORMAL'],
}

/** Every reason why a snapshot of this type would be refused now, in the order in which they are checked. */
export function snapshotRefusals(
  disk: Pick<Disk, 'kind' | 'status'>,
  type: SnapshotType,
  held: number,
  quota: SnapshotQuota,
): Refusal[] {
  const refusals: Refusal[] = []
  const allowed = STATUSES_FOR_SNAPSHOT[disk.kind]
  if (!allowed.includes(disk.status)) {
    refusals.push(new DiskStatusForbidsSnapshot(disk.kind, disk.status, allowed))
  }
  if (held >= quota[type]) refusals.push(new SnapshotQuotaExceeded(type, held, quota[type]))
  return refusals
}

/** The states of a connection that do not pass by themselves. In all others a cloud is asked as soon as it can be. */
const UNUSABLE: readonly ConnectionState[] = ['CREDENTIALS_REFUSED', 'CLOCK_WRONG']

/** Why nothing is asked of a cloud now, by the state of its connection; `undefined` for what is on this machine. */
export function connectionRefusals(
  connection: { id: string; state: ConnectionState; stateSince: Date } | undefined,
): Refusal[] {
  return connection && UNUSABLE.includes(connection.state) ? [new ConnectionUnavailable(connection)] : []
}

/** Why no snapshot is accepted while this much of the storage is free: the database and copies in progress need the rest. */
export function spaceRefusals(freeBytes: number, minFreeBytes: number): Refusal[] {
  if (freeBytes >= minFreeBytes) return []
  return [new StorageSpaceLow(Math.floor(freeBytes / MIB), Math.ceil(minFreeBytes / MIB))]
}

/** What a snapshot taken in this status can promise, by what is known before the copy. */
export function consistencyOf(status: DiskStatus): SnapshotConsistency {
  return status === 'IN_USE' ? 'CRASH_CONSISTENT' : 'CLEAN'
}

/** Something the caller should know although the snapshot was accepted. */
export interface SnapshotWarning {
  code: 'DISK_IN_USE'
  message: string
}

/**
 * What to know about a snapshot of this consistency.
 * Source: the cloud's documentation, "Manual Snapshot", "Description", item 5.
 */
export function snapshotWarnings(consistency: SnapshotConsistency): SnapshotWarning[] {
  if (consistency === 'CLEAN') return []
  return [
    {
      code: 'DISK_IN_USE',
      message:
        'The disk is in use: the snapshot holds only data already written to it, not data still in a cache. ' +
        'Detach the disk or stop writes for a snapshot that is complete.',
    },
  ]
}
