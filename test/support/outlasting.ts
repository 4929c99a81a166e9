import { setTimeout as pause } from 'node:timers/promises'
import { postGraphql, streamEvents, type Answer } from './clients.ts'

/** Where the gateway is now; it moves when it is started anew. */
export interface Whereabouts {
  endpoint: string
  /** Set when nothing more is to come: clients that are cut off stop trying. */
  over: boolean
}

const RETRY_MS = 20

/** Sends an operation until it is answered, across restarts of the gateway; undefined when it is over. */
export async function outlast(
  where: Whereabouts,
  query: string,
  variables: Record<string, unknown>,
  headers: Record<string, string> = {},
): Promise<Answer | undefined> {
  while (!where.over) {
    try {
      return await postGraphql(where.endpoint, query, variables, headers)
    } catch {
      await pause(RETRY_MS)
    }
  }
  return undefined
}

/** What a watcher keeps of a transition. */
export interface Seen {
  sequence: number
  cursor: string
  snapshotId: string
  from: string | null
  to: string
}

const WATCH = `subscription ($after: String) {
  snapshotTransitions(after: $after) { sequence cursor snapshotId from to }
}`

/** Watches every transition after a cursor, and resumes from the last one it has seen whenever it is cut off. */
export async function watchAll(
  where: Whereabouts,
  after: string,
  seen: Seen[],
  headers: Record<string, string> = {},
): Promise<void> {
  while (!where.over) {
    try {
      const variables = { after: seen.at(-1)?.cursor ?? after }
      for await (const { data, errors } of streamEvents(where.endpoint, WATCH, variables, headers)) {
        if (errors) throw new Error(JSON.stringify(errors))
        seen.push(data.snapshotTransitions)
      }
    } catch {
      await pause(RETRY_MS)
    }
  }
}
