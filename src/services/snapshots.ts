import { createHash } from 'node:crypto'
import { Prisma, type Disk, type IdempotencyKey, type Snapshot } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Statements } from '../database/statements.ts'
import { brokenNameRules } from '../domain/name.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { ClientTokenReused, DiskNotFound, InvalidName } from '../domain/refusals.ts'
import { consistencyOf, snapshotRefusals } from '../domain/snapshot.ts'
import { expiry } from '../domain/snapshot-input.ts'
import { appendTransition } from '../transitions/log.ts'
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

const COUNTED = Prisma.join([...COUNTED_SNAPSHOT_STATUSES])

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
   * Claims the disk, counts, inserts and appends in a transaction in which nobody else writes: so what is read first still
   * holds when it is written. Any refusal undoes all of it.
   */
  function admit(sql: Statements, { accountId }: Viewer, input: CreateSnapshot): Snapshot {
    const disk = sql.get<Disk>(
      Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${input.diskId} AND "accountId" = ${accountId}`,
    )
    if (!disk) throw new DiskNotFound(input.diskId)
    const held = sql.get<{ number: number }>(
      Prisma.sql`SELECT count(*) AS "number" FROM "Snapshot"
        WHERE "diskId" = ${disk.id} AND "type" = 'MANUAL' AND "status" IN (${COUNTED})`,
    )
    const [refusal] = snapshotRefusals(disk, 'MANUAL', held?.number ?? 0, quota)
    if (refusal) throw refusal
    sql.run(Prisma.sql`UPDATE "Disk" SET "status" = 'SNAPSHOTTING' WHERE "id" = ${disk.id}`)
    const createdAt = now()
    const snapshot = sql.insert<Snapshot>('Snapshot', {
      id: newId('Snapshot'),
      accountId,
      diskId: disk.id,
      diskKind: disk.kind,
      name: input.name,
      description: input.description,
      type: 'MANUAL',
      status: 'CREATING',
      sizeBytes: disk.sizeBytes,
      consistency: consistencyOf(disk.status),
      retentionDays: input.retentionDays,
      expiresAt: expiry(createdAt, input.retentionDays),
      createdAt,
    })
    for (const { key, value } of input.tags) {
      sql.insert('SnapshotTag', { snapshotId: snapshot.id, key, value })
    }
    appendTransition(sql, {
      accountId,
      snapshotId: snapshot.id,
      diskId: disk.id,
      from: null,
      to: 'CREATING',
      reason: null,
      at: createdAt,
    })
    return snapshot
  }

  /** Admits the snapshot, or gives the one that the same token with the same input has made before. */
  function admitOnce(sql: Statements, viewer: Viewer, input: CreateSnapshot, inputHash: string): Snapshot {
    const { clientToken } = input
    if (clientToken === null) return admit(sql, viewer, input)
    const key = { accountId: viewer.accountId, clientToken }
    const earlier = sql.get<IdempotencyKey>(
      Prisma.sql`SELECT * FROM "IdempotencyKey" WHERE "accountId" = ${key.accountId} AND "clientToken" = ${clientToken}`,
    )
    if (!earlier) {
      const admitted = admit(sql, viewer, input)
      const { id: snapshotId, createdAt } = admitted
      sql.insert('IdempotencyKey', { ...key, inputHash, snapshotId, createdAt })
      return admitted
    }
    const made =
      earlier.inputHash === inputHash
        ? sql.get<Snapshot>(Prisma.sql`SELECT * FROM "Snapshot" WHERE "id" = ${earlier.snapshotId}`)
        : undefined
    if (!made) throw new ClientTokenReused()
    return made
  }

  return {
    /**
     * Accepts a manual snapshot of a disk, CREATING, or throws the refusal. What is returned is committed;
     * the copying is the runner's.
     */
    async create(viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> {
      const broken = brokenNameRules(input.name)
      if (broken.length > 0) throw new InvalidName(broken)
      await disks.lookAt(input.diskId)
      const inputHash = hashOf(input)
      const snapshot = await db.groupCommit.write((sql) => admitOnce(sql, viewer, input, inputHash))
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
