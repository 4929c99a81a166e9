import { Prisma, type Disk, type Snapshot } from '../generated/prisma/client.ts'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
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
import { SnapshotNotFound } from '../domain/refusals.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import type { DiskProvider } from '../providers/provider.ts'
import { appendDiskTransitions } from '../transitions/append.ts'
import { checkName, defined, refuse } from './checks.ts'
import { hashOf, once, sorted, type Tag } from './client-tokens.ts'
import type { Clock, NewId } from './clock.ts'
import { claimDisk } from './disk-status.ts'
import type { DiskService } from './disks.ts'
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

const GIB = 1024n ** 3n

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
      refusals,
      job = {},
      also,
    }: {
      refusals: (disk: Disk, tx: Transaction) => Refusal[] | Promise<Refusal[]>
      job?: Pick<Prisma.JobUncheckedCreateInput, 'snapshotId' | 'instanceId' | 'device' | 'sizeBytes'>
      also?: (tx: Transaction) => void
    },
  ): Promise<Disk> {
    await disks.lookAt(viewer, diskId)
    const { accountId } = viewer
    const disk = await inTransaction(db, async (tx) => {
      const at = now()
      await claimDisk(tx, viewer, diskId, {
        refusals: (found) => refusals(found, tx),
        status: STATUS_DURING[operation],
        at,
      })
      also?.(tx)
      const kind: JobKind = `${operation}_DISK`
      await tx.job.create({ data: { ...job, accountId, diskId, kind, createdAt: at } })
      return tx.disk.findUniqueOrThrow({ where: { id: diskId } })
    })
    announce()
    return disk
  }

  /** Inserts the disk, CREATING, unless a rule speaks against it. */
  function admit(
    tx: SqlTransaction,
    { accountId }: Viewer,
    { id, location }: { id: string; location: string },
    { content, name, description, storageType, zone, tags }: CreateDisk,
  ): Disk {
    const { sql } = tx
    const createdAt = now()
    const { kind, sizeBytes } = sizeOf(tx, accountId, content)
    const disk = sql.insert<Disk>('Disk', {
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
    for (const { key, value } of tags) sql.insert('DiskTag', { diskId: id, key, value })
    const snapshotId = 'snapshotId' in content ? content.snapshotId : null
    sql.insert('Job', { accountId, kind: 'CREATE_DISK', diskId: id, snapshotId, sizeBytes, createdAt })
    const of = { accountId, diskId: id }
    appendDiskTransitions(tx, { ...of, from: null, to: 'CREATING', reason: null, at: createdAt })
    return disk
  }

  function sizeOf(
    { sql }: SqlTransaction,
    accountId: string,
    content: CreateDisk['content'],
  ): Pick<Disk, 'kind' | 'sizeBytes'> {
    if ('kind' in content) {
      refuse(blankDiskRefusals(content.sizeGiB))
      return { kind: content.kind, sizeBytes: BigInt(content.sizeGiB) * GIB }
    }
    const { snapshotId, sizeGiB } = content
    const snapshot = sql.get<Snapshot>(
      Prisma.sql`SELECT * FROM "Snapshot" WHERE "id" = ${snapshotId} AND "accountId" = ${accountId}`,
    )
    if (!snapshot) throw new SnapshotNotFound(snapshotId)
    const underWay = sql.all(
      Prisma.sql`SELECT 1 FROM "Job"
        WHERE "accountId" = ${accountId} AND "kind" = 'CREATE_DISK' AND "snapshotId" IS NOT NULL`,
    )
    refuse(cloneRefusals(snapshot, underWay.length, sizeGiB ?? undefined))
    return { kind: 'DATA', sizeBytes: sizeGiB === null ? snapshot.sizeBytes : BigInt(sizeGiB) * GIB }
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
      const disk = await db.groupCommit.write((tx) =>
        once(
          tx,
          viewer,
          { clientToken, inputHash },
          {
            find: (made) =>
              tx.sql.get<Disk>(
                Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${made} AND "accountId" = ${accountId}`,
              ),
            make: () => admit(tx, viewer, { id, location }, input),
          },
        ),
      )
      announce()
      return disk
    },

    /** Changes what is noted about a disk. */
    async update(viewer: Viewer, { diskId, tags, ...input }: UpdateDisk): Promise<Disk> {
      if (input.name !== undefined) checkName(input.name)
      return inTransaction(db, async (tx) => {
        await claimDisk(tx, viewer, diskId, { refusals: updateDiskRefusals, at: now() })
        const data: Prisma.DiskUpdateInput = defined(input)
        if (tags) data.tags = { deleteMany: {}, create: [...tags] }
        return tx.disk.update({ where: { id: diskId, accountId: viewer.accountId }, data })
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
        job: { sizeBytes: BigInt(sizeGiB) * GIB },
      }),

    /** Accepts that a free disk gets the content of one of its snapshots, ROLLING_BACK. */
    rollBack: (
      viewer: Viewer,
      { diskId, snapshotId }: { diskId: string; snapshotId: string },
    ): Promise<Disk> =>
      begin(viewer, diskId, 'ROLL_BACK', {
        async refusals(disk, tx) {
          const { accountId } = viewer
          const snapshot = await tx.snapshot.findUnique({ where: { id: snapshotId, accountId } })
          return snapshot ? rollBackRefusals(disk, snapshot) : [new SnapshotNotFound(snapshotId)]
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
        also(tx) {
          if (!withSnapshots) return
          const held = tx.sql.all<Snapshot>(
            Prisma.sql`SELECT * FROM "Snapshot" WHERE "diskId" = ${diskId} AND "status" <> 'DELETING'
              ORDER BY "createdAt", "id"`,
          )
          for (const snapshot of held) {
            refuse(deleteSnapshotRefusals(snapshot, isRead(tx, snapshot.id)))
          }
          deleteSnapshots(tx, held, { reason: () => 'Its disk was released.', at: now() })
        },
      }),
  }
}
