import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { LINK_REFUSAL } from '../api/refusals.ts'

/** The result for one of the disks that are linked to a policy, or unlinked from it. */
export const LINK_RESULT = graphql(
  `
    fragment LinkResult on AutoSnapshotPolicyLinkResult {
      diskId
      disk {
        ...Disk
      }
      refusal {
        ...LinkRefusal
      }
    }
  `,
  [DISK, LINK_REFUSAL],
)
