import { graphql, type ResultOf } from './graphql.ts'

// Fragments are on object types: the cache does not know which types an interface has.

export const STATUS_REFUSAL = graphql(`
  fragment StatusRefusal on DiskStatusForbidsSnapshot {
    message
    actual
    allowed
    kind
  }
`)

export const QUOTA_REFUSAL = graphql(`
  fragment QuotaRefusal on SnapshotQuotaExceeded {
    message
    type
    used
    limit
  }
`)

// The statuses of snapshots and disks are of two types, so one of them goes by other names.
export const SNAPSHOT_STATUS_REFUSAL = graphql(`
  fragment SnapshotStatusRefusal on SnapshotStatusForbidsOperation {
    message
    snapshotOperation: operation
    snapshotStatus: actual
    snapshotStatuses: allowed
  }
`)

export const DISK_STATUS_REFUSAL = graphql(`
  fragment DiskStatusRefusal on DiskStatusForbidsOperation {
    message
    operation
    kind
    actual
    allowed
  }
`)

export const DISKS_UNDER_WAY_REFUSAL = graphql(`
  fragment DisksUnderWayRefusal on TooManyDisksUnderWay {
    message
    limit
  }
`)

export const NAME_REFUSAL = graphql(`
  fragment NameRefusal on InvalidName {
    __typename
    message
    brokenRules
  }
`)

export const SIZE_REFUSAL = graphql(`
  fragment SizeRefusal on DiskSizeRefused {
    __typename
    message
    minGiB
    maxGiB
  }
`)

export const ELIGIBILITY = graphql(
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

/** For the refusals to link a policy to a disk. */
export const LINK_STATUS_REFUSAL = graphql(`
  fragment LinkStatusRefusal on DiskStatusForbidsPolicy {
    message
    actual
    allowed
  }
`)

export const LINKED_ELSEWHERE = graphql(`
  fragment LinkedElsewhere on DiskLinkedElsewhere {
    message
    policyId
  }
`)

export const LINK_ELIGIBILITY = graphql(
  `
    fragment LinkEligibility on Eligibility {
      allowed
      refusals {
        __typename
        message
        ...LinkStatusRefusal
        ...LinkedElsewhere
      }
    }
  `,
  [LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
)

export type Eligibility = ResultOf<typeof ELIGIBILITY>

/** Why something was not done, or would not be. */
export type Refusal =
  Eligibility['refusals'][number] | ResultOf<typeof NAME_REFUSAL> | ResultOf<typeof SIZE_REFUSAL>
/** Why a policy was not linked to a disk, or would not be. */
export type LinkRefusal = ResultOf<typeof LINK_ELIGIBILITY>['refusals'][number]
