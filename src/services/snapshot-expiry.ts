import { reason } from '../domain/reasons.ts'
import type { Snapshot } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Sql, Work } from '../database/work.ts'
import { RETENTION, writeActor } from '../domain/actor.ts'
import { deleteSnapshotRefusals } from '../domain/snapshot-operation.ts'
import { DAY_MS } from '../domain/units.ts'
import { actingAs } from '../tracing/actor.ts'
import type { Clock, Moment, NewId } from './clock.ts'
import { deleteSnapshots, isRead } from './snapshot-deletion.ts'

export interface ExpiryParts {
  db: Database
  /** Called after a commit that appended transitions or jobs. */
  announce: () => void
  now: Clock
  newId: NewId
}

const BY_RETENTION = writeActor(RETENTION)

/** How many that have expired are deleted in one transaction. */
const EXPIRY_BATCH = 100

/**
 * Deletes what is past its retention, of all accounts; what cannot be deleted now, later. Returns how many. One that
 * fails holds up no other; in the end this rejects with what failed.
 */
export async function expireSnapshots(
  { db, announce, now, newId }: ExpiryParts,
  signal?: AbortSignal,
): Promise<number> {
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
      where: { expiresAt: { lte: at }, deletionProtection: false, ...(behind && { OR: behind }) },
      orderBy: [{ expiresAt: 'asc' }, { id: 'asc' }],
      take: EXPIRY_BATCH,
      select: { id: true, expiresAt: true },
    })
    const results = await Promise.allSettled(
      due.map(({ id }) =>
        actingAs(BY_RETENTION, () => db.writeInBackground((sql) => expireOne(sql, id, { newId, at }))),
      ),
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
}

/** Deletes a snapshot if it still is past its retention and may be deleted; whether it did. */
function* expireOne(sql: Sql, id: string, { newId, at }: Moment): Work<boolean> {
  const snapshot = yield* sql.lock('Snapshot', { id, expiresAt: { lte: at } }, { skipLocked: true })
  if (!snapshot || deleteSnapshotRefusals(snapshot, yield* isRead(sql, id)).length > 0) return false
  if (yield* wasKeptLately(sql, id, at)) return false
  yield* deleteSnapshots(sql, [snapshot], { reason: expiredReason, at, newId })
  return true
}

/** Whether a deletion of the snapshot was taken back within the last day: because of the storage, or on request. */
function* wasKeptLately(sql: Sql, snapshotId: string, at: Date): Work<boolean> {
  const lately = { gt: new Date(at.getTime() - DAY_MS), lte: at }
  return (
    (yield* sql.get('SnapshotTransition', {
      snapshotId,
      from: 'DELETING',
      to: { not: 'DELETING' },
      at: lately,
    })) !== undefined
  )
}

function expiredReason({ retentionDays, expiresAt }: Snapshot): string {
  const [days, time] = [retentionDays ?? 0, expiresAt?.toISOString() ?? '']
  return days === 1 ? reason('EXPIRED_AFTER_ONE_DAY', { time }) : reason('EXPIRED', { days, time })
}
