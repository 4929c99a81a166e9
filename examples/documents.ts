/** The list, and the place in the log where watching begins. */
export const LIST = `query List {
  snapshots(first: 100) {
    streamCursor
    nodes { id name status }
  }
}`

/** Every step of every snapshot since then; a cache takes the new status from \`snapshot\`. */
export const WATCH = `subscription Watch($after: String) {
  snapshotTransitions(after: $after) {
    cursor
    sequence
    snapshotId
    from
    to
    snapshot { id name status }
  }
}`

export const CREATE = `mutation Create($diskId: ID!, $name: String!) {
  createSnapshot(input: { diskId: $diskId, name: $name }) {
    ... on CreateSnapshotPayload { snapshot { id name status } }
    ... on UserError { message }
  }
}`

export interface Snapshot {
  id: string
  name: string
  status: string
}

export interface Step {
  cursor: string
  sequence: number
  snapshotId: string
  from: string | null
  to: string
}

export interface ListData {
  snapshots: { streamCursor: string; nodes: Snapshot[] }
}

export interface WatchData {
  snapshotTransitions: Step
}

/** Accepted, or refused with the reason. */
export interface CreateData {
  createSnapshot: { snapshot?: Snapshot; message?: string }
}
