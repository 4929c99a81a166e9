import { createHash } from 'node:crypto'
import { reason as reasonFor, REASONS } from '../domain/reasons.ts'
import type { Database } from '../database/database.ts'
import { inParts } from '../database/parts.ts'
import type { Changes } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import type { Provider } from '../domain/connection.ts'
import { consistencyOf } from '../domain/create-snapshot.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { idFrom } from '../domain/id.ts'
import { isSettled } from '../domain/lifecycle.ts'
import { statusAfterSeeing } from '../domain/upstream.ts'
import { writePolicyIds } from '../domain/upstream-policy.ts'
import type { Disk, Job, Snapshot } from '../generated/prisma/client.ts'
import type { SeenDisk, SeenSnapshot } from '../providers/cloud/cloud.ts'
import { appendSeenDiskTransitions, appendSeenTransitions, factsOf } from '../transitions/append.ts'
import { recordEnd } from './activity.ts'
import type { NewId } from './clock.ts'
import { diskOf } from './snapshot-deletion.ts'

/** What rows of disks and snapshots in a cloud are written with. */
export interface Seeing {
  connection: { id: string; accountId: string; provider: Provider }
  at: Date
  newId: NewId
}

/** How many rows are compared and written together. */
export const ROWS_AT_ONCE = 200

/** How long a cloud may go on showing a snapshot as it was, after it has accepted its deletion, in milliseconds. */
const DELETION_MS = 10 * 60_000

/** A deletion that has shown no effect after this time is asked for again: the request may have been lost. */
const UNSEEN_MS = 30_000

/** After this time without the end of a snapshot, its operation counts as stalled, in milliseconds. */
const STUCK_MS = 30 * 60_000

/**
 * The id of a disk in a cloud. It follows from the cloud's own id, so that the history of a snapshot names a disk also where
 * that was gone before anybody looked.
 */
function diskIdOf(connectionId: string, externalId: string): string {
  return idFrom('Disk', createHash('sha256').update(`${connectionId}/${externalId}`).digest())
}

/**
 * What of a disk is not as the cloud shows it; undefined when nothing is. While a snapshot is made of it here, it stays
 * SNAPSHOTTING: a cloud may show that late.
 */
export function diskChanges(disk: Disk, seen: SeenDisk, isCopied: boolean): Changes<'Disk'> | undefined {
  const stays = isCopied && disk.status === 'SNAPSHOTTING' && isAtRest(seen.status)
  const { name, kind, rawStatus, storageType, zone, instanceId, device } = seen
  const shown = {
    ...{ name, kind, rawStatus, storageType, zone, instanceId, device },
    upstreamPolicyIds: writePolicyIds(seen.policyIds),
    status: stays ? disk.status : seen.status,
    statusReason:
      seen.status === 'ERROR' ? (seen.reason ?? reasonFor('CLOUD_REPORTS', { status: rawStatus })) : null,
    sizeBytes: seen.sizeBytes ?? disk.sizeBytes,
    upstreamCreatedAt: seen.createdAt ?? disk.upstreamCreatedAt,
  }
  return differences(disk, shown)
}

const isAtRest = (status: DiskStatus) => status === 'IN_USE' || status === 'UNMOUNTED' || status === 'NORMAL'

/** What of a snapshot is not as the cloud shows it; undefined when nothing is. `jobs` are those that work on it. */
export function snapshotChanges(
  snapshot: Snapshot,
  seen: SeenSnapshot,
  jobs: readonly Pick<Job, 'kind' | 'createdAt'>[],
  { at, diskId }: { at: Date; diskId: string | null },
): Changes<'Snapshot'> | undefined {
  const status = statusOf(snapshot, seen, jobs, at)
  const isBroken = status === 'FAILED' || status === 'UNAVAILABLE'
  const hasEnded = snapshot.status === 'CREATING' && status !== 'CREATING'
  return differences(snapshot, {
    status,
    name: seen.name,
    rawStatus: seen.rawStatus,
    diskId: snapshot.diskId ?? diskId,
    sizeBytes: seen.sizeBytes ?? snapshot.sizeBytes,
    upstreamDiskId: seen.diskExternalId ?? snapshot.upstreamDiskId,
    upstreamCreatedAt: seen.createdAt ?? snapshot.upstreamCreatedAt,
    upstreamExpiresAt: seen.expiresAt,
    seenAt: snapshot.seenAt ?? at,
    completedAt: hasEnded ? at : snapshot.completedAt,
    evicted: status === 'DELETING' && snapshot.evicted,
    // The reason is asked for one by one, so lists lack it.
    failureReason: isBroken ? (seen.reason ?? snapshot.failureReason ?? reported(seen)) : null,
    consistency: status === 'FAILED' ? null : snapshot.consistency,
  })
}

const reported = ({ rawStatus }: SeenSnapshot) => reasonFor('CLOUD_REPORTS', { status: rawStatus })

/** A deletion that was asked for here is in progress until the snapshot is gone, or has stayed for too long. */
function statusOf(
  snapshot: Snapshot,
  seen: SeenSnapshot,
  jobs: readonly Pick<Job, 'kind' | 'createdAt'>[],
  at: Date,
): Snapshot['status'] {
  const deletion = jobs.find(({ kind }) => kind === 'DELETE_SNAPSHOT')
  const isAwaited = deletion && at.getTime() - deletion.createdAt.getTime() < DELETION_MS
  return isAwaited ? snapshot.status : statusAfterSeeing(snapshot.status, seen.status)
}

/** The columns whose values are others; undefined when there are none. */
function differences<Row extends object>(row: Row, shown: Partial<Row>): Partial<Row> | undefined {
  const changed = Object.entries(shown).filter(
    ([column, value]) => valueOf(row[column as keyof Row]) !== valueOf(value),
  )
  return changed.length === 0 ? undefined : (Object.fromEntries(changed) as Partial<Row>)
}

/** When the status became what it is, by the clock of the cloud; null where it does not say. */
const momentOf = ({ createdAt, changedAt }: SeenDisk | SeenSnapshot, status: string): Date | null =>
  status === 'CREATING' ? createdAt : changedAt

const valueOf = (value: unknown) => (value instanceof Date ? value.getTime() : value)

/** Writes what a cloud shows of a disk, with the transition when its status is another one; nothing when all is known. */
export function* writeDisk(sql: Sql, { connection, at }: Seeing, seen: SeenDisk): Work<void> {
  const { id: connectionId, accountId, provider } = connection
  const { externalId } = seen
  const disk = yield* sql.lock('Disk', { connectionId, externalId })
  if (!disk) {
    if (seen.status === 'DELETED') return
    const id = diskIdOf(connectionId, externalId)
    const { name, kind, status, rawStatus, storageType, zone, instanceId, device } = seen
    yield* sql.insert('Disk', {
      ...{ id, accountId, provider, connectionId, externalId },
      ...{ name, kind, status, rawStatus, storageType, zone, instanceId, device },
      location: `${connectionId}/${externalId}`,
      statusReason:
        status === 'ERROR' ? (seen.reason ?? reasonFor('CLOUD_REPORTS', { status: rawStatus })) : null,
      sizeBytes: seen.sizeBytes ?? 0n,
      upstreamCreatedAt: seen.createdAt,
      upstreamPolicyIds: writePolicyIds(seen.policyIds),
      createdAt: at,
    })
    const step = { from: null, to: status, reason: null, at, upstreamAt: momentOf(seen, status) }
    yield* appendSeenDiskTransitions(sql, { accountId, diskId: id, ...step })
    return
  }
  if (seen.status === 'DELETED') return yield* takeDisk(sql, disk, at, DELETED_OUTSIDE)
  const copying = yield* sql.get('Job', { diskId: disk.id, kind: 'COPY_SNAPSHOT' })
  const changes = diskChanges(disk, seen, copying !== undefined)
  if (!changes) return
  yield* sql.update('Disk', changes, { id: disk.id, accountId })
  const { status: to = disk.status, statusReason = disk.statusReason } = changes
  if (to === disk.status) return
  const step = { from: disk.status, to, reason: statusReason, at, upstreamAt: momentOf(seen, to) }
  yield* appendSeenDiskTransitions(sql, { accountId, diskId: disk.id, ...step })
}

/**
 * Writes what a cloud shows of a snapshot, with the transition when its status becomes another one; nothing when all is known.
 * One that a request of ours has made, whose answer is not recorded yet, is left to that request.
 */
export function* writeSnapshot(sql: Sql, seeing: Seeing, seen: SeenSnapshot): Work<void> {
  const { connection, at } = seeing
  const { id: connectionId, accountId } = connection
  const { externalId, mark } = seen
  const known = yield* sql.get('Snapshot', { connectionId, externalId })
  if (!known) {
    const ours = mark === null ? undefined : yield* sql.get('Snapshot', { id: mark, connectionId })
    if (ours && ours.externalId === null && ours.status !== 'FAILED') return
    if (seen.status !== 'DELETED') yield* insertSnapshot(sql, seeing, seen)
    return
  }
  // Jobs are locked before what they work on.
  const jobs = yield* sql.lockAll('Job', { snapshotId: known.id })
  const snapshot = yield* sql.lock('Snapshot', { id: known.id, accountId })
  if (!snapshot) return
  if (seen.status === 'DELETED') return yield* takeSnapshot(sql, snapshot, jobs, at, DELETED_OUTSIDE)
  const disk = yield* diskSeen(sql, connectionId, seen)
  yield* writeJob(sql, jobs, seen, at)
  const changes = snapshotChanges(snapshot, seen, jobs, { at, diskId: disk?.id ?? null })
  if (!changes) return
  yield* sql.update('Snapshot', changes, { id: snapshot.id, accountId })
  const { status: to = snapshot.status } = changes
  if (to === snapshot.status) {
    const { failureReason: reason } = changes
    const failed = {
      snapshotId: snapshot.id,
      accountId,
      action: 'CREATE_SNAPSHOT',
      result: 'FAILED',
    } as const
    if (to === 'FAILED' && reason !== undefined) yield* sql.update('Activity', { reason }, failed)
    return
  }
  const reason = reasonOf(snapshot, to, changes.failureReason ?? null)
  if (isSettled(to)) {
    const isDone = to === 'COMPLETED' && snapshot.status === 'CREATING'
    yield* endJobs(sql, jobs, { result: isDone ? 'SUCCEEDED' : 'FAILED', reason, at })
  }
  const of = { ...factsOf({ ...snapshot, ...changes }), diskId: yield* diskOf(sql, snapshot) }
  const step = { from: snapshot.status, to, reason, at, upstreamAt: momentOf(seen, to) }
  yield* appendSeenTransitions(sql, { ...of, ...step })
}

/** Why the status of a snapshot is another one, where that follows from no request. */
function reasonOf(snapshot: Snapshot, to: Snapshot['status'], failureReason: string | null): string | null {
  if (failureReason !== null) return failureReason
  if (snapshot.status === 'DELETING') return REASONS.NOT_DELETED_IN_CLOUD
  if (snapshot.status === 'CREATING') return null
  return to === 'COMPLETED' ? REASONS.AVAILABLE_AGAIN : REASONS.CHANGED_OUTSIDE
}

/** The operation goes on: how far it is, and that nothing delays it, unless it has not moved for too long. */
function* writeJob(sql: Sql, jobs: readonly Job[], seen: SeenSnapshot, at: Date): Work<void> {
  for (const job of jobs) {
    const isStuck = at.getTime() - job.createdAt.getTime() > STUCK_MS
    const isUnseen =
      job.kind === 'DELETE_SNAPSHOT' &&
      seen.status !== 'DELETING' &&
      at.getTime() - Number(job.sentAt) > UNSEEN_MS
    const changes = differences(job, {
      sentAt: isUnseen ? null : job.sentAt,
      progress:
        job.kind === 'COPY_SNAPSHOT' && seen.percent !== null ? Math.floor(seen.percent) : job.progress,
      stalledSince: isStuck ? (job.stalledSince ?? at) : null,
      stallReason: isStuck ? reasonFor('CLOUD_STUCK', { status: seen.rawStatus }) : null,
    })
    if (changes) yield* sql.update('Job', changes, { id: job.id, accountId: job.accountId })
  }
}

function* insertSnapshot(sql: Sql, { connection, at, newId }: Seeing, seen: SeenSnapshot): Work<void> {
  const { id: connectionId, accountId, provider } = connection
  const { externalId, diskExternalId, name, rawStatus, type } = seen
  const disk = yield* diskSeen(sql, connectionId, seen)
  const status = seen.status ?? 'UNAVAILABLE'
  const isBroken = status === 'FAILED' || status === 'UNAVAILABLE'
  const failureReason = isBroken ? (seen.reason ?? reported(seen)) : null
  const snapshot = yield* sql.insert('Snapshot', {
    id: newId('Snapshot'),
    ...{ accountId, provider, connectionId, externalId, name, type, status, rawStatus, failureReason },
    origin: type === 'AUTOMATIC' ? 'UPSTREAM_POLICY' : 'OUTSIDE',
    diskId: disk?.id ?? null,
    diskKind: disk?.kind ?? 'DATA',
    sizeBytes: seen.sizeBytes ?? disk?.sizeBytes ?? 0n,
    // What it was when somebody took it is not known: no more is promised than holds for a disk in use.
    consistency: status === 'FAILED' ? null : consistencyOf('IN_USE'),
    upstreamDiskId: diskExternalId,
    upstreamCreatedAt: seen.createdAt,
    upstreamExpiresAt: seen.expiresAt,
    createdAt: seen.createdAt ?? at,
    seenAt: at,
    completedAt: isSettled(status) ? at : null,
  })
  const diskId = diskIdOf(connectionId, diskExternalId ?? externalId)
  const step = { from: null, to: status, reason: failureReason, at, upstreamAt: momentOf(seen, status) }
  yield* appendSeenTransitions(sql, { ...factsOf(snapshot), diskId, ...step, snapshotTags: null })
}

function* diskSeen(sql: Sql, connectionId: string, { diskExternalId }: SeenSnapshot): Work<Disk | undefined> {
  if (diskExternalId === null) return undefined
  return yield* sql.get('Disk', { connectionId, externalId: diskExternalId })
}

/** Takes a disk out of the gateway that is no longer in its cloud. Its snapshots stay, and lose the link to it. */
export function* writeDiskGone(sql: Sql, { connection, at }: Seeing, externalId: string): Work<void> {
  const disk = yield* sql.lock('Disk', { connectionId: connection.id, externalId })
  if (disk) yield* takeDisk(sql, disk, at, DELETED_OUTSIDE)
}

/** The same for a snapshot: its deletion was asked for here, or done elsewhere. */
export function* writeSnapshotGone(sql: Sql, { connection, at }: Seeing, externalId: string): Work<void> {
  const known = yield* sql.get('Snapshot', { connectionId: connection.id, externalId })
  if (!known) return
  const jobs = yield* sql.lockAll('Job', { snapshotId: known.id })
  const snapshot = yield* sql.lock('Snapshot', { id: known.id })
  if (snapshot) yield* takeSnapshot(sql, snapshot, jobs, at, DELETED_OUTSIDE)
}

function* takeDisk(sql: Sql, disk: Disk, at: Date, reason: string): Work<void> {
  const { id: diskId, accountId, status: from } = disk
  yield* sql.delete('Disk', { id: diskId, accountId })
  yield* appendSeenDiskTransitions(sql, { accountId, diskId, from, to: 'DELETED', reason, at })
}

export function* takeSnapshot(
  sql: Sql,
  snapshot: Snapshot,
  jobs: readonly Job[],
  at: Date,
  why: string,
): Work<void> {
  const { id, accountId, status: from } = snapshot
  const deletion = jobs.find(({ kind }) => kind === 'DELETE_SNAPSHOT')
  const reason = deletion ? deletion.reason : why
  const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
  yield* appendSeenTransitions(sql, { ...of, from, to: 'DELETED', reason, at })
  yield* endJobs(
    sql,
    jobs,
    deletion ? { result: 'SUCCEEDED', reason: null, at } : { result: 'FAILED', reason: why, at },
  )
  yield* sql.delete('Snapshot', { id, accountId })
}

/** Ends jobs, which are locked, with the record of what asked for them. */
function* endJobs(sql: Sql, jobs: readonly Job[], end: Parameters<typeof recordEnd>[2]): Work<void> {
  for (const job of jobs) {
    yield* recordEnd(sql, job, end)
    yield* sql.delete('Job', { id: job.id, accountId: job.accountId })
  }
}

/** Takes all that a connection had out of the gateway, which is gone itself. Nothing changes in the cloud. */
export async function forgetUpstream(
  db: Pick<Database, 'writeInBackground'>,
  connectionId: string,
  at: Date,
): Promise<void> {
  await inParts(db, function* (sql) {
    const order = { orderBy: { id: 'asc' }, limit: ROWS_AT_ONCE } as const
    const snapshots = yield* sql.lockAll('Snapshot', { connectionId }, order)
    for (const snapshot of snapshots) {
      const jobs = yield* sql.lockAll('Job', { snapshotId: snapshot.id })
      yield* takeSnapshot(sql, snapshot, jobs, at, CONNECTION_REMOVED)
    }
    if (snapshots.length > 0) return true
    const disks = yield* sql.lockAll('Disk', { connectionId }, order)
    for (const disk of disks) yield* takeDisk(sql, disk, at, CONNECTION_REMOVED)
    if (disks.length > 0) return true
    yield* sql.delete('Job', { connectionId })
    return false
  })
}

const DELETED_OUTSIDE = REASONS.DELETED_OUTSIDE
const CONNECTION_REMOVED = REASONS.CONNECTION_REMOVED
