import { Alert, Checkbox, Input, Radio, Select, Skeleton, type InputRef } from 'antd'
import { useId, useState } from 'react'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { DISK, type Disk, type DiskKind } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import type { Refusal } from '../api/refusals.ts'
import type { Tag } from '../api/snapshot.ts'
import { suggestName, useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary, MissingDisks } from '../widgets/disk-summary.tsx'
import { Failure } from '../widgets/failure.tsx'
import { QuotaBar } from '../widgets/quota.tsx'
import { explain, whyNot } from '../widgets/refusal.ts'
import { DiskStatusTag } from '../widgets/status.tsx'
import { BatchResult, BatchTable } from './batch-table.tsx'
import { useCreation, type CreateInput, type SnapshotOutcome } from './creation.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NumberField, Field, NameField, useFirstField } from './field.tsx'
import { useLimits, useRetentionProblem } from './limits.ts'
import { TagsField, useTagsProblem, writtenTags } from './tags-field.tsx'
import { useNotice } from './wanted-snapshot.tsx'

/** Which disks a snapshot may be wanted of, by what is typed. */
const DISK_CHOICES = graphql(
  `
    query DiskChoices($filter: DiskFilter) {
      disks(first: 20, filter: $filter) {
        totalCount
        nodes {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

/** The disks that a snapshot is to be created of. */
const CHOSEN_DISKS = graphql(
  `
    query ChosenDisks($ids: [ID!]!) {
      nodes(ids: $ids) {
        __typename
        ... on Disk {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

/** In the address: `create=new` asks for the disk first, `create=v-…,v-…` names the disks. */
const NEW = 'new'

/** The dialog Create Snapshot, open while the address says so. */
export function CreateSnapshot({ onCreated }: { onCreated?: () => void }) {
  const { opened, ...asked } = useAsked('create')
  return <CreateDialog key={opened} asked={asked} onCreated={onCreated} />
}

function CreateDialog({ asked, onCreated }: { asked: Asked; onCreated: (() => void) | undefined }) {
  const words = useWords()
  const notice = useNotice()
  const asksForDisk = asked.wanted[0] === NEW
  const [chosen, setChosen] = useState<string>()
  const ids = asksForDisk ? (chosen === undefined ? [] : [chosen]) : asked.wanted
  const [{ data, error }] = useQuery({ query: CHOSEN_DISKS, variables: { ids }, pause: ids.length === 0 })
  const disks = (data?.nodes ?? []).filter((node) => node?.__typename === 'Disk')
  const shown = ids.length === 0 ? [] : disks.filter(({ id }) => ids.includes(id))
  const names = useNames(asked.open)
  const [notes, setNotes] = useState(NO_NOTES)
  const [mustChoose, setMustChoose] = useState(false)
  const { outcomes, create, createTogether } = useCreation()
  const together = useTogether(names.suffix)

  const single = shown.length === 1 ? shown[0] : undefined
  const batch = ids.length > 1
  const sending = Object.values(outcomes).some(({ is }) => is === 'sending')
  const created = Object.values(outcomes).filter(({ is }) => is === 'done').length
  const over = batch && created > 0 && !sending
  // What was asked for here has itself changed what the disk allows, so only what is new or was refused is judged by that.
  const asking = single && outcomes[single.id]?.is
  const reason = useReason(asking === undefined || asking === 'refused' ? single : undefined)
  const retentionProblem = useRetentionProblem(asked.open)
  const tagsProblem = useTagsProblem()
  const count = shown.length
  const firstName = useFirstField(asked.open && count > 0 && !asksForDisk)

  async function submit(): Promise<void> {
    if (shown.length === 0) {
      setMustChoose(asksForDisk)
      return
    }
    const { description, retentionDays, tags, isProtected } = notes
    const common = {
      description,
      tags: writtenTags(tags),
      ...(retentionDays !== null && { retentionDays }),
      ...(isProtected && { deletionProtection: true }),
    }
    const made = together.isWanted
      ? await createTogether({ ...common, name: together.name, diskIds: shown.map(({ id }) => id) })
      : await create(shown.map((disk): CreateInput => ({ ...common, diskId: disk.id, name: names.of(disk) })))
    if (made.length > 0) onCreated?.()
    const [snapshot] = made
    if (batch || !snapshot) return
    asked.close()
    notice(words.dialog.started(snapshot.name), {
      to: `/snapshots?show=${snapshot.id}`,
      label: words.dialog.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      width={batch ? 860 : 600}
      title={words.createSnapshot}
      verb={words.confirm}
      needs="manageSnapshots"
      ready={retentionProblem(notes.retentionDays) === undefined && tagsProblem(notes.tags) === undefined}
      reason={reason}
      sending={sending}
      over={over}
      submit={submit}
    >
      {asksForDisk && (
        <ChooseDisk chosen={chosen} onChoose={setChosen} complaint={mustChoose && chosen === undefined} />
      )}
      {error && <Failure error={error} />}
      {ids.length > 0 && count === 0 && !error && !data && <Skeleton active />}
      {data && !asksForDisk && <MissingDisks ids={ids} found={shown} />}
      {single && <DiskSummary disk={single} withName={!asksForDisk} />}
      {(count > 0 || asksForDisk) && <Alert type="info" showIcon title={words.dialog.notice} />}
      {single && <Single disk={single} names={names} outcome={outcomes[single.id]} first={firstName} />}
      {batch && count > 0 && !over && (
        <Together
          together={together}
          count={count}
          outcome={outcomes[shown[0]?.id ?? '']}
          first={firstName}
        />
      )}
      {batch && count > 0 && (
        <Batch
          disks={shown}
          names={together.isWanted ? undefined : names}
          outcomes={outcomes}
          first={firstName}
        />
      )}
      {count > 0 && !over && <MoreFields notes={notes} onChange={setNotes} />}
      {over && (
        <BatchResult
          ok={created === count}
          title={words.dialog.batch(created, count - created)}
          link={<Link href="/snapshots">{words.dialog.view}</Link>}
        />
      )}
    </Dialog>
  )
}

/** Whether all snapshots are wanted or none, and what each is to be called then. */
function useTogether(suffix: string) {
  const [isWanted, setWanted] = useState(false)
  const [name, setName] = useState(`snapshot-${suffix}`)
  return { isWanted, setWanted, name, setName }
}

interface TogetherProps {
  together: ReturnType<typeof useTogether>
  count: number
  outcome: SnapshotOutcome | undefined
  first: React.Ref<InputRef>
}

/** Asks whether several disks are all or none, and for the one name that their snapshots have then. */
function Together({ together, count, outcome, first }: TogetherProps) {
  const { dialog: words } = useWords()
  const hint = useId()
  const most = useLimits(true)?.snapshotsPerRequest
  return (
    <>
      <div>
        <Checkbox
          checked={together.isWanted}
          aria-describedby={hint}
          disabled={most !== undefined && count > most}
          onChange={({ target }) => together.setWanted(target.checked)}
        >
          {words.consistent}
        </Checkbox>
        <div className="hint" id={hint}>
          {words.consistentHint}
        </div>
      </div>
      {together.isWanted && (
        <NameField
          ref={first}
          label={words.nameOfAll}
          value={together.name}
          onChange={together.setName}
          refusal={refusalOf(outcome)}
        />
      )}
    </>
  )
}

type Names = ReturnType<typeof useNames>

/** What the snapshots are to be called: by their disk and the time, unless something else is written. */
function useNames(open: boolean) {
  const [written, setWritten] = useState<Record<string, string>>({})
  const [suffix] = useState(timestamp)
  const limits = useLimits(open)
  return {
    suffix,
    of: (disk: Disk) => written[disk.id] ?? suggestName(disk.name, suffix, limits?.nameLength),
    set: (disk: Disk, name: string) => setWritten((before) => ({ ...before, [disk.id]: name })),
  }
}

interface Notes {
  tags: Tag[]
  description: string
  retentionDays: number | null
  isProtected: boolean
}

const NO_NOTES: Notes = { description: '', retentionDays: null, tags: [], isProtected: false }

/** What is seldom given, folded away. */
function MoreFields({ notes, onChange }: { notes: Notes; onChange: (notes: Notes) => void }) {
  const words = useWords()
  const hint = useId()
  const limits = useLimits(true)
  const retentionProblem = useRetentionProblem(true)
  return (
    <details>
      <summary>{words.dialog.more}</summary>
      <Field label={words.description}>
        {(id) => (
          <Input
            id={id}
            value={notes.description}
            maxLength={limits?.descriptionLength}
            onChange={({ target }) => onChange({ ...notes, description: target.value })}
          />
        )}
      </Field>
      <NumberField
        label={words.dialog.retention}
        hint={words.dialog.retentionHint}
        problem={retentionProblem(notes.retentionDays)}
        value={notes.retentionDays}
        onChange={(retentionDays) => onChange({ ...notes, retentionDays })}
      />
      <Checkbox
        checked={notes.isProtected}
        aria-describedby={hint}
        onChange={({ target }) => onChange({ ...notes, isProtected: target.checked })}
      >
        {words.edition.protection}
      </Checkbox>
      <div className="hint" id={hint}>
        {words.edition.protectionHint}
      </div>
      <TagsField tags={notes.tags} onChange={(tags) => onChange({ ...notes, tags })} />
    </details>
  )
}

interface SingleProps {
  disk: Disk
  names: Names
  outcome: SnapshotOutcome | undefined
  first: React.Ref<InputRef>
}

/** One disk: the name of its snapshot, and what is left of its quota. */
function Single({ disk, names, outcome, first }: SingleProps) {
  const words = useWords()
  return (
    <>
      <NameField
        ref={first}
        label={words.dialog.snapshotName}
        value={names.of(disk)}
        onChange={(name) => names.set(disk, name)}
        refusal={refusalOf(outcome)}
      />
      <Trouble outcome={outcome} besides={['InvalidName']} />
      <QuotaLine disk={disk} />
    </>
  )
}

interface BatchProps {
  disks: readonly Disk[]
  /** Undefined where all have the same name, given elsewhere. */
  names: Names | undefined
  outcomes: Record<string, SnapshotOutcome>
  first: React.Ref<InputRef>
}

/** Many disks at once: a name and a result for each. */
function Batch({ disks, names, outcomes, first }: BatchProps) {
  const words = useWords()
  return (
    <BatchTable
      caption={words.dialog.disksOf(disks.length)}
      head={[words.disk, ...(names ? [words.dialog.snapshotName] : []), words.dialog.result]}
      rows={disks}
      cells={(disk, index) => [
        ...(names
          ? [
              <Input
                key="name"
                {...(index === 0 && { ref: first })}
                aria-label={`${words.dialog.snapshotName}: ${disk.name}`}
                value={names.of(disk)}
                disabled={outcomes[disk.id]?.is === 'done'}
                onChange={({ target }) => names.set(disk, target.value)}
              />,
            ]
          : []),
        <BatchOutcome key="result" disk={disk} outcome={outcomes[disk.id]} />,
      ]}
    />
  )
}

function refusalOf(outcome: SnapshotOutcome | undefined): Refusal | undefined {
  return outcome?.is === 'refused' ? outcome.refusal : undefined
}

function timestamp(): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const now = new Date()
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`
}

function useReason(disk: Disk | undefined): string | undefined {
  const words = useWords()
  const format = useFormat()
  return disk && whyNot(disk, words, format)
}

function QuotaLine({ disk }: { disk: Disk }) {
  const words = useWords()
  const format = useFormat()
  const { manual } = disk.snapshotQuota
  return (
    <div>
      <QuotaBar label={words.manualQuota} quota={manual} />
      <div className="hint">
        {words.quotaLine(
          format.number(manual.used),
          format.number(manual.limit),
          format.number(manual.remaining),
        )}
      </div>
    </div>
  )
}

interface ChooseDiskProps {
  chosen: string | undefined
  onChoose: (id: string | undefined) => void
  complaint: boolean
}

/** The snapshot type decides which disks there are to choose from: a snapshot is of a data disk or of a system disk. */
function ChooseDisk({ chosen, onChoose, complaint }: ChooseDiskProps) {
  const words = useWords()
  const format = useFormat()
  const [kind, setKind] = useState<DiskKind>('DATA')
  const [text, setText] = useState('')
  const typed = text.trim()
  const [{ data, fetching }] = useQuery({
    query: DISK_CHOICES,
    variables: {
      filter: {
        kind: { eq: kind },
        ...(typed && { search: typed }),
      },
    },
  })
  const type = useId()
  return (
    <>
      <div className="field">
        <span id={type}>{words.dialog.snapshotType}</span>
        <Radio.Group
          aria-labelledby={type}
          optionType="button"
          value={kind}
          options={[
            { value: 'DATA', label: words.dialog.dataSnapshot },
            { value: 'SYSTEM', label: words.dialog.systemSnapshot },
          ]}
          onChange={({ target }) => {
            setKind(target.value as DiskKind)
            onChoose(undefined)
          }}
        />
      </div>
      <Field label={words.dialog.diskId} problem={complaint ? words.dialog.mustChoose : undefined}>
        {(id, describedBy) => (
          <Select
            id={id}
            aria-describedby={describedBy}
            showSearch={{ filterOption: false, onSearch: setText }}
            placeholder={words.dialog.chooseDisk}
            value={chosen ?? null}
            loading={fetching}
            onChange={(value: string) => onChoose(value)}
            options={(data?.disks.nodes ?? []).map((disk) => ({
              value: disk.id,
              label: `${disk.name} (${disk.id}) · ${words.diskStatus[disk.status]}`,
              title: whyNot(disk, words, format) ?? '',
              disabled: !disk.snapshotEligibility.allowed,
            }))}
            notFoundContent={fetching ? null : words.noMatches}
          />
        )}
      </Field>
    </>
  )
}

function BatchOutcome({ disk, outcome }: { disk: Disk; outcome: SnapshotOutcome | undefined }) {
  const words = useWords()
  const format = useFormat()
  switch (outcome?.is) {
    case 'done':
      return <span className="made">{words.dialog.started(outcome.payload.snapshot.name)}</span>
    case 'refused':
      return <span className="problem">{explain(outcome.refusal, words, format)}</span>
    case 'failed':
      return <Trouble outcome={outcome} />
    case 'sending':
      return <span className="hint">…</span>
    case undefined: {
      const reason = whyNot(disk, words, format)
      return reason === undefined ? (
        <DiskStatusTag status={disk.status} />
      ) : (
        <span className="hint">{reason}</span>
      )
    }
  }
}
