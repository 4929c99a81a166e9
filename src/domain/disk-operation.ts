import { DISK_STATUSES, type Disk, type DiskKind, type DiskOperation, type DiskStatus } from './disk.ts'
import type { Refusal } from './refusal.ts'
import {
  DiskNotAttached,
  DiskSizeRefused,
  DiskStatusForbidsOperation,
  SnapshotOfOtherDisk,
  SnapshotStatusForbidsOperation,
  SystemSnapshotForbidsDisk,
  DiskCreationLimitExceeded,
} from './refusals.ts'
import { offerRefusals } from './offer.ts'
import { SNAPSHOT_OPERATION_STATUSES } from './snapshot-operation.ts'
import type { SnapshotStatus } from './snapshot.ts'
import { GIB } from './units.ts'

/** A disk, and which provider has it. */
interface PlacedDisk extends Disk {
  provider: string
}

/** The statuses in which nothing more can be written down about a disk: it is going, or gone. */
const GOING: readonly DiskStatus[] = ['DELETING', 'DELETED']
const ANY_BUT_GOING = DISK_STATUSES.filter((status) => !GOING.includes(status))

/**
 * The statuses in which each operation may begin. Sources: the cloud's API, roll back (the disk must be Available, a
 * mounted disk cannot be) and release volume (Available, Expired or Error). For attach, detach and resize no source says
 * more than what is nearest: free, attached, and at rest. A cloud releases a system disk together with its instance; the
 * system disks here were registered or created on their own, so they are released on their own.
 */
export const DISK_OPERATION_STATUSES: Record<DiskOperation, Record<DiskKind, readonly DiskStatus[]>> = {
  UPDATE: { DATA: ANY_BUT_GOING, SYSTEM: ANY_BUT_GOING },
  ATTACH: { DATA: ['UNMOUNTED'], SYSTEM: ['NORMAL'] },
  DETACH: { DATA: ['IN_USE'], SYSTEM: ['IN_USE'] },
  RESIZE: { DATA: ['UNMOUNTED', 'IN_USE'], SYSTEM: ['NORMAL', 'IN_USE'] },
  ROLL_BACK: { DATA: ['UNMOUNTED'], SYSTEM: ['NORMAL'] },
  RELEASE: { DATA: ['UNMOUNTED', 'EXPIRED', 'ERROR'], SYSTEM: ['NORMAL', 'EXPIRED', 'ERROR'] },
}

/** What a disk is while an operation is in progress. */
export const STATUS_DURING = {
  ATTACH: 'ATTACHING',
  DETACH: 'DETACHING',
  RESIZE: 'SCALING',
  ROLL_BACK: 'ROLLING_BACK',
  RELEASE: 'DELETING',
} as const satisfies Partial<Record<DiskOperation, DiskStatus>>

/** How large a disk may be made, in GiB. Source: the cloud's documentation, create CDS disk. */
export const DISK_SIZE_GIB = { min: 5, max: 32_765 }

/** Most disks of an account that may be created from snapshots at once. Source: the cloud's API, create volume from snapshot. */
export const DISKS_FROM_SNAPSHOTS_AT_ONCE = 5

function statusRefusals(operation: DiskOperation, { provider, kind, status }: PlacedDisk): Refusal[] {
  const refusals = offerRefusals(provider, operation)
  if (refusals.length > 0) return refusals
  const allowed = DISK_OPERATION_STATUSES[operation][kind]
  return allowed.includes(status) ? [] : [new DiskStatusForbidsOperation(operation, kind, status, allowed)]
}

/** Why name, description and tags of the disk cannot be changed now. */
export function updateDiskRefusals(disk: PlacedDisk): Refusal[] {
  return statusRefusals('UPDATE', disk)
}

/** Why the disk cannot be attached now. */
export function attachRefusals(disk: PlacedDisk): Refusal[] {
  return statusRefusals('ATTACH', disk)
}

/** Why the disk cannot be detached now. */
export function detachRefusals(disk: PlacedDisk & { instanceId: string | null }): Refusal[] {
  const refusals = statusRefusals('DETACH', disk)
  return refusals.length === 0 && disk.instanceId === null ? [new DiskNotAttached()] : refusals
}

/** Why the disk cannot be made larger now: to this size, or by anything. */
export function resizeRefusals(disk: PlacedDisk & { sizeBytes: bigint }, sizeGiB?: number): Refusal[] {
  const smallest = Math.max(DISK_SIZE_GIB.min, Math.floor(Number(disk.sizeBytes) / GIB) + 1)
  return [...statusRefusals('RESIZE', disk), ...sizeRefusals(sizeGiB ?? smallest, smallest)]
}

/** Why the disk cannot be rolled back now: to any snapshot, or to this one. */
export function rollBackRefusals(
  disk: PlacedDisk & { id: string },
  snapshot?: { diskId: string | null; status: SnapshotStatus },
): Refusal[] {
  const refusals = offerRefusals(disk.provider, 'ROLL_BACK')
  if (refusals.length > 0) return refusals
  if (snapshot && snapshot.diskId !== disk.id) refusals.push(new SnapshotOfOtherDisk())
  if (snapshot) refusals.push(...sourceRefusals('ROLL_BACK', snapshot.status))
  return [...refusals, ...statusRefusals('ROLL_BACK', disk)]
}

/** Why the disk cannot be released now. */
export function releaseRefusals(disk: PlacedDisk): Refusal[] {
  return statusRefusals('RELEASE', disk)
}

/** Why an empty disk of this size cannot be made. */
export function blankDiskRefusals(sizeGiB: number): Refusal[] {
  return sizeRefusals(sizeGiB, DISK_SIZE_GIB.min)
}

/** The sizes that a disk made from the snapshot may be given, in GiB. When none is given, it is as large as the snapshot. */
export function cloneSizeGiB({ sizeBytes }: { sizeBytes: bigint }): { min: number; max: number } {
  return { ...DISK_SIZE_GIB, min: Math.max(DISK_SIZE_GIB.min, Math.ceil(Number(sizeBytes) / GIB)) }
}

/** Why a disk cannot be made from the snapshot now: of its own size, or of this one. */
export function cloneRefusals(
  snapshot: { provider: string; diskKind: DiskKind; status: SnapshotStatus; sizeBytes: bigint },
  inProgress: number,
  sizeGiB?: number,
): Refusal[] {
  const refusals: Refusal[] = []
  const notOffered = offerRefusals(snapshot.provider, 'CREATE_DISK')
  if (notOffered.length > 0) return notOffered
  if (snapshot.diskKind === 'SYSTEM') refusals.push(new SystemSnapshotForbidsDisk())
  refusals.push(...sourceRefusals('CREATE_DISK', snapshot.status))
  if (sizeGiB !== undefined) {
    refusals.push(...sizeRefusals(sizeGiB, cloneSizeGiB(snapshot).min))
  }
  if (inProgress >= DISKS_FROM_SNAPSHOTS_AT_ONCE)
    refusals.push(new DiskCreationLimitExceeded(DISKS_FROM_SNAPSHOTS_AT_ONCE))
  return refusals
}

function sourceRefusals(operation: 'ROLL_BACK' | 'CREATE_DISK', status: SnapshotStatus): Refusal[] {
  const allowed = SNAPSHOT_OPERATION_STATUSES[operation]
  return allowed.includes(status) ? [] : [new SnapshotStatusForbidsOperation(operation, status, allowed)]
}

function sizeRefusals(sizeGiB: number, minGiB: number): Refusal[] {
  const { max } = DISK_SIZE_GIB
  return sizeGiB < minGiB || sizeGiB > max ? [new DiskSizeRefused(sizeGiB, minGiB, max)] : []
}
