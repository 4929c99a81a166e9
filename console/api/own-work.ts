import type { ActivityAction, ActivityResult } from './activity.ts'
import { cancellationIn, type LiveTransition } from './transitions.ts'
import type { Reason } from './reasons.ts'

type Actor = NonNullable<LiveTransition['actor']>

/** What a notice can be about: work that goes on after its request was answered. */
export type Work = Extract<
  ActivityAction,
  | 'CREATE_SNAPSHOT'
  | 'DELETE_SNAPSHOT'
  | 'VERIFY_SNAPSHOT'
  | 'CREATE_DISK'
  | 'ATTACH_DISK'
  | 'DETACH_DISK'
  | 'RESIZE_DISK'
  | 'ROLL_BACK_DISK'
  | 'RELEASE_DISK'
>

/** How a piece of work ended. */
export interface End {
  key: string
  work: Work
  result: Exclude<ActivityResult, 'IN_PROGRESS'>
  reason: string | null
  reasons: readonly Reason[]
  subjectId: string
  /** Whether there is something left to look at. */
  isGone: boolean
}

const WORK_ON_DISK: Partial<Record<string, Work>> = {
  CREATING: 'CREATE_DISK',
  ATTACHING: 'ATTACH_DISK',
  DETACHING: 'DETACH_DISK',
  SCALING: 'RESIZE_DISK',
  ROLLING_BACK: 'ROLL_BACK_DISK',
  DELETING: 'RELEASE_DISK',
}

/**
 * Finds among all transitions the ends of what one actor started, each once. The end of work in a cloud is observed and has no
 * actor: it belongs to the actor who started that work.
 */
export function createOwnWork(own: Actor) {
  /** What the actor has started and has not ended. */
  const started = new Set<string>()
  return (transition: LiveTransition): End | undefined => {
    const subjectId =
      transition.__typename === 'SnapshotTransition' ? transition.snapshotId : transition.diskId
    const isOwn = isSame(own, transition.actor) || (transition.actor === null && started.has(subjectId))
    const ended = endOf(transition)
    if (ended) {
      started.delete(subjectId)
    } else if (transition.from !== transition.to) {
      if (isOwn) started.add(subjectId)
      else started.delete(subjectId)
    }
    if (!ended || !isOwn) return undefined
    const { __typename: log, sequence, reason, reasons, to } = transition
    return { key: `${log} ${sequence}`, ...ended, reason, reasons, subjectId, isGone: to === 'DELETED' }
  }
}

/** Two JWTs without a `sub` may be anybody's. */
function isSame(own: Actor, other: Actor | null): boolean {
  if (own.kind === 'JWT' && own.actorId === null) return false
  return other !== null && own.kind === other.kind && own.actorId === other.actorId
}

/** Which work has ended with a transition, and how; undefined for all others. Verifications may end without one. */
function endOf(transition: LiveTransition): Pick<End, 'work' | 'result'> | undefined {
  const failure = cancellationIn(transition) === 'ended' ? 'CANCELLED' : 'FAILED'
  if (transition.__typename === 'DiskTransition') {
    const { from, to, reason } = transition
    const work = from === null || from === to ? undefined : WORK_ON_DISK[from]
    // A disk goes back to where it was when its operation is abandoned, and the transition has the reason.
    const result = to === 'ERROR' || reason !== null ? failure : 'SUCCEEDED'
    return work && { work, result }
  }
  const { from, to } = transition
  if (from === 'CREATING' && to !== 'CREATING')
    return { work: 'CREATE_SNAPSHOT', result: to === 'COMPLETED' ? 'SUCCEEDED' : failure }
  if (from === 'DELETING' && to !== 'DELETING')
    return { work: 'DELETE_SNAPSHOT', result: to === 'DELETED' ? 'SUCCEEDED' : failure }
  return undefined
}
