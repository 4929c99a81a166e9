import { ACTIVITY, type Activity } from './activity.ts'
import { graphql } from './graphql.ts'
import type { End } from './own-work.ts'

/** The latest verifications that one actor requested. */
export const OWN_VERIFICATIONS = graphql(
  `
    query OwnVerifications($filter: ActivityFilter!) {
      activity(filter: $filter, first: 50) {
        nodes {
          ...Activity
        }
      }
    }
  `,
  [ACTIVITY],
)

/**
 * Finds, each time that the latest verifications of an actor were read, which have ended since the last time, and which
 * snapshots are being verified. What had ended when they were first read is no news.
 */
export function createOwnVerifications() {
  let told: Set<string> | undefined
  return (latest: readonly Activity[]) => {
    const ended = latest.filter(({ result }) => result !== 'IN_PROGRESS')
    const news = told ? ended.filter(({ id }) => !told?.has(id)) : []
    told = new Set([...(told ?? []), ...ended.map(({ id }) => id)])
    return {
      ends: news.map(({ id, subjectName, ...one }): End & { name: string } => ({
        key: id,
        work: 'VERIFY_SNAPSHOT',
        result: one.result as End['result'],
        reason: one.reason,
        reasons: one.reasons,
        subjectId: one.subjectId,
        isGone: false,
        name: subjectName ?? one.subjectId,
      })),
      verified: latest.filter(({ result }) => result === 'IN_PROGRESS').map(({ subjectId }) => subjectId),
    }
  }
}

const CHANNEL = 'snapgate:verifications'

/** Tells all tabs of this browser that a verification was requested. */
export function tellVerification(): void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.postMessage(null)
  channel.close()
}

/** Calls back when a verification was requested, in this tab or another. */
export function onVerification(listener: () => void): () => void {
  const channel = new BroadcastChannel(CHANNEL)
  channel.addEventListener('message', listener)
  return () => channel.close()
}
