import { graphql } from '../api/graphql.ts'
import { tellVerification } from '../api/own-verifications.ts'
import { SNAPSHOT_STATUS_REFUSAL } from '../api/refusals.ts'
import { SNAPSHOT } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NothingYet, useNotice, useWantedSnapshot } from './wanted-snapshot.tsx'

const VERIFY_SNAPSHOT = graphql(
  `
    mutation VerifySnapshot($input: VerifySnapshotInput!) {
      verifySnapshot(input: $input) {
        __typename
        ... on VerifySnapshotPayload {
          snapshot {
            ...Snapshot
          }
        }
        ...SnapshotStatusRefusal
        ... on SnapshotInUse {
          message
        }
        ... on SnapshotNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, SNAPSHOT_STATUS_REFUSAL],
)

/** Asks whether the copy of the snapshot that `verify` names in the address is to be read and compared. */
export function VerifySnapshot() {
  const { opened, ...asked } = useAsked('verify')
  return <VerifyDialog key={opened} asked={asked} />
}

function VerifyDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { snapshot, ...wanted } = useWantedSnapshot(asked)
  const { outcome, send } = useChange(VERIFY_SNAPSHOT)
  const reason =
    snapshot && outcome === undefined ? reasonAgainst(snapshot.verifyEligibility, words, format) : undefined

  async function submit(): Promise<void> {
    if (!snapshot || !(await send({ input: { snapshotId: snapshot.id } }))) return
    tellVerification()
    asked.close()
    notice(words.verification.started(snapshot.name), {
      to: `/snapshots?show=${snapshot.id}`,
      label: words.verification.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      title={words.verification.title}
      verb={words.verification.verb}
      needs="manageSnapshots"
      ready={snapshot !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!snapshot && <NothingYet {...wanted} />}
      {snapshot && (
        <>
          <div className="summary">
            <strong>{snapshot.name}</strong>
            <code>{snapshot.id}</code>
            <span>
              {snapshot.verifiedAt === null
                ? words.verification.never
                : words.verification.last(format.dateTime(snapshot.verifiedAt))}
            </span>
          </div>
          <p>{words.verification.effect}</p>
        </>
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
