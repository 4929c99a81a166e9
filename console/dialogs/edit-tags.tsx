import { Select, Skeleton } from 'antd'
import { useRef, useState } from 'react'
import { useClient, useQuery, type Client } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { ELIGIBILITY } from '../api/refusals.ts'
import type { Tag } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { explain, reasonAgainst } from '../widgets/refusal.ts'
import { TagList } from '../widgets/tag-list.tsx'
import { BatchResult, BatchTable } from './batch-table.tsx'
import { ask, type Outcome } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { UPDATE_DISK } from './edit-disk.tsx'
import { UPDATE_SNAPSHOT } from './edit-snapshot.tsx'
import { Field } from './field.tsx'
import { sameTags, TagsField, useTagsProblem, writtenTags } from './tags-field.tsx'

const TAGGED_SNAPSHOT = graphql(
  `
    fragment TaggedSnapshot on Snapshot {
      id
      name
      tags {
        key
        value
      }
      updateEligibility {
        ...Eligibility
      }
    }
  `,
  [ELIGIBILITY],
)

const TAGGED_DISK = graphql(
  `
    fragment TaggedDisk on Disk {
      id
      name
      tags {
        key
        value
      }
      updateEligibility {
        ...Eligibility
      }
    }
  `,
  [ELIGIBILITY],
)

/** The snapshots and disks whose tags are to be changed. */
const TAGGED = graphql(
  `
    query Tagged($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ...TaggedSnapshot
        ...TaggedDisk
      }
    }
  `,
  [TAGGED_SNAPSHOT, TAGGED_DISK],
)

type Tagged = Extract<
  NonNullable<ResultOf<typeof TAGGED>['nodes'][number]>,
  { __typename: 'Snapshot' | 'Disk' }
>

/** Adds tags to all that `edit-tags` names in the address, and removes tags from them. */
export function EditTags({ onDone }: { onDone: (() => void) | undefined }) {
  const { opened, ...asked } = useAsked('edit-tags')
  return <EditTagsDialog key={opened} asked={asked} onDone={onDone} />
}

function EditTagsDialog({ asked, onDone }: { asked: Asked; onDone: (() => void) | undefined }) {
  const words = useWords()
  const format = useFormat()
  const { wanted: ids } = asked
  const [{ data, error }] = useQuery({ query: TAGGED, variables: { ids }, pause: ids.length === 0 })
  const subjects = (data?.nodes ?? []).filter(
    (node): node is Tagged => node?.__typename === 'Snapshot' || node?.__typename === 'Disk',
  )
  const [added, setAdded] = useState<Tag[]>([{ key: '', value: '' }])
  const [removed, setRemoved] = useState<string[]>([])
  const problem = useTagsProblem()(added)
  const { outcomes, change } = useTagging()
  const keys = [...new Set(subjects.flatMap(({ tags }) => tags.map(({ key }) => key)))].toSorted()
  const done = Object.values(outcomes).filter(({ is }) => is === 'done').length
  const sending = Object.values(outcomes).some(({ is }) => is === 'sending')
  const over = Object.keys(outcomes).length > 0 && !sending
  const ofDisks = ids[0]?.startsWith('v-') === true

  async function submit(): Promise<void> {
    const changed = subjects.filter(({ updateEligibility }) => updateEligibility.allowed)
    if (await change(changed, writtenTags(added), removed)) onDone?.()
  }

  return (
    <Dialog
      asked={asked}
      width={760}
      title={words.tagging.title}
      verb={words.confirm}
      needs={ofDisks ? 'manageDisks' : 'manageSnapshots'}
      ready={
        subjects.some(({ updateEligibility }) => updateEligibility.allowed) &&
        problem === undefined &&
        (writtenTags(added).length > 0 || removed.length > 0)
      }
      sending={sending}
      over={over}
      submit={submit}
    >
      {error && <Failure error={error} />}
      {!data && !error && <Skeleton active />}
      {data && !over && (
        <>
          <TagsField tags={added} onChange={setAdded} />
          {keys.length > 0 && (
            <Field label={words.tagging.removeKeys}>
              {(id, describedBy) => (
                <Select
                  id={id}
                  aria-describedby={describedBy}
                  mode="multiple"
                  value={removed}
                  options={keys.map((key) => ({ value: key, label: key }))}
                  onChange={setRemoved}
                />
              )}
            </Field>
          )}
        </>
      )}
      {subjects.length > 0 && (
        <BatchTable
          caption={words.tagging.title}
          head={[words.name, words.tags, words.dialog.result]}
          rows={subjects}
          cells={(subject) => [
            <TagList key="tags" tags={subject.tags} />,
            <Tagging
              key="result"
              outcome={outcomes[subject.id]}
              reason={reasonAgainst(subject.updateEligibility, words, format)}
            />,
          ]}
        />
      )}
      {over && (
        <BatchResult
          ok={done === subjects.length}
          title={words.tagging.batch(done, subjects.length - done)}
        />
      )}
    </Dialog>
  )
}

/** The result for one of many, or why it would be refused. */
function Tagging({ outcome, reason }: { outcome: Outcome<unknown> | undefined; reason: string | undefined }) {
  const words = useWords()
  const format = useFormat()
  switch (outcome?.is) {
    case 'done':
      return <span className="made">{words.tagging.changed}</span>
    case 'refused':
      return <span className="problem">{explain(outcome.refusal, words, format)}</span>
    case 'failed':
      return <Trouble outcome={outcome} />
    case 'sending':
      return <span className="hint">…</span>
    case undefined:
      return <span className="hint">{reason}</span>
  }
}

/** The tags of something after some were added, which replace those of the same key, and others removed. */
function tagsAfter(tags: readonly Tag[], added: readonly Tag[], removed: readonly string[]): Tag[] {
  const replaced = new Set([...removed, ...added.map(({ key }) => key)])
  return [...writtenTags(tags).filter(({ key }) => !replaced.has(key)), ...added]
}

async function changeOne(client: Client, { id, __typename }: Tagged, tags: Tag[]): Promise<Outcome<unknown>> {
  return __typename === 'Disk'
    ? ask(client, UPDATE_DISK, { input: { diskId: id, tags } })
    : ask(client, UPDATE_SNAPSHOT, { input: { snapshotId: id, tags } })
}

/** Changes the tags of one after the other, and keeps the outcome of each. */
function useTagging() {
  const client = useClient()
  const [outcomes, setOutcomes] = useState<Record<string, Outcome<unknown>>>({})
  const sending = useRef(false)
  return {
    outcomes,
    /** Whether any was changed. */
    change: async (
      subjects: readonly Tagged[],
      added: readonly Tag[],
      removed: readonly string[],
    ): Promise<boolean> => {
      if (sending.current) return false
      sending.current = true
      let any = false
      setOutcomes(Object.fromEntries(subjects.map(({ id }) => [id, { is: 'sending' }])))
      for (const subject of subjects) {
        const tags = tagsAfter(subject.tags, added, removed)
        const outcome: Outcome<unknown> = sameTags(tags, subject.tags)
          ? { is: 'done', payload: undefined }
          : await changeOne(client, subject, tags)
        any ||= outcome.is === 'done'
        setOutcomes((before) => ({ ...before, [subject.id]: outcome }))
      }
      sending.current = false
      return any
    },
  }
}
