import { useState } from 'react'
import { DISK } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { DISK_STATUS_REFUSAL, SIZE_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { explain, reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NumberField } from './field.tsx'
import { useLimits } from './limits.ts'
import { useWantedDisk } from './wanted-disk.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const RESIZE_DISK = graphql(
  `
    mutation ResizeDisk($input: ResizeDiskInput!) {
      resizeDisk(input: $input) {
        __typename
        ... on ResizeDiskPayload {
          disk {
            ...Disk
          }
        }
        ...DiskStatusRefusal
        ...SizeRefusal
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [DISK, DISK_STATUS_REFUSAL, SIZE_REFUSAL],
)

/** Enlarges the disk that `resize` names in the address. */
export function ResizeDisk() {
  const { opened, ...asked } = useAsked('resize')
  return <ResizeDialog key={opened} asked={asked} />
}

function ResizeDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { disk, ...wanted } = useWantedDisk(asked)
  const { outcome, refusal, send } = useChange(RESIZE_DISK)
  const bounds = useLimits(asked.open)?.diskSizeGiB
  const [sizeGiB, setSize] = useState<number | null>(null)
  const reason =
    disk && outcome === undefined ? reasonAgainst(disk.resizeEligibility, words, format) : undefined
  const smallest = disk && bounds && Math.max(bounds.min, Math.floor(disk.sizeGiB) + 1)
  const rule =
    smallest === undefined
      ? undefined
      : words.refusal.size(format.number(smallest), format.number(bounds?.max ?? smallest))
  const isOutside =
    smallest !== undefined && sizeGiB !== null && (sizeGiB < smallest || sizeGiB > (bounds?.max ?? smallest))

  async function submit(): Promise<void> {
    if (!disk || sizeGiB === null) return
    const payload = await send({ input: { diskId: disk.id, sizeGiB } })
    if (!payload) return
    asked.close()
    notice(words.resizing.started(disk.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.resizing.title}
      verb={words.resizing.verb}
      needs="manageDisks"
      ready={disk !== undefined && sizeGiB !== null && !isOutside}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!disk && <NothingYet {...wanted} />}
      {disk && (
        <>
          <DiskSummary disk={disk} />
          <NumberField
            label={words.resizing.size}
            hint={isOutside || rule === undefined ? undefined : `${rule} ${words.resizing.hint}`}
            problem={
              isOutside
                ? rule
                : refusal?.__typename === 'DiskSizeRefused'
                  ? explain(refusal, words, format)
                  : undefined
            }
            value={sizeGiB}
            onChange={setSize}
          />
        </>
      )}
      <Trouble outcome={outcome} besides={['DiskSizeRefused']} />
    </Dialog>
  )
}
