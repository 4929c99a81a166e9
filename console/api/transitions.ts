import { DISK, QUOTA_OF_DISK } from './disk.ts'
import { graphql, type ResultOf } from './graphql.ts'
import { REASON, type Reason } from './reasons.ts'
import { SNAPSHOT } from './snapshot.ts'

/** A step in the history of a snapshot. */
export const TRANSITION = graphql(
  `
    fragment Transition on SnapshotTransition {
      __typename
      sequence
      from
      to
      reason
      reasons {
        ...Reason
      }
      at
      snapshotId
    }
  `,
  [REASON],
)

/** Every transition of a snapshot, with what it changes of the snapshot and its disk; the disk's status is said by its own. */
export const SNAPSHOT_TRANSITIONS = graphql(
  `
    subscription SnapshotTransitions($after: String) {
      snapshotTransitions(after: $after) {
        ...Transition
        cursor
        diskId
        actor {
          kind
          actorId
        }
        snapshot {
          ...Snapshot
          transitions {
            ...Transition
          }
          disk {
            id
            ...QuotaOfDisk
          }
        }
      }
    }
  `,
  [TRANSITION, SNAPSHOT, QUOTA_OF_DISK],
)

/** Every transition of a disk, with what it changes of the disk. */
export const DISK_TRANSITIONS = graphql(
  `
    subscription DiskTransitions($after: String) {
      diskTransitions(after: $after) {
        __typename
        sequence
        from
        to
        reason
        reasons {
          ...Reason
        }
        at
        diskId
        cursor
        actor {
          kind
          actorId
        }
        disk {
          ...Disk
        }
      }
    }
  `,
  [DISK, REASON],
)

export type Transition = ResultOf<typeof TRANSITION>
export type SnapshotTransition = ResultOf<typeof SNAPSHOT_TRANSITIONS>['snapshotTransitions']
export type DiskTransition = ResultOf<typeof DISK_TRANSITIONS>['diskTransitions']
export type LiveTransition = SnapshotTransition | DiskTransition
/** A step in the history of a disk. */
export type StepOfDisk = Pick<
  DiskTransition,
  '__typename' | 'sequence' | 'from' | 'to' | 'reason' | 'reasons' | 'at'
>

/**
 * What a transition from a status to itself says: that a cancellation was requested, or that a verification, which changes no
 * status, was cancelled. Source: the description of `cancelOperation`.
 */
export function cancellationIn({ reasons }: { reasons: readonly Reason[] }): 'request' | 'ended' {
  return reasons.some(({ code }) => code === 'CANCELLED') ? 'ended' : 'request'
}

/** The transition in an answer, if that is of one of the streams. */
export function transitionIn(data: unknown): LiveTransition | undefined {
  const { snapshotTransitions, diskTransitions } = (data ?? {}) as Partial<
    Record<'snapshotTransitions' | 'diskTransitions', LiveTransition>
  >
  return snapshotTransitions ?? diskTransitions
}
