import { Alert, Skeleton } from 'antd'
import { useState } from 'react'
import { useQuery } from 'urql'
import { graphql, type PayloadOf, type ResultOf } from '../api/graphql.ts'
import { REFUSAL } from '../api/refusals.ts'
import { SNAPSHOT, type Snapshot } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { explain, reasonAgainst } from '../widgets/refusal.ts'
import { SnapshotStatusCell, SnapshotStatusTag } from '../widgets/status.tsx'
import { BatchResult, BatchTable } from './batch-table.tsx'
import { useChange } from './change.ts'
import { Confirmation, useIsConfirmed } from './confirmation.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useNotice } from './wanted-snapshot.tsx'

/** The snapshots that something is to be done with. */
const CHOSEN_SNAPSHOTS = graphql(
  `
    query ChosenSnapshots($ids: [ID!]!) {
      limits {
        snapshotsPerRequest
      }
      nodes(ids: $ids) {
        __typename
        ... on Snapshot {
          ...Snapshot
        }
      }
    }
  `,
  [SNAPSHOT],
)

const DELETE_SNAPSHOTS = graphql(
  `
    mutation DeleteSnapshots($input: DeleteSnapshotsInput!) {
      deleteSnapshots(input: $input) {
        __typename
        ... on DeleteSnapshotsPayload {
          items {
            snapshotId
            snapshot {
              ...Snapshot
            }
            refusal {
              ...Refusal
            }
          }
        }
      }
    }
  `,
  [SNAPSHOT, REFUSAL],
)

type Item = PayloadOf<ResultOf<typeof DELETE_SNAPSHOTS>>['items'][number]

/** Sends the ids, this many at once; the results until a call fails. */
async function inParts(
  ids: readonly string[],
  atOnce: number,
  send: (ids: string[]) => Promise<{ items: Item[] } | undefined>,
): Promise<Item[]> {
  const answered: Item[] = []
  for (let from = 0; from < ids.length; from += atOnce) {
    const payload = await send(ids.slice(from, from + atOnce))
    if (!payload) break
    answered.push(...payload.items)
  }
  return answered
}

/** Confirms that the snapshots named by `delete` in the address are to be deleted. */
export function DeleteSnapshots() {
  const { opened, ...asked } = useAsked('delete')
  return <DeleteDialog key={opened} asked={asked} />
}

function DeleteDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { wanted, close } = asked
  const [{ data, error }] = useQuery({
    query: CHOSEN_SNAPSHOTS,
    variables: { ids: wanted },
    pause: wanted.length === 0,
  })
  const there = byId((data?.nodes ?? []).filter((node) => node?.__typename === 'Snapshot'))
  // What was confirmed stays to be read when it is gone.
  const [confirmed, setConfirmed] = useState<Snapshot[]>()
  const shown = confirmed ?? wanted.flatMap((id) => there.get(id) ?? [])
  const { outcome, send } = useChange(DELETE_SNAPSHOTS)
  const isConfirmed = useIsConfirmed()
  const [typed, setTyped] = useState('')
  const [items, setItems] = useState<readonly Item[]>([])

  const [first] = shown
  const batch = wanted.length > 1
  const single = batch ? undefined : first
  const over = batch && items.length > 0
  const refused = items.filter(({ refusal }) => refusal !== null)
  const reason =
    single && outcome === undefined ? reasonAgainst(single.deleteEligibility, words, format) : undefined

  async function submit(): Promise<void> {
    if (!data) return
    setConfirmed(shown)
    const ids = shown.map(({ id }) => id)
    const answered = await inParts(ids, data.limits.snapshotsPerRequest, (snapshotIds) =>
      send({ input: { snapshotIds } }),
    )
    setItems(answered)
    if (batch || !single || answered[0]?.refusal !== null) return
    close()
    notice(words.deletion.started(single.name))
  }

  return (
    <Dialog
      asked={asked}
      width={batch ? 760 : 600}
      title={words.deletion.title(wanted.length)}
      verb={words.delete}
      needs="manageSnapshots"
      danger
      ready={shown.length > 0 && (!batch || isConfirmed(typed))}
      reason={reason}
      sending={outcome?.is === 'sending'}
      over={over}
      submit={submit}
    >
      {error && <Failure error={error} />}
      {!data && !error && <Skeleton />}
      {data && <Missing wanted={wanted} shown={shown} />}
      {single && <SnapshotSummary snapshot={single} />}
      {shown.length > 0 && !over && reason === undefined && (
        <Alert
          type="warning"
          showIcon
          title={single ? words.deletion.question(single.name) : words.deletion.questions(shown.length)}
          description={single ? words.deletion.lossOfOne : words.deletion.loss}
        />
      )}
      {batch && (
        <BatchTable
          caption={words.deletion.title(shown.length)}
          head={[words.snapshot, words.sourceDisk, words.dialog.result]}
          rows={shown}
          cells={(snapshot) => [
            snapshot.disk?.name ?? words.released,
            <Deletion
              key="result"
              snapshot={snapshot}
              now={there.get(snapshot.id)}
              refusal={refused.find(({ snapshotId }) => snapshotId === snapshot.id)?.refusal}
              confirmed={over}
            />,
          ]}
        />
      )}
      {batch && !over && <Confirmation value={typed} onChange={setTyped} />}
      {!batch && refused[0]?.refusal && (
        <Alert type="error" showIcon title={explain(refused[0].refusal, words, format)} />
      )}
      <Trouble outcome={outcome} />
      {over && (
        <BatchResult
          ok={refused.length === 0}
          title={words.deletion.batch(items.length - refused.length, refused.length)}
        />
      )}
    </Dialog>
  )
}

/** Names those of the wanted snapshots that do not exist. */
function Missing({ wanted, shown }: { wanted: readonly string[]; shown: readonly Snapshot[] }) {
  const words = useWords()
  const missing = wanted.filter((id) => !shown.some((snapshot) => snapshot.id === id))
  if (missing.length === 0) return null
  return <Alert type="error" showIcon title={words.noSnapshot(missing.join(', '))} />
}

const byId = (snapshots: readonly Snapshot[]) => new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]))

function SnapshotSummary({ snapshot }: { snapshot: Snapshot }) {
  const words = useWords()
  const format = useFormat()
  return (
    <div className="summary">
      <strong>{snapshot.name}</strong>
      <code>{snapshot.id}</code>
      <SnapshotStatusTag status={snapshot.status} />
      <span>{snapshot.disk?.name ?? words.released}</span>
      <span>{format.date(snapshot.createdAt)}</span>
    </div>
  )
}

interface DeletionProps {
  snapshot: Snapshot
  /** The same as it is now; undefined when it is gone. */
  now: Snapshot | undefined
  refusal: Item['refusal'] | undefined
  confirmed: boolean
}

/** The result of one deletion of many, or why it would be refused. */
function Deletion({ snapshot, now, refusal, confirmed }: DeletionProps) {
  const words = useWords()
  const format = useFormat()
  const reason = confirmed
    ? refusal && explain(refusal, words, format)
    : reasonAgainst(snapshot.deleteEligibility, words, format)
  if (reason !== undefined && reason !== null) {
    return <span className={confirmed ? 'problem' : 'hint'}>{reason}</span>
  }
  return now ? <SnapshotStatusCell snapshot={now} /> : <SnapshotStatusTag status="DELETED" />
}
