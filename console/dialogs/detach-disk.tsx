import { Alert } from 'antd'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { DISK_STATUS_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useWantedDisk } from './wanted-disk.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const DETACH_DISK = graphql(
  `
    mutation DetachDisk($input: DetachDiskInput!) {
      detachDisk(input: $input) {
        __typename
        ... on DetachDiskPayload {
          disk {
            ...Disk
          }
        }
        ...DiskStatusRefusal
        ... on DiskNotFound {
          message
        }
        ... on DiskNotAttached {
          message
        }
      }
    }
  `,
  [DISK, DISK_STATUS_REFUSAL],
)

/** Confirms that the disk that `detach` names in the address is to be detached from its instance. */
export function DetachDisk() {
  const { opened, ...asked } = useAsked('detach')
  return <DetachDialog key={opened} asked={asked} />
}

function DetachDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { disk, ...wanted } = useWantedDisk(asked)
  const { outcome, send } = useChange(DETACH_DISK)
  const reason =
    disk && outcome === undefined ? reasonAgainst(disk.detachEligibility, words, format) : undefined

  async function submit(): Promise<void> {
    if (!disk || !(await send({ input: { diskId: disk.id } }))) return
    asked.close()
    notice(words.detaching.started(disk.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.detaching.title}
      verb={words.detaching.verb}
      needs="manageDisks"
      ready={disk !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!disk && <NothingYet {...wanted} />}
      {disk && <DiskSummary disk={disk} />}
      {disk?.attachment && reason === undefined && (
        <Alert
          type="warning"
          showIcon
          title={words.detaching.question(disk.name, disk.attachment.instanceId)}
          description={words.detaching.effect}
        />
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
