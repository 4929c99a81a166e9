import type { Prisma, Snapshot } from '../generated/prisma/client.ts'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { DiskNotFound, OtherSnapshotRefused, Refusal, SnapshotNotFound } from '../domain/refusals.ts'
import { consistencyOf, SNAPSHOT_STATUSES, snapshotRefusals, type SnapshotType } from '../domain/snapshot.ts'
import { expiry } from '../domain/snapshot-input.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../domain/snapshot-operation.ts'
import { appendTransitions } from '../transitions/log.ts'
import { checkItems, hashOf, itemToken, once, sorted, type Repeatable, type Tag } from './client-tokens.ts'
import type { Clock, NewId } from './clock.ts'
import { checkName, defined, refuse } from './checks.ts'
import { changeDisk } from './disk-status.ts'
import type { DiskService } from './disks.ts'
import { each } from './each.ts'
import { deleteSnapshots, isRead, isVerified } from './snapshot-deletion.ts'
import type { Viewer } from './viewer.ts'

interface NewSnapshot {
  diskId: string
  name: string
  description: string
  tags: readonly Tag[]
  /** Null keeps it for ever. */
  retentionDays: number | null
}

export interface CreateSnapshot extends NewSnapshot {
  /** Makes the call repeatable: the same token with the same input gives the same snapshot. */
  clientToken: string | null
}

export interface CreateSnapshots extends Omit<CreateSnapshot, 'diskId'> {
  /** Each once. */
  diskIds: readonly string[]
  /** All or none. */
  consistent: boolean
}

/** What is left out stays as it is. */
export interface UpdateSnapshot {
  snapshotId: string
  name?: string | undefined
  description?: string | undefined
  tags?: readonly Tag[] | undefined
  /** Null keeps it for ever. */
  retentionDays?: number | null | undefined
}

/** What became of one of several: the snapshot, or why it was refused. */
export type SnapshotOutcome = { id: string; snapshot: Snapshot } | { id: string; refusal: Refusal }

export type SnapshotService = ReturnType<typeof createSnapshotService>

/** How many that have expired are deleted in one transaction. */
const EXPIRY_BATCH = 100

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
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  now: Clock
  newId: NewId
}) {
  /**
   * Claims the disk, which is the status guard, the row lock and the one-at-a-time rule in one statement;
   * then counts, inserts and appends under that lock. Any refusal undoes all of it.
   */
  async function admit(
    tx: Transaction,
    accountId: string,
    type: SnapshotType,
    input: NewSnapshot,
  ): Promise<Snapshot> {
    const createdAt = now()
    let disk
    do {
      disk = await tx.disk.findUnique({ where: { id: input.diskId, accountId } })
      if (!disk) throw new DiskNotFound(input.diskId)
      // Where transactions overlap, the status may have changed since it was read: then it is read again.
    } while (
      SNAPSHOT_STATUSES[disk.kind].includes(disk.status) &&
      !(await changeDisk(tx, disk, { status: 'SNAPSHOTTING' }, { at: createdAt }))
    )
    let held = await tx.snapshot.count({
      where: {
        accountId,
        diskId: disk.id,
        type,
        status: { in: [...COUNTED_SNAPSHOT_STATUSES] },
        evicted: false,
      },
    })
    if (type === 'AUTOMATIC') held -= await evict(tx, disk.id, held + 1 - quota.AUTOMATIC, createdAt)
    const [refusal] = snapshotRefusals(disk, type, held, quota)
    if (refusal) throw refusal
    const snapshot = await tx.snapshot.create({
      data: {
        id: newId('Snapshot'),
        accountId,
        diskId: disk.id,
        diskKind: disk.kind,
        name: input.name,
        description: input.description,
        type,
        status: 'CREATING',
        sizeBytes: disk.sizeBytes,
        consistency: consistencyOf(disk.status),
        retentionDays: input.retentionDays,
        expiresAt: expiry(createdAt, input.retentionDays),
        createdAt,
      },
    })
    await tx.snapshotTag.createMany({ data: input.tags.map((tag) => ({ ...tag, snapshotId: snapshot.id })) })
    const of = { accountId, snapshotId: snapshot.id, diskId: disk.id }
    await tx.job.create({ data: { ...of, kind: 'COPY_SNAPSHOT', createdAt } })
    await appendTransitions(tx, { ...of, from: null, to: 'CREATING', reason: null, at: createdAt })
    return snapshot
  }

  /** Admits the snapshot, or gives the one that the same call has made before. */
  function admitOnce(tx: Transaction, viewer: Viewer, input: NewSnapshot, call: Repeatable) {
    return once(tx, viewer, call, {
      find: (id) => tx.snapshot.findUnique({ where: { id, accountId: viewer.accountId } }),
      make: () => admit(tx, viewer.accountId, 'MANUAL', input),
    })
  }

  /** Makes one for each in a single transaction, which is undone when one of them is refused. */
  async function allOrNone(
    ids: readonly string[],
    make: (tx: Transaction, id: string) => Promise<Snapshot>,
  ): Promise<SnapshotOutcome[]> {
    let outcomes: SnapshotOutcome[] = []
    try {
      await inTransaction(db, async (tx) => {
        outcomes = await outcomesOf(ids, (id) => make(tx, id))
        if (outcomes.some((outcome) => 'refusal' in outcome)) throw new OtherSnapshotRefused()
      })
      return outcomes
    } catch (refusal) {
      if (!(refusal instanceof OtherSnapshotRefused)) throw refusal
      return outcomes.map((outcome) => ('refusal' in outcome ? outcome : { id: outcome.id, refusal }))
    }
  }

  /** What the transaction does for one snapshot of the account, and what is announced when it is committed. */
  async function change(
    { accountId }: Viewer,
    id: string,
    work: (tx: Transaction, snapshot: Snapshot) => Promise<unknown>,
  ): Promise<Snapshot> {
    const changed = await inTransaction(db, async (tx) => {
      const snapshot = await tx.snapshot.findUnique({ where: { id, accountId } })
      if (!snapshot) throw new SnapshotNotFound(id)
      await work(tx, snapshot)
      return tx.snapshot.findUniqueOrThrow({ where: { id } })
    })
    announce()
    return changed
  }

  function remove(viewer: Viewer, snapshotId: string): Promise<Snapshot> {
    return change(viewer, snapshotId, async (tx, snapshot) => {
      refuse(deleteSnapshotRefusals(snapshot, await isRead(tx, snapshotId)))
      await deleteSnapshots(tx, [snapshot], { reason: () => null, at: now() })
    })
  }

  return {
    /**
     * Accepts an automatic snapshot of a disk inside a transaction, CREATING, or throws the refusal. Where the budget is
     * full the oldest make room, which is undone when the transaction is.
     */
    admitAutomatic: (
      tx: Transaction,
      accountId: string,
      input: Pick<NewSnapshot, 'diskId' | 'name' | 'retentionDays'>,
    ): Promise<Snapshot> => admit(tx, accountId, 'AUTOMATIC', { ...input, description: '', tags: [] }),

    /**
     * Accepts a manual snapshot of a disk, CREATING, or throws the refusal. What is returned is committed;
     * the copying is the runner's.
     */
    async create(viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> {
      checkName(input.name)
      await disks.lookAt(viewer, input.diskId)
      const { diskId, name, description, tags, retentionDays, clientToken } = input
      const call = { clientToken, inputHash: hashOf(diskId, name, description, sorted(tags), retentionDays) }
      const snapshot = await inTransaction(db, (tx) => admitOnce(tx, viewer, input, call))
      announce()
      return snapshot
    },

    /**
     * Accepts a manual snapshot of each disk, or says why not, disk by disk; when `consistent`, all of them in one
     * transaction or none.
     */
    async createMany(viewer: Viewer, input: CreateSnapshots): Promise<SnapshotOutcome[]> {
      checkName(input.name)
      await Promise.all(input.diskIds.map((diskId) => disks.lookAt(viewer, diskId)))
      const { diskIds, name, description, tags, retentionDays, clientToken, consistent } = input
      const inputHash = hashOf(
        'createSnapshots',
        diskIds.toSorted(),
        name,
        description,
        sorted(tags),
        retentionDays,
        consistent,
      )
      const call = { clientToken, inputHash }
      const admitItem = async (tx: Transaction, diskId: string) => {
        await checkItems(tx, viewer, call)
        const item = { clientToken: itemToken(clientToken, diskId), inputHash }
        return admitOnce(tx, viewer, { ...input, diskId }, item)
      }
      await inTransaction(db, (tx) => checkItems(tx, viewer, call))
      const outcomes = consistent
        ? await allOrNone(diskIds, admitItem)
        : await outcomesOf(diskIds, (diskId) => inTransaction(db, (tx) => admitItem(tx, diskId)))
      announce()
      return outcomes
    },

    /** Changes what is noted about a snapshot. Its retention counts from its creation. */
    async update(viewer: Viewer, { snapshotId, tags, ...input }: UpdateSnapshot): Promise<Snapshot> {
      if (input.name !== undefined) checkName(input.name)
      return change(viewer, snapshotId, async (tx, snapshot) => {
        refuse(updateSnapshotRefusals(snapshot))
        const { retentionDays } = input
        const expiresAt = retentionDays === undefined ? undefined : expiry(snapshot.createdAt, retentionDays)
        const data: Prisma.SnapshotUpdateInput = { ...defined(input), ...defined({ expiresAt }) }
        if (tags) data.tags = { deleteMany: {}, create: [...tags] }
        await tx.snapshot.update({ where: { id: snapshotId, accountId: viewer.accountId }, data })
      })
    },

    /** Accepts the deletion of a snapshot, DELETING, or throws the refusal; the removing is the runner's. */
    remove,

    /** The same for several, each by itself. */
    removeMany(viewer: Viewer, snapshotIds: readonly string[]): Promise<SnapshotOutcome[]> {
      return outcomesOf(snapshotIds, (id) => remove(viewer, id))
    },

    /** Accepts that a copy is read again and compared with its checksum, or throws the refusal. */
    verify(viewer: Viewer, snapshotId: string): Promise<Snapshot> {
      return change(viewer, snapshotId, async (tx, snapshot) => {
        refuse(verifySnapshotRefusals(snapshot, await isVerified(tx, snapshotId)))
        const { accountId, diskId } = snapshot
        await tx.job.create({
          data: { accountId, kind: 'VERIFY_SNAPSHOT', snapshotId, diskId, createdAt: now() },
        })
      })
    },

    /** Deletes what is past its retention, of all accounts; what cannot be deleted now, later. Returns how many. */
    async expire(): Promise<number> {
      let deleted = 0
      let last: Snapshot | undefined
      for (;;) {
        const at = now()
        const behind = last && [
          { expiresAt: { gt: last.expiresAt ?? at } },
          { expiresAt: last.expiresAt, id: { gt: last.id } },
        ]
        const { expired, end } = await inTransaction(db, async (tx) => {
          const due = await tx.snapshot.findMany({
            where: { expiresAt: { lte: at }, ...(behind && { OR: behind }) },
            orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
            take: EXPIRY_BATCH,
          })
          const expired: Snapshot[] = []
          for (const snapshot of due) {
            const refused = deleteSnapshotRefusals(snapshot, await isRead(tx, snapshot.id)).length > 0
            if (!refused) expired.push(snapshot)
          }
          await deleteSnapshots(tx, expired, { reason: expiredReason, at })
          return { expired: expired.length, end: due.length < EXPIRY_BATCH ? undefined : due.at(-1) }
        })
        deleted += expired
        if (expired > 0) announce()
        if (end === undefined) return deleted
        last = end
      }
    },
  }
}

/** Does it for each, one after the other, and says what became of each. */
async function outcomesOf(
  ids: readonly string[],
  make: (id: string) => Promise<Snapshot>,
): Promise<SnapshotOutcome[]> {
  const results = await each(ids, async (id) => ({ id, snapshot: await make(id) }))
  return results.map((result, at) =>
    result instanceof Refusal ? { id: ids[at] ?? '', refusal: result } : result,
  )
}

/**
 * Gives up the oldest automatic snapshots of a disk that are COMPLETED and that nothing reads, so many or as many as there
 * are, and returns how many. Never a manual one. Their places are free at once; their bytes go as with any deletion.
 */
async function evict(tx: Transaction, diskId: string, count: number, at: Date): Promise<number> {
  if (count <= 0) return 0
  const candidates = await tx.snapshot.findMany({
    where: { diskId, type: 'AUTOMATIC', status: 'COMPLETED' },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  })
  const evicted: Snapshot[] = []
  for (const candidate of candidates) {
    if (evicted.length === count) break
    if (!(await isRead(tx, candidate.id))) evicted.push(candidate)
  }
  await deleteSnapshots(tx, evicted, { reason: () => EVICTED, at })
  await tx.snapshot.updateMany({
    where: { id: { in: evicted.map(({ id }) => id) } },
    data: { evicted: true },
  })
  return evicted.length
}

const EVICTED = 'It was the oldest automatic snapshot of the disk, and made room for a new one.'

function expiredReason({ retentionDays, expiresAt }: Snapshot): string {
  const days = retentionDays === 1 ? '1 day' : `${retentionDays ?? 0} days`
  return `Its retention of ${days} ended at ${expiresAt?.toISOString() ?? ''}.`
}
