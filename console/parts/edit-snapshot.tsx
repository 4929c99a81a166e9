import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Input, InputNumber } from 'antd'
import { useState } from 'react'
import { UPDATE_SNAPSHOT, type DetailedSnapshot } from '../api/documents.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { Field, NameField, useFirstField } from './field.tsx'
import { reasonAgainst } from './refusal.ts'
import { NoSnapshotYet, useNotice, useWantedSnapshot } from './snapshot-dialog.tsx'

type Tag = DetailedSnapshot['tags'][number]

/** Changes what is noted about the snapshot that `edit` names in the address. */
export function EditSnapshot() {
  const { opened, ...asked } = useAsked('edit')
  return <EditDialog key={opened} asked={asked} />
}

function EditDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const notice = useNotice()
  const { snapshot, ...wanted } = useWantedSnapshot(asked)
  const { outcome, refusal, send } = useChange(UPDATE_SNAPSHOT)
  /** What was changed here; everything else stays as it is. */
  const [changes, setChanges] = useState<{
    name?: string
    description?: string
    retentionDays?: number | null
    tags?: Tag[]
  }>({})
  const change = (more: typeof changes) => setChanges((before) => ({ ...before, ...more }))
  const reason =
    snapshot && outcome === undefined ? reasonAgainst(snapshot.updateEligibility, words, format) : undefined
  const firstName = useFirstField(asked.open && snapshot !== undefined)

  async function submit(): Promise<void> {
    if (!snapshot) return
    const tags = changes.tags?.filter(({ key, value }) => key !== '' || value !== '')
    const payload = await send({ input: { ...changes, ...(tags && { tags }), snapshotId: snapshot.id } })
    if (!payload) return
    asked.close()
    notice(words.edition.done(payload.snapshot.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.edition.title}
      verb={words.confirm}
      needs="manageSnapshots"
      ready={snapshot !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!snapshot && <NoSnapshotYet {...wanted} />}
      {snapshot && (
        <>
          <NameField
            ref={firstName}
            label={words.dialog.snapshotName}
            value={changes.name ?? snapshot.name}
            onChange={(name) => change({ name })}
            refusal={refusal}
          />
          <Field label={words.description}>
            {(id) => (
              <Input
                id={id}
                value={changes.description ?? snapshot.description}
                maxLength={1000}
                onChange={({ target }) => change({ description: target.value })}
              />
            )}
          </Field>
          <Field
            label={words.dialog.retention}
            hint={words.edition.retentionHint(format.dateTime(snapshot.createdAt))}
          >
            {(id, describedBy) => (
              <InputNumber
                id={id}
                aria-describedby={describedBy}
                min={1}
                max={10_000}
                precision={0}
                value={changes.retentionDays === undefined ? snapshot.retentionDays : changes.retentionDays}
                onChange={(retentionDays) => change({ retentionDays })}
              />
            )}
          </Field>
          <Tags tags={changes.tags ?? snapshot.tags} onChange={(tags) => change({ tags })} />
          <Trouble outcome={outcome} besides={['InvalidName']} />
        </>
      )}
    </Dialog>
  )
}

function Tags({ tags, onChange }: { tags: readonly Tag[]; onChange: (tags: Tag[]) => void }) {
  const words = useWords()
  const { edition } = words
  const set = (index: number, part: Partial<Tag>) =>
    onChange(tags.map((tag, place) => (place === index ? { ...tag, ...part } : tag)))
  return (
    <fieldset className="field tags">
      <legend>{words.tags}</legend>
      {tags.map(({ key, value }, index) => (
        // Tags have nothing but their place while they are written.
        <div className="tag" key={index}>
          <Input
            aria-label={edition.tagKey(index + 1)}
            placeholder={edition.key}
            maxLength={65}
            value={key}
            onChange={({ target }) => set(index, { key: target.value })}
          />
          <Input
            aria-label={edition.tagValue(index + 1)}
            placeholder={edition.value}
            maxLength={65}
            value={value}
            onChange={({ target }) => set(index, { value: target.value })}
          />
          <Button
            type="text"
            aria-label={edition.removeTag(key || String(index + 1))}
            icon={<DeleteOutlined aria-hidden />}
            onClick={() => onChange(tags.filter((_tag, place) => place !== index))}
          />
        </div>
      ))}
      <div>
        <Button
          size="small"
          icon={<PlusOutlined aria-hidden />}
          onClick={() => onChange([...tags, { key: '', value: '' }])}
        >
          {edition.addTag}
        </Button>
      </div>
    </fieldset>
  )
}
