import type { DiskKind, DiskStatus } from '../../domain/disk.ts'
import type { UpstreamPolicy } from '../../domain/upstream-policy.ts'
import type { UpstreamQuotaKind } from '../../domain/upstream-quota.ts'
import type { SnapshotStatus, SnapshotType } from '../../domain/snapshot.ts'

/** What a cloud can do, and how. Facts of the cloud, which hold for each of its accounts. */
export interface CloudAbilities {
  readonly verbs: ReadonlySet<CloudRequest['verb']>
  /** Whether the cloud makes one snapshot of a disk at a time, and refuses a second one. */
  readonly oneSnapshotPerDisk: boolean
  readonly deleteWhileCreating: boolean
  /** Whether the cloud says why something failed, at another place and some time after it failed. */
  readonly reasonsComeLater: boolean
  /** What makes the repetition of a create safe: a token that the cloud compares, or only `find`. */
  readonly idempotency: 'TOKEN' | 'NONE'
  /** Whose snapshots the cloud's own quota counts. */
  readonly quotaScope: 'DISK' | 'PROJECT'
}

/** A disk as the cloud shows it now. */
export interface SeenDisk {
  externalId: string
  name: string
  kind: DiskKind
  /** Our word for the status; `UNKNOWN` for one that is not known here. */
  status: DiskStatus
  /** The cloud's own word. */
  rawStatus: string
  /** The cloud's reason for a status that is an error; null when it gives none. */
  reason: string | null
  sizeBytes: bigint | null
  storageType: string
  zone: string
  /** The instance that it is attached to, and as which device; null when there is none. */
  instanceId: string | null
  device: string | null
  /** The cloud's ids of its own policies that it is linked to. */
  policyIds: string[]
  createdAt: Date | null
  /** When the cloud last changed it, by its clock; null when it does not say. */
  changedAt: Date | null
}

/** A snapshot as the cloud shows it now. */
export interface SeenSnapshot {
  externalId: string
  /** The cloud's id of the disk; null when the cloud no longer names one. */
  diskExternalId: string | null
  name: string
  type: SnapshotType
  /** Our word for the status; undefined for one that is not known here: the snapshot keeps the status that it has. */
  status: SnapshotStatus | undefined
  /** The cloud's own word. */
  rawStatus: string
  reason: string | null
  /** 0 to 100; null when the cloud does not say, or says what is no percentage. */
  percent: number | null
  sizeBytes: bigint | null
  createdAt: Date | null
  /** When the cloud last changed it, by its clock; null when it does not say. */
  changedAt: Date | null
  expiresAt: Date | null
  /** The mark that the request to create it carried; null for one that others have made. */
  mark: string | null
}

/** A part of a list. Rows can be repeated, and rows can be missing that are there: the list changes while it is read. */
export interface Page<Row> {
  rows: Row[]
  /** Where the next part begins; undefined on the last one. Opaque, and refused by the cloud when it has become too old. */
  next: string | undefined
}

/** What is asked of a cloud. Ids are the cloud's own. */
export type CloudRequest =
  | {
      verb: 'createSnapshot'
      disk: { externalId: string; kind: DiskKind; instanceId: string | null }
      name: string
      description: string
      /** Finds the snapshot again when the answer to this request is lost: letters, digits and `-`. */
      mark: string
      /** Equal for each repetition of one request; at most 64 characters of ASCII. */
      token: string
    }
  | {
      verb: 'changeSnapshot'
      snapshotId: string
      /** What is left out stays as it is. */
      name?: string | undefined
      description?: string | undefined
      /** The mark that the request to create it carried, which is kept; null if it has none. */
      mark: string | null
    }
  | { verb: 'deleteSnapshot'; snapshotId: string }
  | { verb: 'rollBack'; diskId: string; snapshotId: string }
  | {
      verb: 'createDisk'
      snapshotId: string
      name: string
      sizeBytes: bigint
      storageType: string
      zone: string
      token: string
    }
  | { verb: 'resize'; diskId: string; sizeBytes: bigint; token: string }
  | { verb: 'attach'; diskId: string; instanceId: string }
  | { verb: 'detach'; diskId: string; instanceId: string }
  | { verb: 'release'; diskId: string; withSnapshots: boolean }

/**
 * The cloud's answer to a request. `accepted` says only that the work begins: how it ends is what a later read shows.
 */
export type CloudAnswer =
  | {
      outcome: 'accepted'
      /** The id of what is made; null when the request makes nothing. */
      externalId: string | null
      requestId: string | null
    }
  | CloudRefusal

export interface CloudRefusal {
  outcome: 'refused'
  /**
   * `STATE`: the disk, instance or snapshot is in a status that forbids it. `TOKEN`: the token was used for another request.
   * `OTHER`: none of these; it is not asked again.
   */
  class: 'STATE' | 'QUOTA' | 'NAME' | 'PERMISSION' | 'MONEY' | 'MISSING' | 'TOKEN' | 'NOT_OFFERED' | 'OTHER'
  code: string
  /** The cloud's own text, as data: cut to a bounded length. */
  message: string
  requestId: string | null
}

/** What a budget of the cloud allows and holds. */
export interface CloudQuota {
  scope: 'DISK' | 'PROJECT'
  kind: UpstreamQuotaKind
  /** The disk that it is for; null when it is for the whole project. */
  diskExternalId: string | null
  used: number
  /** Null when the cloud sets or names none. */
  limit: number | null
}

/** One account in one region of a cloud. Every call can throw a `CloudFault`, and ends soon when the signal aborts. */
export interface Cloud {
  readonly provider: string
  readonly abilities: CloudAbilities
  listDisks(cursor: string | undefined, signal: AbortSignal): Promise<Page<SeenDisk>>
  listSnapshots(
    cursor: string | undefined,
    signal: AbortSignal,
    diskExternalId?: string,
  ): Promise<Page<SeenSnapshot>>
  /** Undefined when the cloud says that it does not exist: for some seconds after it was created, that proves nothing. */
  readDisk(externalId: string, signal: AbortSignal): Promise<SeenDisk | undefined>
  readSnapshot(externalId: string, signal: AbortSignal): Promise<SeenSnapshot | undefined>
  /** The snapshots of a disk that carry the mark, the oldest first. It shows whether a request whose response was lost took effect. */
  find(mark: string, diskExternalId: string, signal: AbortSignal): Promise<SeenSnapshot[]>
  submit(request: CloudRequest, signal: AbortSignal): Promise<CloudAnswer>
  quota(signal: AbortSignal): Promise<CloudQuota[]>
  /** When the credentials end that are in use now; null when they do not, or nothing says so. */
  credentialsEnd(signal: AbortSignal): Promise<Date | null>
  /** The policies that the cloud runs by itself; none where it has no such thing. */
  policies(signal: AbortSignal): Promise<UpstreamPolicy[]>
}
