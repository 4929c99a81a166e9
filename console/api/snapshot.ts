import { graphql, type ResultOf } from './graphql.ts'
import { OPERATION } from './operation.ts'
import { ELIGIBILITY } from './refusals.ts'

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
      stalledSince
      stallReason
      disk {
        id
        name
      }
      operation {
        ...Operation
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
  [OPERATION, ELIGIBILITY],
)

/** How long a snapshot is kept, and its tags: the rest of what can be edited. */
export const NOTES = graphql(`
  fragment Notes on Snapshot {
    retentionDays
    expiresAt
    tags {
      key
      value
    }
  }
`)

export type Snapshot = ResultOf<typeof SNAPSHOT>
export type SnapshotStatus = Snapshot['status']
export type SnapshotType = Snapshot['type']
