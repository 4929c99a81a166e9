import { Link } from 'wouter'
import type { Activity } from '../api/activity.ts'
import { useWords } from '../settings.tsx'
import { useReportWords } from '../words/reports.ts'
import { Copyable } from './copyable.tsx'
import { Status, type Look } from './status.tsx'

const LOOKS: Record<Activity['result'], Look> = {
  IN_PROGRESS: 'busy',
  SUCCEEDED: 'good',
  FAILED: 'bad',
  CANCELLED: 'off',
}

/** How a change ended, with how far it is while it is in progress, and why it failed. */
export function ActivityResult({ activity: { result, reason, reasons, operation } }: { activity: Activity }) {
  const words = useReportWords()
  const { reason: say } = useWords()
  const percent = operation?.percent
  return (
    <>
      <Status look={LOOKS[result]}>{percent == null ? words.result[result] : words.percent(percent)}</Status>
      {reason !== null && <div className="reason">{say(reason, reasons)}</div>}
    </>
  )
}

/** What was changed, by the name that it had, with the way to it where there is a page of it. */
export function ActivitySubject({ activity: { subjectId, subjectName } }: { activity: Activity }) {
  const href = placeOf(subjectId)
  const name = subjectName ?? subjectId
  return (
    <>
      {href === undefined ? name : <Link href={href}>{name}</Link>}
      {subjectName !== null && (
        <div>
          <Copyable text={subjectId} />
        </div>
      )}
    </>
  )
}

function placeOf(id: string): string | undefined {
  if (id.startsWith('v-')) return `/disks/${id}`
  if (id.startsWith('asp-')) return `/policies/${id}`
  if (id.startsWith('con-')) return `/connections/${id}`
  return id.startsWith('s-') ? `/snapshots?show=${id}` : undefined
}

/** Who or what caused a change, in words. */
export function useActorName(): (actor: Activity['actor']) => string {
  const words = useReportWords()
  return ({ kind, name, actorId }) => [words.actor[kind], name ?? actorId ?? ''].join(' ').trim()
}
