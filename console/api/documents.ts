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

// The statuses of snapshots and disks are of two types, so one of them goes by other names.
const SNAPSHOT_STATUS_REFUSAL = graphql(`
  fragment SnapshotStatusRefusal on SnapshotStatusForbidsOperation {
    message
    snapshotOperation: operation
    snapshotStatus: actual
    snapshotStatuses: allowed
  }
`)

const DISK_STATUS_REFUSAL = graphql(`
  fragment DiskStatusRefusal on DiskStatusForbidsOperation {
    message
    operation
    kind
    actual
    allowed
  }
`)

const DISKS_UNDER_WAY_REFUSAL = graphql(`
  fragment DisksUnderWayRefusal on TooManyDisksUnderWay {
    message
    limit
  }
`)

const NAME_REFUSAL = graphql(`
  fragment NameRefusal on InvalidName {
    message
    brokenRules
  }
`)

// Wherever any refusal may stand, all that have facts are named.
const ELIGIBILITY = graphql(
  `
    fragment Eligibility on Eligibility {
      allowed
      refusals {
        __typename
        message
        ...StatusRefusal
        ...QuotaRefusal
        ...SnapshotStatusRefusal
        ...DiskStatusRefusal
        ...DisksUnderWayRefusal
      }
    }
  `,
  [STATUS_REFUSAL, QUOTA_REFUSAL, SNAPSHOT_STATUS_REFUSAL, DISK_STATUS_REFUSAL, DISKS_UNDER_WAY_REFUSAL],
)

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
      ...QuotaOfDisk
      snapshotEligibility {
        ...Eligibility
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
  [QUOTA_OF_DISK, ELIGIBILITY, LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
)

const SNAPSHOT = graphql(
  `
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
      updateEligibility {
        ...Eligibility
      }
      deleteEligibility {
        ...Eligibility
      }
      rollBackEligibility {
        ...Eligibility
      }
      createDiskEligibility {
        ...Eligibility
      }
    }
  `,
  [ELIGIBILITY],
)

/** What is kept of a snapshot besides. */
const NOTES = graphql(`
  fragment Notes on Snapshot {
    retentionDays
    expiresAt
    tags {
      key
      value
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
export type Eligibility = ResultOf<typeof ELIGIBILITY>
export type DiskStatus = Disk['status']
export type DiskKind = Disk['kind']
export type SnapshotStatus = Snapshot['status']
export type SnapshotType = Snapshot['type']
type Refused<Type> = Extract<Eligibility['refusals'][number], { __typename: Type }>
export type DiskOperation = Refused<'DiskStatusForbidsOperation'>['operation']
export type SnapshotOperation = Refused<'SnapshotStatusForbidsOperation'>['snapshotOperation']
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

/** The Disk Details, with a page of the disk's snapshots. */
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
          }
        }
      }
      # Where to watch from when there is no such disk.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [DISK, SNAPSHOT, POLICY],
)

/** A page of what happened to a disk and its snapshots. */
export const DISK_HISTORY = graphql(
  `
    query DiskHistory($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      disk(id: $id) {
        id
        history(first: $first, after: $after, last: $last, before: $before) {
          pageInfo {
            startCursor
            endCursor
            hasNextPage
            hasPreviousPage
          }
          nodes {
            __typename
            ... on SnapshotTransition {
              ...Transition
              snapshotName
              snapshot {
                id
                name
              }
            }
            # The statuses of disks and snapshots are of two types, so those of disks go by other names.
            ... on DiskTransition {
              sequence
              reason
              at
              diskFrom: from
              diskTo: to
            }
          }
        }
      }
    }
  `,
  [TRANSITION],
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
        ...Notes
        checksum
        consistency
        createDiskSizeGiB {
          min
          max
        }
        disk {
          ...Disk
        }
        transitions {
          ...Transition
        }
      }
    }
  `,
  [SNAPSHOT, NOTES, DISK, TRANSITION],
)

export type DetailedSnapshot = NonNullable<ResultOf<typeof SNAPSHOT_DETAILS>['snapshot']>

/** The snapshots that something is to be done with. */
export const CHOSEN_SNAPSHOTS = graphql(
  `
    query ChosenSnapshots($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ... on Snapshot {
          ...Snapshot
        }
      }
    }
  `,
  [SNAPSHOT],
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
        ...NameRefusal
        ... on ClientTokenReused {
          message
        }
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, STATUS_REFUSAL, QUOTA_REFUSAL, NAME_REFUSAL],
)

export const UPDATE_SNAPSHOT = graphql(
  `
    mutation UpdateSnapshot($input: UpdateSnapshotInput!) {
      updateSnapshot(input: $input) {
        __typename
        ... on UpdateSnapshotPayload {
          snapshot {
            ...Snapshot
            ...Notes
          }
        }
        ...NameRefusal
        ...SnapshotStatusRefusal
        ... on SnapshotNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, NOTES, NAME_REFUSAL, SNAPSHOT_STATUS_REFUSAL],
)

export const DELETE_SNAPSHOTS = graphql(
  `
    mutation DeleteSnapshots($input: DeleteSnapshotsInput!) {
      deleteSnapshots(input: $input) {
        __typename
        ... on DeleteSnapshotsPayload {
          items {
            snapshotId
            snapshot {
              ...Snapshot
            }
            refusal {
              __typename
              message
              ...StatusRefusal
              ...QuotaRefusal
              ...SnapshotStatusRefusal
              ...DiskStatusRefusal
              ...DisksUnderWayRefusal
            }
          }
        }
      }
    }
  `,
  [
    SNAPSHOT,
    STATUS_REFUSAL,
    QUOTA_REFUSAL,
    SNAPSHOT_STATUS_REFUSAL,
    DISK_STATUS_REFUSAL,
    DISKS_UNDER_WAY_REFUSAL,
  ],
)

export const ROLL_BACK_DISK = graphql(
  `
    mutation RollBackDisk($input: RollBackDiskInput!) {
      rollBackDisk(input: $input) {
        __typename
        ... on RollBackDiskPayload {
          disk {
            ...Disk
          }
        }
        ...SnapshotStatusRefusal
        ...DiskStatusRefusal
        ... on DiskNotFound {
          message
        }
        ... on SnapshotNotFound {
          message
        }
        ... on SnapshotOfOtherDisk {
          message
        }
      }
    }
  `,
  [DISK, SNAPSHOT_STATUS_REFUSAL, DISK_STATUS_REFUSAL],
)

export const CREATE_DISK = graphql(
  `
    mutation CreateDisk($input: CreateDiskInput!) {
      createDisk(input: $input) {
        __typename
        ... on CreateDiskPayload {
          disk {
            ...Disk
          }
        }
        ...NameRefusal
        ...SnapshotStatusRefusal
        ...DisksUnderWayRefusal
        ... on DiskSizeRefused {
          message
          minGiB
          maxGiB
        }
        ... on ClientTokenReused {
          message
        }
        ... on SnapshotNotFound {
          message
        }
        ... on SystemSnapshotForbidsDisk {
          message
        }
      }
    }
  `,
  [DISK, NAME_REFUSAL, SNAPSHOT_STATUS_REFUSAL, DISKS_UNDER_WAY_REFUSAL],
)

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

/** The bounds of what forms ask for. */
export const LIMITS = graphql(`
  query Limits {
    limits {
      descriptionLength
      tagLength
      retentionDays {
        min
        max
      }
    }
  }
`)

/** The time zones that a policy may have, and whether this is a name of one. */
export const TIME_ZONES = graphql(`
  query TimeZones($name: String!) {
    limits {
      timeZones
      acceptsTimeZone(name: $name)
    }
  }
`)

/** What a change answers when it was accepted. */
export type PayloadOf<Data> = Extract<Data[keyof Data], { __typename: `${string}Payload` }>

type RefusalOf<Document> = Exclude<
  ResultOf<Document>[keyof ResultOf<Document>],
  PayloadOf<ResultOf<Document>>
>

/** Why something was not done, or would not be. */
export type Refusal =
  | RefusalOf<typeof CREATE_SNAPSHOT>
  | RefusalOf<typeof UPDATE_SNAPSHOT>
  | RefusalOf<typeof ROLL_BACK_DISK>
  | RefusalOf<typeof CREATE_DISK>
  | NonNullable<PayloadOf<ResultOf<typeof DELETE_SNAPSHOTS>>['items'][number]['refusal']>
  | Eligibility['refusals'][number]

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
/** A step in the log of a disk. */
export type StepOfDisk = Pick<DiskTransition, '__typename' | 'sequence' | 'from' | 'to' | 'reason' | 'at'>
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
