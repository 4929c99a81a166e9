import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import type { SnapshotConsistency } from '../domain/snapshot.ts'

/** What a provider needs to know of a disk to find it. */
export interface DiskReference {
  id: string
  accountId: string
  kind: DiskKind
  /** Where the provider finds the disk; for `local`, the path of its image, relative to DATA_DIR when it is inside. */
  location: string
  /** The instance the disk is attached to, as recorded; null when none is. */
  instanceId: string | null
}

/** What the provider can see of a disk now. */
export interface DiskObservation {
  status: Extract<DiskStatus, 'ERROR' | 'IN_USE' | 'UNMOUNTED' | 'NORMAL'>
  /** Why the status is ERROR, in a sentence without paths; null otherwise. */
  statusReason: string | null
  /** The declared size; null when it cannot be known. */
  sizeBytes: bigint | null
  /** Equal for two disks when they are one, whatever names it has; null when it cannot be known. */
  identity: string | null
}

/** What every piece of work is asked with. */
export interface Work {
  /** Called now and then while bytes are moved; both count bytes of data, not of holes. */
  onProgress: (doneBytes: number, totalBytes: number) => void
  /** Aborting stops the work soon, leaves no partial file, and rejects with the signal's reason. */
  signal: AbortSignal
}

/**
 * Does what cannot be undone: `act` does all of it, or throws and has changed nothing. Rejects without calling `act` when the
 * job was cancelled or another runner has it; from then on the job cannot be cancelled.
 */
export type Commit = <T>(act: () => Promise<T>) => Promise<T>

/** Work on the content of a disk. The disk is locked against others while it commits. */
export interface DiskWork extends Work {
  disk: DiskReference
  commit: Commit
}

export interface CopyRequest extends Work {
  snapshotId: string
  disk: DiskReference
}

/** Which snapshot is of which disk. */
export type CaptureRequest = Pick<CopyRequest, 'snapshotId' | 'disk'>

/** The copy that a snapshot is, and what its bytes have to be. */
export interface CopyReference {
  snapshotId: string
  checksum: string
}

/** How a copy ended. A fault that may pass is thrown instead, and the copy may be asked for again. */
export type CopyOutcome =
  | {
      outcome: 'copied'
      sizeBytes: bigint
      /** Bytes of data in the copy: holes and zero blocks left out. */
      dataBytes: bigint
      checksum: string
      /** The moment whose data the copy holds: what was written by then is in it, and nothing later. */
      dataAt: Date
      /** What the copy can promise, judged at that moment. */
      consistency: SnapshotConsistency
    }
  | Refused

/** A fault that passes: the provider asks for fewer calls. Thrown by verbs, which are then called again later. */
export class Throttled extends Error {}

/** The work failed permanently, and nothing was changed. */
export interface Refused {
  outcome: 'refused'
  /** What is wrong and what would be right, in a sentence without paths: it is shown to clients. */
  reason: string
}

/** The work failed because the stored copy of a snapshot is damaged or missing. */
export interface Damaged {
  outcome: 'damaged'
  /** What is wrong with the copy, in a sentence without paths: it is shown to clients. */
  reason: string
}

export interface Done {
  outcome: 'done'
}

/**
 * Where disks really are. Verbs may be repeated with the same request and do not do finished work twice; each ends with
 * an outcome for good, or throws a fault that may pass.
 */
export interface DiskProvider {
  readonly name: string
  /** The label of the gateways that reach the same bytes: those with another label leave its disks and copies alone. */
  readonly host: string
  /**
   * Why the provider cannot be used at all, such as credentials that are refused, in a sentence without paths; undefined when it
   * can. Returns at once what is known.
   */
  problem(): string | undefined
  /**
   * Looks at each disk. The answer has an entry for each disk, by its id: what is seen of it, or the passing fault that kept
   * it from being looked at, which holds up no other.
   */
  observe(disks: readonly DiskReference[]): Promise<Map<string, DiskObservation | Error>>
  /**
   * Keeps the present content of a disk for the copy that follows, where that takes an instant; does nothing where it cannot.
   * A fault here is no fault of the snapshot: the copy then holds the data of a later moment.
   */
  capture(request: CaptureRequest): Promise<void>
  /** Makes the verified, point-in-time copy that a snapshot is. */
  copy(request: CopyRequest): Promise<CopyOutcome>
  /** Reads a copy again from where it is stored, and compares it with its checksum. */
  verify(copy: CopyReference & Work): Promise<Done | Damaged>
  /** Whether anything is stored as the copy of a snapshot: it is removed as a whole, so then all of it is there. */
  holds(snapshotId: string): Promise<boolean>
  /** Deletes the copy of a snapshot, durably; also when there is none, or a part of one. Without `commit`, unconditionally. */
  delete(snapshotId: string, commit?: Commit): Promise<Done | Refused>
  /** Where a new disk with this id will be. */
  place(diskId: string): Promise<string>
  /** Makes a disk at its location, empty or with the content of a copy; whole or not at all. */
  create(work: DiskWork & { sizeBytes: bigint; from?: CopyReference }): Promise<Done | Refused | Damaged>
  /** Gives the disk the content of a copy, which is verified first. At every moment it has the old content or the new. */
  rollBack(work: DiskWork & { to: CopyReference }): Promise<Done | Refused | Damaged>
  /** Makes the disk at least as large as this. */
  resize(work: DiskWork & { sizeBytes: bigint }): Promise<Done | Refused>
  /** Prepares the disk for an instance. */
  attach(work: DiskWork): Promise<Done | Refused>
  /** Takes the disk from its instance. */
  detach(work: DiskWork): Promise<Done | Refused>
  /** Releases the disk: an image made by `create` is removed; one that existed before is left alone. */
  release(work: DiskWork): Promise<Done | Refused>
  /** Removes what dead attempts at work on the disk have left beside it; the disk itself stays as it is. */
  clean(disk: DiskReference): Promise<Done | Refused>
  /**
   * Removes what dead attempts have left, and what was captured for copies that have ended: `waiting` says which of these
   * snapshots still wait for their copy. May run at any time.
   */
  sweep(waiting: (snapshotIds: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
