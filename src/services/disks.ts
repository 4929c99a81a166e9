import DataLoader from 'dataloader'
import type { Disk, Prisma } from '../generated/prisma/client.ts'
import { inTransaction, type Database } from '../database/database.ts'
import { OBSERVED_DISK_STATUSES, type DiskKind } from '../domain/disk.ts'
import { brokenNameRules } from '../domain/name.ts'
import {
  DiskAlreadyRegistered,
  DiskPathRefused,
  InvalidName,
  type DiskPathProblem,
} from '../domain/refusals.ts'
import type { DiskObservation, DiskProvider } from '../providers/provider.ts'
import type { Clock, NewId } from './clock.ts'
import type { Viewer } from './viewer.ts'

export interface RegisterDisk {
  path: string
  name: string
  description: string
  kind: DiskKind
  storageType: string
  zone: string
  /** The instance the disk is attached to, and as which device; null when it is not attached. */
  attachment: { instanceId: string; device: string | null } | null
}

export type DiskService = ReturnType<typeof createDiskService>

/** How many disks are looked at together. */
const LOOK_BATCH = 500

export function createDiskService({
  db,
  provider,
  locate,
  now,
  newId,
}: {
  db: Database
  provider: DiskProvider
  /** Where a path leads, if a disk may be registered from there. */
  locate: (
    path: string,
  ) => Promise<{ ok: true; location: string; sizeBytes: bigint } | { ok: false; code: DiskPathProblem }>
  now: Clock
  newId: NewId
}) {
  /** Asks the provider about these disks, and records what has changed about those whose status follows from it. */
  async function look(disks: readonly Disk[]): Promise<void> {
    if (disks.length === 0) return
    const seen = await provider.observe(disks)
    for (const disk of disks) {
      const observation = seen.get(disk.id)
      if (observation === undefined || agrees(disk, observation)) continue
      await db.disk.updateMany({
        // Not if it has been claimed for a snapshot meanwhile.
        where: { id: disk.id, status: { in: [...OBSERVED_DISK_STATUSES] } },
        data: observed(observation),
      })
    }
  }

  const observable = { provider: provider.name, status: { in: [...OBSERVED_DISK_STATUSES] } }

  // A look costs the same for one disk as for many, so those asked for while one is under way share the next:
  // no caller is answered by a look that began before its call.
  let looked: Promise<unknown> = Promise.resolve()
  const looks = new DataLoader<{ accountId: string; id: string }, undefined>(
    async (wanted) => {
      const byAccount = Map.groupBy(wanted, ({ accountId }) => accountId)
      const owned = [...byAccount].map(([accountId, disks]) => ({
        accountId,
        id: { in: [...new Set(disks.map(({ id }) => id))] },
      }))
      const looking = db.disk.findMany({ where: { OR: owned, ...observable } }).then(look)
      looked = looking.catch(() => undefined)
      await looking
      return wanted.map(() => undefined)
    },
    { cache: false, maxBatchSize: LOOK_BATCH, batchScheduleFn: (dispatch) => void looked.then(dispatch) },
  )

  return {
    /** Registers an image file or block device as a disk; refused when the path, the name or the disk is not fit for it. */
    async register(viewer: Pick<Viewer, 'accountId'>, input: RegisterDisk): Promise<Disk> {
      const broken = brokenNameRules(input.name)
      if (broken.length > 0) throw new InvalidName(broken)
      const found = await locate(input.path)
      if (!found.ok) throw new DiskPathRefused(found.code)
      const id = newId('Disk')
      const instanceId = input.attachment?.instanceId ?? null
      const reference = { id, kind: input.kind, location: found.location, instanceId }
      const observation = (await provider.observe([reference])).get(id)
      return inTransaction(db, async (tx) => {
        const where = { provider: provider.name, location: found.location }
        if ((await tx.disk.count({ where })) > 0) throw new DiskAlreadyRegistered()
        return tx.disk.create({
          data: {
            ...reference,
            accountId: viewer.accountId,
            provider: provider.name,
            name: input.name,
            description: input.description,
            status: observation?.status ?? 'UNKNOWN',
            statusReason: observation?.statusReason ?? null,
            sizeBytes: found.sizeBytes,
            storageType: input.storageType,
            zone: input.zone,
            device: input.attachment?.device ?? null,
            createdAt: now(),
          },
        })
      })
    },

    /** Looks at one disk of the viewer, if there is one, so that what follows decides by its present status. */
    async lookAt({ accountId }: Viewer, diskId: string): Promise<void> {
      await looks.load({ accountId, id: diskId })
    },

    /** Looks at every disk whose status follows from what the provider sees. */
    async lookAtAll(): Promise<void> {
      let last = ''
      for (;;) {
        const disks = await db.disk.findMany({
          where: { id: { gt: last }, ...observable },
          orderBy: { id: 'asc' },
          take: LOOK_BATCH,
        })
        await look(disks)
        const end = disks.at(-1)
        if (end === undefined || disks.length < LOOK_BATCH) return
        last = end.id
      }
    },
  }
}

function agrees(disk: Disk, { status, statusReason, sizeBytes }: DiskObservation): boolean {
  return (
    disk.status === status &&
    disk.statusReason === statusReason &&
    (sizeBytes === null || sizeBytes === disk.sizeBytes)
  )
}

/** What an observation says, as columns; the size stays as it was while it cannot be known. */
export function observed({
  status,
  statusReason,
  sizeBytes,
}: DiskObservation): Prisma.DiskUpdateManyMutationInput {
  return { status, statusReason, ...(sizeBytes !== null && { sizeBytes }) }
}
