import { Alert } from 'antd'
import { useAddress } from '../address.ts'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { SNAPSHOT_STATUS_REFUSAL, DISK_STATUS_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { reasonAgainst, whyNot } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NothingYet, useNotice, useWantedSnapshot } from './wanted-snapshot.tsx'

const ROLL_BACK_DISK = graphql(
  `
    mutation RollBackDisk($input: RollBackDiskInput!) {
      rollBackDisk(input: $input) {
        __typename
        ... on RollBackDiskPayload {
          disk {
            ...Disk
          }
        }
        ...SnapshotStatusRefusal
        ...DiskStatusRefusal
        ... on DiskNotFound {
          message
        }
        ... on SnapshotNotFound {
          message
        }
        ... on SnapshotOfOtherDisk {
          message
        }
      }
    }
  `,
  [DISK, SNAPSHOT_STATUS_REFUSAL, DISK_STATUS_REFUSAL],
)

/** Confirms that a disk is to be set back to the snapshot of it that `roll-back` names in the address. */
export function RollBackDisk() {
  const { opened, ...asked } = useAsked('roll-back')
  return <RollBackDialog key={opened} asked={asked} />
}

function RollBackDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const address = useAddress()
  const format = useFormat()
  const notice = useNotice()
  const { snapshot, ...wanted } = useWantedSnapshot(asked)
  const disk = snapshot?.disk
  const { outcome, send } = useChange(ROLL_BACK_DISK)
  const against = snapshot?.rollBackEligibility
    ? reasonAgainst(snapshot.rollBackEligibility, words, format)
    : words.rollingBack.released
  const begun = outcome?.is === 'sending' || outcome?.is === 'done'
  const reason = snapshot && !begun ? against : undefined

  async function submit(): Promise<void> {
    if (!snapshot || !disk) return
    const payload = await send({ input: { diskId: disk.id, snapshotId: snapshot.id } })
    if (!payload) return
    asked.close()
    notice(words.rollingBack.started(disk.name, snapshot.name), {
      to: `/disks/${disk.id}`,
      label: words.rollingBack.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      title={words.rollingBack.title}
      verb={words.rollBack}
      needs="manageDisks"
      danger
      ready={snapshot !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!snapshot && <NothingYet {...wanted} />}
      {disk && <DiskSummary disk={disk} />}
      {snapshot && disk && reason === undefined && (
        <Alert
          type="warning"
          showIcon
          title={words.rollingBack.question(disk.name, snapshot.name)}
          description={
            <>
              <p>{words.rollingBack.loss(format.dateTime(snapshot.createdAt))}</p>
              <ActionButton
                size="small"
                action={{
                  key: 'create-first',
                  label: words.rollingBack.createFirst,
                  needs: 'manageSnapshots',
                  run: () => address.change({ 'roll-back': undefined, create: disk.id }),
                  refusal: whyNot(disk, words, format),
                }}
              />
            </>
          }
        />
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
