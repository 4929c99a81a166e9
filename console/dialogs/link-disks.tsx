import { Alert, Select } from 'antd'
import { useState } from 'react'
import { useQuery } from 'urql'
import { DISK, type Disk } from '../api/disk.ts'
import { graphql, type PayloadOf, type ResultOf } from '../api/graphql.ts'
import { useWords } from '../settings.tsx'
import { Failure } from '../widgets/failure.tsx'
import { explainLink, whyNotLink } from '../widgets/refusal.ts'
import { useKept } from '../widgets/table.ts'
import { BatchResult, BatchTable } from './batch-table.tsx'
import { useChange } from './change.ts'
import { Dialog, Trouble, useAsked, type Asked } from './dialog.tsx'
import { Field } from './field.tsx'
import { LINK_POLICY } from './link-policy.tsx'
import { NothingYet } from './wanted-snapshot.tsx'
import { useWantedPolicy } from './write-policy.tsx'

/** The disks that may be linked, by what is typed. */
const DISKS_BY_TEXT = graphql(
  `
    query DisksByText($filter: DiskFilter) {
      disks(first: 50, filter: $filter) {
        nodes {
          ...Disk
        }
      }
    }
  `,
  [DISK],
)

type Result = PayloadOf<ResultOf<typeof LINK_POLICY>>['results'][number]

interface LinkDisksProps {
  onDone: (() => void) | undefined
}

/** Links disks to the policy that `link-disks` names in the address. */
export function LinkDisks({ onDone }: LinkDisksProps) {
  const { opened, ...asked } = useAsked('link-disks')
  return <LinkDisksDialog key={opened} asked={asked} onDone={onDone} />
}

function LinkDisksDialog({ asked, onDone }: LinkDisksProps & { asked: Asked }) {
  const words = useWords()
  const { policy, ...wanted } = useWantedPolicy(asked)
  const [chosen, setChosen] = useState<Disk[]>([])
  const [results, setResults] = useState<readonly Result[]>([])
  const { outcome, send } = useChange(LINK_POLICY)
  const linked = results.filter(({ refusal }) => refusal === null).length
  const over = results.length > 0

  async function submit(): Promise<void> {
    if (!policy) return
    const payload = await send({ input: { policyId: policy.id, diskIds: chosen.map(({ id }) => id) } })
    if (!payload) return
    setResults(payload.results)
    onDone?.()
  }

  return (
    <Dialog
      asked={asked}
      width={720}
      title={words.policy.linkDisksTitle}
      verb={words.confirm}
      needs="managePolicies"
      ready={policy !== undefined && chosen.length > 0}
      sending={outcome?.is === 'sending'}
      over={over}
      submit={submit}
    >
      {!policy && <NothingYet {...wanted} />}
      {policy && !over && (
        <>
          <Alert type="info" showIcon title={words.policy.linkDisksHint(policy.name)} />
          <ChooseDisks chosen={chosen} onChoose={setChosen} />
        </>
      )}
      {over && (
        <>
          <BatchTable
            caption={words.dialog.disksOf(chosen.length)}
            head={[words.disk, words.dialog.result]}
            rows={chosen}
            cells={(disk, index) => [<LinkOutcome key="result" disk={disk} result={results[index]} />]}
          />
          <BatchResult
            ok={linked === results.length}
            title={words.policy.batch(linked, results.length - linked)}
          />
        </>
      )}
      <Trouble outcome={outcome} />
    </Dialog>
  )
}

interface ChooseDisksProps {
  chosen: readonly Disk[]
  onChoose: (disks: Disk[]) => void
}

function ChooseDisks({ chosen, onChoose }: ChooseDisksProps) {
  const words = useWords()
  const [text, setText] = useState('')
  const typed = text.trim()
  const [{ data, fetching, error }] = useQuery({
    query: DISKS_BY_TEXT,
    variables: { filter: typed === '' ? {} : { search: typed } },
  })
  const found = useKept(data)?.disks.nodes ?? []
  // What was found comes first, so that Enter takes it.
  const known = new Map([...found, ...chosen].map((disk) => [disk.id, disk]))
  return (
    <Field label={words.policy.disksToLink}>
      {(id, describedBy) => (
        // The list stays open, and would take Tab for one more choice.
        <div onKeyDownCapture={(event) => event.key === 'Tab' && event.stopPropagation()}>
          <Select
            className="disks-to-link"
            mode="multiple"
            id={id}
            aria-describedby={describedBy}
            showSearch={{ filterOption: false, onSearch: setText }}
            placeholder={words.policy.chooseDisks}
            loading={fetching}
            value={chosen.map((disk) => disk.id)}
            onChange={(ids: string[]) => onChoose(ids.flatMap((one) => known.get(one) ?? []))}
            options={[...known.values()].map((disk) => ({
              value: disk.id,
              label: `${disk.name} (${disk.id})`,
              title: whyNotLink(disk, words) ?? '',
              disabled: whyNotLink(disk, words) !== undefined,
            }))}
            notFoundContent={fetching ? null : words.noMatches}
          />
          {error && <Failure error={error} />}
        </div>
      )}
    </Field>
  )
}

function LinkOutcome({ disk, result }: { disk: Disk; result: Result | undefined }) {
  const words = useWords()
  if (!result?.refusal) {
    return <span className="made">{words.policy.linkedTo(result?.disk?.autoSnapshotPolicy?.name ?? '')}</span>
  }
  return <span className="problem">{explainLink(result.refusal, disk, words)}</span>
}
