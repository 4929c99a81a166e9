import { Checkbox, Input } from 'antd'
import { useState } from 'react'
import { graphql } from '../api/graphql.ts'
import { NAME_REFUSAL, SNAPSHOT_STATUS_REFUSAL } from '../api/refusals.ts'
import { NOTES, SNAPSHOT, type Tag } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { reasonAgainst } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NumberField, Field, NameField, useFirstField } from './field.tsx'
import { useLimits, useRetentionProblem } from './limits.ts'
import { sameTags, TagsField, useTagsProblem, writtenTags } from './tags-field.tsx'
import { NothingYet, useNotice, useWantedSnapshot, type DetailedSnapshot } from './wanted-snapshot.tsx'

export const UPDATE_SNAPSHOT = graphql(
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

interface Changes {
  name?: string
  description?: string
  retentionDays?: number | null
  tags?: Tag[]
  deletionProtection?: boolean
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
  const tagsProblem = useTagsProblem()
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
      ready={
        snapshot !== undefined &&
        retentionProblem(changed.retentionDays ?? null) === undefined &&
        tagsProblem(changes.tags ?? []) === undefined
      }
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
          <Checkbox
            checked={changes.deletionProtection ?? snapshot.deletionProtection}
            onChange={({ target }) => change({ deletionProtection: target.checked })}
          >
            {words.edition.protection}
            <div className="hint">{words.edition.protectionHint}</div>
          </Checkbox>
          <TagsField tags={changes.tags ?? snapshot.tags} onChange={(tags) => change({ tags })} />
          <Trouble outcome={outcome} besides={['InvalidName']} />
        </>
      )}
    </Dialog>
  )
}

/** What differs from the snapshot as it is: what was only looked at, or changed and changed back, is not sent. */
function changedIn(snapshot: DetailedSnapshot, { tags: edited, ...values }: Changes): Changes {
  const tags = edited && writtenTags(edited)
  return {
    ...Object.fromEntries(
      Object.entries(values).filter(([name, value]) => value !== snapshot[name as keyof typeof values]),
    ),
    ...(tags && !sameTags(tags, snapshot.tags) && { tags }),
  }
}
