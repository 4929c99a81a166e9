import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { reason, REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import { SNAPSHOT_QUOTA } from '../domain/quota.ts'
import { consistencyOf } from '../domain/create-snapshot.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import type { LocalProvider } from '../providers/local/local.ts'
import { duplicatePublished } from '../providers/local/shelf.ts'
import type { NewId } from '../services/clock.ts'
import type { Viewer } from '../services/viewer.ts'
import { DAY_MS, MIB } from '../domain/units.ts'
import { appendDiskTransitions, appendTransitions, factsOf } from '../transitions/append.ts'
import { writeImage } from './images.ts'

interface DemoDisk {
  id: string
  name: string
  description: string
  kind: DiskKind
  /** What it is doing; where this follows from the file and the attachment, the gateway sees it by itself. */
  status: DiskStatus
  sizeMiB: number
  /** MiB of data in the image; null when the image file is missing. */
  dataMiB: number | null
  attachedTo?: [instanceId: string, device: string]
}

/** Both kinds, every status that allows a snapshot, and some that refuse. */
const DISKS: DemoDisk[] = [
  {
    id: 'v-mediaarchive',
    name: 'media-archive',
    description: 'Detached: a snapshot of it is clean.',
    kind: 'DATA',
    status: 'UNMOUNTED',
    sizeMiB: 2048,
    dataMiB: 48,
  },
  {
    id: 'v-ordersdb',
    name: 'orders-db',
    description: 'Attached: a snapshot of it holds what has reached the disk.',
    kind: 'DATA',
    status: 'IN_USE',
    sizeMiB: 1024,
    dataMiB: 8,
    attachedTo: ['i-web00001', '/dev/vdb'],
  },
  {
    id: 'v-buildcache',
    name: 'build-cache',
    description: 'Room for one more manual snapshot.',
    kind: 'DATA',
    status: 'UNMOUNTED',
    sizeMiB: 512,
    dataMiB: 1,
  },
  {
    id: 'v-web1root',
    name: 'web-1-root',
    description: 'The system disk of a running instance.',
    kind: 'SYSTEM',
    status: 'IN_USE',
    sizeMiB: 1024,
    dataMiB: 4,
    attachedTo: ['i-web00001', '/dev/vda'],
  },
  {
    id: 'v-template1root',
    name: 'template-1-root',
    description: 'The system disk of a stopped instance.',
    kind: 'SYSTEM',
    status: 'NORMAL',
    sizeMiB: 1024,
    dataMiB: 4,
  },
  {
    id: 'v-analytics',
    name: 'analytics',
    description: 'Being enlarged.',
    kind: 'DATA',
    status: 'SCALING',
    sizeMiB: 256,
    dataMiB: 1,
  },
  {
    id: 'v-oldproject',
    name: 'old-project',
    description: 'Its payment ran out.',
    kind: 'DATA',
    status: 'EXPIRED',
    sizeMiB: 256,
    dataMiB: 1,
  },
  {
    id: 'v-lostvolume',
    name: 'lost-volume',
    description: 'Its image file is missing; put a file there and it recovers.',
    kind: 'DATA',
    status: 'ERROR',
    sizeMiB: 256,
    dataMiB: null,
  },
]

interface PastSnapshot {
  diskId: string
  name: string
  type: SnapshotType
  daysAgo: number
  failureReason?: string
}

/** What happened before; the disk that is nearly full comes below. */
const PAST: PastSnapshot[] = [
  { diskId: 'v-ordersdb', name: 'before-schema-change', type: 'MANUAL', daysAgo: 12 },
  { diskId: 'v-ordersdb', name: 'nightly-1', type: 'AUTOMATIC', daysAgo: 2 },
  { diskId: 'v-ordersdb', name: 'nightly-2', type: 'AUTOMATIC', daysAgo: 1 },
  {
    diskId: 'v-ordersdb',
    name: 'during-import',
    type: 'MANUAL',
    daysAgo: 3,
    failureReason: reason('DISK_WRITTEN', { attempts: 3 }),
  },
  { diskId: 'v-mediaarchive', name: 'spring-collection', type: 'MANUAL', daysAgo: 30 },
  { diskId: 'v-web1root', name: 'before-upgrade', type: 'MANUAL', daysAgo: 7 },
  ...Array.from({ length: SNAPSHOT_QUOTA.MANUAL - 1 }, (_, index) => ({
    diskId: 'v-buildcache',
    name: `build-${index + 1}`,
    type: 'MANUAL' as const,
    daysAgo: (SNAPSHOT_QUOTA.MANUAL - index) / 4,
  })),
]

export interface DemoOptions {
  db: Database
  viewer: Viewer
  provider: LocalProvider
  disksDir: string
  snapshotsDir: string
  now: () => Date
  newId: NewId
}

/**
 * A small world for a newcomer to play with: real image files and real copies of them. It is made only in a database
 * that has no disk and no snapshot yet, and recorded in one transaction: the next start finds all of it or none.
 */
export async function createDemoWorld(options: DemoOptions): Promise<void> {
  // Of gateways that start together, one makes it.
  await options.db.alone('demo', () => createIfEmpty(options))
}

async function createIfEmpty(options: DemoOptions): Promise<void> {
  const { db, viewer, disksDir } = options
  if ((await db.disk.count()) > 0 || (await db.snapshotTransition.count()) > 0) return
  const { places } = options.provider
  const imageOf = (disk: DemoDisk) => join(disksDir, `${disk.name}.img`)
  for (const disk of DISKS) {
    if (disk.dataMiB !== null) await writeImage(imageOf(disk), disk.sizeMiB, disk.dataMiB)
  }
  const directory = await realpath(disksDir)
  const disks = new Map<string, DemoDisk & { location: string }>()
  for (const disk of DISKS) {
    const location = await places.locationOf(join(directory, `${disk.name}.img`))
    disks.set(disk.id, { ...disk, location })
  }
  const past = await copyAll(disks, options)
  const { accountId } = viewer
  await db.write(function* (sql) {
    const createdAt = new Date(options.now().getTime() - 100 * DAY_MS)
    yield* sql.insertAll(
      'Disk',
      [...disks.values()].map((disk) => ({
        id: disk.id,
        accountId,
        provider: options.provider.name,
        host: options.provider.host,
        location: disk.location,
        name: disk.name,
        description: disk.description,
        kind: disk.kind,
        status: disk.status,
        statusReason: disk.dataMiB === null ? REASONS.IMAGE_MISSING : null,
        sizeBytes: BigInt(disk.sizeMiB * MIB),
        storageType: 'local',
        zone: 'local',
        instanceId: disk.attachedTo?.[0] ?? null,
        device: disk.attachedTo?.[1] ?? null,
        createdAt,
      })),
    )
    const made = { from: null, reason: null, at: createdAt }
    const diskSteps = DISKS.map(({ id: diskId, status: to }) => ({ accountId, diskId, to, ...made }))
    yield* appendDiskTransitions(sql, ...diskSteps)
    yield* sql.insertAll('Snapshot', past)
    const steps = past.flatMap((snapshot) => {
      const { diskId, status: to, failureReason: reason } = snapshot
      const of = { ...factsOf(snapshot), diskId }
      return [
        { ...of, from: null, to: 'CREATING' as const, reason: null, at: snapshot.createdAt },
        { ...of, from: 'CREATING' as const, to, reason, at: snapshot.completedAt },
      ]
    })
    yield* appendTransitions(sql, ...steps)
  })
}

/** The snapshots of the past, oldest first: each disk is copied once, and its snapshots share that copy. */
async function copyAll(
  disks: Map<string, DemoDisk & { location: string }>,
  { viewer, provider, snapshotsDir, now, newId }: DemoOptions,
) {
  const past = [...PAST]
    .sort((a, b) => b.daysAgo - a.daysAgo)
    .map((snapshot) => ({ ...snapshot, id: newId('Snapshot') }))
  const held = Map.groupBy(
    past.filter(({ failureReason }) => failureReason === undefined),
    ({ diskId }) => diskId,
  )
  const copies = new Map<string, Awaited<ReturnType<typeof copyOf>>>()
  await Promise.all(
    [...held].map(async ([diskId, [first, ...others]]) => {
      const disk = disks.get(diskId)
      if (!disk || !first) throw new Error(`The demo world has no disk ${diskId}.`)
      copies.set(diskId, await copyOf(disk, first.id, provider, viewer.accountId))
      for (const { id } of others) await duplicatePublished(snapshotsDir, first.id, id)
    }),
  )
  return past.map(({ id, diskId, name, type, daysAgo, failureReason = null }) => {
    const disk = disks.get(diskId)
    if (!disk) throw new Error(`The demo world has no disk ${diskId}.`)
    const createdAt = new Date(now().getTime() - daysAgo * DAY_MS)
    const copy = failureReason === null ? copies.get(diskId) : undefined
    return {
      id,
      accountId: viewer.accountId,
      diskId,
      host: provider.host,
      diskKind: disk.kind,
      name,
      type,
      status: copy ? ('COMPLETED' as const) : ('FAILED' as const),
      sizeBytes: BigInt(disk.sizeMiB * MIB),
      dataBytes: copy?.dataBytes ?? null,
      checksum: copy?.checksum ?? null,
      consistency: copy ? consistencyOf(disk.status) : null,
      failureReason,
      createdAt,
      completedAt: new Date(createdAt.getTime() + 4_000),
    }
  })
}

async function copyOf(
  disk: DemoDisk & { location: string },
  snapshotId: string,
  provider: LocalProvider,
  accountId: string,
) {
  const { id, kind, location, attachedTo } = disk
  const outcome = await provider.copy({
    snapshotId,
    disk: { id, accountId, kind, location, instanceId: attachedTo?.[0] ?? null },
    onProgress: () => undefined,
    signal: new AbortController().signal,
  })
  if (outcome.outcome !== 'copied') throw new Error(`The demo world could not be made: ${outcome.reason}`)
  return outcome
}
