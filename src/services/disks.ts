import type { Disk } from '../generated/prisma/client.ts'
import type { NewRow } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import {
  attachRefusals,
  detachRefusals,
  releaseRefusals,
  resizeRefusals,
  rollBackRefusals,
  STATUS_DURING,
  updateDiskRefusals,
} from '../domain/disk-operation.ts'
import { renameDiskRefusals } from '../domain/offer.ts'
import type { Refusal } from '../domain/refusal.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { GIB } from '../domain/units.ts'
import { insertJobs, recordChange } from './activity.ts'
import type { Tag } from './client-tokens.ts'
import { createDisk, type CreateDisk, type CreationParts } from './disk-creation.ts'
import type { DiskLooks } from './disk-looks.ts'
import { registerDisk, type RegisterDisk, type RegistrationParts } from './disk-registration.ts'
import { changeDisk } from './disk-status.ts'
import { lockOwned } from './owned.ts'
import { checkName, refuse } from './refuse.ts'
import { isRead } from './snapshot-deletion.ts'
import { insertDiskTags } from './tags.ts'
import type { Viewer } from './viewer.ts'

/** What is left out stays as it is. */
export interface UpdateDisk {
  diskId: string
  name?: string | undefined
  description?: string | undefined
  tags?: readonly Tag[] | undefined
}

/** What operations on disks are begun with. */
type BeginningParts = Pick<CreationParts, 'db' | 'announce' | 'now' | 'newId'> & {
  looks: Pick<DiskLooks, 'lookAt'>
}

export type DiskService = ReturnType<typeof createDiskService>

/** What can be done with a disk. Each verb accepts the work or throws the refusal; the doing is the runner's. */
export function createDiskService(parts: CreationParts & RegistrationParts & BeginningParts) {
  const { db, now, newId } = parts
  return {
    register: (viewer: Pick<Viewer, 'accountId'>, input: RegisterDisk): Promise<Disk> =>
      registerDisk(parts, viewer, input),

    create: (viewer: Viewer, input: CreateDisk): Promise<Disk> => createDisk(parts, viewer, input),

    /** Changes the name, description or tags of a disk. */
    async update(viewer: Viewer, { diskId, tags, ...input }: UpdateDisk): Promise<Disk> {
      if (input.name !== undefined) checkName(input.name)
      return db.write(function* (sql) {
        const disk = yield* lockOwned(sql, 'Disk', viewer, diskId)
        const isRenamed = input.name !== undefined || input.description !== undefined
        refuse([...(isRenamed ? renameDiskRefusals(disk) : []), ...updateDiskRefusals(disk)])
        const { accountId } = viewer
        const change = { accountId, action: 'UPDATE_DISK' as const, at: now(), diskId }
        yield* recordChange(sql, newId, { ...change, subjectId: diskId, subjectName: disk.name })
        yield* sql.update('Disk', input, { id: diskId, accountId: viewer.accountId })
        if (tags) {
          yield* sql.delete('DiskTag', { diskId })
          yield* insertDiskTags(sql, diskId, tags)
        }
        return yield* lockOwned(sql, 'Disk', viewer, diskId)
      })
    },

    /** Accepts attaching an unmounted disk to an instance, ATTACHING. */
    attach: (
      viewer: Viewer,
      { diskId, ...job }: { diskId: string; instanceId: string; device: string | null },
    ): Promise<Disk> => begin(parts, viewer, diskId, 'ATTACH', { refusals: attachRefusals, job }),

    /** Accepts detaching a disk from its instance, DETACHING. */
    detach: (viewer: Viewer, { diskId }: { diskId: string }): Promise<Disk> =>
      begin(parts, viewer, diskId, 'DETACH', { refusals: detachRefusals }),

    /** Accepts enlarging a disk, SCALING. */
    resize: (viewer: Viewer, { diskId, sizeGiB }: { diskId: string; sizeGiB: number }): Promise<Disk> =>
      begin(parts, viewer, diskId, 'RESIZE', {
        refusals: (disk) => resizeRefusals(disk, sizeGiB),
        job: { sizeBytes: BigInt(sizeGiB * GIB) },
      }),

    /** Accepts rolling an unmounted disk back to one of its snapshots, ROLLING_BACK. */
    rollBack: (
      viewer: Viewer,
      { diskId, snapshotId }: { diskId: string; snapshotId: string },
    ): Promise<Disk> =>
      begin(parts, viewer, diskId, 'ROLL_BACK', {
        *also(sql, disk) {
          refuse(rollBackRefusals(disk, yield* lockOwned(sql, 'Snapshot', viewer, snapshotId)))
        },
        job: { snapshotId },
      }),

    /** Accepts the release of a disk, DELETING. Its snapshots are kept, or deleted with it. */
    release: (
      viewer: Viewer,
      { diskId, withSnapshots }: { diskId: string; withSnapshots: boolean },
    ): Promise<Disk> =>
      begin(parts, viewer, diskId, 'RELEASE', {
        refusals: releaseRefusals,
        *also(sql) {
          if (withSnapshots) refuse(yield* deleteAllRefusals(sql, diskId))
        },
        job: { deletesSnapshots: withSnapshots },
      }),
  }
}

/** Claims the disk for an operation, by its rule, and leaves the doing to the runner. */
async function begin(
  { db, looks, announce, now, newId }: BeginningParts,
  viewer: Viewer,
  diskId: string,
  operation: keyof typeof STATUS_DURING,
  {
    refusals = () => [],
    job = {},
    also,
  }: {
    refusals?: (disk: Disk) => readonly Refusal[]
    job?: Pick<NewRow<'Job'>, 'snapshotId' | 'instanceId' | 'device' | 'sizeBytes' | 'deletesSnapshots'>
    /** What else has to be asked or done while the disk is locked. */
    also?: (sql: Sql, disk: Disk) => Work<void>
  },
): Promise<Disk> {
  await looks.lookAt(viewer, diskId)
  const { accountId } = viewer
  const begun = await db.write(function* (sql) {
    const at = now()
    const disk = yield* lockOwned(sql, 'Disk', viewer, diskId)
    refuse(refusals(disk))
    if (also) yield* also(sql, disk)
    yield* changeDisk(sql, disk, { status: STATUS_DURING[operation] }, { at })
    const kind = `${operation}_DISK` as const
    const change = { accountId, action: kind, at, diskId, snapshotId: job.snapshotId ?? null }
    yield* insertJobs(sql, newId, [
      {
        change: { ...change, subjectId: diskId, subjectName: disk.name },
        job: { ...job, diskId, host: disk.host, kind },
      },
    ])
    return yield* lockOwned(sql, 'Disk', viewer, diskId)
  })
  announce()
  return begun
}

/** Why not all snapshots of a disk can be deleted now: that of the first which cannot. */
function* deleteAllRefusals(sql: Sql, diskId: string): Work<readonly Refusal[]> {
  const held = yield* sql.all(
    'Snapshot',
    { diskId, status: { not: 'DELETING' } },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  )
  for (const snapshot of held) {
    const refusals = deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshot.id))
    if (refusals.length > 0) return refusals
  }
  return []
}
