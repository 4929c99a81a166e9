import { useState } from 'react'
import { DISK, type Disk } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { DISK_STATUS_REFUSAL, NAME_REFUSAL } from '../api/refusals.ts'
import type { Tag } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { DescriptionField } from './disk-fields.tsx'
import { NameField, useFirstField } from './field.tsx'
import { sameTags, TagsField, useTagsProblem, writtenTags } from './tags-field.tsx'
import { useWantedDisk } from './wanted-disk.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

export const UPDATE_DISK = graphql(
  `
    mutation UpdateDisk($input: UpdateDiskInput!) {
      updateDisk(input: $input) {
        __typename
        ... on UpdateDiskPayload {
          disk {
            ...Disk
          }
        }
        ...NameRefusal
        ...DiskStatusRefusal
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [DISK, NAME_REFUSAL, DISK_STATUS_REFUSAL],
)

/** What was edited; everything else stays as it is. */
interface Changes {
  name?: string
  description?: string
  tags?: Tag[]
}

/** Changes what is noted about the disk that `edit-disk` names in the address. */
export function EditDisk() {
  const { opened, ...asked } = useAsked('edit-disk')
  return <EditDialog key={opened} asked={asked} />
}

function EditDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { disk, ...wanted } = useWantedDisk(asked)
  const { outcome, refusal, send } = useChange(UPDATE_DISK)
  const [edited, setEdited] = useState<Changes>({})
  const change = (more: Changes) => setEdited((before) => ({ ...before, ...more }))
  const tagsProblem = useTagsProblem()
  const firstName = useFirstField(asked.open && disk !== undefined)
  const reason =
    disk && outcome === undefined ? reasonAgainst(disk.updateEligibility, words, format) : undefined

  async function submit(): Promise<void> {
    if (!disk) return
    const changed = changedIn(disk, edited)
    if (Object.keys(changed).length === 0) {
      asked.close()
      return
    }
    const payload = await send({ input: { ...changed, diskId: disk.id } })
    if (!payload) return
    asked.close()
    notice(words.diskEdition.done(payload.disk.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.diskEdition.title}
      verb={words.confirm}
      needs="manageDisks"
      ready={disk !== undefined && tagsProblem(edited.tags ?? []) === undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!disk && <NothingYet {...wanted} />}
      {disk && (
        <>
          <NameField
            ref={firstName}
            label={words.newDisk.name}
            value={edited.name ?? disk.name}
            onChange={(name) => change({ name })}
            refusal={refusal}
          />
          <DescriptionField
            value={edited.description ?? disk.description}
            onChange={(description) => change({ description })}
          />
          <TagsField tags={edited.tags ?? disk.tags} onChange={(tags) => change({ tags })} />
          <Trouble outcome={outcome} besides={['InvalidName']} />
        </>
      )}
    </Dialog>
  )
}

/** What differs from the disk as it is: what was only looked at, or changed and changed back, is not sent. */
function changedIn(disk: Disk, { name, description, tags }: Changes): Changes {
  const written = tags && writtenTags(tags)
  return {
    ...(name !== undefined && name !== disk.name && { name }),
    ...(description !== undefined && description !== disk.description && { description }),
    ...(written && !sameTags(written, disk.tags) && { tags: written }),
  }
}
