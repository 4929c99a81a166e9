import type { Snapshot } from '../generated/prisma/client.ts'
import type { Changes } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { expiry } from '../domain/retention.ts'
import {
  deleteSnapshotRefusals,
  updateSnapshotRefusals,
  verifySnapshotRefusals,
} from '../domain/snapshot-operation.ts'
import { insertJobs, recordChange, type Change } from './activity.ts'
import type { Tag } from './client-tokens.ts'
import { lockOwned } from './owned.ts'
import { checkName, refuse } from './refuse.ts'
import {
  admitAutomatic,
  createSnapshot,
  createSnapshots,
  type AutomaticSnapshot,
  type CreateSnapshot,
  type CreateSnapshots,
  type CreationParts,
} from './snapshot-creation.ts'
import { deleteSnapshots, isRead, isVerified } from './snapshot-deletion.ts'
import { expireSnapshots } from './snapshot-expiry.ts'
import { outcomesOf, type SnapshotOutcome } from './snapshot-outcomes.ts'
import { insertSnapshotTags } from './tags.ts'
import type { Viewer } from './viewer.ts'

/** What is left out stays as it is. */
export interface UpdateSnapshot {
  snapshotId: string
  name?: string | undefined
  description?: string | undefined
  tags?: readonly Tag[] | undefined
  /** Null keeps it forever. */
  retentionDays?: number | null | undefined
  deletionProtection?: boolean | undefined
}

export type SnapshotService = ReturnType<typeof createSnapshotService>

/** What can be done with snapshots. Each verb accepts the work or throws the refusal; the doing is the runner's. */
export function createSnapshotService(parts: CreationParts) {
  const { capture, now, newId } = parts

  /** Accepts the deletion of a snapshot, DELETING, or throws the refusal; the removing is the runner's. */
  function deleteOne(viewer: Viewer, snapshotId: string): Promise<Snapshot> {
    return change(parts, viewer, snapshotId, function* (sql, snapshot) {
      refuse(deleteSnapshotRefusals(snapshot, yield* isRead(sql, snapshotId)))
      yield* deleteSnapshots(sql, [snapshot], { reason: () => null, at: now(), newId })
    })
  }

  return {
    capture,

    admitAutomatic: (sql: Sql, accountId: string, input: AutomaticSnapshot): Work<Snapshot> =>
      admitAutomatic(parts, sql, accountId, input),

    create: (viewer: Viewer, input: CreateSnapshot): Promise<Snapshot> =>
      createSnapshot(parts, viewer, input),

    createMany: (viewer: Viewer, input: CreateSnapshots): Promise<SnapshotOutcome[]> =>
      createSnapshots(parts, viewer, input),

    /** Changes the name, description, tags, retention or protection of a snapshot. The retention counts from its creation. */
    async update(viewer: Viewer, { snapshotId, tags, ...input }: UpdateSnapshot): Promise<Snapshot> {
      if (input.name !== undefined) checkName(input.name)
      await renameUpstream(parts, viewer, snapshotId, input)
      return change(parts, viewer, snapshotId, function* (sql, snapshot) {
        refuse(updateSnapshotRefusals(snapshot))
        const { retentionDays } = input
        const changes: Changes<'Snapshot'> = {
          ...input,
          expiresAt: retentionDays === undefined ? undefined : expiry(snapshot.createdAt, retentionDays),
        }
        yield* sql.update('Snapshot', changes, { id: snapshotId, accountId: viewer.accountId })
        yield* recordChange(sql, newId, changeOf(snapshot, 'UPDATE_SNAPSHOT', now()))
        if (!tags) return
        yield* sql.delete('SnapshotTag', { snapshotId })
        yield* insertSnapshotTags(sql, snapshotId, tags)
      })
    },

    delete: deleteOne,

    /** The same for several, each by itself. */
    deleteMany: (viewer: Viewer, snapshotIds: readonly string[]): Promise<SnapshotOutcome[]> =>
      outcomesOf(snapshotIds, (id) => deleteOne(viewer, id)),

    /** Accepts a verification, which compares the stored copy with its checksum, or throws the refusal. */
    verify(viewer: Viewer, snapshotId: string): Promise<Snapshot> {
      return change(parts, viewer, snapshotId, function* (sql, snapshot) {
        refuse(verifySnapshotRefusals(snapshot, yield* isVerified(sql, snapshotId)))
        const { diskId, host } = snapshot
        yield* insertJobs(sql, newId, [
          {
            change: changeOf(snapshot, 'VERIFY_SNAPSHOT', now()),
            job: { kind: 'VERIFY_SNAPSHOT', host, snapshotId, diskId },
          },
        ])
      })
    },

    expire: (signal?: AbortSignal): Promise<number> => expireSnapshots(parts, signal),
  }
}

/** In a cloud, name and description are changed first, and here only when the cloud has accepted that. */
async function renameUpstream(
  { db, renamed }: CreationParts,
  { accountId }: Viewer,
  id: string,
  { name, description }: Pick<UpdateSnapshot, 'name' | 'description'>,
): Promise<void> {
  if (name === undefined && description === undefined) return
  const snapshot = await db.snapshot.findFirst({ where: { id, accountId, externalId: { not: null } } })
  if (!snapshot) return
  refuse(updateSnapshotRefusals(snapshot))
  const refusal = await renamed(snapshot, {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
  })
  if (refusal) throw refusal
}

/** What the transaction does for one snapshot of the account, and what is announced when it is committed. */
async function change(
  { db, announce }: Pick<CreationParts, 'db' | 'announce'>,
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

function changeOf(
  { id, accountId, diskId, name }: Pick<Snapshot, 'id' | 'accountId' | 'diskId' | 'name'>,
  action: Change['action'],
  at: Date,
): Change {
  return { accountId, action, at, subjectId: id, subjectName: name, snapshotId: id, diskId }
}
