import { graphql, type ResultOf } from './graphql.ts'
import { OPERATION } from './operation.ts'
import { ELIGIBILITY, LINK_ELIGIBILITY } from './refusals.ts'

/** How many snapshots a disk has, and how many it may have. */
export const QUOTA_OF_DISK = graphql(`
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

/** What lists and dialogs show of a disk, and what its transitions bring. */
export const DISK = graphql(
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
      operation {
        ...Operation
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
        ...LinkEligibility
      }
    }
  `,
  [OPERATION, QUOTA_OF_DISK, ELIGIBILITY, LINK_ELIGIBILITY],
)

export type Disk = ResultOf<typeof DISK>
export type DiskStatus = Disk['status']
export type DiskKind = Disk['kind']
export type Quota = Disk['snapshotQuota']['manual']
