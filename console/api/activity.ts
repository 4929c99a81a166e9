import { graphql, type EnumOf, type ResultOf } from './graphql.ts'
import { REASON } from './reasons.ts'

/** A change: who or what asked for it, and how it ended. */
export const ACTIVITY = graphql(
  `
    fragment Activity on Activity {
      id
      at
      action
      result
      reason
      reasons {
        ...Reason
      }
      endedAt
      subjectId
      subjectName
      diskId
      snapshotId
      actor {
        kind
        actorId
        name
        requestId
      }
      clientAddress
      operation {
        kind
        percent
      }
    }
  `,
  [REASON],
)

export type Activity = ResultOf<typeof ACTIVITY>
export type ActivityAction = EnumOf<'ActivityAction'>
export type ActivityResult = EnumOf<'ActivityResult'>
export type ActorKind = EnumOf<'ActorKind'>
