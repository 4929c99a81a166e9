import { useState } from 'react'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { DISK_STATUS_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { AttachmentFields, attachmentOf } from './disk-fields.tsx'
import { useWantedDisk } from './wanted-disk.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const ATTACH_DISK = graphql(
  `
    mutation AttachDisk($input: AttachDiskInput!) {
      attachDisk(input: $input) {
        __typename
        ... on AttachDiskPayload {
          disk {
            ...Disk
          }
        }
        ...DiskStatusRefusal
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [DISK, DISK_STATUS_REFUSAL],
)

/** Attaches the disk that `attach` names in the address to an instance. */
export function AttachDisk() {
  const { opened, ...asked } = useAsked('attach')
  return <AttachDialog key={opened} asked={asked} />
}

function AttachDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { disk, ...wanted } = useWantedDisk(asked)
  const { outcome, send } = useChange(ATTACH_DISK)
  const [attachment, setAttachment] = useState({ instanceId: '', device: '' })
  const [mustGive, setMustGive] = useState(false)
  const isGiven = attachment.instanceId.trim() !== ''
  const reason =
    disk && outcome === undefined ? reasonAgainst(disk.attachEligibility, words, format) : undefined

  async function submit(): Promise<void> {
    if (!disk) return
    setMustGive(!isGiven)
    if (!isGiven) return
    const payload = await send({ input: { diskId: disk.id, ...attachmentOf(attachment) } })
    if (!payload) return
    asked.close()
    notice(words.attaching.started(disk.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.attaching.title}
      verb={words.attaching.verb}
      needs="manageDisks"
      ready={disk !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!disk && <NothingYet {...wanted} />}
      {disk && (
        <>
          <DiskSummary disk={disk} />
          <AttachmentFields
            attachment={attachment}
            onChange={setAttachment}
            problem={mustGive && !isGiven ? words.attaching.noInstance : undefined}
          />
        </>
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
