import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import {
  fetchQuery,
  graphql,
  useLazyLoadQuery,
  useMutation,
  useRelayEnvironment,
  useSubscription,
} from 'react-relay'
import type { liveCreateMutation } from './__generated__/liveCreateMutation.graphql.ts'
import type { liveListQuery } from './__generated__/liveListQuery.graphql.ts'
import type { liveWatchSubscription } from './__generated__/liveWatchSubscription.graphql.ts'

const LIST = graphql`
  query liveListQuery {
    snapshots(first: 100) {
      streamCursor
      nodes {
        id
        name
        status
      }
    }
  }
`

const WATCH = graphql`
  subscription liveWatchSubscription($after: String) {
    snapshotTransitions(after: $after) {
      cursor
      sequence
      snapshotId
      from
      to
      snapshot {
        id
        name
        status
      }
    }
  }
`

const CREATE = graphql`
  mutation liveCreateMutation($diskId: ID!, $name: String!) {
    createSnapshot(input: { diskId: $diskId, name: $name }) {
      ... on CreateSnapshotPayload {
        snapshot {
          id
          name
          status
        }
      }
      ... on UserError {
        message
      }
    }
  }
`

export type Step = liveWatchSubscription['response']['snapshotTransitions']

/** The list: the store updates each snapshot from the subscription; it is read again when one comes or goes. */
export function LiveList({ onStep }: { onStep: (step: Step) => void }) {
  const readAgain = useReadAgain()
  const { snapshots } = useLazyLoadQuery<liveListQuery>(LIST, {})
  const [after] = useState(snapshots.streamCursor)
  useSubscription<liveWatchSubscription>(
    useMemo(
      () => ({
        subscription: WATCH,
        variables: { after },
        onNext: (data) => {
          if (!data) return
          onStep(data.snapshotTransitions)
          const { from, to } = data.snapshotTransitions
          if (from === null || to === 'DELETED') readAgain()
        },
      }),
      [after, onStep, readAgain],
    ),
  )
  useEffect(() => void (document.title = 'live'), [])
  return (
    <ul>
      {snapshots.nodes.map(({ id, name, status }) => (
        <li key={id}>{`${name} ${status}`}</li>
      ))}
    </ul>
  )
}

/** Reads the list into the store. Relay would join a read in progress, which may be too early: it is read once more after that. */
function useReadAgain(): () => void {
  const environment = useRelayEnvironment()
  const wanted = useRef(0)
  return useCallback(() => {
    function read(): void {
      const until = wanted.current
      const after = (delayMs: number) => () => {
        if (delayMs === 0 && wanted.current === until) wanted.current = 0
        else setTimeout(read, delayMs)
      }
      fetchQuery<liveListQuery>(environment, LIST, {}).subscribe({ complete: after(0), error: after(1_000) })
    }
    if (++wanted.current === 1) read()
  }, [environment])
}

/** Creates a snapshot, and says why not if it is refused. */
export function CreateForm() {
  const [why, setWhy] = useState('')
  const [create] = useMutation<liveCreateMutation>(CREATE)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        create({
          variables: { diskId: form.get('disk') as string, name: form.get('name') as string },
          onCompleted: ({ createSnapshot }) => setWhy(createSnapshot.message ?? 'Accepted.'),
        })
      }}
    >
      <input name="disk" placeholder="Disk id" />
      <input name="name" placeholder="Name" />
      <button>Create snapshot</button>
      <output>{why}</output>
    </form>
  )
}
