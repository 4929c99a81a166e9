import { Alert } from 'antd'
import { useQuery } from 'urql'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { OPERATION } from '../api/operation.ts'
import { CANCEL_ELIGIBILITY, NOT_CANCELLABLE_REFUSAL } from '../api/refusals.ts'
import { useWords } from '../settings.tsx'
import { whyNotCancel } from '../widgets/refusal.ts'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { NothingYet, useNotice } from './wanted-snapshot.tsx'

const OPERATION_OF_SNAPSHOT = graphql(
  `
    fragment OperationOfSnapshot on Snapshot {
      id
      name
      operation {
        ...Operation
      }
      cancelEligibility {
        ...CancelEligibility
      }
    }
  `,
  [OPERATION, CANCEL_ELIGIBILITY],
)

const OPERATION_OF_DISK = graphql(
  `
    fragment OperationOfDisk on Disk {
      id
      name
      operation {
        ...Operation
      }
      cancelEligibility {
        ...CancelEligibility
      }
    }
  `,
  [OPERATION, CANCEL_ELIGIBILITY],
)

const SUBJECT = graphql(
  `
    query OperationSubject($id: ID!) {
      node(id: $id) {
        __typename
        ...OperationOfSnapshot
        ...OperationOfDisk
      }
    }
  `,
  [OPERATION_OF_SNAPSHOT, OPERATION_OF_DISK],
)

const CANCEL_OPERATION = graphql(
  `
    mutation CancelOperation($input: CancelOperationInput!) {
      cancelOperation(input: $input) {
        __typename
        ... on CancelOperationPayload {
          snapshot {
            ...OperationOfSnapshot
          }
          disk {
            ...OperationOfDisk
          }
        }
        ... on DiskNotFound {
          message
        }
        ... on NothingInProgress {
          message
        }
        ...NotCancellableRefusal
        ... on SnapshotNotFound {
          message
        }
      }
    }
  `,
  [OPERATION_OF_SNAPSHOT, OPERATION_OF_DISK, NOT_CANCELLABLE_REFUSAL],
)

type Subject = Extract<NonNullable<ResultOf<typeof SUBJECT>['node']>, { __typename: 'Snapshot' | 'Disk' }>

/** Confirms that the operation on the snapshot or disk that `cancel` names in the address is to be cancelled. */
export function CancelOperation() {
  const { opened, ...asked } = useAsked('cancel')
  return <CancelDialog key={opened} asked={asked} />
}

function CancelDialog({ asked }: { asked: Asked }) {
  const words = useWords()
  const notice = useNotice()
  const [id = ''] = asked.wanted
  const ofDisk = id.startsWith('v-')
  const [{ data, error }] = useQuery({ query: SUBJECT, variables: { id }, pause: id === '' })
  const { outcome, send } = useChange(CANCEL_OPERATION)
  const node = data?.node
  const subject: Subject | undefined = node && 'operation' in node && node.id === id ? node : undefined
  const missing = node === null ? (ofDisk ? words.noDisk(id) : words.noSnapshot(id)) : undefined
  const operation = subject?.operation
  const reason = subject && outcome === undefined ? whyNot(subject) : undefined

  function whyNot({ cancelEligibility }: Subject): string | undefined {
    if (operation && operation.cancelRequestedAt !== null) return words.cancellation.requested
    return whyNotCancel(cancelEligibility, words)
  }

  async function submit(): Promise<void> {
    if (!subject || !(await send({ input: { id } }))) return
    asked.close()
    notice(words.cancellation.started(subject.name))
  }

  return (
    <Dialog
      asked={asked}
      title={words.cancellation.title}
      verb={words.cancellation.title}
      dismiss={words.cancellation.keep}
      needs={ofDisk ? 'manageDisks' : 'manageSnapshots'}
      danger
      ready={subject !== undefined}
      reason={reason}
      sending={outcome?.is === 'sending'}
      submit={submit}
    >
      {!subject && <NothingYet error={error} missing={missing} />}
      {subject && operation && (
        <Alert
          type="warning"
          showIcon
          title={words.cancellation.question[operation.kind](subject.name)}
          description={words.cancellation.effect[operation.kind]}
        />
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}
