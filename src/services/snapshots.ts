import { createHash } from 'node:crypto'
import type { Prisma, Snapshot } from '../generated/prisma/client.ts'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { DISK_KINDS } from '../domain/disk.ts'
import { brokenNameRules } from '../domain/name.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { ClientTokenReused, DiskNotFound, InvalidName } from '../domain/refusals.ts'
import { consistencyOf, SNAPSHOT_STATUSES, snapshotRefusals } from '../domain/snapshot.ts'
import { expiry } from '../domain/snapshot-input.ts'
import { appendTransitions } from '../transitions/log.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskService } from './disks.ts'
import type { Viewer } from './viewer.ts'

export interface CreateSnapshot {
  diskId: string
  name: string
  description: string
  tags: readonly { key: string; value: string }[]
  /** Null keeps it for ever. */
  retentionDays: number | null
  /** Makes the call repeatable: the same token with the same input gives the same snapshot. */
  clientToken: string | null
}

export type SnapshotService = ReturnType<typeof createSnapshotService>

/** The disks that may be claimed for a snapshot, as the rule has it. */
const CLAIMABLE: Prisma.DiskWhereInput[] = DISK_KINDS.map((kind) => ({
  kind,
  status: { in: [...SNAPSHOT_STATUSES[kind]] },
}))

export function createSnapshotService({
  db,
  disks,
  quota,
  announce,
  now,
  newId,
}: {
  db: Database
  disks: DiskService
  quota: SnapshotQuota
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
  newId: NewId
}) {
  /**
   * Claims the disk, which is the status guard, the row lock and the one-at-a-time rule in one statement;
   * then counts, inserts and appends under that lock. Any refusal undoes all of it.
   */
  async function admit(tx: Transaction, viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> {
    const owned = { id: input.diskId, accountId: viewer.accountId }
    const disk = await tx.disk.findUnique({ where: owned })
    if (!disk) throw new DiskNotFound(input.diskId)
    const claim = await tx.disk.updateMany({
      where: { ...owned, OR: CLAIMABLE },
      data: { status: 'SNAPSHOTTING' },
    })
    // Where transactions overlap, the status may have changed since it was read: what refused is what is there now.
    const status =
      claim.count === 1 ? disk.status : (await tx.disk.findUniqueOrThrow({ where: owned })).status
    const held = await tx.snapshot.count({
      where: {
        accountId: viewer.accountId,
        diskId: disk.id,
        type: 'MANUAL',
        status: { in: [...COUNTED_SNAPSHOT_STATUSES] },
      },
    })
    const [refusal] = snapshotRefusals({ kind: disk.kind, status }, 'MANUAL', held, quota)
    if (refusal) throw refusal
    const createdAt = now()
    const snapshot = await tx.snapshot.create({
      data: {
        id: newId('Snapshot'),
        accountId: viewer.accountId,
        diskId: disk.id,
        diskKind: disk.kind,
        name: input.name,
        description: input.description,
        type: 'MANUAL',
        status: 'CREATING',
        sizeBytes: disk.sizeBytes,
        consistency: consistencyOf(status),
        retentionDays: input.retentionDays,
        expiresAt: expiry(createdAt, input.retentionDays),
        createdAt,
      },
    })
    await tx.snapshotTag.createMany({ data: input.tags.map((tag) => ({ ...tag, snapshotId: snapshot.id })) })
    await appendTransitions(tx, {
      accountId: viewer.accountId,
      snapshotId: snapshot.id,
      diskId: disk.id,
      from: null,
      to: 'CREATING',
      reason: null,
      at: createdAt,
    })
    return snapshot
  }

  return {
    /**
     * Accepts a manual snapshot of a disk, CREATING, or throws the refusal. What is returned is committed;
     * the copying is the runner's.
     */
    async create(viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> {
      const broken = brokenNameRules(input.name)
      if (broken.length > 0) throw new InvalidName(broken)
      await disks.lookAt(viewer, input.diskId)
      const inputHash = hashOf(input)
      const { clientToken } = input
      const snapshot = await inTransaction(db, async (tx) => {
        if (clientToken === null) return admit(tx, viewer, input)
        const key = { accountId: viewer.accountId, clientToken }
        const earlier = await tx.idempotencyKey.findUnique({ where: { accountId_clientToken: key } })
        if (earlier) {
          const same = earlier.inputHash === inputHash
          const owned = { id: earlier.snapshotId, accountId: viewer.accountId }
          const made = same ? await tx.snapshot.findUnique({ where: owned }) : null
          if (!made) throw new ClientTokenReused()
          return made
        }
        const admitted = await admit(tx, viewer, input)
        await tx.idempotencyKey.create({
          data: { ...key, inputHash, snapshotId: admitted.id, createdAt: admitted.createdAt },
        })
        return admitted
      })
      announce()
      return snapshot
    },
  }
}

/** A digest of everything in the input but the token, independent of the order of tags. */
function hashOf({ diskId, name, description, tags, retentionDays }: CreateSnapshot): string {
  const sorted = tags.map(({ key, value }) => [key, value]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([diskId, name, description, sorted, retentionDays]))
    .digest('hex')
}
