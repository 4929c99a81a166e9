import type { DiskStatus } from '../domain/disk.ts'
import type { SnapshotStatus, SnapshotType } from '../domain/snapshot.ts'

/** One change of a snapshot's status: a row of the transition log. */
export interface Transition {
  /** Its place in the whole log: strictly increasing, in commit order. Never shown to clients. */
  position: number
  accountId: string
  /** Its number among the transitions of its account: 1, 2, 3 … in commit order, without a gap. */
  sequence: number
  /** Random. With the number, it tells this transition from any other that had the same number before a restore. */
  tag: string
  snapshotId: string
  /** The name of the snapshot at that moment; null where it was not stored. */
  snapshotName: string | null
  /** Its type; null where it was not stored. */
  snapshotType: SnapshotType | null
  /** Its tags at that moment, as a JSON list of keys and values; null when it had none, or where they were not stored. */
  snapshotTags: string | null
  diskId: string
  /** Null for the first transition of a snapshot. */
  from: SnapshotStatus | null
  to: SnapshotStatus
  reason: string | null
  /** Who or what caused it, as it is stored; null where that was not stored, or the gateway observed it. */
  actor: string | null
  /** When the gateway did it or saw it. */
  at: Date
  /** When it happened by the clock of the cloud; null where the cloud does not say, and outside of clouds. */
  upstreamAt: Date | null
}

/** What only transitions of snapshots have. */
type OfSnapshot = 'snapshotId' | 'snapshotName' | 'snapshotType' | 'snapshotTags'

/** One change of a disk's status: a row of the log of disks. */
export interface DiskTransition extends Omit<Transition, OfSnapshot | 'from' | 'to'> {
  snapshotId?: undefined
  /** Null for the first transition of a disk. */
  from: DiskStatus | null
  to: DiskStatus
}

export type AnyTransition = Transition | DiskTransition

/** Which transitions a reader wants; the account is never optional. */
export interface TransitionScope {
  accountId: string
  snapshotId?: string | undefined
  diskId?: string | undefined
}

/** A transition without what the log adds to it; it looks the tags of the snapshot up where they are left out. */
export type NewTransition<T extends AnyTransition> = Omit<
  T,
  | ('position' | 'sequence' | 'tag' | 'actor' | 'upstreamAt')
  | (T extends DiskTransition ? 'snapshotId' : 'snapshotTags')
> &
  Partial<Pick<T, 'upstreamAt'>> &
  (T extends DiskTransition ? unknown : Partial<Pick<Transition, 'snapshotTags'>>)
