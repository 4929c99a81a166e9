import { graphql, type EnumOf, type ResultOf } from './graphql.ts'
import { REASON } from './reasons.ts'

/** What is shown of a connection to a cloud. Its credentials cannot be read. */
export const CONNECTION = graphql(
  `
    fragment Connection on Connection {
      __typename
      id
      name
      provider
      region
      endpoint
      state
      stateReason
      stateReasons {
        ...Reason
      }
      stateSince
      syncedAt
      createdAt
      credentialsExpireAt
      credentialsWarnAt
    }
  `,
  [REASON],
)

/** One connection, with the quotas and policies of its cloud, and how much the gateway shows of it. */
export const CONNECTION_DETAILS = graphql(
  `
    query ConnectionDetails($id: ID!) {
      connection: node(id: $id) {
        ... on Connection {
          ...Connection
          upstreamQuotas {
            kind
            used
            limit
          }
          upstreamPolicies {
            id
            name
            status
            timePoints
            repeatWeekdays
            retentionDays
            disks(first: 0) {
              totalCount
            }
          }
        }
      }
      disks(first: 0, filter: { connectionId: { eq: $id } }) {
        totalCount
      }
      snapshots(first: 0, filter: { connectionId: { eq: $id } }) {
        totalCount
        streamCursor
      }
    }
  `,
  [CONNECTION],
)

export type Connection = ResultOf<typeof CONNECTION>
type Read = ResultOf<typeof CONNECTION_DETAILS>
export type DetailedConnection = Extract<Read['connection'], { __typename: 'Connection' }>

/** The connection that was read; null when there is none of this id, undefined until it is known. */
export function connectionIn(read: Read | undefined): DetailedConnection | null | undefined {
  const found = read?.connection
  return found && found.__typename !== 'Connection' ? null : found
}

export type CloudProvider = EnumOf<'CloudProvider'>
