import { useState } from 'react'
import type { DiskKind } from '../api/disk.ts'
import type { Tag } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { explain } from '../widgets/refusal.ts'
import { useChange, useClientTokens } from './change.ts'
import { CREATE_DISK } from './create-disk.tsx'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { DescriptionField, KindField, LOCAL, PlaceFields } from './disk-fields.tsx'
import { NameField, NumberField, useFirstField } from './field.tsx'
import { useLimits } from './limits.ts'
import { TagsField, useTagsProblem, writtenTags } from './tags-field.tsx'
import { useNotice } from './wanted-snapshot.tsx'

/** Asks for an empty disk, while the address says `create-empty`. */
export function CreateEmptyDisk() {
  const { opened, ...asked } = useAsked('create-empty')
  return <CreateEmptyDialog key={opened} asked={asked} />
}

function CreateEmptyDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { outcome, refusal, send } = useChange(CREATE_DISK)
  const tokenFor = useClientTokens()
  const sizes = useLimits(asked.open)?.diskSizeGiB
  const [name, setName] = useState('')
  const [sizeGiB, setSize] = useState<number | null>(null)
  const [kind, setKind] = useState<DiskKind>('DATA')
  const [description, setDescription] = useState('')
  const [place, setPlace] = useState(LOCAL)
  const [tags, setTags] = useState<Tag[]>([])
  const tagsProblem = useTagsProblem()
  const firstName = useFirstField(asked.open)
  const size = sizeGiB ?? sizes?.min
  const isOutside = sizes && size !== undefined && (size < sizes.min || size > sizes.max)
  const sizeRule = sizes && words.refusal.size(format.number(sizes.min), format.number(sizes.max))

  async function submit(): Promise<void> {
    if (size === undefined) return
    const input = { name, sizeGiB: size, kind, description, ...place, tags: writtenTags(tags) }
    const payload = await send({ input: { ...input, clientToken: tokenFor(input) } })
    if (!payload) return
    asked.close()
    notice(words.newDisk.started(payload.disk.name), {
      to: `/disks/${payload.disk.id}`,
      label: words.newDisk.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      title={words.newDisk.emptyTitle}
      verb={words.confirm}
      needs="manageDisks"
      ready={size !== undefined && isOutside !== true && tagsProblem(tags) === undefined}
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
      <NumberField
        label={words.newDisk.size}
        hint={isOutside ? undefined : sizeRule}
        problem={
          isOutside
            ? sizeRule
            : refusal?.__typename === 'DiskSizeRefused'
              ? explain(refusal, words, format)
              : undefined
        }
        value={size ?? null}
        onChange={setSize}
      />
      <KindField value={kind} onChange={setKind} />
      <DescriptionField value={description} onChange={setDescription} />
      <details>
        <summary>{words.newDisk.more}</summary>
        <PlaceFields place={place} onChange={setPlace} />
        <TagsField tags={tags} onChange={setTags} />
      </details>
      <Trouble outcome={outcome} besides={['InvalidName', 'DiskSizeRefused']} />
    </Dialog>
  )
}
