import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Input } from 'antd'
import { useState } from 'react'
import { graphql } from '../api/graphql.ts'
import { NAME_REFUSAL, SNAPSHOT_STATUS_REFUSAL } from '../api/refusals.ts'
import { NOTES, SNAPSHOT } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NumberField, Field, NameField, useFirstField } from './field.tsx'
import { useLimits, useRetentionProblem } from './limits.ts'
import { NothingYet, useNotice, useWantedSnapshot, type DetailedSnapshot } from './wanted-snapshot.tsx'

const UPDATE_SNAPSHOT = graphql(
  `
    mutation UpdateSnapshot($input: UpdateSnapshotInput!) {
      updateSnapshot(input: $input) {
        __typename
        ... on UpdateSnapshotPayload {
          snapshot {
            ...Snapshot
            ...Notes
          }
        }
        ...NameRefusal
        ...SnapshotStatusRefusal
        ... on SnapshotNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, NOTES, NAME_REFUSAL, SNAPSHOT_STATUS_REFUSAL],
)

type Tag = DetailedSnapshot['tags'][number]

interface Changes {
  name?: string
  description?: string
  retentionDays?: number | null
  tags?: Tag[]
}

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
  /** What was edited here; everything else stays as it is. */
  const [changes, setChanges] = useState<Changes>({})
  const changed = snapshot ? changedIn(snapshot, changes) : {}
  const limits = useLimits(asked.open)
  const retentionProblem = useRetentionProblem(asked.open)
  const change = (more: typeof changes) => setChanges((before) => ({ ...before, ...more }))
  const reason =
    snapshot && outcome === undefined ? reasonAgainst(snapshot.updateEligibility, words, format) : undefined
  const firstName = useFirstField(asked.open && snapshot !== undefined)

  async function submit(): Promise<void> {
    if (!snapshot) return
    if (Object.keys(changed).length === 0) {
      asked.close()
      return
    }
    const payload = await send({ input: { ...changed, snapshotId: snapshot.id } })
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
      ready={snapshot !== undefined && retentionProblem(changed.retentionDays ?? null) === undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!snapshot && <NothingYet {...wanted} />}
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
                maxLength={limits?.descriptionLength}
                onChange={({ target }) => change({ description: target.value })}
              />
            )}
          </Field>
          <NumberField
            label={words.dialog.retention}
            hint={words.edition.retentionHint(format.dateTime(snapshot.createdAt))}
            problem={retentionProblem(changed.retentionDays ?? null)}
            value={changes.retentionDays === undefined ? snapshot.retentionDays : changes.retentionDays}
            onChange={(retentionDays) => change({ retentionDays })}
          />
          <Tags
            maxLength={limits?.tagLength}
            tags={changes.tags ?? snapshot.tags}
            onChange={(tags) => change({ tags })}
          />
          <Trouble outcome={outcome} besides={['InvalidName']} />
        </>
      )}
    </Dialog>
  )
}

/** What differs from the snapshot as it is: what was only looked at, or changed and changed back, is not sent. */
function changedIn(snapshot: DetailedSnapshot, { tags: edited, ...values }: Changes): Changes {
  const tags = edited?.filter(({ key, value }) => key !== '' || value !== '')
  const textOf = (all: readonly Tag[]) => JSON.stringify(all.map(({ key, value }) => [key, value]).toSorted())
  return {
    ...Object.fromEntries(
      Object.entries(values).filter(([name, value]) => value !== snapshot[name as keyof typeof values]),
    ),
    ...(tags && textOf(tags) !== textOf(snapshot.tags) && { tags }),
  }
}

interface TagsProps {
  tags: readonly Tag[]
  onChange: (tags: Tag[]) => void
  maxLength: number | undefined
}

function Tags({ tags, onChange, maxLength }: TagsProps) {
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
            maxLength={maxLength}
            value={key}
            onChange={({ target }) => set(index, { key: target.value })}
          />
          <Input
            aria-label={edition.tagValue(index + 1)}
            placeholder={edition.value}
            maxLength={maxLength}
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
