import { graphql, type ResultOf } from './graphql.ts'

const STATUS_FACTS = graphql(`
  fragment StatusFacts on DiskStatusForbidsSnapshot {
    actual
    allowed
    kind
  }
`)

export const STATUS_REFUSAL = graphql(
  `
    fragment StatusRefusal on DiskStatusForbidsSnapshot {
      message
      ...StatusFacts
    }
  `,
  [STATUS_FACTS],
)

const QUOTA_FACTS = graphql(`
  fragment QuotaFacts on SnapshotQuotaExceeded {
    type
    used
    limit
  }
`)

export const QUOTA_REFUSAL = graphql(
  `
    fragment QuotaRefusal on SnapshotQuotaExceeded {
      message
      ...QuotaFacts
    }
  `,
  [QUOTA_FACTS],
)

// The statuses of snapshots and disks are of two types, so one of them goes by other names.
const SNAPSHOT_STATUS_FACTS = graphql(`
  fragment SnapshotStatusFacts on SnapshotStatusForbidsOperation {
    snapshotOperation: operation
    snapshotStatus: actual
    snapshotStatuses: allowed
  }
`)

export const SNAPSHOT_STATUS_REFUSAL = graphql(
  `
    fragment SnapshotStatusRefusal on SnapshotStatusForbidsOperation {
      message
      ...SnapshotStatusFacts
    }
  `,
  [SNAPSHOT_STATUS_FACTS],
)

const DISK_STATUS_FACTS = graphql(`
  fragment DiskStatusFacts on DiskStatusForbidsOperation {
    operation
    kind
    actual
    allowed
  }
`)

export const DISK_STATUS_REFUSAL = graphql(
  `
    fragment DiskStatusRefusal on DiskStatusForbidsOperation {
      message
      ...DiskStatusFacts
    }
  `,
  [DISK_STATUS_FACTS],
)

const CREATION_LIMIT_FACTS = graphql(`
  fragment CreationLimitFacts on DiskCreationLimitExceeded {
    limit
  }
`)

export const CREATION_LIMIT_REFUSAL = graphql(
  `
    fragment CreationLimitRefusal on DiskCreationLimitExceeded {
      message
      ...CreationLimitFacts
    }
  `,
  [CREATION_LIMIT_FACTS],
)

export const NAME_REFUSAL = graphql(`
  fragment NameRefusal on InvalidName {
    __typename
    message
    brokenRules
  }
`)

const SIZE_FACTS = graphql(`
  fragment SizeFacts on DiskSizeRefused {
    minGiB
    maxGiB
  }
`)

export const SIZE_REFUSAL = graphql(
  `
    fragment SizeRefusal on DiskSizeRefused {
      __typename
      message
      ...SizeFacts
    }
  `,
  [SIZE_FACTS],
)

export const PATH_REFUSAL = graphql(`
  fragment PathRefusal on DiskPathRefused {
    __typename
    message
    problem
  }
`)

export const CREDENTIALS_REFUSAL = graphql(`
  fragment CredentialsRefusal on ConnectionCredentialsRefused {
    __typename
    message
    credentialsProblem: problem
  }
`)

export const CONNECTION_LIMIT_REFUSAL = graphql(`
  fragment ConnectionLimitRefusal on ConnectionLimitExceeded {
    __typename
    message
    connectionLimit: limit
  }
`)

export const POLICY_RULES_REFUSAL = graphql(`
  fragment PolicyRulesRefusal on InvalidPolicy {
    __typename
    message
    brokenPolicyRules: brokenRules
  }
`)

export const POLICY_QUOTA_REFUSAL = graphql(`
  fragment PolicyQuotaRefusal on PolicyQuotaExceeded {
    __typename
    message
    policyLimit: limit
  }
`)

/**
 * Why something was refused, with the facts that the console says in its own words. Lists ask for this many times a row, and
 * each field is charged wherever it is named, so facts go without the message that stands here.
 */
export const REFUSAL = graphql(
  `
    fragment Refusal on UserError {
      __typename
      message
      ...StatusFacts
      ...QuotaFacts
      ...SnapshotStatusFacts
      ...DiskStatusFacts
      ...CreationLimitFacts
      ...SizeFacts
    }
  `,
  [STATUS_FACTS, QUOTA_FACTS, SNAPSHOT_STATUS_FACTS, DISK_STATUS_FACTS, CREATION_LIMIT_FACTS, SIZE_FACTS],
)

export const ELIGIBILITY = graphql(
  `
    fragment Eligibility on Eligibility {
      allowed
      refusals {
        ...Refusal
      }
    }
  `,
  [REFUSAL],
)

export const NOT_CANCELLABLE_REFUSAL = graphql(`
  fragment NotCancellableRefusal on OperationNotCancellable {
    __typename
    message
    obstacle
  }
`)

/** Whether an operation can be cancelled. */
export const CANCEL_ELIGIBILITY = graphql(`
  fragment CancelEligibility on Eligibility {
    allowed
    refusals {
      __typename
      message
      ... on OperationNotCancellable {
        obstacle
      }
    }
  }
`)

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

export const LINK_REFUSAL = graphql(
  `
    fragment LinkRefusal on UserError {
      __typename
      message
      ...LinkStatusRefusal
      ...LinkedElsewhere
    }
  `,
  [LINK_STATUS_REFUSAL, LINKED_ELSEWHERE],
)

export const LINK_ELIGIBILITY = graphql(
  `
    fragment LinkEligibility on Eligibility {
      allowed
      refusals {
        ...LinkRefusal
      }
    }
  `,
  [LINK_REFUSAL],
)

export type Eligibility = ResultOf<typeof ELIGIBILITY>
export type CancelEligibility = ResultOf<typeof CANCEL_ELIGIBILITY>

/** Why something was not done, or would not be. */
export type Refusal =
  | Eligibility['refusals'][number]
  | ResultOf<typeof NOT_CANCELLABLE_REFUSAL>
  | ResultOf<typeof NAME_REFUSAL>
  | ResultOf<typeof PATH_REFUSAL>
  | ResultOf<typeof CREDENTIALS_REFUSAL>
  | ResultOf<typeof CONNECTION_LIMIT_REFUSAL>
  | ResultOf<typeof POLICY_RULES_REFUSAL>
  | ResultOf<typeof POLICY_QUOTA_REFUSAL>
/** Why a policy was not linked to a disk, or would not be. */
export type LinkRefusal = ResultOf<typeof LINK_ELIGIBILITY>['refusals'][number]
