import { Descriptions, Drawer, Skeleton, type DescriptionsProps } from 'antd'
import { useQuery } from 'urql'
import { Link } from 'wouter'
import { useAddress } from '../address.ts'
import { useFormat } from '../format.ts'
import { TransitionLog } from '../live/transition-log.tsx'
import { useWords } from '../settings.tsx'
import { ActionButton } from '../widgets/actions.tsx'
import { cancelActions } from '../widgets/cancel-action.ts'
import { Copyable } from '../widgets/copyable.tsx'
import { Failure } from '../widgets/failure.tsx'
import { Nothing } from '../widgets/state.tsx'
import { SnapshotStatusCell } from '../widgets/status.tsx'
import { SNAPSHOT_DETAILS, type DetailedSnapshot } from './wanted-snapshot.tsx'

/** Everything there is to say of the snapshot that the address names with `show`. */
export function SnapshotDetails() {
  const address = useAddress()
  const words = useWords()
  const shown = address.text('show')
  const id = shown === 'query' ? '' : shown
  const [{ data, error }] = useQuery({ query: SNAPSHOT_DETAILS, variables: { id }, pause: id === '' })
  const snapshot = data?.snapshot?.id === id ? data.snapshot : undefined
  return (
    <Drawer
      open={id !== ''}
      size={560}
      title={snapshot?.name ?? words.snapshot}
      onClose={() => address.change({ show: undefined })}
      extra={
        snapshot &&
        cancelActions(id, snapshot.operation, address, words).map((action) => (
          <ActionButton key={action.key} action={action} />
        ))
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
    { label: words.kind, children: words.diskKind[snapshot.diskKind] },
    { label: words.size, children: format.gib(snapshot.sizeGiB) },
    { label: words.dataCopied, children: dataBytes === null ? words.none : format.bytes(dataBytes) },
    { label: words.method, children: words.snapshotType[snapshot.type] },
    { label: words.created, children: format.dateTime(snapshot.createdAt) },
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
          ? words.keptForEver
          : words.keptUntil(retentionDays, format.dateTime(expiresAt)),
    },
    { label: words.description, children: snapshot.description || words.none },
    {
      label: words.tags,
      children: snapshot.tags.map(({ key, value }) => `${key}=${value}`).join(', ') || words.none,
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
    </>
  )
}
