/** What a disk is for: the system disk an instance boots from, or a data disk. */
export const DISK_KINDS = ['SYSTEM', 'DATA'] as const
export type DiskKind = (typeof DISK_KINDS)[number]

/**
 * What a disk is doing. The cloud's own values under one spelling each; `UNKNOWN` stands for
 * anything an upstream says that is not listed here: shown and refused, never a crash.
 */
export const DISK_STATUSES = [
  'CREATING',
  'UNMOUNTED',
  'NORMAL',
  'IN_USE',
  'ATTACHING',
  'DETACHING',
  'SCALING',
  'SNAPSHOTTING',
  'IMAGING',
  'RECHARGING',
  'ROLLING_BACK',
  'DELETING',
  'EXPIRED',
  'NOT_AVAILABLE',
  'ERROR',
  'RECYCLED',
  'UNKNOWN',
  'DELETED',
] as const

export type DiskStatus = (typeof DISK_STATUSES)[number]

/** No disk is larger, in bytes: JSON has no larger exact number. */
export const DISK_SIZE_BYTES_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** The part of a disk that rules decide by. */
export interface Disk {
  kind: DiskKind
  status: DiskStatus
}

/**
 * The statuses that follow from what a provider sees (the file is there, someone has it open), so that
 * looking again may change them. In all others something is in progress or was decided elsewhere.
 */
export const OBSERVED_DISK_STATUSES = [
  'IN_USE',
  'UNMOUNTED',
  'NORMAL',
  'ERROR',
] as const satisfies DiskStatus[]

/** What can be asked of a disk, besides a snapshot. */
export type DiskOperation = 'UPDATE' | 'ATTACH' | 'DETACH' | 'RESIZE' | 'ROLL_BACK' | 'RELEASE'

/** Longest storage type, zone, instance id and device of a disk, in UTF-16 code units. */
export const DISK_LABEL_MAX_LENGTH = 64
