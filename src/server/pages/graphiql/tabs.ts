/** A prepared tab: it is named after the operation in its document. */
interface Tab {
  document: string
  variables?: Record<string, unknown>
}

/** Prepared tabs, of which the first one is shown. */
export type Tabs = readonly [Tab, ...Tab[]]

/** The tour a newcomer takes in GraphiQL: list disks, take a snapshot of one, watch it complete. */
export function preparedTabs(example: { diskId: string; snapshotId: string }): Tabs {
  return [
    { document: LIST_DISKS },
    {
      document: CREATE_SNAPSHOT,
      variables: { input: { diskId: example.diskId, name: 'my-first-snapshot' } },
    },
    { document: WATCH_SNAPSHOT, variables: { id: example.snapshotId } },
    { document: WATCH_PROGRESS, variables: { id: example.snapshotId } },
    { document: WATCH_EVERYTHING },
  ]
}

const LIST_DISKS = `# 1. Your disks. Can each one take a snapshot now?
#    Press play (or Ctrl-Enter), then copy the id of
#    a disk for the next tab.

query ListDisks {
  disks(first: 20) {
    totalCount
    nodes {
      id
      name
      kind
      status
      statusReason
      sizeGiB
      attachment {
        instanceId
        device
      }
      snapshotQuota {
        manual {
          used
          limit
          remaining
        }
      }
      snapshotEligibility {
        allowed
        refusals {
          code
          message
        }
      }
    }
  }
}
`

const CREATE_SNAPSHOT = `# 2. Take a snapshot of a disk.
#    Put the id of the disk into "diskId" under
#    Variables below, and press play. The answer comes
#    at once: copy the snapshot's id for the next tab.

mutation CreateSnapshot($input: CreateSnapshotInput!) {
  createSnapshot(input: $input) {
    __typename
    ... on CreateSnapshotPayload {
      snapshot {
        id
        name
        status
        createdAt
      }
      warnings {
        code
        message
      }
    }
    ... on UserError {
      code
      message
    }
  }
}
`

const WATCH_SNAPSHOT = `# 3. Watch the snapshot, from first status to last;
#    then the stream ends by itself. Put its id into
#    "id" under Variables below, and press play.
#    A finished snapshot shows its whole history.

subscription WatchSnapshot($id: ID!) {
  snapshotStatus(id: $id) {
    cursor
    from
    to
    reason
    at
    snapshot {
      id
      status
      progress
      dataBytes
    }
  }
}
`

const WATCH_PROGRESS = `# Watch how far the copy is, while it is CREATING.
# Put the id of the snapshot into "id" under
# Variables below, and press play.

subscription WatchProgress($id: ID!) {
  snapshotProgress(id: $id) {
    percent
    copiedBytes
    totalBytes
  }
}
`

const WATCH_EVERYTHING = `# Watch every snapshot of yours, live.
# Press play, and take a snapshot in a second window:
# changing tabs here ends the stream.

subscription WatchEverything {
  snapshotTransitions {
    sequence
    from
    to
    at
    snapshot {
      id
      name
      status
    }
  }
}
`
