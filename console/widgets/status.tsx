import {
  CheckCircleFilled,
  CloseCircleFilled,
  DisconnectOutlined,
  ExclamationCircleFilled,
  MinusCircleFilled,
  SyncOutlined,
} from '@ant-design/icons'
import { Progress } from 'antd'
import type { ReactNode } from 'react'
import { useSubscription } from 'urql'
import type { DiskStatus } from '../api/disk.ts'
import type { Operation } from '../api/operation.ts'
import type { Reason } from '../api/reasons.ts'
import { PROGRESS, type Snapshot, type SnapshotStatus } from '../api/snapshot.ts'
import { useWords } from '../settings.tsx'

/** What a status looks like; the words beside it say what it is. */
export type Look = 'good' | 'idle' | 'busy' | 'bad' | 'off'

const ICONS: Record<Look, ReactNode> = {
  good: <CheckCircleFilled />,
  idle: <DisconnectOutlined />,
  busy: <SyncOutlined spin />,
  bad: <CloseCircleFilled />,
  off: <MinusCircleFilled />,
}

const DISK_LOOKS: Partial<Record<DiskStatus, Look>> = {
  IN_USE: 'good',
  NORMAL: 'good',
  UNMOUNTED: 'idle',
  ERROR: 'bad',
  NOT_AVAILABLE: 'bad',
  EXPIRED: 'off',
  RECYCLED: 'off',
  UNKNOWN: 'off',
}

const SNAPSHOT_LOOKS: Record<SnapshotStatus, Look> = {
  CREATING: 'busy',
  COMPLETED: 'good',
  FAILED: 'bad',
  UNAVAILABLE: 'bad',
  DELETING: 'busy',
  DELETED: 'off',
}

export function Status({
  look,
  children,
  title,
}: {
  look: Look
  children: ReactNode
  title?: string | undefined
}) {
  return (
    <span className={`status ${look}`} title={title}>
      <span className="status-icon" aria-hidden>
        {ICONS[look]}
      </span>
      {children}
    </span>
  )
}

interface DiskStatusTagProps {
  status: DiskStatus
  /** Why, where that is shown. */
  of?: { statusReason: string | null; statusReasons: readonly Reason[] }
}

export function DiskStatusTag({ status, of }: DiskStatusTagProps) {
  const words = useWords()
  const reason = of?.statusReason == null ? undefined : words.reason(of.statusReason, of.statusReasons)
  return (
    <>
      <Status look={DISK_LOOKS[status] ?? 'busy'}>{words.diskStatus[status]}</Status>
      {reason !== undefined && (
        <div className="reason" title={reason}>
          {reason}
        </div>
      )}
    </>
  )
}

export function SnapshotStatusTag({ status }: { status: SnapshotStatus }) {
  const words = useWords()
  return <Status look={SNAPSHOT_LOOKS[status]}>{words.snapshotStatus[status]}</Status>
}

/** Says that what is in progress is being cancelled. */
export function CancellingHint({ operation }: { operation: Operation | null }) {
  const { cancellation } = useWords()
  return operation?.cancelRequestedAt == null ? null : <div className="hint">{cancellation.pending}</div>
}

/** Why what is in progress does not go on. */
export function StallReason({ operation }: { operation: Operation | null }) {
  const words = useWords()
  if (operation?.stallReason == null) return null
  return (
    <div className="reason">
      <ExclamationCircleFilled aria-hidden />{' '}
      {words.stalled(words.reason(operation.stallReason, operation.stallReasons))}
    </div>
  )
}

/** The status of a snapshot, with how far it is while it is Creating, and why when it has Failed. */
export function SnapshotStatusCell({ snapshot }: { snapshot: Snapshot }) {
  const words = useWords()
  if (snapshot.status === 'CREATING') return <Creating snapshot={snapshot} />
  const { failureReason, failureReasons } = snapshot
  const reason = failureReason === null ? undefined : words.reason(failureReason, failureReasons)
  return (
    <>
      <SnapshotStatusTag status={snapshot.status} />
      <CancellingHint operation={snapshot.operation} />
      {reason !== undefined && (
        <div className="reason" title={reason}>
          {reason}
        </div>
      )}
    </>
  )
}

/** Follows the copy itself; what comes is kept in the cache, as `progress` of the snapshot. */
function Creating({ snapshot: { id, name, progress, operation } }: { snapshot: Snapshot }) {
  const words = useWords()
  useSubscription({ query: PROGRESS, variables: { id } })
  const label = progress === null ? words.snapshotStatus.CREATING : words.progress(progress)
  return (
    <div className="creating">
      <Status look="busy">{label}</Status>
      <Progress percent={progress ?? 0} showInfo={false} size="small" aria-label={`${name}: ${label}`} />
      <CancellingHint operation={operation} />
      <StallReason operation={operation} />
    </div>
  )
}
