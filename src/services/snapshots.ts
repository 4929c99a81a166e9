import type { Snapshot } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Changes } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { Refusal } from '../domain/refusal.ts'
import { OtherSnapshotRefused } from '../domain/refusals.ts'
import { consistencyOf, snapshotRefusals } from '../domain/create-snapshot.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { expiry } from '../domain/retention.ts'
import { DAY_MS } from '../domain/units.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../domain/snapshot-operation.ts'
import { appendTransitions } from '../transitions/append.ts'
import type { Capture } from './capture.ts'
import { checkItems, hashOf, itemToken, once, sorted, type Repeatable, type Tag } from './client-tokens.ts'
import type { Clock, NewId } from './clock.ts'
import { checkName, each, refuse } from './refuse.ts'
import { changeDisk } from './disk-status.ts'
import type { DiskService } from './disks.ts'
import { lockOwned } from './owned.ts'
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

/** The outcome for one of several disks: the snapshot, or why it was refused. */
export type SnapshotOutcome = { id: string; snapshot: Snapshot } | { id: string; refusal: Refusal }

export type SnapshotService = ReturnType<typeof createSnapshotService>

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
   * Locks the disk, counts, inserts and appends in one transaction, so that what is read first still holds when it is written.
   * Any refusal undoes all of it.
   */
  function* admit(
    sql: Sql,
    { accountId }: Pick<Viewer, 'accountId'>,
    type: SnapshotType,
    { diskId, tags, ...input }: NewSnapshot & { id: string; createdAt: Date },
  ): Work<Snapshot> {
    const { createdAt } = input
    const [disk, counted] = yield* sql.together(
      lockOwned(sql, 'Disk', { accountId }, diskId),
      heldBy(sql, { accountId, diskId, type }),
    )
    let held = counted
    if (type === 'AUTOMATIC') held -= yield* evict(sql, diskId, held + 1 - quota.AUTOMATIC, createdAt)
    refuse(snapshotRefusals(disk, type, held, quota))
    yield* changeDisk(sql, disk, { status: 'SNAPSHOTTING' }, { at: createdAt })
    const snapshot = yield* sql.insert('Snapshot', {
      id: input.id,
      accountId,
      diskId,
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
    const of = { accountId, snapshotId: input.id, diskId }
    yield* insertTags(sql, input.id, tags)
    yield* sql.insert('Job', { ...of, kind: 'COPY_SNAPSHOT', createdAt })
    const step = { from: null, to: 'CREATING' as const, reason: null, at: createdAt }
    yield* appendTransitions(sql, { ...of, snapshotName: input.name, ...step })
    return snapshot
  }

  /** Admits the snapshot, noted in `made`, or gives the one that the same call has made before. */
  function* admitOnce(
    sql: Sql,
    viewer: Viewer,
    input: NewSnapshot,
    call: Repeatable,
    made: Set<string>,
  ): Work<Snapshot> {
    const { accountId } = viewer
    const own = { id: newId('Snapshot'), createdAt: now() }
    return yield* once<Snapshot>(sql, viewer, call, {
      ...own,
      *find(id) {
        return yield* sql.get('Snapshot', { id, accountId })
      },
      *make() {
        const snapshot = yield* admit(sql, viewer, 'MANUAL', { ...input, ...own })
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
    make: (sql: Sql, id: string) => Work<Snapshot>,
    made: Set<string>,
  ): Promise<SnapshotOutcome[]> {
    let outcomes: SnapshotOutcome[] = []
    try {
      await db.write(function* (sql) {
        outcomes = []
        made.clear()
        for (const id of ids) outcomes.push(outcomeOf(id, yield* sql.attempt(make(sql, id))))
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
    viewer: Viewer,
    id: string,
    work: (sql: Sql, snapshot: Snapshot) => Work<void>,
  ): Promise<Snapshot> {
    const changed = await db.write(function* (sql) {
      yield* work(sql, yield* lockOwned(sql, 'Snapshot', viewer, id))
      return yield* lockOwned(sql, 'Snapshot', viewer, id)
    })
    announce()
    return changed
  }

  function remove(viewer: Viewer, snapshotId: string): Promise<Snapshot> {
    return change(viewer, snapshotId, function* (sql, snapshot) {
      refuse(deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshotId)))
      yield* deleteSnapshots(sql, [snapshot], { reason: () => null, at: now() })
    })
  }

  return {
    capture,

    /**
     * Accepts an automatic snapshot of a disk inside a transaction, CREATING, or throws the refusal. Where the budget is
     * full the oldest make room, which is undone when the transaction is.
     */
    admitAutomatic: (
      sql: Sql,
      accountId: string,
      input: Pick<NewSnapshot, 'diskId' | 'name' | 'retentionDays'>,
    ): Work<Snapshot> => {
      const made = { id: newId('Snapshot'), createdAt: now() }
      return admit(sql, { accountId }, 'AUTOMATIC', { ...input, ...made, description: '', tags: [] })
    },

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
      const snapshot = await db.write((sql) => admitOnce(sql, viewer, input, call, made))
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
      function* admitItem(sql: Sql, diskId: string): Work<Snapshot> {
        yield* checkItems(sql, viewer, call)
        const item = { clientToken: itemToken(clientToken, diskId), inputHash }
        return yield* admitOnce(sql, viewer, { ...input, diskId }, item, made)
      }
      await db.write((sql) => checkItems(sql, viewer, call))
      const outcomes = consistent
        ? await allOrNone(diskIds, admitItem, made)
        : await Promise.all(
            diskIds.map((id) => outcomesOf([id], () => db.write((sql) => admitItem(sql, id)))),
          )
      const accepted = outcomes.flat().flatMap((one) => ('snapshot' in one ? [one.snapshot] : []))
      await Promise.all(accepted.filter(({ id }) => made.has(id)).map(capture))
      announce()
      return outcomes.flat()
    },

    /** Changes what is noted about a snapshot. Its retention counts from its creation. */
    async update(viewer: Viewer, { snapshotId, tags, ...input }: UpdateSnapshot): Promise<Snapshot> {
      if (input.name !== undefined) checkName(input.name)
      return change(viewer, snapshotId, function* (sql, snapshot) {
        refuse(updateSnapshotRefusals(snapshot))
        const { retentionDays } = input
        const changes: Changes<'Snapshot'> = {
          ...input,
          expiresAt: retentionDays === undefined ? undefined : expiry(snapshot.createdAt, retentionDays),
        }
        yield* sql.update('Snapshot', changes, { id: snapshotId, accountId: viewer.accountId })
        if (!tags) return
        yield* sql.delete('SnapshotTag', { snapshotId })
        yield* insertTags(sql, snapshotId, tags)
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
      return change(viewer, snapshotId, function* (sql, snapshot) {
        refuse(verifySnapshotRefusals(snapshot, yield* isVerified(sql, snapshotId)))
        const { accountId, diskId } = snapshot
        yield* sql.insert('Job', { accountId, kind: 'VERIFY_SNAPSHOT', snapshotId, diskId, createdAt: now() })
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
          due.map(({ id }) => db.write((sql) => expireOne(sql, id, at))),
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
function* expireOne(sql: Sql, id: string, at: Date): Work<boolean> {
  const snapshot = yield* sql.lock('Snapshot', { id, expiresAt: { lte: at } }, { skipLocked: true })
  if (!snapshot || deleteSnapshotRefusals(snapshot, yield* isRead(sql, id)).length > 0) return false
  if (yield* wasKeptLately(sql, id, at)) return false
  yield* deleteSnapshots(sql, [snapshot], { reason: expiredReason, at })
  return true
}

/** Whether a deletion of the snapshot was taken back within the last day: because of the storage, or on request. */
function* wasKeptLately(sql: Sql, snapshotId: string, at: Date): Work<boolean> {
  const lately = { gt: new Date(at.getTime() - DAY_MS), lte: at }
  return (yield* sql.get('SnapshotTransition', { snapshotId, from: 'DELETING', at: lately })) !== undefined
}

function* insertTags(sql: Sql, snapshotId: string, tags: readonly Tag[]): Work<void> {
  yield* sql.insertAll(
    'SnapshotTag',
    tags.map(({ key, value }) => ({ snapshotId, key, value })),
  )
}

/** Does it for each, one after the other, and returns the outcome of each. */
async function outcomesOf(
  ids: readonly string[],
  make: (id: string) => Promise<Snapshot>,
): Promise<SnapshotOutcome[]> {
  const results = await each(ids, async (id) => ({ id, snapshot: await make(id) }))
  return results.map((result, at) => (result instanceof Refusal ? outcomeOf(ids[at] ?? '', result) : result))
}

function outcomeOf(id: string, result: Snapshot | Refusal): SnapshotOutcome {
  return result instanceof Refusal ? { id, refusal: result } : { id, snapshot: result }
}

/**
 * Gives up the oldest automatic snapshots of a disk that are COMPLETED and that nothing reads: this many, or all there
 * are, and returns how many. Never a manual one. Their places are free at once; their bytes go as with any deletion.
 */
function* evict(sql: Sql, diskId: string, count: number, at: Date): Work<number> {
  if (count <= 0) return 0
  const candidates = yield* sql.lockAll(
    'Snapshot',
    { diskId, type: 'AUTOMATIC', status: 'COMPLETED' },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  )
  const evicted: Snapshot[] = []
  for (const candidate of candidates) {
    if (evicted.length === count) break
    if (!(yield* isRead(sql, candidate.id))) evicted.push(candidate)
  }
  yield* deleteSnapshots(sql, evicted, { reason: () => EVICTED, at, evicted: true })
  return evicted.length
}

/** How many snapshots of a type count against the quota of a disk. */
function* heldBy(sql: Sql, disk: { accountId: string; diskId: string; type: SnapshotType }): Work<number> {
  const counts = yield* sql.all('SnapshotCount', {
    ...disk,
    status: { in: COUNTED_SNAPSHOT_STATUSES },
    evicted: false,
  })
  return counts.reduce((held, { count }) => held + count, 0)
}

const EVICTED = 'It was the oldest automatic snapshot of the disk, and made room for a new one.'

function expiredReason({ retentionDays, expiresAt }: Snapshot): string {
  const days = retentionDays === 1 ? '1 day' : `${retentionDays ?? 0} days`
  return `Its retention of ${days} ended at ${expiresAt?.toISOString() ?? ''}.`
}
