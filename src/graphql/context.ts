import type { Groups } from '../delivery/groups.ts'
import type { TransitionHub } from '../delivery/hub.ts'
import type { Seat } from '../delivery/member.ts'
import type { SnapshotQuota } from '../domain/quota.ts'
import type { Reads } from '../reads/reads.ts'
import type { ConnectionService } from '../services/connections.ts'
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
  operations: OperationService
  snapshots: SnapshotService
  policies: PolicyService
  tokens: TokenService
  connections: ConnectionService
  transitions: TransitionLog
  diskTransitions: TransitionLog<DiskTransition>
  hub: TransitionHub
  diskHub: TransitionHub<DiskTransition>
  progress: ProgressBoard
  quota: SnapshotQuota
}

/** How a stream of server-sent events is resumed: the id of an event is the cursor after it. */
export interface EventStreamResume {
  /** The id of the last event that the client has received, which says more than `after`: it comes again with the same URL. */
  lastEventId: string | undefined
  /** Called with the cursor where the stream begins, for a client that loses its connection before the first event. */
  beginsAt: (cursor: string) => void
}

/** What a resolver knows: the gateway, who asks, and the reads of this request. */
export interface Context {
  gateway: Gateway
  viewer: Viewer
  reads: Reads
  requestId: string
  /** Called by a resolver whose value may change without a commit to the database: the answer is then not kept. */
  fleeting?: () => void
  /** For a subscription over server-sent events. */
  eventStream?: EventStreamResume | undefined
  /** Hands a subscription to these groups, which serve it from its seat on; for subscriptions only. */
  join?: (seat: Seat, groups: Groups) => void
}
