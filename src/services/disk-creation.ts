import type { Disk } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { blankDiskRefusals, cloneRefusals } from '../domain/disk-operation.ts'
import type { DiskKind } from '../domain/disk.ts'
import { GIB } from '../domain/units.ts'
import type { DiskProvider } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import { insertJobs } from './activity.ts'
import { hashOf, once, sorted, type Tag } from './client-tokens.ts'
import type { Clock, NewId } from './clock.ts'
import { lockOwned } from './owned.ts'
import { checkName, refuse } from './refuse.ts'
import { insertDiskTags } from './tags.ts'
import type { Viewer } from './viewer.ts'

interface NewDisk {
  name: string
  description: string
  storageType: string
  zone: string
  tags: readonly Tag[]
  /** Makes the call repeatable: the same token with the same input gives the same disk. */
  clientToken: string | null
}

export interface CreateDisk extends NewDisk {
  /** Empty, or with the content of a snapshot, whose size is the default. */
  content: { kind: DiskKind; sizeGiB: number } | { snapshotId: string; sizeGiB: number | null }
}

export interface CreationParts {
  db: Database
  provider: Pick<DiskProvider, 'name' | 'host' | 'place'>
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  now: Clock
  newId: NewId
}

/** Accepts a new disk, CREATING. */
export async function createDisk(
  { db, provider, announce, now, newId }: CreationParts,
  viewer: Viewer,
  input: CreateDisk,
): Promise<Disk> {
  checkName(input.name)
  const id = newId('Disk')
  const location = await provider.place(id)
  const { content, name, description, storageType, zone, tags, clientToken } = input
  const inputHash = hashOf('createDisk', content, name, description, storageType, zone, sorted(tags))
  const { accountId } = viewer
  const created = { id, createdAt: now() }
  const disk = await db.write((sql) =>
    once<Disk>(
      sql,
      viewer,
      { clientToken, inputHash },
      {
        ...created,
        *find(made) {
          return yield* sql.get('Disk', { id: made, accountId })
        },
        make() {
          const { name, host } = provider
          return admit(sql, viewer, { ...created, provider: name, host, location, newId }, input)
        },
      },
    ),
  )
  announce()
  return disk
}

/** Where a disk will be: on the host of its snapshot, if it is created from one. */
interface Place {
  provider: string
  host: string
  location: string
}

/** Inserts the disk, CREATING, unless a rule speaks against it. */
function* admit(
  sql: Sql,
  { accountId }: Viewer,
  {
    id,
    provider,
    host: here,
    location,
    createdAt,
    newId,
  }: Place & { id: string; createdAt: Date; newId: NewId },
  { content, name, description, storageType, zone, tags }: CreateDisk,
): Work<Disk> {
  const { host = here, kind, sizeBytes } = yield* sizeOf(sql, accountId, content)
  const disk = yield* sql.insert('Disk', {
    id,
    accountId,
    provider,
    host,
    location,
    name,
    description,
    kind,
    status: 'CREATING',
    provisioned: false,
    sizeBytes,
    storageType,
    zone,
    createdAt,
  })
  yield* insertDiskTags(sql, id, tags)
  const snapshotId = 'snapshotId' in content ? content.snapshotId : null
  const of = { accountId, diskId: id }
  const change = { ...of, action: 'CREATE_DISK' as const, at: createdAt, snapshotId }
  yield* insertJobs(sql, newId, [
    {
      change: { ...change, subjectId: id, subjectName: name },
      job: { diskId: id, host, kind: 'CREATE_DISK', snapshotId, sizeBytes },
    },
  ])
  yield* appendDiskTransitions(sql, { ...of, from: null, to: 'CREATING', reason: null, at: createdAt })
  return disk
}

function* sizeOf(
  sql: Sql,
  accountId: string,
  content: CreateDisk['content'],
): Work<Pick<Disk, 'kind' | 'sizeBytes'> & Partial<Pick<Disk, 'host'>>> {
  if ('kind' in content) {
    refuse(blankDiskRefusals(content.sizeGiB))
    return { kind: content.kind, sizeBytes: BigInt(content.sizeGiB * GIB) }
  }
  const { snapshotId, sizeGiB } = content
  // The account, because the clones of all its snapshots are counted.
  yield* sql.lock('Account', { id: accountId })
  const snapshot = yield* lockOwned(sql, 'Snapshot', { accountId }, snapshotId)
  const inProgress = { accountId, kind: 'CREATE_DISK', snapshotId: { not: null } } as const
  refuse(cloneRefusals(snapshot, yield* sql.count('Job', inProgress), sizeGiB ?? undefined))
  return {
    host: snapshot.host,
    kind: 'DATA',
    sizeBytes: sizeGiB === null ? snapshot.sizeBytes : BigInt(sizeGiB * GIB),
  }
}
