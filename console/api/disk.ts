import { graphql, type ResultOf } from './graphql.ts'
import { OPERATION } from './operation.ts'
import { REASON } from './reasons.ts'
import { CANCEL_ELIGIBILITY, ELIGIBILITY, LINK_ELIGIBILITY } from './refusals.ts'

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

/** What lists show of a disk. */
export const DISK_ROW = graphql(
  `
    fragment DiskRow on Disk {
      id
      name
      description
      kind
      status
      statusReason
      statusReasons {
        ...Reason
      }
      sizeGiB
      storageType
      zone
      createdAt
      attachment {
        instanceId
        device
      }
      tags {
        key
        value
      }
      operation {
        ...Operation
      }
      cancelEligibility {
        ...CancelEligibility
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
  [OPERATION, CANCEL_ELIGIBILITY, QUOTA_OF_DISK, ELIGIBILITY, LINK_ELIGIBILITY, REASON],
)

/** Where a disk is, which never changes. */
export const PLACE_OF_DISK = graphql(`
  fragment PlaceOfDisk on Disk {
    provider
    connection {
      id
      name
    }
  }
`)

/** What dialogs and details show of a disk, and what its transitions bring. */
export const DISK = graphql(
  `
    fragment Disk on Disk {
      ...DiskRow
      updateEligibility {
        ...Eligibility
      }
      attachEligibility {
        ...Eligibility
      }
      detachEligibility {
        ...Eligibility
      }
      resizeEligibility {
        ...Eligibility
      }
      releaseEligibility {
        ...Eligibility
      }
    }
  `,
  [DISK_ROW, ELIGIBILITY],
)

/** What a policy shows of a disk that is linked to it. */
export const LINKED_DISK = graphql(
  `
    fragment LinkedDisk on Disk {
      id
      name
      kind
      status
      statusReason
      statusReasons {
        ...Reason
      }
      sizeGiB
      autoSnapshotPolicy {
        id
        name
      }
      ...QuotaOfDisk
    }
  `,
  [QUOTA_OF_DISK, REASON],
)

export type DiskRow = ResultOf<typeof DISK_ROW>
/** Where a disk or snapshot is. */
export type Place = ResultOf<typeof PLACE_OF_DISK>
export type Disk = ResultOf<typeof DISK>
export type LinkedDisk = ResultOf<typeof LINKED_DISK>
export type DiskStatus = Disk['status']
export type DiskKind = Disk['kind']
