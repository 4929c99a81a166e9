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

/** For any refusal that has facts besides its message, except those of what is typed into a form. */
export const REFUSALS = [
  STATUS_REFUSAL,
  QUOTA_REFUSAL,
  SNAPSHOT_STATUS_REFUSAL,
  DISK_STATUS_REFUSAL,
  DISKS_UNDER_WAY_REFUSAL,
] as const

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
  REFUSALS,
)

/** For the refusals to link a policy to a disk. */
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

export const LINK_REFUSALS = [LINK_STATUS_REFUSAL, LINKED_ELSEWHERE] as const

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
  LINK_REFUSALS,
)

export type Eligibility = ResultOf<typeof ELIGIBILITY>

/** Why something was not done, or would not be. */
export type Refusal =
  Eligibility['refusals'][number] | ResultOf<typeof NAME_REFUSAL> | ResultOf<typeof SIZE_REFUSAL>
/** Why a policy was not linked to a disk, or would not be. */
export type LinkRefusal = ResultOf<typeof LINK_ELIGIBILITY>['refusals'][number]
