import { useEffect, useEffectEvent, useReducer } from 'react'
import { useAddress } from '../address.ts'
import type { Disk } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { POLICY } from '../api/policy.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { ActionButton, type Action } from './actions.tsx'
import { whyNotLink } from './refusal.ts'
import { useSchedule } from './schedule.ts'
import { SnapshotStatusTag } from './status.tsx'

/** The policy of the disk with this id, with the disk's outcome in its last run. */
export const POLICY_OF_DISK = graphql(
  `
    fragment PolicyOfDisk on Disk {
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
            refusalMessage
          }
        }
      }
    }
  `,
  [POLICY],
)

type DiskPolicy = NonNullable<ResultOf<typeof POLICY_OF_DISK>['autoSnapshotPolicy']>

/** How many of the next runs are shown. */
const NEXT = 3

/** How long after its time a run is looked for, in milliseconds: it begins within 5 seconds. */
const BEGUN_MS = 8_000

/** How often a run is looked for that has not begun yet, or is pending, in milliseconds. */
const LOOK_MS = 15_000

/** The longest that a browser's timer waits, in milliseconds. */
const TIMER_MAX_MS = 2 ** 31 - 1

interface PolicyCardProps {
  disk: Disk
  /** The policy it is linked to; null when there is none. */
  policy: DiskPolicy | null
  readAgain: () => void
}

/** The automatic policy of a disk. One button links and unlinks, so that the focus has somewhere to return to. */
export function PolicyCard({ disk, policy, readAgain }: PolicyCardProps) {
  useRuns(policy, readAgain)
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
      {policy ? <PolicyFacts policy={policy} /> : <p className="quiet">{words.policy.none}</p>}
      <ActionButton action={{ ...action, needs: 'managePolicies' }} />
    </section>
  )
}

/** Reads again when the policy runs, until the outcome is there: where no snapshot is taken, no transition says so. */
function useRuns(policy: DiskPolicy | null, readAgain: () => void): void {
  const at = policy?.nextRuns[0]
  const isPending = policy?.lastRun?.disk?.outcome === 'PENDING'
  const [looks, countLook] = useReducer((count: number) => count + 1, 0)
  const look = useEffectEvent(() => {
    countLook()
    readAgain()
  })
  useEffect(() => {
    if (at === undefined) return undefined
    const begun = Date.parse(at) + BEGUN_MS - Date.now()
    const wait = isPending || begun < 0 ? LOOK_MS : Math.min(begun, TIMER_MAX_MS)
    const timer = setTimeout(() => look(), wait)
    return () => clearTimeout(timer)
  }, [at, isPending, looks])
}

function PolicyFacts({ policy }: { policy: DiskPolicy }) {
  const { policy: words } = useWords()
  const format = useFormat()
  const schedule = useSchedule()
  const { name, timeZone, nextRuns, lastRun } = policy
  return (
    <dl className="facts">
      <dt>{words.policy}</dt>
      <dd>
        <strong>{name}</strong>
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
          <time key={at} dateTime={at}>
            {format.moment(at)}
          </time>
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
  const format = useFormat()
  const address = useAddress()
  return (
    <>
      <time dateTime={scheduledFor}>{format.moment(scheduledFor)}</time>
      {disk?.snapshot ? (
        <div>
          <button
            type="button"
            className="link-button"
            onClick={() => address.change({ show: disk.snapshot?.id })}
          >
            {disk.snapshot.name}
          </button>{' '}
          <SnapshotStatusTag status={disk.snapshot.status} />
        </div>
      ) : (
        <div>{disk ? words.outcome[disk.outcome] : words.notThen}</div>
      )}
      {disk?.refusalMessage && (
        <div className="reason" lang="en">
          {disk.refusalMessage}
        </div>
      )}
    </>
  )
}
