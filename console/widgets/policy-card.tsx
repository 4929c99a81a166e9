import { Link } from 'wouter'
import { useAddress } from '../address.ts'
import type { Disk } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { POLICY } from '../api/policy.ts'
import { useRuns } from './policy-runs.ts'
import { useWords } from '../settings.tsx'
import { ActionButton, type Action } from './actions.tsx'
import { whyNotLink } from './refusal.ts'
import { RunOutcome } from './run-outcome.tsx'
import { useSchedule } from './schedule.ts'
import { Time } from './moment.tsx'

/** The policy of the disk with this id, with the disk's outcome in its last run. */
export const POLICY_OF_DISK = graphql(
  `
    fragment PolicyOfDisk on Disk {
      upstreamPolicies {
        id
        name
      }
      autoSnapshotPolicy {
        ...Policy
        lastRun {
          id
          scheduledFor
          disk(id: $id) {
            outcome
            snapshot {
              id
              name
              status
            }
            refusalCode
            refusalMessage
          }
        }
      }
    }
  `,
  [POLICY],
)

type PolicyOfDisk = ResultOf<typeof POLICY_OF_DISK>
type DiskPolicy = NonNullable<PolicyOfDisk['autoSnapshotPolicy']>

/** How many of the next runs are shown. */
const NEXT = 3

interface PolicyCardProps {
  disk: Disk
  /** The policy it is linked to; null when there is none. */
  policy: DiskPolicy | null
  /** Those that its cloud runs, and the connection that shows them. */
  upstream: PolicyOfDisk['upstreamPolicies']
  connectionId: string | undefined
  readAgain: () => void
}

/** The automatic policy of a disk. One button links and unlinks, so that the focus has somewhere to return to. */
export function PolicyCard({ disk, policy, upstream, connectionId, readAgain }: PolicyCardProps) {
  useRuns(policy?.nextRuns[0], policy?.lastRun?.disk?.outcome === 'PENDING', readAgain)
  const words = useWords()
  const address = useAddress()
  const action: Action = policy
    ? { key: 'unlink', label: words.policy.unlink, run: () => address.change({ unlink: disk.id }) }
    : {
        key: 'link',
        label: words.policy.link,
        run: () => address.change({ link: disk.id }),
        refusal: whyNotLink(disk, words),
      }
  return (
    <section className="card" aria-labelledby="policy">
      <h2 id="policy">{words.policy.title}</h2>
      {policy ? (
        <PolicyFacts policy={policy} />
      ) : (
        <p className="quiet">{upstream.length === 0 ? words.policy.none : words.policy.noneOfGateway}</p>
      )}
      {upstream.length > 0 && connectionId !== undefined && (
        <dl className="facts">
          <dt>{words.policy.ofCloud}</dt>
          <dd>
            {upstream.map(({ id, name }) => (
              <div key={id}>{name}</div>
            ))}
            <Link href={`/connections/${connectionId}`}>{words.policy.ofCloudHint}</Link>
          </dd>
        </dl>
      )}
      <ActionButton action={{ ...action, needs: 'managePolicies' }} />
    </section>
  )
}

function PolicyFacts({ policy }: { policy: DiskPolicy }) {
  const { policy: words } = useWords()
  const schedule = useSchedule()
  const { id, name, timeZone, nextRuns, lastRun } = policy
  return (
    <dl className="facts">
      <dt>{words.policy}</dt>
      <dd>
        <Link href={`/policies/${id}`}>{name}</Link>
      </dd>
      <dt>{words.runs}</dt>
      <dd>{schedule.runs(policy)}</dd>
      <dt>{words.timeZone}</dt>
      <dd>{timeZone}</dd>
      <dt>{words.retention}</dt>
      <dd>{schedule.kept(policy)}</dd>
      <dt>{words.nextRuns}</dt>
      <dd>
        {nextRuns.slice(0, NEXT).map((at) => (
          <Time near key={at} at={at} />
        ))}
      </dd>
      <dt>{words.lastRun}</dt>
      <dd>{lastRun ? <LastRun run={lastRun} /> : words.neverRan}</dd>
    </dl>
  )
}

/** When the policy last ran, and the outcome for this disk. */
function LastRun({ run: { scheduledFor, disk } }: { run: NonNullable<DiskPolicy['lastRun']> }) {
  const { policy: words } = useWords()
  return (
    <>
      <Time near at={scheduledFor} />
      {disk ? <RunOutcome result={disk} /> : <div>{words.notThen}</div>}
    </>
  )
}
