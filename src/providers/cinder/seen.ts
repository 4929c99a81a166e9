import type { DiskStatus } from '../../domain/disk.ts'
import type { SnapshotStatus } from '../../domain/snapshot.ts'
import type { SeenDisk, SeenSnapshot } from '../cloud/cloud.ts'
import { percentOf, type Fields } from '../cloud/fields.ts'
import { cut } from '../text.ts'

/** The key of our mark in the metadata of what we create. */
export const MARK_KEY = 'snapgate'

const SNAPSHOT_STATUSES: Partial<Record<string, SnapshotStatus>> = {
  creating: 'CREATING',
  available: 'COMPLETED',
  'backing-up': 'COMPLETED',
  restoring: 'COMPLETED',
  updating: 'COMPLETED',
  error: 'FAILED',
  deleting: 'DELETING',
  deleted: 'DELETED',
  error_deleting: 'UNAVAILABLE',
}

const DISK_STATUSES: Partial<Record<string, DiskStatus>> = {
  creating: 'CREATING',
  downloading: 'CREATING',
  available: 'UNMOUNTED',
  'in-use': 'IN_USE',
  reserved: 'ATTACHING',
  attaching: 'ATTACHING',
  detaching: 'DETACHING',
  extending: 'SCALING',
  retyping: 'SCALING',
  reverting: 'ROLLING_BACK',
  'restoring-backup': 'ROLLING_BACK',
  uploading: 'IMAGING',
  deleting: 'DELETING',
  deleted: 'DELETED',
  maintenance: 'NOT_AVAILABLE',
  'awaiting-transfer': 'NOT_AVAILABLE',
  'backing-up': 'NOT_AVAILABLE',
  managing: 'NOT_AVAILABLE',
}

export function seenSnapshot(row: Fields, reason: string | null = null): SeenSnapshot | undefined {
  const externalId = row.text('id')
  if (externalId === null) return undefined
  const rawStatus = cut(row.text('status') ?? '')
  return {
    externalId,
    diskExternalId: row.text('volume_id'),
    name: cut(row.text('name') ?? ''),
    type: 'MANUAL',
    status: SNAPSHOT_STATUSES[rawStatus],
    rawStatus,
    reason,
    percent: percentOf(row.text('os-extended-snapshot-attributes:progress')),
    sizeBytes: row.gibibytes('size'),
    createdAt: row.moment('created_at'),
    changedAt: row.moment('updated_at'),
    expiresAt: null,
    mark: row.fields('metadata').text(MARK_KEY),
  }
}

export function seenDisk(row: Fields): SeenDisk | undefined {
  const externalId = row.text('id')
  if (externalId === null) return undefined
  const rawStatus = cut(row.text('status') ?? '')
  const [attachment] = row.list('attachments')
  const device = attachment?.text('device') ?? null
  return {
    externalId,
    name: cut(row.text('name') ?? externalId),
    // Cinder knows no system disks: it is the disk that an instance has started from.
    kind: row.flag('bootable') && device === '/dev/vda' ? 'SYSTEM' : 'DATA',
    status: DISK_STATUSES[rawStatus] ?? (rawStatus.startsWith('error') ? 'ERROR' : 'UNKNOWN'),
    rawStatus,
    reason: null,
    sizeBytes: row.gibibytes('size'),
    storageType: cut(row.text('volume_type') ?? ''),
    zone: cut(row.text('availability_zone') ?? ''),
    instanceId: attachment?.text('server_id') ?? null,
    device,
    policyIds: [],
    createdAt: row.moment('created_at'),
    changedAt: row.moment('updated_at'),
  }
}
