import { Alert, Checkbox } from 'antd'
import { useState } from 'react'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { DISK_STATUS_REFUSAL, SNAPSHOT_STATUS_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Confirmation, useIsConfirmed } from './confirmation.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useWantedDisk } from './wanted-disk.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const RELEASE_DISK = graphql(
  `
    mutation ReleaseDisk($input: ReleaseDiskInput!) {
      releaseDisk(input: $input) {
        __typename
        ... on ReleaseDiskPayload {
          disk {
            ...Disk
          }
        }
        ...DiskStatusRefusal
        ...SnapshotStatusRefusal
        ... on DiskNotFound {
          message
        }
        ... on SnapshotInUse {
          message
        }
        ... on SnapshotProtected {
          message
        }
      }
    }
  `,
  [DISK, DISK_STATUS_REFUSAL, SNAPSHOT_STATUS_REFUSAL],
)

/** Confirms that the disk that `release` names in the address is to be removed, and decides on its snapshots. */
export function ReleaseDisk() {
  const { opened, ...asked } = useAsked('release')
  return <ReleaseDialog key={opened} asked={asked} />
}

function ReleaseDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { disk, ...wanted } = useWantedDisk(asked)
  const { outcome, send } = useChange(RELEASE_DISK)
  const [withSnapshots, setWithSnapshots] = useState(false)
  const [typed, setTyped] = useState('')
  const isConfirmed = useIsConfirmed()
  const reason =
    disk && outcome === undefined ? reasonAgainst(disk.releaseEligibility, words, format) : undefined
  const held = disk ? disk.snapshotQuota.manual.used + disk.snapshotQuota.automatic.used : 0

  async function submit(): Promise<void> {
    if (!disk || !(await send({ input: { diskId: disk.id, withSnapshots } }))) return
    asked.close()
    notice(words.releasing.started(disk.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.releasing.title}
      verb={words.releasing.verb}
      needs="manageDisks"
      danger
      ready={disk !== undefined && isConfirmed(typed)}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!disk && <NothingYet {...wanted} />}
      {disk && <DiskSummary disk={disk} />}
      {disk && reason === undefined && (
        <>
          <Alert
            type="warning"
            showIcon
            title={words.releasing.question(disk.name)}
            description={words.releasing.effect}
          />
          {held > 0 && (
            <Checkbox checked={withSnapshots} onChange={({ target }) => setWithSnapshots(target.checked)}>
              {words.releasing.withSnapshots(format.number(held))}
            </Checkbox>
          )}
          <Confirmation value={typed} onChange={setTyped} />
        </>
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
