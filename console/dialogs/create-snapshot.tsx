import { Alert, App, Input, Radio, Select, Skeleton, type InputRef } from 'antd'
import { useId, useRef, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { Link } from 'wouter'
import { DISK, type Disk, type DiskKind } from '../api/disk.ts'
import { graphql, type PayloadOf, type ResultOf, type VariablesOf } from '../api/graphql.ts'
import { NAME_REFUSAL, REFUSALS, type Refusal } from '../api/refusals.ts'
import { SNAPSHOT, type Snapshot } from '../api/snapshot.ts'
import { suggestName, useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { Failure } from '../widgets/failure.tsx'
import { QuotaBar } from '../widgets/quota.tsx'
import { explain, whyNot } from '../widgets/refusal.ts'
import { DiskStatusTag } from '../widgets/status.tsx'
import { ask, useClientTokens, type Outcome } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { DaysField, Field, NameField, useFirstField } from './field.tsx'
import { useLimits, useRetentionProblem } from './limits.ts'

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

const CREATE_SNAPSHOT = graphql(
  `
    mutation CreateSnapshot($input: CreateSnapshotInput!) {
      createSnapshot(input: $input) {
        __typename
        ... on CreateSnapshotPayload {
          snapshot {
            ...Snapshot
          }
          warnings {
            code
            message
          }
        }
        ...StatusRefusal
        ...QuotaRefusal
        ...NameRefusal
        ... on ClientTokenReused {
          message
        }
        ... on DiskNotFound {
          message
        }
      }
    }
  `,
  [SNAPSHOT, NAME_REFUSAL, ...REFUSALS],
)

type Input = VariablesOf<typeof CREATE_SNAPSHOT>['input']
type SnapshotOutcome = Outcome<PayloadOf<ResultOf<typeof CREATE_SNAPSHOT>>>

/** In the address: `create=new` asks for the disk first, `create=v-…,v-…` names the disks. */
const NEW = 'new'

/** The dialog Create Snapshot, open while the address says so. */
export function CreateSnapshot({ onCreated }: { onCreated?: () => void }) {
  const { opened, ...asked } = useAsked('create')
  return <CreateDialog key={opened} asked={asked} onCreated={onCreated} />
}

function CreateDialog({ asked, onCreated }: { asked: Asked; onCreated: (() => void) | undefined }) {
  const words = useWords()
  const { message } = App.useApp()
  const { open, wanted, close } = asked
  const asksForDisk = wanted[0] === NEW
  const [chosen, setChosen] = useState<string>()
  const ids = asksForDisk ? (chosen === undefined ? [] : [chosen]) : wanted
  const [{ data, error }] = useQuery({ query: CHOSEN_DISKS, variables: { ids }, pause: ids.length === 0 })
  const disks = (data?.nodes ?? []).filter((node) => node?.__typename === 'Disk')
  const shown = ids.length === 0 ? [] : disks.filter(({ id }) => ids.includes(id))
  const [names, setNames] = useState<Record<string, string>>({})
  const [description, setDescription] = useState('')
  const [retentionDays, setRetentionDays] = useState<number | null>(null)
  const [mustChoose, setMustChoose] = useState(false)
  const [suffix] = useState(timestamp)
  const { outcomes, create } = useCreation()

  const single = shown.length === 1 ? shown[0] : undefined
  const batch = ids.length > 1
  const sending = Object.values(outcomes).some(({ is }) => is === 'sending')
  const created = Object.values(outcomes).filter(({ is }) => is === 'done').length
  const over = batch && created > 0 && !sending
  const nameOf = (disk: Disk) => names[disk.id] ?? suggestName(disk.name, suffix)
  const setName = (disk: Disk, name: string) => setNames((before) => ({ ...before, [disk.id]: name }))
  // What was asked for here has itself changed what the disk allows, so only what is new or was refused is judged by that.
  const asking = single && outcomes[single.id]?.is
  const reason = useReason(asking === undefined || asking === 'refused' ? single : undefined)
  const limits = useLimits(open)
  const retentionProblem = useRetentionProblem(open)
  const count = shown.length
  const firstName = useFirstField(open && count > 0 && !asksForDisk)

  async function submit(): Promise<void> {
    if (shown.length === 0) {
      setMustChoose(asksForDisk)
      return
    }
    const inputs = shown.map((disk): Input => {
      const input = { diskId: disk.id, name: nameOf(disk), description }
      return retentionDays === null ? input : { ...input, retentionDays }
    })
    const made = await create(inputs)
    if (made.length > 0) onCreated?.()
    const [snapshot] = made
    if (batch || !snapshot) return
    close()
    void message.success(
      <span>
        {words.dialog.started(snapshot.name)}{' '}
        <Link href={`/snapshots?show=${snapshot.id}`}>{words.dialog.view}</Link>
      </span>,
      6,
    )
  }

  return (
    <Dialog
      asked={asked}
      width={batch ? 860 : 600}
      title={words.createSnapshot}
      verb={words.confirm}
      needs="manageSnapshots"
      ready={retentionProblem(retentionDays) === undefined}
      reason={reason}
      sending={sending}
      over={over}
      submit={submit}
    >
      {asksForDisk && (
        <ChooseDisk chosen={chosen} onChoose={setChosen} complaint={mustChoose && chosen === undefined} />
      )}
      {error && <Failure error={error} />}
      {ids.length > 0 && shown.length === 0 && !error && (data ? null : <Skeleton active />)}
      {ids.length > 0 && data && shown.length < ids.length && !asksForDisk && (
        <Alert
          type="error"
          showIcon
          title={words.noDisk(ids.filter((id) => !shown.some((disk) => disk.id === id)).join(', '))}
          description={words.noDiskHint}
        />
      )}
      {single && <DiskSummary disk={single} withName={!asksForDisk} />}
      {(count > 0 || asksForDisk) && <Alert type="info" showIcon title={words.dialog.notice} />}
      {single && (
        <>
          <NameField
            ref={firstName}
            label={words.dialog.snapshotName}
            value={nameOf(single)}
            onChange={(name) => setName(single, name)}
            refusal={refusalOf(outcomes[single.id])}
          />
          <Trouble outcome={outcomes[single.id]} besides={['InvalidName']} />
          <QuotaLine disk={single} />
        </>
      )}
      {batch && count > 0 && (
        <BatchTable disks={shown} nameOf={nameOf} setName={setName} outcomes={outcomes} first={firstName} />
      )}
      {count > 0 && !over && (
        <details>
          <summary>{words.dialog.more}</summary>
          <Field label={words.description}>
            {(id) => (
              <Input
                id={id}
                value={description}
                maxLength={limits?.descriptionLength}
                onChange={({ target }) => setDescription(target.value)}
              />
            )}
          </Field>
          <DaysField
            label={words.dialog.retention}
            hint={words.dialog.retentionHint}
            problem={retentionProblem(retentionDays)}
            value={retentionDays}
            onChange={setRetentionDays}
          />
        </details>
      )}
      {over && (
        <Alert
          type={created === count ? 'success' : 'warning'}
          showIcon
          title={words.dialog.batch(created, count - created)}
          description={<Link href="/snapshots">{words.dialog.view}</Link>}
        />
      )}
    </Dialog>
  )
}

/** Creates snapshots, one for each input, and keeps what became of each. */
function useCreation() {
  const client = useClient()
  const tokenFor = useClientTokens()
  const [outcomes, setOutcomes] = useState<Record<string, SnapshotOutcome>>({})
  const sending = useRef(false)

  async function createOne(input: Input): Promise<Snapshot | undefined> {
    const note = (outcome: SnapshotOutcome) =>
      setOutcomes((before) => ({ ...before, [input.diskId]: outcome }))
    note({ is: 'sending' })
    const variables = { input: { ...input, clientToken: tokenFor(input) } }
    const outcome = await ask(client, CREATE_SNAPSHOT, variables)
    note(outcome)
    return outcome.is === 'done' ? outcome.payload.snapshot : undefined
  }

  return {
    outcomes,
    /** Answers the snapshots that were made; none while others are being made. */
    create: async (inputs: Input[]): Promise<Snapshot[]> => {
      if (sending.current) return []
      sending.current = true
      const due = inputs.filter(({ diskId }) => outcomes[diskId]?.is !== 'done')
      const made = await Promise.all(due.map(createOne))
      sending.current = false
      return made.filter((snapshot) => snapshot !== undefined)
    },
  }
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

interface BatchTableProps {
  disks: readonly Disk[]
  nameOf: (disk: Disk) => string
  setName: (disk: Disk, name: string) => void
  outcomes: Record<string, SnapshotOutcome>
  first: React.Ref<InputRef>
}

/** Many disks at once: a name for each, and what became of each. */
function BatchTable({ disks, nameOf, setName, outcomes, first }: BatchTableProps) {
  const words = useWords()
  return (
    <table className="batch">
      <caption className="unseen">{words.dialog.disksOf(disks.length)}</caption>
      <thead>
        <tr>
          <th scope="col">{words.disk}</th>
          <th scope="col">{words.dialog.snapshotName}</th>
          <th scope="col">{words.dialog.result}</th>
        </tr>
      </thead>
      <tbody>
        {disks.map((disk, index) => (
          <tr key={disk.id}>
            <th scope="row">
              {disk.name}
              <div className="hint">
                <code>{disk.id}</code>
              </div>
            </th>
            <td>
              <Input
                {...(index === 0 && { ref: first })}
                aria-label={`${words.dialog.snapshotName}: ${disk.name}`}
                value={nameOf(disk)}
                disabled={outcomes[disk.id]?.is === 'done'}
                onChange={({ target }) => setName(disk, target.value)}
              />
            </td>
            <td>
              <BatchOutcome disk={disk} outcome={outcomes[disk.id]} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
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
