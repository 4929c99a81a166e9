import { REASONS } from '../domain/reasons.ts'
import { STATUS_DURING } from '../domain/disk-operation.ts'
import type { DiskStatus } from '../domain/disk.ts'
import { CANCELLED } from '../domain/cancel-operation.ts'
import type { JobKind } from '../domain/job.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import type { Disk, Job, Snapshot } from '../generated/prisma/client.ts'
import type {
  CopyOutcome,
  Damaged,
  DiskObservation,
  DiskProvider,
  DiskReference,
  DiskWork,
  Done,
  Refused,
} from '../providers/provider.ts'
import type { Moment } from '../services/clock.ts'
import { changeDisk, newIdentity, observed, type DiskChange } from '../services/disk-status.ts'
import { deleteSome, diskOf, isRead, markUnavailable } from '../services/snapshot-deletion.ts'
import { appendDiskTransitions, appendTransitions, factsOf } from '../transitions/append.ts'

/** A job that a runner has leased, with what it is about. */
export type Claimed = Job & { disk: Disk | null; snapshot: Snapshot | null }

/** What a job is done with. */
export type JobContext = Pick<DiskWork, 'onProgress' | 'signal' | 'commit'> & {
  provider: DiskProvider
  /** Writes in short transactions, until one returns that nothing is left or the work is stopped. */
  inParts: (part: (sql: Sql, moment: Moment) => Work<boolean>) => Promise<void>
}

/** What is written when a job has ended, in the transaction that takes the job away, and only if the lease still held. */
export type Ending = {
  write: (sql: Sql, at: Date) => Work<void>
  /** How it ended, for the log. */
  outcome: string
  reason?: string | undefined
  /** The passing fault that kept the remains of a cancelled job from being removed: a job of its own does that. */
  leftBy?: unknown
}

type DiskJobKind = `${keyof typeof STATUS_DURING}_DISK` & JobKind

/** Does each kind of job: with the provider first, which may be repeated, then what is to be written. */
const DOING: Record<JobKind, (job: Claimed, context: JobContext) => Promise<Ending>> = {
  COPY_SNAPSHOT: copySnapshot,
  DELETE_SNAPSHOT: deleteSnapshot,
  VERIFY_SNAPSHOT: verifySnapshot,
  CREATE_DISK: createDisk,
  ATTACH_DISK: (job, context) =>
    operate(job, context, 'ATTACH_DISK', (work) => context.provider.attach(work), {
      instanceId: job.instanceId,
      device: job.device,
    }),
  DETACH_DISK: (job, context) =>
    operate(job, context, 'DETACH_DISK', (work) => context.provider.detach(work), {
      instanceId: null,
      device: null,
    }),
  RESIZE_DISK: (job, context) =>
    operate(job, context, 'RESIZE_DISK', (work) =>
      context.provider.resize({ ...work, sizeBytes: existing(job.sizeBytes) }),
    ),
  ROLL_BACK_DISK: (job, context) =>
    operate(job, context, 'ROLL_BACK_DISK', (work) =>
      context.provider.rollBack({ ...work, to: copyOf(job) }),
    ),
  RELEASE_DISK: releaseDisk,
  async CLEAN_UP(job, context) {
    const { outcome } = await removeRemains(job, context)
    return { outcome, write: nothing }
  },
}

/** Does the job. Rejects with a fault that may pass; then it is done again, by this runner or another one. */
export function doJob(job: Claimed, context: JobContext): Promise<Ending> {
  return DOING[job.kind](job, context)
}

/** Why the work on a job was stopped: its owner asked for that. */
export class Cancelled extends Error {
  constructor() {
    super(CANCELLED)
  }
}

/**
 * Ends a job that its owner cancelled, when nothing works on it any more: at once, whatever the storage answers. What it
 * worked on is as it was before, a new snapshot FAILED and a new disk in ERROR. What is left of it is removed, now or by a
 * clean-up.
 */
export async function cancelJob(job: Claimed, context: JobContext): Promise<Ending> {
  switch (job.kind) {
    case 'VERIFY_SNAPSHOT':
      return { outcome: 'cancelled', reason: CANCELLED, write: (sql, at) => writeCancelled(sql, job, at) }
    case 'DELETE_SNAPSHOT':
      return cancelDeletion(job, context)
    case 'COPY_SNAPSHOT': {
      const { outcome, ...left } = await removedRemains(job, context)
      return { ...(await endOfCopy(job, outcome, context.provider)), ...left }
    }
    case 'CREATE_DISK': {
      const { outcome, ...left } = await removedRemains(job, context)
      const change = { status: 'ERROR' as const, statusReason: outcome.reason }
      return { ...endOf(outcome, { job, change, during: 'CREATING' }), ...left }
    }
    default: {
      const { outcome, ...left } = await removedRemains(job, context)
      const seen = await see(context.provider, existing(job.disk))
      const operation = job.kind.replace(/_DISK$/, '') as keyof typeof STATUS_DURING
      const end = { job, change: observed(seen), during: STATUS_DURING[operation] }
      return { ...endOf(outcome, end), ...left }
    }
  }
}

/** How a cancelled job ends, once its remains are removed or left to a clean-up. */
async function removedRemains(
  job: Claimed,
  context: JobContext,
): Promise<{ outcome: Refused } & Pick<Ending, 'leftBy'>> {
  try {
    const removal = await removeRemains(job, context)
    const but = removal.outcome === 'refused' ? ` ${REASONS.REMAINS} ${removal.reason}` : ''
    return { outcome: { outcome: 'refused', reason: `${CANCELLED}${but}` } }
  } catch (error) {
    context.signal.throwIfAborted()
    return { outcome: { outcome: 'refused', reason: CANCELLED }, leftBy: error }
  }
}

/** Removes what a cancelled job left: the copy of a snapshot, a new disk, or what was prepared beside a disk. */
async function removeRemains(
  { kind, snapshotId, disk }: Claimed,
  { provider, ...work }: JobContext,
): Promise<Done | Refused> {
  if (snapshotId !== null && !kind.endsWith('_DISK')) return provider.delete(snapshotId)
  // A disk that is gone was released, with all that was left of it.
  if (!disk) return { outcome: 'done' }
  return disk.provisioned ? provider.clean(disk) : provider.release({ ...work, disk })
}

/** What a runner that was fenced has to put right, because its successor could not know of it. */
export async function afterFencing(
  job: Claimed,
  { provider }: Pick<JobContext, 'provider'>,
  db: Pick<Database, 'snapshot'>,
) {
  if (job.kind !== 'COPY_SNAPSHOT' || job.snapshotId === null) return
  // It may have published the copy of a snapshot that has been cancelled or deleted since.
  const still = await db.snapshot.count({ where: { id: job.snapshotId, status: { not: 'FAILED' } } })
  if (still === 0) await provider.delete(job.snapshotId)
}

async function copySnapshot(job: Claimed, { provider, onProgress, signal }: JobContext): Promise<Ending> {
  const [disk, snapshot] = [existing(job.disk), existing(job.snapshot)]
  const outcome = await provider.copy({ snapshotId: snapshot.id, disk, onProgress, signal })
  return endOfCopy(job, outcome, provider)
}

async function endOfCopy(
  job: Claimed,
  outcome: CopyOutcome,
  provider: Pick<DiskProvider, 'observe'>,
): Promise<Ending> {
  const [disk, snapshot] = [existing(job.disk), existing(job.snapshot)]
  const seen = await see(provider, disk)
  const completed = outcome.outcome === 'copied'
  const reason = completed ? null : outcome.reason
  return {
    outcome: outcome.outcome,
    reason: reason ?? undefined,
    *write(sql, at) {
      const { id: snapshotId, accountId } = snapshot
      // Disks are locked before their snapshots.
      yield* sql.lock('Disk', { id: disk.id, accountId })
      const copying = yield* sql.lock('Snapshot', { id: snapshotId, accountId, status: 'CREATING' })
      if (!copying) return
      yield* sql.update('Snapshot', { ...copied(outcome), completedAt: at }, { id: snapshotId, accountId })
      yield* changeDisk(sql, { ...disk, status: 'SNAPSHOTTING' }, observed(seen), { at })
      const of = { ...factsOf(copying), diskId: disk.id }
      const to = completed ? 'COMPLETED' : 'FAILED'
      yield* appendTransitions(sql, { ...of, from: 'CREATING', to, reason, at })
    },
  }
}

/** How a copy ended, as columns. */
function copied(copy: CopyOutcome) {
  if (copy.outcome === 'refused') {
    return { status: 'FAILED' as const, failureReason: copy.reason, consistency: null }
  }
  const { sizeBytes, dataBytes, checksum, dataAt, consistency } = copy
  return { status: 'COMPLETED' as const, sizeBytes, dataBytes, checksum, dataAt, consistency }
}

/**
 * Removes the copy of a snapshot. Where the storage refuses that for good, the deletion is taken back with the reason; one
 * that made room for a newer snapshot has no place to go back to, and is tried again.
 */
async function deleteSnapshot(job: Claimed, { provider, commit }: JobContext): Promise<Ending> {
  const { id: snapshotId, evicted } = existing(job.snapshot)
  const removal = await provider.delete(snapshotId, commit)
  if (removal.outcome === 'refused' && (await provider.holds(snapshotId))) {
    if (evicted) throw new StillOwed(removal.reason)
    const reason = `${REASONS.NOT_DELETED} ${removal.reason} ${REASONS.THEN_DELETE}`
    return takenBack(job, { outcome: 'refused', reason })
  }
  return { outcome: 'deleted', write: (sql, at) => writeDeletion(sql, job, at) }
}

function* writeDeletion(sql: Sql, job: Claimed, at: Date): Work<void> {
  const { id, accountId } = existing(job.snapshot)
  const of = yield* deleting(sql, job)
  yield* appendTransitions(sql, { ...of, from: 'DELETING', to: 'DELETED', reason: job.reason, at })
  yield* sql.delete('Snapshot', { id, accountId })
}

/** What the transitions of a snapshot in DELETING say that it is; the snapshot is locked. */
function* deleting(sql: Sql, job: Claimed) {
  const { id: snapshotId, accountId } = existing(job.snapshot)
  const snapshot = yield* sql.lock('Snapshot', { id: snapshotId, accountId })
  const diskId = yield* diskOf(sql, { id: snapshotId, diskId: job.diskId })
  const facts = snapshot
    ? factsOf(snapshot)
    : { accountId, snapshotId, snapshotName: null, snapshotType: null }
  return { ...facts, diskId }
}

/** Work that the storage refuses for good, and that is owed all the same. The message is for clients. */
export class StillOwed extends Error {}

/** Takes a deletion back, unless its copy was removed by somebody else: then it is carried to its end. */
async function cancelDeletion(job: Claimed, context: JobContext): Promise<Ending> {
  const { id: snapshotId, checksum } = existing(job.snapshot)
  const hadCopy = checksum !== null
  // The deletion itself removes the copy only after it has been committed, and then it cannot be cancelled.
  const isGone = hadCopy && !(await context.provider.holds(snapshotId).catch(() => true))
  if (!isGone) return takenBack(job, { outcome: 'cancelled', reason: CANCELLED })
  const { leftBy } = await removedRemains(job, context)
  return { outcome: 'deleted', leftBy, write: (sql, at) => writeDeletion(sql, job, at) }
}

/** Ends a deletion with the snapshot in the status that it had before. */
function takenBack(job: Claimed, { outcome, reason }: { outcome: string; reason: string }): Ending {
  const { id: snapshotId, accountId } = existing(job.snapshot)
  return {
    outcome,
    reason,
    *write(sql, at) {
      const of = yield* deleting(sql, job)
      const begun = yield* sql.get(
        'SnapshotTransition',
        { snapshotId, from: { not: 'DELETING' }, to: 'DELETING' },
        { orderBy: { position: 'desc' } },
      )
      const to = existing(begun?.from ?? null)
      yield* sql.update('Snapshot', { status: to }, { id: snapshotId, accountId })
      yield* appendTransitions(sql, { ...of, from: 'DELETING', to, reason, at })
    },
  }
}

async function verifySnapshot(job: Claimed, { provider, onProgress, signal }: JobContext): Promise<Ending> {
  const { id, accountId } = existing(job.snapshot)
  const outcome = await provider.verify({ ...copyOf(job), onProgress, signal })
  return {
    ...outcome,
    *write(sql, verifiedAt) {
      if (outcome.outcome === 'damaged') yield* markDamaged(sql, id, outcome.reason, verifiedAt)
      else yield* sql.update('Snapshot', { verifiedAt }, { id, accountId })
    },
  }
}

/** Records the end of a verification that was cancelled: it changes no status, and no other transition tells of it. */
function* writeCancelled(sql: Sql, job: Claimed, at: Date): Work<void> {
  const { id: snapshotId, accountId } = existing(job.snapshot)
  const snapshot = yield* sql.lock('Snapshot', { id: snapshotId, accountId })
  if (!snapshot) return
  const { status } = snapshot
  const of = { ...factsOf(snapshot), diskId: yield* diskOf(sql, snapshot) }
  yield* appendTransitions(sql, { ...of, from: status, to: status, reason: CANCELLED, at })
}

async function createDisk(job: Claimed, { provider, ...work }: JobContext): Promise<Ending> {
  const disk = existing(job.disk)
  const sizeBytes = existing(job.sizeBytes)
  const from = job.snapshotId === null ? {} : { from: copyOf(job) }
  const outcome = await provider.create({ ...work, disk, sizeBytes, ...from })
  const seen = await see(provider, disk)
  return endOf(outcome, {
    job,
    change: isDone(outcome)
      ? { provisioned: true, ...observed(seen), ...newIdentity(seen) }
      : { status: 'ERROR', statusReason: outcome.reason },
    during: 'CREATING',
  })
}

/** An operation that changes a disk, and leaves it in the status that the provider then sees. */
async function operate(
  job: Claimed,
  { provider, ...work }: JobContext,
  kind: DiskJobKind,
  verb: (work: DiskWork) => Promise<Done | Refused | Damaged>,
  done: { instanceId?: string | null; device?: string | null } = {},
): Promise<Ending> {
  const disk = existing(job.disk)
  const outcome = await verb({ ...work, disk })
  const change = isDone(outcome) ? done : {}
  const seen = await see(provider, { ...disk, ...change })
  // A roll back puts a new file in place.
  const image = kind === 'ROLL_BACK_DISK' && isDone(outcome) ? newIdentity(seen) : undefined
  const operation = kind.replace(/_DISK$/, '') as keyof typeof STATUS_DURING
  return endOf(outcome, {
    job,
    change: { ...change, ...observed(seen), ...image },
    during: STATUS_DURING[operation],
  })
}

function endOf(
  outcome: Done | Refused | Damaged,
  { job, change, during }: { job: Claimed; change: DiskChange; during: DiskStatus },
): Ending {
  const reason = isDone(outcome) ? null : outcome.reason
  return {
    outcome: outcome.outcome,
    reason: reason ?? undefined,
    *write(sql, at) {
      yield* changeDisk(sql, { ...existing(job.disk), status: during }, change, { reason, at })
      if (outcome.outcome === 'damaged') yield* markDamaged(sql, copyOf(job).snapshotId, outcome.reason, at)
    },
  }
}

/** Releases a disk; its snapshots first, where that was asked for. One that is protected or damaged since then stays. */
async function releaseDisk(job: Claimed, { provider, inParts, ...work }: JobContext): Promise<Ending> {
  const disk = existing(job.disk)
  if (job.deletesSnapshots) {
    const left = { isRead: false }
    await inParts(function* (sql, moment) {
      if (yield* deleteSomeOf(sql, disk, moment)) return true
      left.isRead = yield* isAnyRead(sql, disk.id)
      return false
    })
    work.signal.throwIfAborted()
    if (left.isRead) throw new StillOwed(REASONS.SNAPSHOT_READ)
  }
  const outcome = await provider.release({ ...work, disk })
  if (!isDone(outcome)) {
    const seen = await see(provider, disk)
    return endOf(outcome, { job, change: observed(seen), during: STATUS_DURING.RELEASE })
  }
  return {
    outcome: 'released',
    *write(sql, at) {
      const { id: diskId, accountId } = disk
      // Its snapshots stay, and lose the link to it.
      yield* sql.delete('Disk', { id: diskId, accountId })
      const step = { from: 'DELETING' as const, to: 'DELETED' as const, reason: job.reason, at }
      yield* appendDiskTransitions(sql, { accountId, diskId, ...step })
    },
  }
}

/** Deletes some of the snapshots of a disk that is released; whether there are more. */
function* deleteSomeOf(sql: Sql, { id: diskId, accountId }: Disk, moment: Moment): Work<boolean> {
  yield* sql.lock('Disk', { id: diskId, accountId })
  return yield* deleteSome(sql, { diskId, accountId }, { ...moment, reason: REASONS.DISK_RELEASED })
}

/** Whether the copy of any snapshot of the disk is being read, which must end before it can be deleted. */
function* isAnyRead(sql: Sql, diskId: string): Work<boolean> {
  for (const { id } of yield* sql.all('Snapshot', { diskId, status: { not: 'DELETING' } }))
    if (yield* isRead(sql, id)) return true
  return false
}

/** The copy has been found to be damaged, unless the snapshot has gone another way meanwhile. */
function* markDamaged(sql: Sql, id: string, reason: string, at: Date): Work<void> {
  const snapshot = yield* sql.lock('Snapshot', { id, status: 'COMPLETED' })
  if (snapshot) yield* markUnavailable(sql, snapshot, { reason, at })
}

function* nothing(): Work<void> {
  // The job goes, and that is all.
}

/** What the provider sees of a disk; undefined when it cannot look now, which must not keep the disk from others. */
async function see(
  provider: Pick<DiskProvider, 'observe'>,
  disk: DiskReference,
): Promise<DiskObservation | undefined> {
  const seen = await provider.observe([disk]).catch(() => undefined)
  const observation = seen?.get(disk.id)
  return observation instanceof Error ? undefined : observation
}

function isDone(outcome: Done | Refused | Damaged): outcome is Done {
  return outcome.outcome === 'done'
}

function copyOf({ snapshot }: Claimed) {
  const { id, checksum } = existing(snapshot)
  return { snapshotId: id, checksum: existing(checksum) }
}

/** What is there for as long as the job is. */
function existing<T>(value: T | null): T {
  if (value === null) throw new Error('The job is there, but not what it is about.')
  return value
}
