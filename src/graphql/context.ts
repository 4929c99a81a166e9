import type { Groups } from '../delivery/groups.ts'
import type { TransitionHub } from '../delivery/hub.ts'
import type { Seat } from '../delivery/member.ts'
import type { SnapshotQuota } from '../domain/quota.ts'
import type { Reads } from '../reads/reads.ts'
import type { DiskOperationService } from '../services/disk-operations.ts'
import type { DiskService } from '../services/disks.ts'
import type { OperationService } from '../services/operations.ts'
import type { PolicyService } from '../services/policies.ts'
import type { SnapshotService } from '../services/snapshots.ts'
import type { TokenService } from '../services/tokens.ts'
import type { Viewer } from '../services/viewer.ts'
import type { TransitionLog } from '../transitions/log.ts'
import type { ProgressBoard } from '../transitions/progress.ts'
import type { DiskTransition } from '../transitions/transition.ts'

/** The parts of the gateway that resolvers use. */
export interface Gateway {
  disks: DiskService
  diskOperations: DiskOperationService
  operations: OperationService
  snapshots: SnapshotService
  policies: PolicyService
  tokens: TokenService
  transitions: TransitionLog
  diskTransitions: TransitionLog<DiskTransition>
  hub: TransitionHub
  diskHub: TransitionHub<DiskTransition>
  progress: ProgressBoard
  quota: SnapshotQuota
}

/** What a resolver knows: the gateway, who asks, and the reads of this request. */
export interface Context {
  gateway: Gateway
  viewer: Viewer
  reads: Reads
  requestId: string
  /** Called by a resolver whose value may change without a commit to the database: the answer is then not kept. */
  fleeting?: () => void
  /** Hands a subscription to these groups, which serve it from its seat on; for subscriptions only. */
  join?: (seat: Seat, groups: Groups) => void
}
