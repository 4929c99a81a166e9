import { Alert } from 'antd'
import { graphql } from '../api/graphql.ts'
import { useWords } from '../settings.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'
import { useWantedPolicy } from './write-policy.tsx'

const DELETE_POLICY = graphql(`
  mutation DeletePolicy($input: DeleteAutoSnapshotPolicyInput!) {
    deleteAutoSnapshotPolicy(input: $input) {
      __typename
      ... on DeleteAutoSnapshotPolicyPayload {
        policyId
      }
      ... on PolicyNotFound {
        message
      }
    }
  }
`)

interface DeletePolicyProps {
  onDone: (() => void) | undefined
}

/** Confirms that the policy that `delete-policy` names in the address is to be deleted. */
export function DeletePolicy({ onDone }: DeletePolicyProps) {
  const { opened, ...asked } = useAsked('delete-policy')
  return <DeleteDialog key={opened} asked={asked} onDone={onDone} />
}

function DeleteDialog({ asked, onDone }: DeletePolicyProps & { asked: Asked }) {
  const { policy: words, delete: verb } = useWords()
  const notice = useNotice()
  const { policy, ...wanted } = useWantedPolicy(asked)
  const { outcome, send } = useChange(DELETE_POLICY)

  async function submit(): Promise<void> {
    if (!policy || !(await send({ input: { policyId: policy.id } }))) return
    onDone?.()
    asked.close()
    notice(words.deleted(policy.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.deleteTitle}
      verb={verb}
      needs="managePolicies"
      danger
      ready={policy !== undefined}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!policy && <NothingYet {...wanted} />}
      {policy && (
        <Alert
          type="warning"
          showIcon
          title={words.deleteQuestion(policy.name)}
          description={words.deleteEffect}
        />
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
