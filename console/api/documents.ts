import { graphql, type ResultOf } from './graphql.ts'

// Fragments are on object types: the cache does not know which types an interface has.

const STATUS_REFUSAL = graphql(`
  fragment StatusRefusal on DiskStatusForbidsSnapshot {
    message
    actual
    allowed
    kind
  }
`)

const QUOTA_REFUSAL = graphql(`
  fragment QuotaRefusal on SnapshotQuotaExceeded {
    message
    type
    used
    limit
  }
`)

const QUOTA_OF_DISK = graphql(`
  fragment QuotaOfDisk on Disk {
    snapshotQuota {
      manual {
        used
        limit
        remaining
      }
      automatic {
        used
        limit
        remaining
      }
    }
  }
`)

const DISK = graphql(
  `
    fragment Disk on Disk {
      id
      name
      description
      kind
      status
      statusReason
      sizeGiB
      storageType
      zone
      createdAt
      attachment {
        instanceId
        device
      }
      ...QuotaOfDisk
      snapshotEligibility {
        allowed
        refusals {
          __typename
          message
          ...StatusRefusal
          ...QuotaRefusal
        }
      }
    }
  `,
  [QUOTA_OF_DISK, STATUS_REFUSAL, QUOTA_REFUSAL],
)

const SNAPSHOT = graphql(`
  fragment Snapshot on Snapshot {
    id
    name
    description
    type
    status
    progress
    diskKind
    sizeGiB
    dataBytes
    createdAt
    completedAt
    failureReason
    stalledSince
    stallReason
    disk {
      id
      name
    }
  }
`)

const TRANSITION = graphql(`
  fragment Transition on SnapshotTransition {
    __typename
    sequence
    from
    to
    reason
    at
    snapshotId
  }
`)

export type Disk = ResultOf<typeof DISK>
export type Snapshot = ResultOf<typeof SNAPSHOT>
export type Transition = ResultOf<typeof TRANSITION>
export type DiskStatus = Disk['status']
export type DiskKind = Disk['kind']
export type SnapshotStatus = Snapshot['status']
export type SnapshotType = Snapshot['type']
export type Quota = Disk['snapshotQuota']['manual']

/** The Disk List. */
export const DISKS = graphql(
  `
    query Disks(
      $first: Int
      $after: String
      $last: Int
      $before: String
      $filter: DiskFilter
      $orderBy: DiskOrder
    ) {
      disks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
        totalCount
        streamCursor
        pageInfo {
          startCursor
          endCursor
          hasNextPage
          hasPreviousPage
        }
        nodes {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

/** The Disk Details, with a page of the disk's snapshots and what happened to them. */
export const DISK_DETAILS = graphql(
  `
    query DiskDetails(
      $id: ID!
      $first: Int
      $after: String
      $last: Int
      $before: String
      $orderBy: SnapshotOrder
    ) {
      disk(id: $id) {
        ...Disk
        snapshots(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
          totalCount
          streamCursor
          pageInfo {
            startCursor
            endCursor
            hasNextPage
            hasPreviousPage
          }
          nodes {
            ...Snapshot
            transitions {
              ...Transition
            }
          }
        }
      }
      # Where to watch from when there is no such disk.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [DISK, SNAPSHOT, TRANSITION],
)

/** The Snapshot List. */
export const SNAPSHOTS = graphql(
  `
    query Snapshots(
      $first: Int
      $after: String
      $last: Int
      $before: String
      $filter: SnapshotFilter
      $orderBy: SnapshotOrder
    ) {
      snapshots(
        first: $first
        after: $after
        last: $last
        before: $before
        filter: $filter
        orderBy: $orderBy
      ) {
        totalCount
        streamCursor
        pageInfo {
          startCursor
          endCursor
          hasNextPage
          hasPreviousPage
        }
        nodes {
          ...Snapshot
        }
      }
    }
  `,
  [SNAPSHOT],
)

/** One snapshot, with all there is to say of it. */
export const SNAPSHOT_DETAILS = graphql(
  `
    query SnapshotDetails($id: ID!) {
      snapshot(id: $id) {
        ...Snapshot
        checksum
        consistency
        retentionDays
        expiresAt
        tags {
          key
          value
        }
        transitions {
          ...Transition
        }
      }
    }
  `,
  [SNAPSHOT, TRANSITION],
)

/** Which disks a snapshot may be wanted of, by what is typed. */
export const DISK_CHOICES = graphql(
  `
    query DiskChoices($filter: DiskFilter) {
      disks(first: 20, filter: $filter) {
        totalCount
        nodes {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

/** The disks that a snapshot is to be created of. */
export const CHOSEN_DISKS = graphql(
  `
    query ChosenDisks($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ... on Disk {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

export const CREATE_SNAPSHOT = graphql(
  `
    mutation CreateSnapshot($input: CreateSnapshotInput!) {
      createSnapshot(input: $input) {
        __typename
        ... on CreateSnapshotPayload {
          snapshot {
            ...Snapshot
          }
          warnings {
            code
            message
          }
        }
        ...StatusRefusal
        ...QuotaRefusal
        ... on InvalidName {
          message
          brokenRules
        }
        ... on ClientTokenReused {
          message
        }
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, STATUS_REFUSAL, QUOTA_REFUSAL],
)

/** Why a snapshot was not created, or would not be. */
export type Refusal =
  | Exclude<ResultOf<typeof CREATE_SNAPSHOT>['createSnapshot'], { __typename: 'CreateSnapshotPayload' }>
  | Disk['snapshotEligibility']['refusals'][number]

/** Every transition of a snapshot, with what it changes of the snapshot and its disk; the disk's status is said by its own. */
export const SNAPSHOT_TRANSITIONS = graphql(
  `
    subscription SnapshotTransitions($after: String) {
      snapshotTransitions(after: $after) {
        ...Transition
        cursor
        diskId
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
        at
        diskId
        cursor
        disk {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

export type SnapshotTransition = ResultOf<typeof SNAPSHOT_TRANSITIONS>['snapshotTransitions']
export type DiskTransition = ResultOf<typeof DISK_TRANSITIONS>['diskTransitions']
export type LiveTransition = SnapshotTransition | DiskTransition

/** How far one copy is. */
export const PROGRESS = graphql(`
  subscription Progress($id: ID!) {
    snapshotProgress(id: $id) {
      snapshotId
      percent
    }
  }
`)
