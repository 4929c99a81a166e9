import { graphql, type ResultOf } from './graphql.ts'
import { OPERATION } from './operation.ts'
import { REASON } from './reasons.ts'
import { CANCEL_ELIGIBILITY, ELIGIBILITY } from './refusals.ts'

/** How far the copy or the verification of one snapshot is; it completes when that ends. */
export const PROGRESS = graphql(`
  subscription Progress($id: ID!) {
    snapshotProgress(id: $id) {
      snapshotId
      percent
    }
  }
`)

/** What lists and dialogs show of a snapshot, and what its transitions bring. */
export const SNAPSHOT = graphql(
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
      failureReasons {
        ...Reason
      }
      expiresAt
      tags {
        key
        value
      }
      disk {
        id
        name
      }
      operation {
        ...Operation
      }
      cancelEligibility {
        ...CancelEligibility
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
      verifyEligibility {
        ...Eligibility
      }
    }
  `,
  [OPERATION, ELIGIBILITY, CANCEL_ELIGIBILITY, REASON],
)

/** Where a snapshot is, which never changes. */
export const PLACE_OF_SNAPSHOT = graphql(`
  fragment PlaceOfSnapshot on Snapshot {
    provider
    connection {
      id
      name
    }
  }
`)

/** What forms and details show of a snapshot besides. */
export const NOTES = graphql(`
  fragment Notes on Snapshot {
    retentionDays
    verifiedAt
    deletionProtection
  }
`)

export type Snapshot = ResultOf<typeof SNAPSHOT>
/** A snapshot in a list; where it is, in a list that is not of one disk. */
export type SnapshotRow = Snapshot & Partial<ResultOf<typeof PLACE_OF_SNAPSHOT>>
export type SnapshotStatus = Snapshot['status']
export type SnapshotType = Snapshot['type']
export type Tag = Snapshot['tags'][number]
