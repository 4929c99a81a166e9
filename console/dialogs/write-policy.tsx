import { useState } from 'react'
import { useQuery } from 'urql'
import { graphql } from '../api/graphql.ts'
import { POLICY, type Policy } from '../api/policy.ts'
import { NAME_REFUSAL, POLICY_RULES_REFUSAL } from '../api/refusals.ts'
import { useWords } from '../settings.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { useFirstField } from './field.tsx'
import { CREATE_POLICY, PolicyForm, usePolicyDraft, type PolicyDraft } from './policy-form.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

/** The policy that a dialog is about. */
const WANTED_POLICY = graphql(
  `
    query WantedPolicy($id: ID!) {
      autoSnapshotPolicy(id: $id) {
        ...Policy
      }
    }
  `,
  [POLICY],
)

const UPDATE_POLICY = graphql(
  `
    mutation UpdatePolicy($input: UpdateAutoSnapshotPolicyInput!) {
      updateAutoSnapshotPolicy(input: $input) {
        __typename
        ... on UpdateAutoSnapshotPolicyPayload {
          policy {
            ...Policy
          }
        }
        ...NameRefusal
        ...PolicyRulesRefusal
        ... on PolicyNotFound {
          message
        }
      }
    }
  `,
  [POLICY, NAME_REFUSAL, POLICY_RULES_REFUSAL],
)

/** What is said under the fields of the form. */
const IN_FORM = ['InvalidName', 'InvalidPolicy', 'PolicyQuotaExceeded'] as const

/** The one policy that a dialog is about, as it is now; undefined until it has been read. */
export function useWantedPolicy({ wanted: [id = ''] }: Asked) {
  const words = useWords()
  const [{ data, error }] = useQuery({ query: WANTED_POLICY, variables: { id }, pause: id === '' })
  const policy: Policy | undefined = data?.autoSnapshotPolicy?.id === id ? data.autoSnapshotPolicy : undefined
  return { policy, error, missing: data?.autoSnapshotPolicy === null ? words.policy.missing(id) : undefined }
}

interface WritingProps {
  asked: Asked
  onDone: (() => void) | undefined
}

/** Creates a policy, while the address says `create-policy`. */
export function CreatePolicy({ onDone }: { onDone: (() => void) | undefined }) {
  const { opened, ...asked } = useAsked('create-policy')
  return <CreateDialog key={opened} asked={asked} onDone={onDone} />
}

function CreateDialog({ asked, onDone }: WritingProps) {
  const words = useWords()
  const notice = useNotice()
  const { draft, setDraft, zones } = usePolicyDraft(asked.open)
  const { outcome, refusal, send } = useChange(CREATE_POLICY)
  const firstName = useFirstField(asked.open)

  async function submit(): Promise<void> {
    const payload = await send({ input: draft })
    if (!payload) return
    onDone?.()
    asked.close()
    notice(words.policy.createdOnly(payload.policy.name), {
      to: `/policies/${payload.policy.id}`,
      label: words.policy.view,
    })
  }

  return (
    <Dialog
      asked={asked}
      title={words.policy.createTitle}
      verb={words.confirm}
      needs="managePolicies"
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      <PolicyForm ref={firstName} draft={draft} zones={zones} onChange={setDraft} refusal={refusal} />
      <Trouble outcome={outcome} besides={IN_FORM} />
    </Dialog>
  )
}

/** Changes the policy that `edit-policy` names in the address. */
export function EditPolicy({ onDone }: { onDone: (() => void) | undefined }) {
  const { opened, ...asked } = useAsked('edit-policy')
  return <EditDialog key={opened} asked={asked} onDone={onDone} />
}

function EditDialog({ asked, onDone }: WritingProps) {
  const words = useWords()
  const notice = useNotice()
  const { policy, ...wanted } = useWantedPolicy(asked)
  const { zones } = usePolicyDraft(asked.open)
  const [edited, setEdited] = useState<PolicyDraft>()
  const { outcome, refusal, send } = useChange(UPDATE_POLICY)
  const firstName = useFirstField(asked.open && policy !== undefined)

  async function submit(): Promise<void> {
    if (!policy) return
    if (!edited) {
      asked.close()
      return
    }
    const payload = await send({ input: { ...edited, policyId: policy.id } })
    if (!payload) return
    onDone?.()
    asked.close()
    notice(words.policy.changed(payload.policy.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.policy.editTitle}
      verb={words.confirm}
      needs="managePolicies"
      ready={policy !== undefined}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!policy && <NothingYet {...wanted} />}
      {policy && (
        <>
          <PolicyForm
            ref={firstName}
            draft={edited ?? draftOf(policy)}
            zones={zones}
            onChange={setEdited}
            refusal={refusal}
          />
          <p className="hint">{words.policy.editHint}</p>
        </>
      )}
      <Trouble outcome={outcome} besides={IN_FORM} />
    </Dialog>
  )
}

const draftOf = ({ name, timePoints, repeatWeekdays, retentionDays, timeZone }: Policy): PolicyDraft => ({
  name,
  timePoints,
  repeatWeekdays,
  retentionDays,
  timeZone,
})
