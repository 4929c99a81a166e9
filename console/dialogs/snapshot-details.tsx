import { Descriptions, Drawer, Skeleton, type DescriptionsProps } from 'antd'
import { useEffect, useEffectEvent, useState } from 'react'
import { useClient, useQuery } from 'urql'
import { Link } from 'wouter'
import { useAddress } from '../address.ts'
import { useFormat } from '../format.ts'
import { followProgress } from '../live/progress.ts'
import { useReadAgain } from '../live/read-again.ts'
import { TransitionLog } from '../live/transition-log.tsx'
import { useWords } from '../settings.tsx'
import { lazyPart } from '../widgets/lazy.tsx'
import { headerActions, RowActions } from '../widgets/actions.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { snapshotActions } from '../widgets/snapshot-actions.ts'
import { Nothing } from '../widgets/state.tsx'
import { SnapshotStatusCell } from '../widgets/status.tsx'
import { TagList } from '../widgets/tag-list.tsx'
import { SNAPSHOT_DETAILS, type DetailedSnapshot } from './wanted-snapshot.tsx'
import { Time } from '../widgets/moment.tsx'

const ActivityLog = lazyPart(async () => (await import('../live/activity-log.tsx')).ActivityLog)

/** Everything there is to say of the snapshot that the address names with `show`. */
export function SnapshotDetails() {
  const address = useAddress()
  const words = useWords()
  const format = useFormat()
  const shown = address.text('show')
  const id = shown === 'query' ? '' : shown
  const [{ data, error }] = useQuery({ query: SNAPSHOT_DETAILS, variables: { id }, pause: id === '' })
  const snapshot = data?.snapshot?.id === id ? data.snapshot : undefined
  const close = () => address.change({ show: undefined })
  return (
    <Drawer
      open={id !== ''}
      size={560}
      title={snapshot?.name ?? words.snapshot}
      onClose={close}
      // The tooltip of a button lies above the drawer, and Escape would close that alone.
      onKeyDown={({ key }) => {
        if (key === 'Escape') close()
      }}
      extra={
        snapshot && (
          <RowActions
            of={snapshot.name}
            type="default"
            {...headerActions(snapshotActions(snapshot, address, words, format))}
          />
        )
      }
    >
      {error && <Failure error={error} />}
      {snapshot && <Facts snapshot={snapshot} />}
      {!snapshot &&
        !error &&
        (data?.snapshot === null ? <Nothing title={words.noSnapshot(id)} /> : <Skeleton />)}
    </Drawer>
  )
}

function Facts({ snapshot }: { snapshot: DetailedSnapshot }) {
  const words = useWords()
  const format = useFormat()
  const { retentionDays, expiresAt, completedAt, dataBytes } = snapshot
  const items: DescriptionsProps['items'] = [
    { label: 'ID', children: <Copyable text={snapshot.id} /> },
    { label: words.status, children: <SnapshotStatusCell snapshot={snapshot} /> },
    {
      label: words.sourceDisk,
      children: snapshot.disk ? (
        <Link href={`/disks/${snapshot.disk.id}`}>{snapshot.disk.name}</Link>
      ) : (
        words.released
      ),
    },
    { label: words.providerLabel, children: words.provider[snapshot.provider] },
    ...(snapshot.connection
      ? [
          {
            label: words.connection,
            children: <Link href={`/connections/${snapshot.connection.id}`}>{snapshot.connection.name}</Link>,
          },
          { label: words.upstreamStatus, children: snapshot.upstream?.status ?? words.none },
          { label: words.upstreamId, children: snapshot.upstream?.id ?? words.none },
          { label: words.origin, children: words.originOf[snapshot.origin] },
        ]
      : []),
    { label: words.kind, children: words.diskKind[snapshot.diskKind] },
    { label: words.size, children: format.gib(snapshot.sizeGiB) },
    { label: words.dataCopied, children: dataBytes === null ? words.none : format.bytes(dataBytes) },
    { label: words.method, children: words.snapshotType[snapshot.type] },
    { label: words.created, children: <Time at={snapshot.createdAt} /> },
    {
      label: words.duration,
      children: completedAt === null ? words.none : format.duration(snapshot.createdAt, completedAt),
    },
    {
      label: words.consistencyLabel,
      children: snapshot.consistency === null ? words.none : words.consistency[snapshot.consistency],
    },
    {
      label: words.kept,
      children:
        retentionDays === null || expiresAt === null
          ? words.keptForever
          : words.keptUntil(retentionDays, format.dateTime(expiresAt)),
    },
    {
      label: words.edition.protection,
      children: snapshot.deletionProtection ? words.edition.protected : words.edition.unprotected,
    },
    { label: words.description, children: snapshot.description || words.none },
    {
      label: words.verification.label,
      children: <Verification snapshot={snapshot} />,
    },
    {
      label: words.tags,
      children: <TagList tags={snapshot.tags} />,
    },
    {
      label: words.checksum,
      children: snapshot.checksum === null ? words.none : <Copyable text={snapshot.checksum} />,
    },
  ]
  return (
    <>
      <Descriptions bordered size="small" column={1} items={items} />
      <h3>{words.history}</h3>
      <TransitionLog transitions={snapshot.transitions.toReversed()} />
      <h3>{words.activity}</h3>
      <ActivityLog of="snapshot" id={snapshot.id} />
    </>
  )
}

/** When the copy was last found intact, or how far the verification is. That one has passed is read when its progress has ended. */
function Verification({ snapshot: { id, operation, verifiedAt } }: { snapshot: DetailedSnapshot }) {
  const words = useWords()
  const client = useClient()
  const [percent, setPercent] = useState<number | null>(null)
  const readAgain = useEffectEvent(useReadAgain(SNAPSHOT_DETAILS, { id }))
  const isVerifying = operation?.kind === 'VERIFY_SNAPSHOT'
  useEffect(() => {
    if (!isVerifying) return undefined
    return followProgress(client, id, { next: setPercent, complete: () => readAgain() })
  }, [client, id, isVerifying])
  if (isVerifying) return <>{words.verification.inProgress + (percent === null ? '' : ` ${percent} %`)}</>
  return <>{verifiedAt === null ? words.verification.never : <Time at={verifiedAt} />}</>
}
