import type { Sql, Work } from '../database/work.ts'
import { linkRefusals } from '../domain/policy.ts'
import { Refusal } from '../domain/refusal.ts'
import { REASONS } from '../domain/reasons.ts'
import { PolicyNotFound } from '../domain/refusals.ts'
import type { AutoSnapshotPolicy, Disk } from '../generated/prisma/client.ts'
import type { Clock, NewId } from './clock.ts'
import type { DiskLooks } from './disk-looks.ts'
import { lockDisks, lockOwned } from './owned.ts'
import { changePolicy, recordPolicy, type ChangeParts } from './policy-change.ts'
import { refuse } from './refuse.ts'
import { deleteSome } from './snapshot-deletion.ts'
import type { Viewer } from './viewer.ts'

export interface LinkParts extends ChangeParts {
  looks: Pick<DiskLooks, 'lookAt'>
  /** Called after a commit that may have appended transitions or jobs. */
  announce: () => void
  now: Clock
  newId: NewId
}

interface Unlinking {
  diskIds: readonly string[]
  /** Whether the automatic snapshots of the disks are deleted. */
  deletesSnapshots: boolean
}

/** How many disks are unlinked in one transaction. */
const UNLINKED_TOGETHER = 10

const UNLINKED = REASONS.DISK_UNLINKED

/** Links a policy to disks, each for itself; those already linked to it stay so. */
export async function linkDisks(
  parts: LinkParts,
  viewer: Viewer,
  policyId: string,
  diskIds: readonly string[],
): Promise<(Disk | Refusal)[]> {
  const { accountId } = viewer
  await Promise.all(diskIds.map((diskId) => parts.looks.lookAt(viewer, diskId)))
  function* linkOne(sql: Sql, policy: AutoSnapshotPolicy, id: string): Work<Disk> {
    const disk = yield* lockDisk(sql, viewer, id)
    refuse(linkRefusals(disk, policyId))
    if (disk.policyId === policyId) return disk
    yield* sql.update('Disk', { policyId }, { id, accountId })
    yield* recordPolicy(sql, policy, 'LINK_AUTO_SNAPSHOT_POLICY', { ...parts, at: parts.now() }, id)
    return { ...disk, policyId }
  }
  return changePolicy(parts, viewer, policyId, function* (sql, policy) {
    yield* lockDisks(sql, viewer, diskIds)
    return yield* attemptEach(sql, diskIds, (own, id) => linkOne(own, policy, id))
  })
}

/**
 * Unlinks a policy from disks, each for itself; those that were not linked to it stay as they are. With
 * `deletesSnapshots`, the automatic snapshots of a disk are deleted first, except those that cannot be deleted now. After a
 * crash in the middle the disk is still linked, and the same call finishes.
 */
export async function unlinkDisks(
  parts: LinkParts,
  viewer: Viewer,
  policyId: string,
  { diskIds, deletesSnapshots }: Unlinking,
): Promise<(Disk | Refusal)[]> {
  const { db, announce, now, newId } = parts
  const { accountId } = viewer
  function* unlinkOne(sql: Sql, policy: AutoSnapshotPolicy, id: string): Work<Disk> {
    const disk = yield* lockDisk(sql, viewer, id)
    if (disk.policyId !== policyId) return disk
    const deletion = { newId, at: now(), reason: UNLINKED }
    if (deletesSnapshots && (yield* deleteSome(sql, { diskId: id, type: 'AUTOMATIC' }, deletion))) return disk
    yield* sql.update('Disk', { policyId: null }, { id, accountId })
    yield* recordPolicy(sql, policy, 'UNLINK_AUTO_SNAPSHOT_POLICY', { newId, at: now() }, id)
    return { ...disk, policyId: null }
  }
  const isLinked = (result: Disk | Refusal) => !(result instanceof Refusal) && result.policyId === policyId
  // A disk may have hundreds of snapshots: others have their turn in between.
  const together = deletesSnapshots ? 1 : UNLINKED_TOGETHER
  const results: (Disk | Refusal)[] = []
  while (results.length < diskIds.length) {
    const some = diskIds.slice(results.length, results.length + together)
    try {
      function* unlinkSome(sql: Sql, policy: AutoSnapshotPolicy): Work<(Disk | Refusal)[]> {
        yield* lockDisks(sql, viewer, some)
        return yield* attemptEach(sql, some, (own, id) => unlinkOne(own, policy, id))
      }
      const part = await changePolicy(parts, viewer, policyId, unlinkSome, db.writeInBackground)
      // A disk that is still linked has more snapshots to delete.
      if (!part.some(isLinked)) results.push(...part)
    } catch (refusal) {
      // The policy was deleted meanwhile. Before the first disk, that is the answer.
      if (!(refusal instanceof PolicyNotFound) || results.length === 0) throw refusal
      results.push(...some.map(() => refusal))
    }
    announce()
  }
  return results
}

/** Does work for each disk; where it is refused, the refusal is that one's result. */
function* attemptEach(
  sql: Sql,
  diskIds: readonly string[],
  work: (sql: Sql, diskId: string) => Work<Disk>,
): Work<(Disk | Refusal)[]> {
  const results: (Disk | Refusal)[] = []
  for (const diskId of diskIds) results.push(yield* sql.attempt(work(sql, diskId)))
  return results
}

/** A disk of the account; without its policy, when that has been deleted. */
function* lockDisk(sql: Sql, viewer: Viewer, diskId: string): Work<Disk> {
  const disk = yield* lockOwned(sql, 'Disk', viewer, diskId)
  if (disk.policyId === null) return disk
  const policy = yield* sql.get('AutoSnapshotPolicy', { id: disk.policyId, deletedAt: null })
  return policy ? disk : { ...disk, policyId: null }
}
