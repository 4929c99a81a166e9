import type { Refusal } from './refusal.ts'
import { SnapshotInUse, SnapshotStatusForbidsOperation } from './refusals.ts'
import type { SnapshotOperation, SnapshotStatus } from './snapshot.ts'

/**
 * The statuses in which each operation may begin. A snapshot is changed or deleted when it has come to its end, and
 * one that is damaged can at least be deleted, or it would take up its place forever.
 * Source: the cloud's API, delete snapshot (CreatedFailed or Available); what reads the copy needs it whole.
 */
export const SNAPSHOT_OPERATION_STATUSES: Record<SnapshotOperation, readonly SnapshotStatus[]> = {
  UPDATE: ['COMPLETED', 'FAILED', 'UNAVAILABLE'],
  DELETE: ['COMPLETED', 'FAILED', 'UNAVAILABLE'],
  VERIFY: ['COMPLETED'],
  ROLL_BACK: ['COMPLETED'],
  CREATE_DISK: ['COMPLETED'],
}

/** The part of a snapshot that these rules decide by. */
interface Snapshot {
  id: string
  status: SnapshotStatus
}

function statusRefusals(operation: SnapshotOperation, { status }: Snapshot): Refusal[] {
  const allowed = SNAPSHOT_OPERATION_STATUSES[operation]
  return allowed.includes(status) ? [] : [new SnapshotStatusForbidsOperation(operation, status, allowed)]
}

/** Why name, description, tags and retention of the snapshot cannot be changed now. */
export function updateSnapshotRefusals(snapshot: Snapshot): Refusal[] {
  return statusRefusals('UPDATE', snapshot)
}

/** Why the snapshot cannot be deleted now; `isRead` says whether something reads its copy. */
export function deleteSnapshotRefusals(snapshot: Snapshot, isRead: boolean): Refusal[] {
  const refusals = statusRefusals('DELETE', snapshot)
  return refusals.length === 0 && isRead ? [new SnapshotInUse(snapshot.id)] : refusals
}

/** Why the copy cannot be verified now; `isVerified` says whether that is in progress already. */
export function verifySnapshotRefusals(snapshot: Snapshot, isVerified: boolean): Refusal[] {
  const refusals = statusRefusals('VERIFY', snapshot)
  return refusals.length === 0 && isVerified ? [new SnapshotInUse(snapshot.id)] : refusals
}
