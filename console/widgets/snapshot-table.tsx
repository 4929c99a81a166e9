import { Grid, type TableColumnsType } from 'antd'
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { Address } from '../address.ts'
import type { Snapshot } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import { RowActions } from './actions.tsx'
import { Copyable } from './copyable.tsx'
import { ListTable, NoRows, type Selection } from './list.tsx'
import { Moment } from './moment.tsx'
import type { Listed } from './pager.tsx'
import { snapshotActions } from './snapshot-actions.ts'
import { SnapshotStatusCell } from './status.tsx'
import { FROM_DESKTOP, FROM_LAPTOP, FROM_TABLET, FROM_WIDE_DESKTOP, sortOrder } from './table.ts'
import { TagList } from './tag-list.tsx'

interface SnapshotTableProps {
  address: Address
  snapshots: (Listed & { nodes: readonly Snapshot[] }) | undefined
  fetching: boolean
  /** Whether the list is filtered. */
  filtered?: boolean
  /** Left out where all snapshots are of one disk. */
  withDisk?: boolean
  selection?: Selection
}

export function SnapshotTable({
  address,
  snapshots,
  fetching,
  filtered = false,
  withDisk = false,
  selection,
}: SnapshotTableProps) {
  const words = useWords()
  const isWide = Grid.useBreakpoint().md === true
  const columns = useColumns(address, withDisk, isWide)
  return (
    <ListTable
      address={address}
      columns={columns}
      list={snapshots}
      fetching={fetching}
      nothing={<NoRows filtered={filtered} title={words.noSnapshots} hint={words.noSnapshotsHint} />}
      selection={selection}
    />
  )
}

function useColumns(address: Address, withDisk: boolean, isWide: boolean): TableColumnsType<Snapshot> {
  const words = useWords()
  const format = useFormat()
  return useMemo(() => {
    const sort = sortOrder(address, { CREATED_AT: 'descend' })
    const ofDisk: TableColumnsType<Snapshot> = [
      {
        title: words.sourceDisk,
        width: 150,
        responsive: FROM_TABLET,
        render: (_, { disk }) => <SourceDisk disk={disk} />,
      },
      {
        title: words.kind,
        width: 100,
        responsive: FROM_DESKTOP,
        render: (_, { diskKind }) => words.diskKind[diskKind],
      },
    ]
    return [
      {
        title: words.nameAndId,
        key: 'NAME',
        sorter: true,
        sortOrder: sort('NAME'),
        render: (_, { id, name }) => (
          <>
            <button type="button" className="link-button" onClick={() => address.change({ show: id })}>
              {name}
            </button>
            <br />
            <Copyable text={id} />
          </>
        ),
      },
      {
        title: words.status,
        width: 150,
        render: (_, snapshot) => <SnapshotStatusCell snapshot={snapshot} />,
      },
      ...(withDisk ? ofDisk : []),
      {
        title: words.sizeAndData,
        key: 'SIZE',
        sorter: true,
        sortOrder: sort('SIZE'),
        width: 138,
        align: 'right',
        responsive: FROM_LAPTOP,
        render: (_, { sizeGiB, dataBytes }) => (
          <>
            {format.gib(sizeGiB)}
            <span className="hint"> / {dataBytes === null ? words.none : format.bytes(dataBytes)}</span>
          </>
        ),
      },
      {
        title: words.method,
        width: 92,
        responsive: FROM_DESKTOP,
        render: (_, { type }) => words.snapshotType[type],
      },
      {
        title: words.tags,
        width: 120,
        responsive: FROM_WIDE_DESKTOP,
        render: (_, { tags }) => <TagList tags={tags} />,
      },
      {
        title: words.created,
        key: 'CREATED_AT',
        sorter: true,
        sortOrder: sort('CREATED_AT'),
        width: 124,
        responsive: FROM_TABLET,
        render: (_, { createdAt }) => <Moment at={createdAt} />,
      },
      {
        title: words.duration,
        width: 88,
        align: 'right',
        responsive: FROM_DESKTOP,
        render: (_, { createdAt, completedAt }) =>
          completedAt === null ? words.none : format.duration(createdAt, completedAt),
      },
      {
        title: words.actions,
        width: withDisk && isWide ? 132 : 68,
        render: (_, snapshot) => (
          <RowActions
            of={snapshot.name}
            actions={snapshotActions(snapshot, address, words, format)}
            shown={withDisk && isWide ? 1 : 0}
          />
        ),
      },
    ]
  }, [address, withDisk, isWide, words, format])
}

function SourceDisk({ disk }: Pick<Snapshot, 'disk'>) {
  const words = useWords()
  if (!disk) return <span className="hint">{words.released}</span>
  return (
    <>
      <Link href={`/disks/${disk.id}`}>{disk.name}</Link>
      <div className="hint">
        <code>{disk.id}</code>
      </div>
    </>
  )
}
