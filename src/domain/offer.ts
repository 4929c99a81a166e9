import type { Provider } from './connection.ts'
import type { DiskOperation } from './disk.ts'
import type { Refusal } from './refusal.ts'
import { OperationNotOffered } from './refusals.ts'
import type { SnapshotOperation } from './snapshot.ts'

/** What can be done with disks and snapshots that are in a cloud. */
const OFFERED_IN_CLOUDS: readonly (DiskOperation | SnapshotOperation)[] = ['UPDATE', 'DELETE']

/** Why the operation cannot be done with anything that this provider has. */
export function offerRefusals(provider: string, operation: DiskOperation | SnapshotOperation): Refusal[] {
  const isOffered = provider === 'local' || OFFERED_IN_CLOUDS.includes(operation)
  return isOffered ? [] : [new OperationNotOffered(provider as Provider)]
}

/** Why the disk cannot be one of several whose snapshots are accepted together or not at all: a cloud decides for each. */
export function consistentRefusals({ provider }: { provider: string }): Refusal[] {
  return provider === 'local' ? [] : [new OperationNotOffered(provider as Provider)]
}

/** Why name and description of the disk cannot be changed here: in a cloud, they are the cloud's. */
export function renameDiskRefusals({ provider }: { provider: string }): Refusal[] {
  return provider === 'local' ? [] : [new OperationNotOffered(provider as Provider)]
}
