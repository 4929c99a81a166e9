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

const LINK_STATUS_REFUSAL = graphql(`
  fragment LinkStatusRefusal on DiskStatusForbidsPolicy {
    message
    actual
    allowed
  }
`)

const LINKED_ELSEWHERE = graphql(`
  fragment LinkedElsewhere on DiskLinkedElsewhere {
    message
    policyId
  }
`)

const POLICY = graphql(`
  fragment Policy on AutoSnapshotPolicy {
    id
    name
    timePoints
    repeatWeekdays
    timeZone
    retentionDays
    nextRuns
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
      snapshotEligibility {
        allowed
        refusals {
          __typename
          message
          ...StatusRefusal
          ...QuotaRefusal
        }
      }
      autoSnapshotPolicy {
        id
        name
      }
      autoSnapshotPolicyEligibility {
        allowed
        refusals {
          __typename
          message
          ...LinkStatusRefusal
          ...LinkedElsewhere
        }
      }
    }
  `,
  [STATUS_REFUSAL, QUOTA_REFUSAL, LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
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
export type Policy = ResultOf<typeof POLICY>

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
        autoSnapshotPolicy {
          ...Policy
          lastRun {
            id
            scheduledFor
            disk(id: $id) {
              outcome
              snapshot {
                id
                name
                status
              }
              refusalMessage
            }
          }
        }
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
  [DISK, SNAPSHOT, TRANSITION, POLICY],
)

/** The policy of a disk, with what became of the disk when it ran last. */
export type DiskPolicy = NonNullable<NonNullable<ResultOf<typeof DISK_DETAILS>['disk']>['autoSnapshotPolicy']>

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

export type RunDiskOutcome = NonNullable<NonNullable<DiskPolicy['lastRun']>['disk']>['outcome']

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

/** The policies there are, all of them: an account has no more than a page. */
export const POLICIES = graphql(
  `
    query Policies {
      autoSnapshotPolicies(first: 100) {
        nodes {
          ...Policy
        }
      }
    }
  `,
  [POLICY],
)

/** The disks that a policy is to be linked to, and whether this one, or any at all, can be. */
export const DISKS_TO_LINK = graphql(
  `
    query DisksToLink($ids: [ID!]!, $policyId: ID) {
      nodes(ids: $ids) {
        __typename
        ... on Disk {
          ...Disk
          linkEligibility: autoSnapshotPolicyEligibility(policyId: $policyId) {
            allowed
            refusals {
              __typename
              message
              ...LinkStatusRefusal
              ...LinkedElsewhere
            }
          }
        }
      }
    }
  `,
  [DISK, LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
)

export const CREATE_POLICY = graphql(
  `
    mutation CreatePolicy($input: CreateAutoSnapshotPolicyInput!) {
      createAutoSnapshotPolicy(input: $input) {
        __typename
        ... on CreateAutoSnapshotPolicyPayload {
          policy {
            ...Policy
          }
        }
        ... on InvalidName {
          message
          brokenRules
        }
        ... on InvalidPolicy {
          message
          brokenPolicyRules: brokenRules
        }
        ... on PolicyQuotaExceeded {
          message
          limit
        }
      }
    }
  `,
  [POLICY],
)

/** Why a policy was not created. */
export type PolicyRefusal = Exclude<
  ResultOf<typeof CREATE_POLICY>['createAutoSnapshotPolicy'],
  { __typename: 'CreateAutoSnapshotPolicyPayload' }
>

export const LINK_POLICY = graphql(
  `
    mutation LinkPolicy($input: LinkAutoSnapshotPolicyInput!) {
      linkAutoSnapshotPolicy(input: $input) {
        __typename
        ... on LinkAutoSnapshotPolicyPayload {
          results {
            diskId
            disk {
              ...Disk
            }
            refusal {
              __typename
              message
              ...LinkStatusRefusal
              ...LinkedElsewhere
            }
          }
        }
        ... on PolicyNotFound {
          message
        }
      }
    }
  `,
  [DISK, LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
)

export const UNLINK_POLICY = graphql(
  `
    mutation UnlinkPolicy($input: UnlinkAutoSnapshotPolicyInput!) {
      unlinkAutoSnapshotPolicy(input: $input) {
        __typename
        ... on UnlinkAutoSnapshotPolicyPayload {
          results {
            diskId
            disk {
              ...Disk
            }
            refusal {
              __typename
              message
            }
          }
        }
        ... on PolicyNotFound {
          message
        }
      }
    }
  `,
  [DISK],
)
export type PolicyRule = Extract<PolicyRefusal, { brokenPolicyRules: unknown }>['brokenPolicyRules'][number]

/** Why a policy is not linked to a disk, or would not be. */
export type LinkRefusal = Disk['autoSnapshotPolicyEligibility']['refusals'][number]

/** Who is signed in, and what that allows. */
export const VIEWER = graphql(`
  query Viewer {
    viewer {
      account {
        id
        name
      }
      role
      expiresAt
      may {
        manageSnapshots {
          allowed
          role
        }
        managePolicies {
          allowed
          role
        }
        manageDisks {
          allowed
          role
        }
        manageTokens {
          allowed
          role
        }
      }
    }
  }
`)

export type Viewer = ResultOf<typeof VIEWER>['viewer']
export type Permission = keyof Viewer['may']

/** What the pages live on: every transition, with what it changes of the snapshot and its disk. */
export const TRANSITIONS = graphql(
  `
    subscription Transitions($after: String) {
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
            ...Disk
          }
        }
      }
    }
  `,
  [TRANSITION, SNAPSHOT, DISK],
)

export type LiveTransition = ResultOf<typeof TRANSITIONS>['snapshotTransitions']

/** How far one copy is. */
export const PROGRESS = graphql(`
  subscription Progress($id: ID!) {
    snapshotProgress(id: $id) {
      snapshotId
      percent
    }
  }
`)
