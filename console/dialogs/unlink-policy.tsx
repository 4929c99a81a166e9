import { Alert, App, Checkbox } from 'antd'
import { useId, useState } from 'react'
import { useMutation } from 'urql'
import type { LinkedDisk } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import type { LinkRefusal } from '../api/refusals.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { DiskSummary } from '../widgets/disk-summary.tsx'
import { explainLink } from '../widgets/refusal.ts'
import { Failure } from '../widgets/failure.tsx'
import { LINK_RESULT } from './link-result.ts'
import { Dialog, useAsked, type Asked } from './dialog.tsx'

const UNLINK_POLICY = graphql(
  `
    mutation UnlinkPolicy($input: UnlinkAutoSnapshotPolicyInput!) {
      unlinkAutoSnapshotPolicy(input: $input) {
        __typename
        ... on UnlinkAutoSnapshotPolicyPayload {
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

interface UnlinkPolicyProps {
  disk: LinkedDisk
  onDone: (() => void) | undefined
}

/** Asks whether the policy of a disk is to be unlinked from it, while the address says so with `unlink`. */
export function UnlinkPolicy({ disk, onDone }: UnlinkPolicyProps) {
  const { opened, ...asked } = useAsked('unlink')
  return <UnlinkDialog key={opened} asked={asked} disk={disk} onDone={onDone} />
}

function UnlinkDialog({ asked, disk, onDone }: UnlinkPolicyProps & { asked: Asked }) {
  const words = useWords()
  const format = useFormat()
  const { message } = App.useApp()
  const hint = useId()
  // It closes with the policy that it asks about, which is then unlinked.
  const [policy] = useState(disk.autoSnapshotPolicy)
  const [deleteSnapshots, setDeleteSnapshots] = useState(false)
  const [{ fetching, error, data }, unlink] = useMutation(UNLINK_POLICY)
  if (!policy) return null
  const { id: policyId, name } = policy
  const refusal = refusalIn(data?.unlinkAutoSnapshotPolicy)

  async function submit(): Promise<void> {
    const answer = await unlink({ input: { policyId, diskIds: [disk.id], deleteSnapshots } })
    if (!answer.data || refusalIn(answer.data.unlinkAutoSnapshotPolicy)) return
    onDone?.()
    asked.close()
    void message.success(words.policy.unlinked(name, disk.name))
  }

  return (
    <Dialog
      asked={asked}
      width={520}
      title={words.policy.unlinkTitle}
      verb={words.policy.unlinkNow}
      danger
      needs="managePolicies"
      sending={fetching}
      submit={submit}
    >
      <DiskSummary disk={disk} />
      <p>{words.policy.unlinkQuestion(name, disk.name)}</p>
      <div>
        <Checkbox
          checked={deleteSnapshots}
          aria-describedby={hint}
          onChange={({ target }) => setDeleteSnapshots(target.checked)}
        >
          {words.policy.deleteSnapshots(format.number(disk.snapshotQuota.automatic.used))}
        </Checkbox>
        <div className="hint" id={hint}>
          {words.policy.deleteHint}
        </div>
      </div>
      {refusal && <Alert type="error" showIcon title={explainLink(refusal, disk, words)} />}
      {error && <Failure error={error} title={words.notDone} />}
    </Dialog>
  )
}

/** Why the one disk was not unlinked; undefined when it was, or nothing has been answered yet. */
function refusalIn(
  answer: ResultOf<typeof UNLINK_POLICY>['unlinkAutoSnapshotPolicy'] | undefined,
): LinkRefusal | undefined {
  if (answer?.__typename === 'UnlinkAutoSnapshotPolicyPayload') return answer.results[0]?.refusal ?? undefined
  return answer
}
