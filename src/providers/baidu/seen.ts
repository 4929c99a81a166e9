import type { DiskStatus } from '../../domain/disk.ts'
import type { SnapshotStatus } from '../../domain/snapshot.ts'
import type { UpstreamPolicy } from '../../domain/upstream-policy.ts'
import type { SeenDisk, SeenSnapshot } from '../cloud/cloud.ts'
import { percentOf, type Fields } from '../cloud/fields.ts'
import { cut } from '../text.ts'

const SNAPSHOT_STATUSES: Partial<Record<string, SnapshotStatus>> = {
  Creating: 'CREATING',
  Available: 'COMPLETED',
  CreatedFailed: 'FAILED',
  NotAvailable: 'UNAVAILABLE',
}

/** A data disk that is `Available` is not attached; a system disk goes by its instance. */
const DISK_STATUSES: Partial<Record<string, DiskStatus>> = {
  Creating: 'CREATING',
  Available: 'UNMOUNTED',
  InUse: 'IN_USE',
  Attaching: 'ATTACHING',
  Detaching: 'DETACHING',
  Scaling: 'SCALING',
  SnapshotProcessing: 'SNAPSHOTTING',
  ImageProcessing: 'IMAGING',
  Recharging: 'RECHARGING',
  Expired: 'EXPIRED',
  NotAvailable: 'NOT_AVAILABLE',
  Error: 'ERROR',
  Deleting: 'DELETING',
  Deleted: 'DELETED',
  Recycled: 'RECYCLED',
}

/** What a snapshot of a system disk asks of its instance: that it runs or is stopped. */
const INSTANCE_STATUSES: Partial<Record<string, DiskStatus>> = { Running: 'IN_USE', Stopped: 'NORMAL' }

/** What our mark looks like in a description, whose characters Baidu limits. */
const MARK = /(?:^|\s)snapgate=([A-Za-z0-9-]+)$/

export const withMark = (description: string, mark: string): string =>
  [description, `snapgate=${mark}`].filter(Boolean).join(' ')

export function seenSnapshot(row: Fields): SeenSnapshot | undefined {
  const externalId = row.text('id')
  if (externalId === null) return undefined
  const rawStatus = cut(row.text('status') ?? '')
  return {
    externalId,
    diskExternalId: row.text('volumeId'),
    name: cut(row.text('name') ?? ''),
    type: row.text('createMethod')?.toUpperCase().startsWith('AUTO') ? 'AUTOMATIC' : 'MANUAL',
    status: SNAPSHOT_STATUSES[rawStatus],
    rawStatus,
    reason: null,
    percent: percentOf(row.text('progress')),
    sizeBytes: row.gibibytes('sizeInGB'),
    createdAt: row.moment('createTime'),
    changedAt: null,
    expiresAt: row.moment('expireTime'),
    mark: MARK.exec(row.text('desc') ?? '')?.[1] ?? null,
  }
}

/** A disk; `instanceStatuses` has the status of each instance whose system disk is in the list. */
export function seenDisk(row: Fields, instanceStatuses: ReadonlyMap<string, string>): SeenDisk | undefined {
  const externalId = row.text('id')
  if (externalId === null) return undefined
  const rawStatus = cut(row.text('status') ?? '')
  const isSystem = row.flag('isSystemVolume')
  const [attachment] = row.list('attachments')
  const instanceId = attachment?.text('instanceId') ?? null
  const status = DISK_STATUSES[rawStatus] ?? 'UNKNOWN'
  const instance = instanceStatuses.get(instanceId ?? '')
  return {
    externalId,
    name: cut(row.text('name') ?? externalId),
    kind: isSystem ? 'SYSTEM' : 'DATA',
    status: isSystem ? systemStatus(status, instance) : status,
    rawStatus: isSystem && instance !== undefined ? `${rawStatus} (instance ${cut(instance)})` : rawStatus,
    reason: row.text('failureStatus') === null ? null : cut(row.text('failureStatus') ?? ''),
    sizeBytes: row.gibibytes('diskSizeInGB'),
    storageType: cut(row.text('storageType') ?? ''),
    zone: cut(row.text('zoneName') ?? ''),
    instanceId,
    device: attachment?.text('device') ?? null,
    // Older regions name one policy, newer ones all of them.
    policyIds: [row.fields('autoSnapshotPolicy'), ...row.list('autoSnapshotPolicyInfos')].flatMap(
      (policy) => policy.text('id') ?? [],
    ),
    createdAt: row.moment('createTime'),
    changedAt: null,
  }
}

/** A policy; undefined for one that is deleted, which lists can still have. */
export function seenPolicy(row: Fields): UpstreamPolicy | undefined {
  const id = row.text('id')
  const status = cut(row.text('status') ?? '')
  if (id === null || status === 'deleted') return undefined
  return {
    id,
    name: cut(row.text('name') ?? id),
    status,
    timePoints: row.counts('timePoints'),
    repeatWeekdays: row.counts('repeatWeekdays'),
    // -1 stands for snapshots that do not expire.
    retentionDays: row.count('retentionDays'),
    createdAt: row.moment('createdTime'),
    changedAt: row.moment('updatedTime'),
    ranAt: row.moment('lastExecuteTime'),
  }
}

/** While nothing is being done to a system disk, its instance decides. */
function systemStatus(status: DiskStatus, instance: string | undefined): DiskStatus {
  if (status !== 'IN_USE' && status !== 'UNMOUNTED') return status
  if (instance === undefined) return status === 'UNMOUNTED' ? 'NORMAL' : 'UNKNOWN'
  return INSTANCE_STATUSES[instance] ?? 'UNKNOWN'
}
