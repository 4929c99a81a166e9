import type { EnumOf } from '../api/graphql.ts'
import type { SnapshotStatus } from '../api/snapshot.ts'
import { useAddress } from '../address.ts'
import { useWords } from '../settings.tsx'
import { SnapshotStatusTag } from './status.tsx'

interface RunOutcomeProps {
  result: {
    outcome: EnumOf<'AutoSnapshotRunDiskOutcome'>
    snapshot: { id: string; name: string; status: SnapshotStatus } | null
    refusalCode: EnumOf<'RefusalCode'> | null
    refusalMessage: string | null
  }
}

/** What a run of a policy made of one disk: its snapshot, or why there is none. */
export function RunOutcome({ result: { outcome, snapshot, refusalCode, refusalMessage } }: RunOutcomeProps) {
  const { policy: words, refusal } = useWords()
  const address = useAddress()
  const reason =
    refusalCode === null
      ? null
      : (words.skipped[refusalCode] ?? refusal.other(refusalCode, refusalMessage ?? ''))
  if (snapshot) {
    return (
      <div>
        <button type="button" className="link-button" onClick={() => address.change({ show: snapshot.id })}>
          {snapshot.name}
        </button>{' '}
        <SnapshotStatusTag status={snapshot.status} />
      </div>
    )
  }
  return (
    <>
      <div>{words.outcome[outcome]}</div>
      {reason !== null && <div className="reason">{reason}</div>}
    </>
  )
}
