import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import type { SnapshotConsistency } from '../domain/snapshot.ts'

/** What a provider needs to know of a disk to find it. */
export interface DiskReference {
  id: string
  kind: DiskKind
  /** Where the provider finds the disk; for `local`, the absolute path of its image. */
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
}

export interface CopyRequest {
  snapshotId: string
  disk: DiskReference
  /** Called now and then while bytes are copied; both count bytes of data, not of holes. */
  onProgress: (copiedBytes: number, totalBytes: number) => void
  /** Aborting stops the copy soon, leaves no partial file, and rejects with the signal's reason. */
  signal: AbortSignal
}

/** How a copy ended for good. A fault that may pass is thrown instead, and the copy may be asked for again. */
export type CopyOutcome =
  | {
      outcome: 'copied'
      sizeBytes: bigint
      /** Bytes of data in the copy: holes and zero blocks left out. */
      dataBytes: bigint
      checksum: string
      consistency: SnapshotConsistency
    }
  | {
      outcome: 'refused'
      /** What is wrong and what would be right, in a sentence without paths: it is shown to clients. */
      reason: string
    }

/** Where disks really are. Verbs may be repeated with the same request and do not do finished work twice. */
export interface DiskProvider {
  readonly name: string
  /** Looks at each disk; the answer has one entry for each disk asked for, by its id. */
  observe(disks: readonly DiskReference[]): Promise<Map<string, DiskObservation>>
  /** Makes the verified, point-in-time copy that a snapshot is. */
  copy(request: CopyRequest): Promise<CopyOutcome>
  /** Removes what dead attempts to copy have left; may run at any time. */
  sweep(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
