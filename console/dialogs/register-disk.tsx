import { useState } from 'react'
import { DISK, type DiskKind } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { NAME_REFUSAL, PATH_REFUSAL } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import {
  AttachmentFields,
  attachmentOf,
  DescriptionField,
  KindField,
  LOCAL,
  PlaceFields,
  TextField,
} from './disk-fields.tsx'
import { NameField, useFirstField } from './field.tsx'
import { useLimits } from './limits.ts'
import { useNotice } from './wanted-snapshot.tsx'

const REGISTER_DISK = graphql(
  `
    mutation RegisterDisk($input: RegisterDiskInput!) {
      registerDisk(input: $input) {
        __typename
        ... on RegisterDiskPayload {
          disk {
            ...Disk
          }
        }
        ...NameRefusal
        ...PathRefusal
        ... on DiskAlreadyRegistered {
          message
        }
      }
    }
  `,
  [DISK, NAME_REFUSAL, PATH_REFUSAL],
)

/** Registers an image that is there as a disk, while the address says `register`. */
export function RegisterDisk() {
  const { opened, ...asked } = useAsked('register')
  return <RegisterDialog key={opened} asked={asked} />
}

function RegisterDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const limits = useLimits(asked.open)
  const { outcome, refusal, send } = useChange(REGISTER_DISK)
  const [path, setPath] = useState('')
  const [name, setName] = useState('')
  const [kind, setKind] = useState<DiskKind>('DATA')
  const [description, setDescription] = useState('')
  const [place, setPlace] = useState(LOCAL)
  const [attachment, setAttachment] = useState({ instanceId: '', device: '' })
  const firstName = useFirstField(asked.open)
  const isOfPath =
    refusal?.__typename === 'DiskPathRefused' || refusal?.__typename === 'DiskAlreadyRegistered'

  async function submit(): Promise<void> {
    const isAttached = attachment.instanceId.trim() !== ''
    const input = { path: path.trim(), name, kind, description, ...place }
    const payload = await send({
      input: isAttached ? { ...input, attachment: attachmentOf(attachment) } : input,
    })
    if (!payload) return
    asked.close()
    notice(words.registration.done(payload.disk.name), {
      to: `/disks/${payload.disk.id}`,
      label: words.newDisk.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      title={words.registration.title}
      verb={words.registration.verb}
      needs="manageDisks"
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      <NameField
        ref={firstName}
        label={words.newDisk.name}
        value={name}
        onChange={setName}
        refusal={refusal}
      />
      <TextField
        label={words.registration.path}
        hint={words.registration.pathHint}
        placeholder="/srv/disks/vm.img"
        maxLength={limits?.diskPathLength}
        problem={isOfPath ? explain(refusal, words, format) : undefined}
        value={path}
        onChange={setPath}
      />
      <KindField value={kind} onChange={setKind} />
      <DescriptionField value={description} onChange={setDescription} />
      <details>
        <summary>{words.registration.more}</summary>
        <PlaceFields place={place} onChange={setPlace} />
        <AttachmentFields attachment={attachment} onChange={setAttachment} />
      </details>
      <Trouble outcome={outcome} besides={['InvalidName', 'DiskPathRefused', 'DiskAlreadyRegistered']} />
    </Dialog>
  )
}
