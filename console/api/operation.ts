import { graphql, type ResultOf } from './graphql.ts'
import { REASON } from './reasons.ts'

/** What is in progress with a disk or snapshot; one that was accepted at another moment is another one. */
export const OPERATION = graphql(
  `
    fragment Operation on Operation {
      kind
      acceptedAt
      cancelRequestedAt
      stallReason
      stallReasons {
        ...Reason
      }
    }
  `,
  [REASON],
)

export type Operation = ResultOf<typeof OPERATION>
