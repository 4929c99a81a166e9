import { ACTIVITY } from './activity.ts'
import { CONNECTION } from './connection.ts'
import { graphql } from './graphql.ts'

/** How an account is doing: its totals, what fails and runs, and what comes next. */
export const OVERVIEW = graphql(
  `
    query Overview($since: DateTime!) {
      inventory {
        snapshots {
          type
          status
          count
          dataBytes
        }
        disks {
          status
          count
        }
        nearlyFullQuotas {
          disk {
            id
            name
          }
          type
          used
          limit
        }
        usage {
          day
          dataBytes
        }
      }
      failures: activity(filter: { result: { eq: FAILED }, at: { gt: $since } }, first: 5) {
        totalCount
        nodes {
          ...Activity
        }
      }
      running: activity(filter: { result: { eq: IN_PROGRESS } }, first: 5) {
        totalCount
        streamCursor
        nodes {
          ...Activity
        }
      }
      connections(first: 0) {
        totalCount
      }
      troubled: connections(
        filter: { state: { in: [UNTRIED, CREDENTIALS_REFUSED, UNREACHABLE, THROTTLED, CLOCK_WRONG] } }
        first: 5
      ) {
        totalCount
        nodes {
          ...Connection
        }
      }
      autoSnapshotPolicies(first: 100) {
        nodes {
          id
          name
          nextRuns
          disks(first: 0) {
            totalCount
          }
        }
      }
    }
  `,
  [ACTIVITY, CONNECTION],
)
