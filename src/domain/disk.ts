export type DiskKind = 'SYSTEM' | 'DATA'

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
] as const

export type DiskStatus = (typeof DISK_STATUSES)[number]
