/** A table that replicas have. */
export interface FedTable {
  name: string
  /**
   * The columns by which a change is told: what has another value of them is another row, or belongs to another owner, whose
   * rows are told together. The last one may be any text.
   */
  key: readonly [string] | readonly [number: string, rest: string]
  /** Columns that are not fed: they keep their default here. */
  without: readonly string[]
  /** Whether its rows are numbered in each account; their positions are those of the replica. */
  isLog?: boolean
}

/**
 * What the gateway reads of a replica. The triggers of prisma/postgresql/migrations note changes of the same tables. Client
 * tokens and the trust in the clock are read in transactions only.
 */
export const FED: readonly FedTable[] = [
  { name: 'Account', key: ['id'], without: [] },
  { name: 'Activity', key: ['id'], without: [] },
  { name: 'ApiToken', key: ['id'], without: [] },
  { name: 'AutoSnapshotPolicy', key: ['id'], without: [] },
  { name: 'AutoSnapshotRun', key: ['id'], without: [] },
  { name: 'AutoSnapshotRunDisk', key: ['id'], without: [] },
  // Credentials, sealed or not, stay in the database; as do leases.
  { name: 'Connection', key: ['id'], without: ['sealed', 'sealKey', 'reference', 'pollOwner', 'pollUntil'] },
  { name: 'DailyUsage', key: ['accountId'], without: [] },
  { name: 'Disk', key: ['id'], without: [] },
  { name: 'DiskTag', key: ['diskId'], without: [] },
  { name: 'Snapshot', key: ['id'], without: [] },
  { name: 'SnapshotTag', key: ['snapshotId'], without: [] },
  { name: 'Job', key: ['id'], without: ['leaseOwner', 'leaseUntil'] },
  { name: 'TransitionLog', key: ['id'], without: [] },
  { name: 'SnapshotTransition', key: ['sequence', 'accountId'], without: ['position'], isLog: true },
  { name: 'DiskTransition', key: ['sequence', 'accountId'], without: ['position'], isLog: true },
  // After the logs, whose positions it takes.
  { name: 'PrunedTransitions', key: ['accountId'], without: ['position'] },
]
