import { REASONS } from '../domain/reasons.ts'
import type { Snapshot } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { connectionRefusals, consistencyOf, snapshotRefusals } from '../domain/create-snapshot.ts'
import { consistentRefusals } from '../domain/offer.ts'
import { COUNTED_SNAPSHOT_STATUSES, type SnapshotQuota } from '../domain/quota.ts'
import { OtherSnapshotRefused } from '../domain/refusals.ts'
import { expiry } from '../domain/retention.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { abilitiesOf } from '../providers/clouds.ts'
import { appendTransitions, factsOf } from '../transitions/append.ts'
import { writeTags } from '../transitions/tags.ts'
import { insertJobs } from './activity.ts'
import type { Capture } from './capture.ts'
import { checkItems, hashOf, itemToken, once, sorted, type Repeatable, type Tag } from './client-tokens.ts'
import type { Clock, Moment, NewId } from './clock.ts'
import type { DiskLooks } from './disk-looks.ts'
import { changeDisk } from './disk-status.ts'
import type { SpaceRefusals } from './free-space.ts'
import { lockDisks, lockOwned } from './owned.ts'
import { checkName, refuse } from './refuse.ts'
import { deleteSnapshots, isRead } from './snapshot-deletion.ts'
import { outcomeOf, outcomesOf, type SnapshotOutcome } from './snapshot-outcomes.ts'
import { insertSnapshotTags } from './tags.ts'
import type { Viewer } from './viewer.ts'

interface NewSnapshot {
  diskId: string
  name: string
  description: string
  tags: readonly Tag[]
  /** Null keeps it forever. */
  retentionDays: number | null
  /** Default: false. */
  deletionProtection?: boolean
}

/** How long others leave a snapshot in a cloud to the call that has accepted it, in milliseconds. */
const FIRST_ATTEMPT_MS = 10_000

/** A snapshot that a policy asks for. */
export type AutomaticSnapshot = Pick<NewSnapshot, 'diskId' | 'name' | 'retentionDays'>

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

export interface CreationParts {
  db: Database
  looks: Pick<DiskLooks, 'lookAt'>
  quota: SnapshotQuota
  spaceRefusals: SpaceRefusals
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  capture: Capture
  /** Has a cloud create a snapshot that was accepted: its refusal if that comes in time. Undefined without a cloud. */
  submitted: (snapshot: Pick<Snapshot, 'id' | 'connectionId'>) => Promise<Refusal | undefined>
  /** Has a cloud rename a snapshot: its refusal, or why it could not be asked. */
  renamed: (
    snapshot: Snapshot,
    change: { name?: string; description?: string },
  ) => Promise<Refusal | undefined>
  now: Clock
  newId: NewId
}

/**
 * Accepts a manual snapshot of a disk, CREATING, or throws the refusal. What is returned is committed;
 * the copying is the runner's.
 */
export async function createSnapshot(
  parts: CreationParts,
  viewer: Viewer,
  input: CreateSnapshot,
): Promise<Snapshot> {
  const { db, looks, capture, announce } = parts
  checkName(input.name)
  await looks.lookAt(viewer, input.diskId)
  const { diskId, name, description, tags, retentionDays, clientToken } = input
  const inputHash = hashOf(diskId, name, description, sorted(tags), retentionDays, ...protection(input))
  const call = { clientToken, inputHash }
  const made = new Set<string>()
  const snapshot = await db.write((sql) => admitOnce(parts, sql, viewer, input, call, made))
  if (!made.has(snapshot.id)) return snapshot
  await capture(snapshot)
  announce()
  return submit(parts, snapshot)
}

/** Part of the digest only where it is on, so that calls of versions that did not have it can be repeated. */
const protection = ({ deletionProtection }: Pick<NewSnapshot, 'deletionProtection'>) =>
  deletionProtection ? ['protected'] : []

/** The snapshot as it is when its cloud was asked for it; throws the refusal of the cloud. */
async function submit({ db, submitted }: CreationParts, snapshot: Snapshot): Promise<Snapshot> {
  const { id, accountId, connectionId } = snapshot
  if (connectionId === null) return snapshot
  const refusal = await submitted(snapshot)
  if (refusal) throw refusal
  return (await db.snapshot.findFirst({ where: { id, accountId } })) ?? snapshot
}

/**
 * Accepts a manual snapshot of each disk, or says why not, disk by disk; when `consistent`, all of them in one
 * transaction or none.
 */
export async function createSnapshots(
  parts: CreationParts,
  viewer: Viewer,
  input: CreateSnapshots,
): Promise<SnapshotOutcome[]> {
  const { db, looks, capture, announce } = parts
  checkName(input.name)
  await Promise.all(input.diskIds.map((diskId) => looks.lookAt(viewer, diskId)))
  const { diskIds, name, description, tags, retentionDays, clientToken, consistent } = input
  const inputHash = hashOf(
    'createSnapshots',
    diskIds.toSorted(),
    name,
    description,
    sorted(tags),
    retentionDays,
    consistent,
    ...protection(input),
  )
  const call = { clientToken, inputHash }
  const made = new Set<string>()
  function* admitItem(sql: Sql, diskId: string): Work<Snapshot> {
    yield* checkItems(sql, viewer, call)
    if (consistent) refuse(consistentRefusals(yield* lockOwned(sql, 'Disk', viewer, diskId)))
    const item = { clientToken: itemToken(clientToken, diskId), inputHash }
    return yield* admitOnce(parts, sql, viewer, { ...input, diskId }, item, made)
  }
  await db.write((sql) => checkItems(sql, viewer, call))
  const outcomes = consistent
    ? await allOrNone(parts, viewer, diskIds, admitItem, made)
    : await Promise.all(diskIds.map((id) => outcomesOf([id], () => db.write((sql) => admitItem(sql, id)))))
  const accepted = outcomes.flat().flatMap((one) => ('snapshot' in one ? [one.snapshot] : []))
  await Promise.all(accepted.filter(({ id }) => made.has(id)).map(capture))
  announce()
  return Promise.all(
    outcomes.flat().map(async (one) => {
      if (!('snapshot' in one) || !made.has(one.snapshot.id)) return one
      const [item] = await outcomesOf([one.id], () => submit(parts, one.snapshot))
      return item ?? one
    }),
  )
}

/**
 * Accepts an automatic snapshot of a disk inside a transaction, CREATING, or throws the refusal. Where the budget is
 * full the oldest make room, which is undone when the transaction is.
 */
export function admitAutomatic(
  parts: CreationParts,
  sql: Sql,
  accountId: string,
  input: AutomaticSnapshot,
): Work<Snapshot> {
  const made = { id: parts.newId('Snapshot'), createdAt: parts.now() }
  return admit(parts, sql, { accountId }, 'AUTOMATIC', { ...input, ...made, description: '', tags: [] })
}

/**
 * Locks the disk, counts, inserts and appends in one transaction, so that what is read first still holds when it is written.
 * Any refusal undoes all of it.
 */
function* admit(
  { quota, spaceRefusals, newId }: CreationParts,
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
  if (type === 'AUTOMATIC')
    held -= yield* evict(sql, diskId, held + 1 - quota.AUTOMATIC, { newId, at: createdAt })
  const { provider, host, connectionId } = disk
  const abilities = abilitiesOf(provider)
  const connection =
    connectionId === null ? undefined : yield* sql.get('Connection', { id: connectionId, accountId })
  refuse([
    ...connectionRefusals(connection),
    ...snapshotRefusals(disk, type, held, quota),
    // A cloud has room of its own.
    ...(abilities ? [] : spaceRefusals(host)),
  ])
  const of = { snapshotId: input.id, diskId }
  const change = { accountId, action: 'CREATE_SNAPSHOT' as const, at: createdAt, ...of }
  const job = {
    ...of,
    ...{ host, connectionId },
    kind: 'COPY_SNAPSHOT' as const,
    // The call itself asks the cloud, so that a refusal is its answer. Others do when it could not.
    retryAt: abilities && type === 'MANUAL' ? new Date(createdAt.getTime() + FIRST_ATTEMPT_MS) : null,
  }
  function* claim(): Work<void> {
    if (!abilities || abilities.oneSnapshotPerDisk)
      yield* changeDisk(sql, disk, { status: 'SNAPSHOTTING' }, { at: createdAt })
  }
  function* record(): Work<Snapshot> {
    const [snapshot] = yield* sql.together(
      sql.insert('Snapshot', {
        id: input.id,
        accountId,
        diskId,
        ...{ provider, host, connectionId, upstreamDiskId: disk.externalId },
        diskKind: disk.kind,
        name: input.name,
        description: input.description,
        type,
        status: 'CREATING',
        sizeBytes: disk.sizeBytes,
        consistency: consistencyOf(disk.status),
        retentionDays: input.retentionDays,
        expiresAt: expiry(createdAt, input.retentionDays),
        deletionProtection: input.deletionProtection ?? false,
        createdAt,
      }),
      insertJobs(sql, newId, [{ change: { ...change, subjectId: input.id, subjectName: input.name }, job }]),
    )
    return snapshot
  }
  const [, snapshot] = yield* sql.together(claim(), record())
  yield* insertSnapshotTags(sql, input.id, tags)
  const step = { from: null, to: 'CREATING' as const, reason: null, at: createdAt }
  yield* appendTransitions(sql, { ...factsOf(snapshot), diskId, ...step, snapshotTags: writeTags(tags) })
  return snapshot
}

/** Admits the snapshot, noted in `made`, or gives the one that the same call has made before. */
function* admitOnce(
  parts: CreationParts,
  sql: Sql,
  viewer: Viewer,
  input: NewSnapshot,
  call: Repeatable,
  made: Set<string>,
): Work<Snapshot> {
  const { accountId } = viewer
  const own = { id: parts.newId('Snapshot'), createdAt: parts.now() }
  return yield* once<Snapshot>(sql, viewer, call, {
    ...own,
    *find(id) {
      return yield* sql.get('Snapshot', { id, accountId })
    },
    *make() {
      const snapshot = yield* admit(parts, sql, viewer, 'MANUAL', { ...input, ...own })
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
  { db }: Pick<CreationParts, 'db'>,
  viewer: Viewer,
  ids: readonly string[],
  make: (sql: Sql, id: string) => Work<Snapshot>,
  made: Set<string>,
): Promise<SnapshotOutcome[]> {
  let outcomes: SnapshotOutcome[] = []
  try {
    await db.write(function* (sql) {
      outcomes = []
      made.clear()
      yield* lockDisks(sql, viewer, ids)
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

/**
 * Evicts up to `count` automatic snapshots of a disk, oldest first, and returns how many. Only those that are COMPLETED, are not
 * protected, and that nothing reads; never a manual one, and never one that was not made by this gateway. Their quota slots are freed at once, their bytes later, as with any deletion.
 */
function* evict(sql: Sql, diskId: string, count: number, { newId, at }: Moment): Work<number> {
  if (count <= 0) return 0
  const candidates = yield* sql.lockAll(
    'Snapshot',
    { diskId, type: 'AUTOMATIC', origin: 'GATEWAY', status: 'COMPLETED', deletionProtection: false },
    { orderBy: { createdAt: 'asc', id: 'asc' } },
  )
  const evicted: Snapshot[] = []
  for (const candidate of candidates) {
    if (evicted.length === count) break
    if (!(yield* isRead(sql, candidate.id))) evicted.push(candidate)
  }
  yield* deleteSnapshots(sql, evicted, { reason: () => EVICTED, at, newId, evicted: true })
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

const EVICTED = REASONS.EVICTED
