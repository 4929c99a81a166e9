import { Alert, App, Radio, Skeleton, type InputRef } from 'antd'
import { useEffect, useId, useRef, useState } from 'react'
import { useClient, useQuery, type CombinedError } from 'urql'
import { DISK, type Disk } from '../api/disk.ts'
import { graphql } from '../api/graphql.ts'
import { POLICY, type Policy } from '../api/policy.ts'
import { LINK_ELIGIBILITY, type LinkRefusal, type Refusal } from '../api/refusals.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary, MissingDisks } from '../widgets/disk-summary.tsx'
import { Failure } from '../widgets/failure.tsx'
import { explainLink, whyNotLink } from '../widgets/refusal.ts'
import { useSchedule } from '../widgets/schedule.ts'
import { DiskStatusTag } from '../widgets/status.tsx'
import { useKept } from '../widgets/table.ts'
import { BatchResult, BatchTable } from './batch-table.tsx'
import { LINK_RESULT } from './link-result.ts'
import { Dialog, useAsked, type Asked } from './dialog.tsx'
import { CREATE_POLICY, PolicyForm, usePolicyDraft, type PolicyDraft } from './policy-form.tsx'

/** The policies there are, all of them: an account has no more than a page. */
const POLICIES = graphql(
  `
    query Policies {
      autoSnapshotPolicies(first: 100) {
        nodes {
          ...Policy
        }
      }
    }
  `,
  [POLICY],
)

/** The disks that a policy is to be linked to, and whether this one, or any at all, can be. */
const DISKS_TO_LINK = graphql(
  `
    query DisksToLink($ids: [ID!]!, $policyId: ID) {
      nodes(ids: $ids) {
        __typename
        ... on Disk {
          ...Disk
          linkEligibility: autoSnapshotPolicyEligibility(policyId: $policyId) {
            ...LinkEligibility
          }
        }
      }
    }
  `,
  [DISK, LINK_ELIGIBILITY],
)

export const LINK_POLICY = graphql(
  `
    mutation LinkPolicy($input: LinkAutoSnapshotPolicyInput!) {
      linkAutoSnapshotPolicy(input: $input) {
        __typename
        ... on LinkAutoSnapshotPolicyPayload {
          results {
            ...LinkResult
          }
        }
        ... on PolicyNotFound {
          message
        }
      }
    }
  `,
  [LINK_RESULT],
)

/** The choice of a policy that is still to be created. */
const NEW = 'new'

/** Links a policy to the disks that the address names with `link`: one there is, or one created on the way. */
export function LinkPolicy({ onLinked }: { onLinked?: () => void }) {
  const { opened, ...asked } = useAsked('link')
  return <LinkDialog key={opened} asked={asked} onLinked={onLinked} />
}

interface LinkDialogProps {
  asked: Asked
  onLinked: (() => void) | undefined
}

function LinkDialog({ asked, onLinked }: LinkDialogProps) {
  const words = useWords()
  const { message } = App.useApp()
  const { open, wanted: ids, close } = asked
  const [{ data: listed, error: unlisted }, list] = useQuery({ query: POLICIES, pause: !open })
  const policies = listed?.autoSnapshotPolicies.nodes
  const [chosen, setChosen] = useState<string>()
  const choice = chosen ?? (policies?.length === 0 ? NEW : undefined)
  const policyId = choice === NEW ? undefined : choice
  const [{ data, error }] = useQuery({
    query: DISKS_TO_LINK,
    variables: { ids, policyId: policyId ?? null },
    pause: !open,
  })
  const nodes = (useKept(data)?.nodes ?? []).filter((node) => node?.__typename === 'Disk')
  const disks = ids.flatMap((id) => nodes.find((disk) => disk.id === id) ?? [])
  const { draft, setDraft, zones } = usePolicyDraft(open)
  const [mustChoose, setMustChoose] = useState(false)
  const { sending, created, refused, failed, outcomes, create, link } = useLinking()
  const name = useRef<InputRef>(null)
  const isNew = choice === NEW
  useEffect(() => {
    if (isNew) name.current?.focus()
  }, [isNew])

  const batch = ids.length > 1
  const single = batch ? undefined : disks[0]
  const linked = Object.values(outcomes).filter(isLinked).length
  const over = batch && linked > 0 && !sending
  const outcome = single && outcomes[single.id]
  const whyNot = (disk: (typeof disks)[number]) => whyNotLink(disk, words, disk.linkEligibility)
  const against = single && outcome === undefined && !sending ? whyNot(single) : undefined

  async function submit(): Promise<void> {
    if (choice === undefined || sending) {
      setMustChoose(true)
      return
    }
    const id = policyId ?? (await create(draft))
    // Also when its answer was lost, it may be there by now.
    if (policyId === undefined) list({ requestPolicy: 'network-only' })
    if (id === undefined) return
    setChosen(id)
    const results = await link(id, ids)
    const policy = results.find(isLinked)?.policy
    if (policy === undefined) return
    onLinked?.()
    if (!single) return
    close()
    void message.success(words.policy.linked(policy, single.name))
  }

  return (
    <Dialog
      asked={asked}
      width={batch ? 860 : 600}
      title={words.policy.linkTitle}
      verb={words.confirm}
      ready={disks.length > 0 && policies !== undefined}
      needs="managePolicies"
      reason={against}
      sending={sending}
      over={over}
      submit={submit}
    >
      {single && <DiskSummary disk={single} />}
      {[unlisted, error].map((trouble, index) => trouble && <Failure key={index} error={trouble} />)}
      {(!policies || !data) && !unlisted && !error && disks.length === 0 && <Skeleton active />}
      {data && <MissingDisks ids={ids} found={disks} />}
      {policies && !over && (
        <ChoosePolicy
          policies={policies}
          choice={choice}
          onChoose={setChosen}
          complaint={mustChoose && choice === undefined}
        />
      )}
      {isNew && !over && (
        <PolicyForm ref={name} draft={draft} zones={zones} onChange={setDraft} refusal={refused} />
      )}
      {created !== undefined && <Alert type="success" showIcon title={words.policy.createdOnly(created)} />}
      {single && outcome?.refusal && (
        <Alert type="error" showIcon title={explainLink(outcome.refusal, single, words)} />
      )}
      {batch && disks.length > 0 && (
        <BatchTable
          caption={words.dialog.disksOf(disks.length)}
          head={[words.disk, words.dialog.result]}
          rows={disks}
          cells={(disk) => [
            <LinkOutcome key="result" disk={disk} outcome={outcomes[disk.id]} reason={whyNot(disk)} />,
          ]}
        />
      )}
      {over && (
        <BatchResult ok={linked === ids.length} title={words.policy.batch(linked, ids.length - linked)} />
      )}
      {failed && <Failure error={failed} title={words.notDone} />}
    </Dialog>
  )
}

/** The result for one disk. */
type Outcome = { policy: string; refusal?: never } | { policy?: never; refusal: LinkRefusal }

const isLinked = (outcome: Outcome) => outcome.refusal === undefined

/** Creates a policy and links it, one at a time, and keeps the outcome. */
function useLinking() {
  const client = useClient()
  const under = useRef(false)
  const [sending, setSending] = useState(false)
  /** The name of the policy that was created on the way. */
  const [created, setCreated] = useState<string>()
  const [refused, setRefused] = useState<Refusal>()
  const [failed, setFailed] = useState<CombinedError>()
  const [outcomes, setOutcomes] = useState<Record<string, Outcome>>({})

  async function alone<Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> {
    if (under.current) return undefined
    under.current = true
    setSending(true)
    setFailed(undefined)
    try {
      return await work()
    } finally {
      under.current = false
      setSending(false)
    }
  }

  return {
    sending,
    created,
    refused,
    failed,
    outcomes,

    /** Answers its id; undefined when it was refused, or failed. */
    create: (input: PolicyDraft): Promise<string | undefined> =>
      alone(async () => {
        setRefused(undefined)
        const { data, error } = await client.mutation(CREATE_POLICY, { input }).toPromise()
        setFailed(error)
        const answer = data?.createAutoSnapshotPolicy
        if (answer?.__typename === 'CreateAutoSnapshotPolicyPayload') {
          setCreated(answer.policy.name)
          return answer.policy.id
        }
        setRefused(answer)
        return undefined
      }),

    /** The outcome for each disk; nothing when it failed. */
    link: async (policyId: string, diskIds: string[]): Promise<Outcome[]> =>
      (await alone(async () => {
        const input = { policyId, diskIds }
        const { data, error } = await client.mutation(LINK_POLICY, { input }).toPromise()
        setFailed(error)
        const answer = data?.linkAutoSnapshotPolicy
        if (!answer) return []
        const became = diskIds.map((id, index): [string, Outcome] => {
          if (answer.__typename === 'PolicyNotFound') return [id, { refusal: answer }]
          const { refusal, disk } = answer.results[index] ?? {}
          return [id, refusal ? { refusal } : { policy: disk?.autoSnapshotPolicy?.name ?? policyId }]
        })
        setOutcomes(Object.fromEntries(became))
        return became.map(([, outcome]) => outcome)
      })) ?? [],
  }
}

interface ChoosePolicyProps {
  policies: readonly Policy[]
  choice: string | undefined
  onChoose: (choice: string) => void
  complaint: boolean
}

/** The policies there are, each with when it runs, and a new one. */
function ChoosePolicy({ policies, choice, onChoose, complaint }: ChoosePolicyProps) {
  const { policy: words } = useWords()
  const schedule = useSchedule()
  const label = useId()
  if (policies.length === 0) return <p>{words.noneYet}</p>
  return (
    <div className="field">
      <span id={label}>{words.choose}</span>
      <Radio.Group
        className="policies"
        aria-labelledby={label}
        value={choice}
        onChange={({ target }) => onChoose(target.value as string)}
      >
        {policies.map((policy, index) => (
          <Radio key={policy.id} value={policy.id} autoFocus={index === 0}>
            <strong>{policy.name}</strong>
            <span className="hint">
              {schedule.runs(policy)} · {policy.timeZone} · {schedule.kept(policy)}
            </span>
          </Radio>
        ))}
        <Radio value={NEW}>{words.create}</Radio>
      </Radio.Group>
      {complaint && (
        <div className="problem" role="alert">
          {words.mustChoose}
        </div>
      )}
    </div>
  )
}

interface LinkOutcomeProps {
  disk: Disk
  outcome: Outcome | undefined
  /** Why it would be refused, as far as that is known beforehand. */
  reason: string | undefined
}

function LinkOutcome({ disk, outcome, reason }: LinkOutcomeProps) {
  const words = useWords()
  if (outcome?.refusal) return <span className="problem">{explainLink(outcome.refusal, disk, words)}</span>
  if (outcome) return <span className="made">{words.policy.linkedTo(outcome.policy)}</span>
  return reason === undefined ? (
    <DiskStatusTag status={disk.status} />
  ) : (
    <span className="hint">{reason}</span>
  )
}
