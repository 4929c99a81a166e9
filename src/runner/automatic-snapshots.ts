import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import type { Changes } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { writeActor } from '../domain/actor.ts'
import { storedRetention } from '../domain/retention.ts'
import { Refusal } from '../domain/refusal.ts'
import type {
  AutoSnapshotPolicy,
  AutoSnapshotRun,
  AutoSnapshotRunDisk,
  Snapshot,
} from '../generated/prisma/client.ts'
import type { DiskLooks } from '../services/disk-looks.ts'
import type { SnapshotService } from '../services/snapshots.ts'
import { actingAs } from '../tracing/actor.ts'

export interface AutomaticParts {
  db: Database
  looks: Pick<DiskLooks, 'lookAt'>
  snapshots: Pick<SnapshotService, 'admitAutomatic' | 'capture'>
  /** Called after a commit that appended transitions. */
  announce: () => void
  log: Logger
}

/** How many disks are read together. */
const BATCH = 100

/** Makes the snapshots of all disks that a run is still to be done for. */
export async function carryOut(parts: AutomaticParts, isStopped: () => boolean): Promise<void> {
  const { db, log } = parts
  // Usually none is due, and Prisma would query runs and policies even then.
  const some = await db.autoSnapshotRunDisk.findFirst({ where: { outcome: 'PENDING' }, select: { id: true } })
  if (!some) return
  let last = ''
  for (;;) {
    const pending = await db.autoSnapshotRunDisk.findMany({
      where: { outcome: 'PENDING', id: { gt: last }, run: { policy: { deletedAt: null } } },
      orderBy: { id: 'asc' },
      take: BATCH,
      include: { run: { include: { policy: true } } },
    })
    await Promise.all(pending.map((appointed) => look(parts, appointed)))
    for (const appointed of pending) {
      if (isStopped()) return
      await snapshotOf(parts, appointed).catch((error: unknown) => {
        const { id: runDiskId, diskId } = appointed
        logFault(log, error, 'automatic snapshot could not be made, and will be tried again', {
          runDiskId,
          diskId,
        })
      })
    }
    const end = pending.at(-1)
    if (end === undefined || pending.length < BATCH) return
    last = end.id
  }
}

/** Finds out the status of a disk; where that fails, what is known of it decides. */
async function look({ looks, log }: AutomaticParts, { accountId, diskId }: Appointed): Promise<void> {
  await looks
    .lookAt({ accountId }, diskId)
    .catch((error: unknown) => logFault(log, error, 'a disk could not be looked at', { diskId }))
}

/** One disk of a run: its snapshot, or why it has none, and the note of that are one write. */
async function snapshotOf(
  { db, snapshots, announce, log }: AutomaticParts,
  { id, diskId, accountId, run: { slot, policy, retentionDays: decided } }: Appointed,
): Promise<void> {
  const policyId = policy.id
  const retentionDays = decided ?? policy.retentionDays
  const input = {
    diskId,
    name: nameOf(slot),
    retentionDays: storedRetention(retentionDays),
  }
  const actor = writeActor({ kind: 'POLICY', id: policyId, name: policy.name, requestId: null })
  const take = function* (sql: Sql): Work<Snapshot | Refusal | undefined> {
    // A policy that was deleted runs nothing any more.
    const isThere = yield* sql.lock('AutoSnapshotPolicy', { id: policyId, deletedAt: null })
    if (!isThere || !(yield* sql.lock('AutoSnapshotRunDisk', { id, outcome: 'PENDING' }))) return undefined
    const note = (changes: Changes<'AutoSnapshotRunDisk'>) =>
      sql.update('AutoSnapshotRunDisk', changes, { id, accountId })
    const disk = yield* sql.lock('Disk', { id: diskId, accountId })
    if (disk && disk.policyId !== policyId) {
      // It was unlinked after the run had begun.
      yield* note({ outcome: 'MISSED' })
      return undefined
    }
    const made = yield* sql.attempt(snapshots.admitAutomatic(sql, accountId, input))
    if (made instanceof Refusal)
      yield* note({ outcome: 'SKIPPED', refusalCode: made.code, refusalMessage: made.message })
    else yield* note({ outcome: 'CREATED', snapshotId: made.id })
    return made
  }
  const result = await actingAs(actor, () => db.writeInBackground(take))
  const at = { policyId, slot, diskId }
  if (result instanceof Refusal) log.info({ ...at, refusal: result.code }, 'automatic snapshot skipped')
  if (result === undefined || result instanceof Refusal) return
  await snapshots.capture(result)
  announce()
  log.info({ ...at, snapshotId: result.id }, 'automatic snapshot')
}

type Appointed = AutoSnapshotRunDisk & { run: AutoSnapshotRun & { policy: AutoSnapshotPolicy } }

/** What a snapshot made for this slot is called: `auto-2026-03-29-02.00`. */
function nameOf(slot: string): string {
  return `auto-${slot.slice(0, 16).replace('T', '-').replace(':', '.')}`
}
