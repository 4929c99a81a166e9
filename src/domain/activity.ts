/** What is recorded of who changed what. One for each change; a change of several things is recorded for each. */
export const ACTIVITY_ACTIONS = {
  CREATE_SNAPSHOT: 'A snapshot was requested, by `createSnapshot`, `createSnapshots` or a policy.',
  UPDATE_SNAPSHOT: 'A snapshot was edited, by `updateSnapshot`.',
  DELETE_SNAPSHOT: 'The deletion of a snapshot was requested, by a mutation, its retention or a policy.',
  VERIFY_SNAPSHOT: 'A verification was requested, by `verifySnapshot`.',
  REGISTER_DISK: 'A disk was registered, by `registerDisk` or a command.',
  CREATE_DISK: 'A disk was requested, by `createDisk`.',
  UPDATE_DISK: 'A disk was edited, by `updateDisk`.',
  ATTACH_DISK: 'Attaching was requested, by `attachDisk`.',
  DETACH_DISK: 'Detaching was requested, by `detachDisk`.',
  RESIZE_DISK: 'A new size was requested, by `resizeDisk`.',
  ROLL_BACK_DISK: 'A rollback was requested, by `rollBackDisk`.',
  RELEASE_DISK: 'The release was requested, by `releaseDisk`.',
  CANCEL_OPERATION: 'The cancellation of an operation was requested, by `cancelOperation`.',
  CREATE_AUTO_SNAPSHOT_POLICY: 'A policy was created.',
  UPDATE_AUTO_SNAPSHOT_POLICY: 'A policy was edited.',
  DELETE_AUTO_SNAPSHOT_POLICY: 'A policy was deleted.',
  LINK_AUTO_SNAPSHOT_POLICY: 'A policy was linked to a disk.',
  UNLINK_AUTO_SNAPSHOT_POLICY: 'A policy was unlinked from a disk.',
  CREATE_API_TOKEN: 'An API token was created, by `createApiToken` or a command.',
  REVOKE_API_TOKEN: 'An API token was revoked, by `revokeApiToken` or a command.',
  CREATE_CONNECTION: 'A connection to a cloud was created.',
  UPDATE_CONNECTION: 'A connection to a cloud was edited.',
  DELETE_CONNECTION: 'A connection to a cloud was deleted.',
} as const
export type ActivityAction = keyof typeof ACTIVITY_ACTIONS

export type ActivityResult = 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'

/** How a background job ended, as the result of what asked for it. */
export function resultOfJob({
  outcome,
  isCancelled,
}: {
  outcome: string
  isCancelled: boolean
}): ActivityResult {
  if (outcome === 'cancelled' || (isCancelled && outcome === 'refused')) return 'CANCELLED'
  return outcome === 'refused' || outcome === 'damaged' ? 'FAILED' : 'SUCCEEDED'
}
