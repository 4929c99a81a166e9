import { Breadcrumb, Descriptions, Skeleton } from 'antd'
import { Link } from 'wouter'
import { orderOf, pagingOf, useAddress, type Address } from '../address.ts'
import { DISK } from '../api/disk.ts'
import { graphql, type ResultOf } from '../api/graphql.ts'
import { PAGE_INFO } from '../api/page-info.ts'
import { SNAPSHOT } from '../api/snapshot.ts'
import { Dialogs } from '../dialogs/dialogs.tsx'
import { useFormat } from '../format.ts'
import { EventLog } from '../live/event-log.tsx'
import { lazyPart } from '../widgets/lazy.tsx'
import { useListRefresh } from '../live/following.tsx'
import { usePageQuery } from '../live/page-query.ts'
import { useWords } from '../settings.tsx'
import { ActionButton, headerActions, RowActions } from '../widgets/actions.tsx'
import { Copyable } from '../widgets/copyable.tsx'
import { diskActions } from '../widgets/disk-actions.ts'
import { Failure } from '../widgets/failure.tsx'
import { ListFooter, Refresh } from '../widgets/list.tsx'
import { ListTools } from '../widgets/list-tools.tsx'
import { Page } from '../widgets/page.tsx'
import { POLICY_OF_DISK, PolicyCard } from '../widgets/policy-card.tsx'
import { QuotaBar } from '../widgets/quota.tsx'
import { whyNot } from '../widgets/refusal.ts'
import { SnapshotTable, useSnapshotColumns } from '../widgets/snapshot-table.tsx'
import { Nothing } from '../widgets/state.tsx'
import { CancellingHint, DiskStatusTag } from '../widgets/status.tsx'
import { TagList } from '../widgets/tag-list.tsx'
import { Time } from '../widgets/moment.tsx'

/** The Disk Details, with a page of the disk's snapshots. */
const DISK_DETAILS = graphql(
  `
    query DiskDetails(
      $id: ID!
      $first: Int
      $after: String
      $last: Int
      $before: String
      $orderBy: SnapshotOrder
    ) {
      disk(id: $id) {
        ...Disk
        ...PolicyOfDisk
        provider
        connection {
          id
          name
        }
        upstream {
          id
          status
        }
        snapshots(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
          totalCount
          streamCursor
          pageInfo {
            ...PageInfo
          }
          nodes {
            ...Snapshot
          }
        }
      }
      # Where to watch from when there is no such disk.
      snapshots(first: 0) {
        streamCursor
      }
    }
  `,
  [DISK, SNAPSHOT, POLICY_OF_DISK, PAGE_INFO],
)

const ActivityLog = lazyPart(async () => (await import('../live/activity-log.tsx')).ActivityLog)

type DetailedDisk = NonNullable<ResultOf<typeof DISK_DETAILS>['disk']>

const ORDERS = ['NAME', 'SIZE', 'CREATED_AT'] as const

/** The Disk Details: what the disk is, what it holds, and what happens to that. */
export function DiskDetails({ id }: { id: string }) {
  const words = useWords()
  const format = useFormat()
  const address = useAddress()
  const variables = {
    id,
    ...pagingOf(address).arguments,
    orderBy: orderOf(address, ORDERS, { field: 'CREATED_AT', direction: 'DESC' }),
  }
  const { data, fetching, error, readAgain } = usePageQuery(
    address,
    DISK_DETAILS,
    variables,
    (read) => read.disk?.snapshots,
  )
  const disk = data?.disk
  // What can be done with its snapshots depends on the disk.
  useListRefresh(
    readAgain,
    fetching,
    ({ __typename, from, to, diskId }) =>
      diskId === id && (__typename === 'DiskTransition' || from === null || to === 'DELETED'),
  )

  if (disk === null) return <Unknown id={id} />
  return (
    <Page
      title={disk?.name ?? words.diskDetails}
      before={
        <Breadcrumb
          items={[{ title: <Link href="/disks">{words.diskList}</Link> }, { title: words.diskDetails }]}
        />
      }
      beside={
        disk && (
          <>
            <Copyable text={disk.id} />
            <DiskStatusTag status={disk.status} />
            <CancellingHint operation={disk.operation} />
          </>
        )
      }
      actions={
        <>
          <Refresh readAgain={readAgain} />
          {disk && (
            <RowActions
              of={disk.name}
              type="default"
              {...headerActions(diskActions(disk, address, words, format), ['create', 'link'])}
            />
          )}
          {disk && (
            <ActionButton
              type="primary"
              action={{
                key: 'create',
                label: words.createSnapshot,
                needs: 'manageSnapshots',
                run: () => address.change({ create: id }),
                refusal: whyNot(disk, words, format),
              }}
            />
          )}
        </>
      }
    >
      {error && <Failure error={error} retry={readAgain} />}
      {!disk && !error && <Skeleton active />}
      {disk && (
        <div className="details">
          <section className="card overview" aria-labelledby="overview">
            <h2 id="overview">{words.overview}</h2>
            <Overview disk={disk} />
          </section>
          <section className="card" aria-labelledby="quotas">
            <h2 id="quotas">{words.quotas}</h2>
            <QuotaBar label={words.manualQuota} quota={disk.snapshotQuota.manual} />
            <QuotaBar label={words.automaticQuota} quota={disk.snapshotQuota.automatic} />
          </section>
          <Held address={address} snapshots={disk.snapshots} fetching={fetching} variables={variables} />
          <PolicyCard
            disk={disk}
            policy={disk.autoSnapshotPolicy}
            upstream={disk.upstreamPolicies}
            connectionId={disk.connection?.id}
            readAgain={readAgain}
          />
          <Happenings id={id} />
        </div>
      )}
      <Dialogs disk={disk} />
    </Page>
  )
}

interface HeldProps {
  address: Address
  snapshots: NonNullable<ResultOf<typeof DISK_DETAILS>['disk']>['snapshots']
  fetching: boolean
  variables: object
}

/** A page of its snapshots. */
function Held({ address, snapshots, fetching, variables }: HeldProps) {
  const words = useWords()
  const columns = useSnapshotColumns(address)
  return (
    <section className="card held" aria-labelledby="held">
      <div className="card-head">
        <h2 id="held">{words.snapshots}</h2>
        <span className="card-tools">
          <ListTools
            table="disk-snapshots"
            columns={columns}
            variables={variables}
            total={snapshots.totalCount}
          />
        </span>
      </div>
      <SnapshotTable
        table="disk-snapshots"
        columns={columns}
        address={address}
        snapshots={snapshots}
        fetching={fetching}
      />
      <ListFooter address={address} document={DISK_DETAILS} variables={variables} list={snapshots} />
    </section>
  )
}

/** What happened to the disk, and what was done with it. */
function Happenings({ id }: { id: string }) {
  const words = useWords()
  return (
    <div className="happenings">
      <section className="card" aria-labelledby="events">
        <h2 id="events">{words.eventLog}</h2>
        <EventLog diskId={id} />
      </section>
      <section className="card" aria-labelledby="activity">
        <h2 id="activity">{words.activity}</h2>
        <ActivityLog of="disk" id={id} />
      </section>
    </div>
  )
}

function Unknown({ id }: { id: string }) {
  const words = useWords()
  return (
    <Page title={words.notFound}>
      <Nothing title={words.noDisk(id)} hint={words.noDiskHint}>
        <Link href="/disks">{words.toDisks}</Link>
      </Nothing>
    </Page>
  )
}

function Overview({ disk }: { disk: DetailedDisk }) {
  const words = useWords()
  const format = useFormat()
  const { attachment } = disk
  return (
    <Descriptions
      size="small"
      colon={false}
      styles={{ label: { minWidth: 110 } }}
      column={{ xs: 1, md: 2 }}
      items={[
        { label: words.kind, children: words.diskKind[disk.kind] },
        { label: words.size, children: format.gib(disk.sizeGiB) },
        { label: words.storageType, children: disk.storageType },
        { label: words.zone, children: disk.zone },
        { label: words.providerLabel, children: words.provider[disk.provider] },
        ...(disk.connection
          ? [
              {
                label: words.connection,
                children: <Link href={`/connections/${disk.connection.id}`}>{disk.connection.name}</Link>,
              },
              { label: words.upstreamStatus, children: disk.upstream?.status ?? words.none },
              {
                label: words.upstreamId,
                children: disk.upstream ? <Copyable text={disk.upstream.id} /> : words.none,
              },
            ]
          : []),
        {
          label: words.attachment,
          children: attachment
            ? words.attachedAs(attachment.instanceId, attachment.device)
            : words.notAttached,
        },
        { label: words.created, children: <Time at={disk.createdAt} /> },
        { label: words.description, children: disk.description || words.none },
        { label: words.tags, children: <TagList tags={disk.tags} /> },
        ...(disk.statusReason === null
          ? []
          : [{ label: words.status, children: words.reason(disk.statusReason, disk.statusReasons) }]),
      ]}
    />
  )
}
