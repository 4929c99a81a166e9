import { offerRefusals } from './offer.ts'
import type { Refusal } from './refusal.ts'
import { SnapshotInUse, SnapshotProtected, SnapshotStatusForbidsOperation } from './refusals.ts'
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
  provider: string
  status: SnapshotStatus
}

function statusRefusals(operation: SnapshotOperation, { provider, status }: Snapshot): Refusal[] {
  const refusals = offerRefusals(provider, operation)
  if (refusals.length > 0) return refusals
  const allowed = SNAPSHOT_OPERATION_STATUSES[operation]
  return allowed.includes(status) ? [] : [new SnapshotStatusForbidsOperation(operation, status, allowed)]
}

/** Why name, description, tags, retention and protection of the snapshot cannot be changed now. */
export function updateSnapshotRefusals(snapshot: Snapshot): Refusal[] {
  return statusRefusals('UPDATE', snapshot)
}

/** Why the snapshot cannot be deleted now; `isRead` says whether something reads its copy. Order: status, protection, use. */
export function deleteSnapshotRefusals(
  snapshot: Snapshot & { deletionProtection: boolean },
  isRead: boolean,
): Refusal[] {
  const refusals = statusRefusals('DELETE', snapshot)
  if (refusals.length > 0) return refusals
  if (snapshot.deletionProtection) return [new SnapshotProtected(snapshot.id)]
  return isRead ? [new SnapshotInUse(snapshot.id)] : []
}

/** Why the copy cannot be verified now; `isVerified` says whether that is in progress already. */
export function verifySnapshotRefusals(snapshot: Snapshot, isVerified: boolean): Refusal[] {
  const refusals = statusRefusals('VERIFY', snapshot)
  return refusals.length === 0 && isVerified ? [new SnapshotInUse(snapshot.id)] : refusals
}
