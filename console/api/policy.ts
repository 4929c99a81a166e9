import { graphql, type ResultOf } from './graphql.ts'

/** An automatic snapshot policy, with its next runs. */
export const POLICY = graphql(`
  fragment Policy on AutoSnapshotPolicy {
    id
    name
    timePoints
    repeatWeekdays
    timeZone
    retentionDays
    nextRuns
  }
`)

export type Policy = ResultOf<typeof POLICY>
