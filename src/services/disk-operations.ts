import type { Disk } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { NewRow } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import {
  attachRefusals,
  blankDiskRefusals,
  cloneRefusals,
  detachRefusals,
  releaseRefusals,
  resizeRefusals,
  rollBackRefusals,
  STATUS_DURING,
  updateDiskRefusals,
} from '../domain/disk-operation.ts'
import type { DiskKind } from '../domain/disk.ts'
import type { JobKind } from '../domain/job.ts'
import type { Refusal } from '../domain/refusal.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { GIB } from '../domain/units.ts'
import type { DiskProvider } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import { checkName, refuse } from './refuse.ts'
import { hashOf, once, sorted, type Tag } from './client-tokens.ts'
import type { Clock, NewId } from './clock.ts'
import { changeDisk } from './disk-status.ts'
import type { DiskService } from './disks.ts'
import { lockOwned } from './owned.ts'
import { deleteSnapshots, isRead } from './snapshot-deletion.ts'
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

/** What is left out stays as it is. */
export interface UpdateDisk {
  diskId: string
  name?: string | undefined
  description?: string | undefined
  tags?: readonly Tag[] | undefined
}

export type DiskOperationService = ReturnType<typeof createDiskOperationService>

/** What can be done with a disk. Each verb accepts the work or throws the refusal; the doing is the runner's. */
export function createDiskOperationService({
  db,
  provider,
  disks,
  announce,
  now,
  newId,
}: {
  db: Database
  provider: DiskProvider
  disks: DiskService
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  now: Clock
  newId: NewId
}) {
  /** Claims the disk for an operation, by its rule, and leaves the doing to the runner. */
  async function begin(
    viewer: Viewer,
    diskId: string,
    operation: keyof typeof STATUS_DURING,
    {
      refusals = () => [],
      job = {},
      also,
    }: {
      refusals?: (disk: Disk) => readonly Refusal[]
      job?: Pick<NewRow<'Job'>, 'snapshotId' | 'instanceId' | 'device' | 'sizeBytes'>
      /** What else has to be asked or done while the disk is locked. */
      also?: (sql: Sql, disk: Disk) => Work<void>
    },
  ): Promise<Disk> {
    await disks.lookAt(viewer, diskId)
    const { accountId } = viewer
    const begun = await db.write(function* (sql) {
      const at = now()
      const disk = yield* lockOwned(sql, 'Disk', viewer, diskId)
      refuse(refusals(disk))
      if (also) yield* also(sql, disk)
      yield* changeDisk(sql, disk, { status: STATUS_DURING[operation] }, { at })
      const kind: JobKind = `${operation}_DISK`
      yield* sql.insert('Job', { ...job, accountId, diskId, kind, createdAt: at })
      return yield* lockOwned(sql, 'Disk', viewer, diskId)
    })
    announce()
    return begun
  }

  /** Inserts the disk, CREATING, unless a rule speaks against it. */
  function* admit(
    sql: Sql,
    { accountId }: Viewer,
    { id, location, createdAt }: { id: string; location: string; createdAt: Date },
    { content, name, description, storageType, zone, tags }: CreateDisk,
  ): Work<Disk> {
    const { kind, sizeBytes } = yield* sizeOf(sql, accountId, content)
    const disk = yield* sql.insert('Disk', {
      id,
      accountId,
      provider: provider.name,
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
    yield* insertTags(sql, id, tags)
    const snapshotId = 'snapshotId' in content ? content.snapshotId : null
    const of = { accountId, diskId: id }
    yield* sql.insert('Job', { ...of, kind: 'CREATE_DISK', snapshotId, sizeBytes, createdAt })
    yield* appendDiskTransitions(sql, { ...of, from: null, to: 'CREATING', reason: null, at: createdAt })
    return disk
  }

  function* sizeOf(
    sql: Sql,
    accountId: string,
    content: CreateDisk['content'],
  ): Work<Pick<Disk, 'kind' | 'sizeBytes'>> {
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
    return { kind: 'DATA', sizeBytes: sizeGiB === null ? snapshot.sizeBytes : BigInt(sizeGiB * GIB) }
  }

  return {
    /** Accepts a new disk, CREATING. */
    async create(viewer: Viewer, input: CreateDisk): Promise<Disk> {
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
            make: () => admit(sql, viewer, { ...created, location }, input),
          },
        ),
      )
      announce()
      return disk
    },

    /** Changes what is noted about a disk. */
    async update(viewer: Viewer, { diskId, tags, ...input }: UpdateDisk): Promise<Disk> {
      if (input.name !== undefined) checkName(input.name)
      return db.write(function* (sql) {
        refuse(updateDiskRefusals(yield* lockOwned(sql, 'Disk', viewer, diskId)))
        yield* sql.update('Disk', input, { id: diskId, accountId: viewer.accountId })
        if (tags) {
          yield* sql.delete('DiskTag', { diskId })
          yield* insertTags(sql, diskId, tags)
        }
        return yield* lockOwned(sql, 'Disk', viewer, diskId)
      })
    },

    /** Accepts that a free disk is attached to an instance, ATTACHING. */
    attach: (
      viewer: Viewer,
      { diskId, ...job }: { diskId: string; instanceId: string; device: string | null },
    ): Promise<Disk> => begin(viewer, diskId, 'ATTACH', { refusals: attachRefusals, job }),

    /** Accepts that a disk is detached from its instance, DETACHING. */
    detach: (viewer: Viewer, { diskId }: { diskId: string }): Promise<Disk> =>
      begin(viewer, diskId, 'DETACH', { refusals: detachRefusals }),

    /** Accepts that a disk is made larger, SCALING. */
    resize: (viewer: Viewer, { diskId, sizeGiB }: { diskId: string; sizeGiB: number }): Promise<Disk> =>
      begin(viewer, diskId, 'RESIZE', {
        refusals: (disk) => resizeRefusals(disk, sizeGiB),
        job: { sizeBytes: BigInt(sizeGiB * GIB) },
      }),

    /** Accepts that a free disk gets the content of one of its snapshots, ROLLING_BACK. */
    rollBack: (
      viewer: Viewer,
      { diskId, snapshotId }: { diskId: string; snapshotId: string },
    ): Promise<Disk> =>
      begin(viewer, diskId, 'ROLL_BACK', {
        *also(sql, disk) {
          refuse(rollBackRefusals(disk, yield* lockOwned(sql, 'Snapshot', viewer, snapshotId)))
        },
        job: { snapshotId },
      }),

    /** Accepts that a disk is given up, DELETING; its snapshots stay, without it, or are deleted with it. */
    release: (
      viewer: Viewer,
      { diskId, withSnapshots }: { diskId: string; withSnapshots: boolean },
    ): Promise<Disk> =>
      begin(viewer, diskId, 'RELEASE', {
        refusals: releaseRefusals,
        *also(sql) {
          if (!withSnapshots) return
          const held = yield* sql.lockAll(
            'Snapshot',
            { diskId, status: { not: 'DELETING' } },
            { orderBy: { createdAt: 'asc', id: 'asc' } },
          )
          for (const snapshot of held) {
            refuse(deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshot.id)))
          }
          yield* deleteSnapshots(sql, held, { reason: () => 'Its disk was released.', at: now() })
        },
      }),
  }
}

function* insertTags(sql: Sql, diskId: string, tags: readonly Tag[]): Work<void> {
  yield* sql.insertAll(
    'DiskTag',
    tags.map(({ key, value }) => ({ diskId, key, value })),
  )
}
