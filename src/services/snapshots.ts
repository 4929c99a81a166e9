import { Prisma, type Disk, type Snapshot } from '../generated/prisma/client.ts'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import type { SqlTransaction } from '../database/group-commit.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { Refusal } from '../domain/refusal.ts'
import { DiskNotFound, OtherSnapshotRefused, SnapshotNotFound } from '../domain/refusals.ts'
import { consistencyOf, snapshotRefusals } from '../domain/create-snapshot.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { expiry } from '../domain/retention.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../domain/snapshot-operation.ts'
import { appendTransitions } from '../transitions/append.ts'
import type { Capture } from './capture.ts'
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
  /** Null keeps it forever. */
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
  /** Null keeps it forever. */
  retentionDays?: number | null | undefined
}

/** What became of one of several: the snapshot, or why it was refused. */
export type SnapshotOutcome = { id: string; snapshot: Snapshot } | { id: string; refusal: Refusal }

export type SnapshotService = ReturnType<typeof createSnapshotService>

const DAY_MS = 86_400_000

/** How many that have expired are deleted in one transaction. */
const EXPIRY_BATCH = 100

export function createSnapshotService({
  db,
  disks,
  quota,
  announce,
  capture,
  now,
  newId,
}: {
  db: Database
  disks: DiskService
  quota: SnapshotQuota
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  capture: Capture
  now: Clock
  newId: NewId
}) {
  /**
   * Claims the disk, counts, inserts and appends in a transaction in which nobody else writes: so what is read first still
   * holds when it is written. Any refusal undoes all of it.
   */
  function admit(tx: SqlTransaction, accountId: string, type: SnapshotType, input: NewSnapshot): Snapshot {
    const { sql } = tx
    const createdAt = now()
    const disk = sql.get<Disk>(
      Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${input.diskId} AND "accountId" = ${accountId}`,
    )
    if (!disk) throw new DiskNotFound(input.diskId)
    let held = heldBy(tx, disk, type)
    if (type === 'AUTOMATIC') held -= evict(tx, disk.id, held + 1 - quota.AUTOMATIC, createdAt)
    refuse(snapshotRefusals(disk, type, held, quota))
    changeDisk(tx, disk, { status: 'SNAPSHOTTING' }, { at: createdAt })
    const snapshot = sql.insert<Snapshot>('Snapshot', {
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
    })
    const { id: snapshotId } = snapshot
    for (const { key, value } of input.tags) sql.insert('SnapshotTag', { snapshotId, key, value })
    const of = { accountId, snapshotId, diskId: disk.id }
    sql.insert('Job', { ...of, kind: 'COPY_SNAPSHOT', createdAt })
    appendTransitions(tx, { ...of, from: null, to: 'CREATING', reason: null, at: createdAt })
    return snapshot
  }

  /** Admits the snapshot, noted in `made`, or gives the one that the same call has made before. */
  function admitOnce(
    tx: SqlTransaction,
    viewer: Viewer,
    input: NewSnapshot,
    call: Repeatable,
    made: Set<string>,
  ): Snapshot {
    const { accountId } = viewer
    return once(tx, viewer, call, {
      find: (id) =>
        tx.sql.get<Snapshot>(
          Prisma.sql`SELECT * FROM "Snapshot" WHERE "id" = ${id} AND "accountId" = ${accountId}`,
        ),
      make() {
        const snapshot = admit(tx, accountId, 'MANUAL', input)
        made.add(snapshot.id)
        return snapshot
      },
    })
  }

  /**
   * Makes one for each in a single transaction, which is undone when one of them is refused. A repeated call makes none: what
   * it made before stays, though some of it was deleted since.
   */
  async function allOrNone(
    ids: readonly string[],
    make: (tx: SqlTransaction, id: string) => Snapshot,
    made: ReadonlySet<string>,
  ): Promise<SnapshotOutcome[]> {
    let outcomes: SnapshotOutcome[] = []
    try {
      await db.groupCommit.write((tx) => {
        outcomes = ids.map((id) => outcomeOf(id, () => make(tx, id)))
        const isUndone = made.size > 0 && outcomes.some((outcome) => 'refusal' in outcome)
        if (isUndone) throw new OtherSnapshotRefused()
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
      refuse(deleteSnapshotRefusals(snapshot, isRead(tx, snapshotId)))
      deleteSnapshots(tx, [snapshot], { reason: () => null, at: now() })
    })
  }

  return {
    capture,

    /**
     * Accepts an automatic snapshot of a disk inside a transaction, CREATING, or throws the refusal. Where the budget is
     * full the oldest make room, which is undone when the transaction is.
     */
    admitAutomatic: (
      tx: SqlTransaction,
      accountId: string,
      input: Pick<NewSnapshot, 'diskId' | 'name' | 'retentionDays'>,
    ): Snapshot => admit(tx, accountId, 'AUTOMATIC', { ...input, description: '', tags: [] }),

    /**
     * Accepts a manual snapshot of a disk, CREATING, or throws the refusal. What is returned is committed;
     * the copying is the runner's.
     */
    async create(viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> {
      checkName(input.name)
      await disks.lookAt(viewer, input.diskId)
      const { diskId, name, description, tags, retentionDays, clientToken } = input
      const call = { clientToken, inputHash: hashOf(diskId, name, description, sorted(tags), retentionDays) }
      const made = new Set<string>()
      const snapshot = await db.groupCommit.write((tx) => admitOnce(tx, viewer, input, call, made))
      if (made.has(snapshot.id)) await capture(snapshot)
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
      const made = new Set<string>()
      const admitItem = (tx: SqlTransaction, diskId: string) => {
        checkItems(tx, viewer, call)
        const item = { clientToken: itemToken(clientToken, diskId), inputHash }
        return admitOnce(tx, viewer, { ...input, diskId }, item, made)
      }
      await db.groupCommit.write((tx) => checkItems(tx, viewer, call))
      const outcomes = consistent
        ? await allOrNone(diskIds, admitItem, made)
        : await Promise.all(
            diskIds.map((id) => outcomesOf([id], () => db.groupCommit.write((tx) => admitItem(tx, id)))),
          )
      const accepted = outcomes.flat().flatMap((one) => ('snapshot' in one ? [one.snapshot] : []))
      await Promise.all(accepted.filter(({ id }) => made.has(id)).map(capture))
      announce()
      return outcomes.flat()
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
        refuse(verifySnapshotRefusals(snapshot, isVerified(tx, snapshotId)))
        const { accountId, diskId } = snapshot
        await tx.job.create({
          data: { accountId, kind: 'VERIFY_SNAPSHOT', snapshotId, diskId, createdAt: now() },
        })
      })
    },

    /**
     * Deletes what is past its retention, of all accounts; what cannot be deleted now, later. Returns how many. One that
     * fails holds up no other; in the end this rejects with what failed.
     */
    async expire(signal?: AbortSignal): Promise<number> {
      let deleted = 0
      let last: Pick<Snapshot, 'id' | 'expiresAt'> | undefined
      const failures: unknown[] = []
      while (!signal?.aborted) {
        const at = now()
        const behind = last && [
          { expiresAt: { gt: last.expiresAt ?? at } },
          { expiresAt: last.expiresAt, id: { gt: last.id } },
        ]
        const due = await db.snapshot.findMany({
          where: { expiresAt: { lte: at }, ...(behind && { OR: behind }) },
          orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
          take: EXPIRY_BATCH,
          select: { id: true, expiresAt: true },
        })
        const results = await Promise.allSettled(
          due.map(({ id }) => db.groupCommit.write((tx) => expireOne(tx, id, at))),
        )
        const count = results.filter((result) => result.status === 'fulfilled' && result.value).length
        for (const result of results) if (result.status === 'rejected') failures.push(result.reason)
        deleted += count
        if (count > 0) announce()
        if (due.length < EXPIRY_BATCH) break
        last = due.at(-1)
      }
      if (failures.length > 0) throw new AggregateError(failures, 'Some snapshots could not be deleted.')
      return deleted
    },
  }
}

/** Deletes a snapshot if it still is past its retention and may be deleted; whether it did. */
function expireOne(tx: SqlTransaction, id: string, at: Date): boolean {
  const snapshot = tx.sql.get<Snapshot>(
    Prisma.sql`SELECT * FROM "Snapshot" WHERE "id" = ${id} AND "expiresAt" <= ${at}`,
  )
  if (!snapshot || deleteSnapshotRefusals(snapshot, isRead(tx, id)).length > 0) return false
  if (wasKeptLately(tx, id, at)) return false
  deleteSnapshots(tx, [snapshot], { reason: expiredReason, at })
  return true
}

/** Whether a deletion of the snapshot was taken back within the last day: because of the storage, or on request. */
function wasKeptLately({ sql }: SqlTransaction, snapshotId: string, at: Date): boolean {
  const kept = sql.get(
    Prisma.sql`SELECT 1 FROM "SnapshotTransition" WHERE "snapshotId" = ${snapshotId} AND "from" = 'DELETING'
      AND "at" > ${new Date(at.getTime() - DAY_MS)}`,
  )
  return kept !== undefined
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

function outcomeOf(id: string, make: () => Snapshot): SnapshotOutcome {
  try {
    return { id, snapshot: make() }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return { id, refusal }
  }
}

/**
 * Gives up the oldest automatic snapshots of a disk that are COMPLETED and that nothing reads, so many or as many as there
 * are, and returns how many. Never a manual one. Their places are free at once; their bytes go as with any deletion.
 */
function evict(tx: SqlTransaction, diskId: string, count: number, at: Date): number {
  if (count <= 0) return 0
  const candidates = tx.sql.all<Snapshot>(
    Prisma.sql`SELECT * FROM "Snapshot" WHERE "diskId" = ${diskId} AND "type" = 'AUTOMATIC' AND "status" = 'COMPLETED'
      ORDER BY "createdAt", "id"`,
  )
  const evicted = candidates.filter(({ id }) => !isRead(tx, id)).slice(0, count)
  deleteSnapshots(tx, evicted, { reason: () => EVICTED, at })
  for (const { id } of evicted) tx.sql.update('Snapshot', { evicted: true }, Prisma.sql`"id" = ${id}`)
  return evicted.length
}

/** How many snapshots of a type count against the quota of a disk. */
function heldBy({ sql }: SqlTransaction, { id, accountId }: Disk, type: SnapshotType): number {
  const held = sql.get<{ number: number | null }>(
    Prisma.sql`SELECT sum("count") AS "number" FROM "SnapshotCount" WHERE "accountId" = ${accountId}
      AND "diskId" = ${id} AND "type" = ${type} AND "status" IN (${COUNTED}) AND NOT "evicted"`,
  )
  return held?.number ?? 0
}

const COUNTED = Prisma.join([...COUNTED_SNAPSHOT_STATUSES])

const EVICTED = 'It was the oldest automatic snapshot of the disk, and made room for a new one.'

function expiredReason({ retentionDays, expiresAt }: Snapshot): string {
  const days = retentionDays === 1 ? '1 day' : `${retentionDays ?? 0} days`
  return `Its retention of ${days} ended at ${expiresAt?.toISOString() ?? ''}.`
}
