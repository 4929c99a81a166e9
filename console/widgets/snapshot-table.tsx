import { Grid } from 'antd'
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { Address } from '../address.ts'
import type { Snapshot, SnapshotRow } from '../api/snapshot.ts'
import { useFormat } from '../format.ts'
import { useWords } from '../settings.tsx'
import type { Words } from '../words/en.ts'
import { RowActions } from './actions.tsx'
import { Copyable } from './copyable.tsx'
import { ListTable, NoRows } from './list.tsx'
import { Moment } from './moment.tsx'
import type { Listed } from './pager.tsx'
import { placeColumn } from './place-column.tsx'
import { snapshotActions } from './snapshot-actions.ts'
import { SnapshotStatusCell } from './status.tsx'
import { FROM_DESKTOP, FROM_LAPTOP, FROM_TABLET, FROM_WIDE_DESKTOP, sortOrder } from './table.ts'
import type { ListColumn, Selection } from './table-view.ts'
import { TagList } from './tag-list.tsx'

interface SnapshotTableProps {
  address: Address
  snapshots: (Listed & { nodes: readonly SnapshotRow[] }) | undefined
  fetching: boolean
  /** Whether the list is filtered. */
  filtered?: boolean
  columns: ListColumn<SnapshotRow>[]
  /** By which its view is remembered. */
  table: 'snapshots' | 'disk-snapshots'
  selection?: Selection
}

export function SnapshotTable({
  address,
  snapshots,
  fetching,
  filtered = false,
  columns,
  table,
  selection,
}: SnapshotTableProps) {
  const words = useWords()
  return (
    <ListTable
      table={table}
      address={address}
      columns={columns}
      list={snapshots}
      fetching={fetching}
      nothing={<NoRows filtered={filtered} title={words.noSnapshots} hint={words.noSnapshotsHint} />}
      selection={selection}
    />
  )
}

/** The columns of a list of snapshots: of one disk, or of all, and then whether there are connections to clouds. */
export function useSnapshotColumns(
  address: Address,
  { hasClouds }: { hasClouds?: boolean } = {},
): ListColumn<SnapshotRow>[] {
  const withDisk = hasClouds !== undefined
  const words = useWords()
  const format = useFormat()
  const isWide = Grid.useBreakpoint().md === true
  return useMemo(() => {
    const sort = sortOrder(address, { CREATED_AT: 'descend' })
    return [
      {
        title: words.nameAndId,
        key: 'NAME',
        needed: true,
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
        key: 'STATUS',
        title: words.status,
        width: 150,
        render: (_, snapshot) => <SnapshotStatusCell snapshot={snapshot} />,
      },
      ...(withDisk ? diskColumns(words, hasClouds) : []),
      {
        title: words.sizeAndData,
        key: 'SIZE',
        sorter: true,
        sortOrder: sort('SIZE'),
        width: 138,
        align: 'right',
        from: FROM_LAPTOP,
        render: (_, { sizeGiB, dataBytes }) => (
          <>
            {format.gib(sizeGiB)}
            <span className="hint"> / {dataBytes === null ? words.none : format.bytes(dataBytes)}</span>
          </>
        ),
      },
      {
        key: 'METHOD',
        title: words.method,
        width: 92,
        from: FROM_DESKTOP,
        render: (_, { type }) => words.snapshotType[type],
      },
      {
        key: 'TAGS',
        title: words.tags,
        width: 120,
        from: FROM_WIDE_DESKTOP,
        render: (_, { tags }) => <TagList tags={tags} />,
      },
      {
        title: words.created,
        key: 'CREATED_AT',
        sorter: true,
        sortOrder: sort('CREATED_AT'),
        width: 124,
        from: FROM_TABLET,
        render: (_, { createdAt }) => <Moment at={createdAt} />,
      },
      {
        key: 'DURATION',
        title: words.duration,
        width: 88,
        align: 'right',
        from: FROM_DESKTOP,
        render: (_, { createdAt, completedAt }) =>
          completedAt === null ? words.none : format.duration(createdAt, completedAt),
      },
      {
        key: 'ACTIONS',
        needed: true,
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
  }, [address, withDisk, hasClouds, isWide, words, format])
}

function diskColumns(words: Words, hasClouds: boolean): ListColumn<SnapshotRow>[] {
  return [
    {
      key: 'DISK',
      title: words.sourceDisk,
      width: 150,
      from: FROM_TABLET,
      render: (_, { disk }) => <SourceDisk disk={disk} />,
    },
    {
      key: 'KIND',
      title: words.kind,
      width: 100,
      // There is room for one of these two.
      from: hasClouds ? [] : FROM_DESKTOP,
      render: (_, { diskKind }) => words.diskKind[diskKind],
    },
    placeColumn(words, hasClouds),
  ]
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
