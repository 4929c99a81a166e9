import { Grid } from 'antd'
import { useMemo } from 'react'
import { Link } from 'wouter'
import type { Address } from '../address.ts'
import type { DiskRow, Place } from '../api/disk.ts'
import { useFormat, type Format } from '../format.ts'
import { useWords } from '../settings.tsx'
import type { Words } from '../words/en.ts'
import { Copyable } from './copyable.tsx'
import { DiskRowActions } from './disk-row-actions.tsx'
import { Moment } from './moment.tsx'
import { placeColumn } from './place-column.tsx'
import { levelOf } from './quota.tsx'
import { CancellingHint, DiskStatusTag, StallReason } from './status.tsx'
import { FROM_DESKTOP, FROM_LAPTOP, FROM_TABLET, FROM_WIDE_DESKTOP, sortOrder } from './table.ts'
import type { ListColumn } from './table-view.ts'
import { TagList } from './tag-list.tsx'

type Columns = ListColumn<DiskRow & Place>[]

/** The columns of the Disk List. */
export function useDiskColumns(address: Address, hasClouds: boolean): Columns {
  const isWide = Grid.useBreakpoint().md === true
  const words = useWords()
  const format = useFormat()
  return useMemo(
    () => [
      ...factsOf(address, words, format),
      placeColumn(words, hasClouds),
      {
        key: 'ACTIONS',
        needed: true,
        title: words.actions,
        width: isWide ? 130 : 68,
        render: (_, disk) => <DiskRowActions disk={disk} shown={isWide ? 1 : 0} />,
      },
    ],
    [address, isWide, hasClouds, words, format],
  )
}

function factsOf(address: Address, words: Words, format: Format): Columns {
  const sort = sortOrder(address, { NAME: 'ascend' })
  return [
    {
      title: words.nameAndId,
      key: 'NAME',
      needed: true,
      sorter: true,
      sortOrder: sort('NAME'),
      render: (_, { id, name }) => (
        <>
          <Link href={`/disks/${id}`}>{name}</Link>
          <br />
          <Copyable text={id} />
        </>
      ),
    },
    {
      key: 'STATUS',
      title: words.status,
      width: 145,
      render: (_, disk) => (
        <>
          <DiskStatusTag status={disk.status} of={disk} />
          <CancellingHint operation={disk.operation} />
          <StallReason operation={disk.operation} />
        </>
      ),
    },
    {
      key: 'KIND',
      title: words.kind,
      width: 98,
      from: FROM_DESKTOP,
      render: (_, { kind }) => words.diskKind[kind],
    },
    {
      key: 'STORAGE_TYPE',
      title: words.storageType,
      width: 92,
      from: FROM_DESKTOP,
      render: (_, { storageType }) => storageType,
    },
    {
      title: words.size,
      key: 'SIZE',
      sorter: true,
      sortOrder: sort('SIZE'),
      width: 84,
      align: 'right',
      from: FROM_TABLET,
      render: (_, { sizeGiB }) => format.gib(sizeGiB),
    },
    {
      key: 'ATTACHMENT',
      title: words.attachment,
      width: 116,
      from: FROM_LAPTOP,
      render: (_, { attachment }) => <Attachment attachment={attachment} />,
    },
    {
      key: 'SNAPSHOTS',
      title: words.heldSnapshots,
      width: 128,
      align: 'right',
      from: FROM_TABLET,
      render: (_, disk) => <HeldSnapshots disk={disk} />,
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
      from: FROM_DESKTOP,
      render: (_, { createdAt }) => <Moment at={createdAt} />,
    },
  ]
}

function Attachment({ attachment }: Pick<DiskRow, 'attachment'>) {
  const words = useWords()
  if (!attachment) return <span className="hint">{words.notAttached}</span>
  return (
    <>
      <code>{attachment.instanceId}</code>
      <div className="hint">{attachment.device}</div>
    </>
  )
}

function HeldSnapshots({ disk: { id, snapshotQuota } }: { disk: DiskRow }) {
  const words = useWords()
  const format = useFormat()
  const { manual, automatic } = snapshotQuota
  const manualUsed = words.quotaUsed(format.number(manual.used), format.number(manual.limit))
  return (
    <>
      <span className={levelOf(manual)}>
        <Link href={`/snapshots?disk=${id}`} title={`${words.manualQuota}: ${manualUsed}`}>
          {manualUsed}
        </Link>
      </span>
      {automatic.used > 0 && (
        <div className="hint">
          <span className={levelOf(automatic)}>
            {words.snapshotType.AUTOMATIC}{' '}
            {words.quotaUsed(format.number(automatic.used), format.number(automatic.limit))}
          </span>
        </div>
      )}
    </>
  )
}
