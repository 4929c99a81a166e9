import DataLoader from 'dataloader'
import { Prisma } from '../generated/prisma/client.ts'
import type {
  Account,
  ApiToken,
  AutoSnapshotPolicy,
  AutoSnapshotRun,
  AutoSnapshotRunDisk,
  Disk,
  DiskTag,
  Job,
  Snapshot,
  SnapshotTag,
  SnapshotTransition,
} from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import { COUNTED_SNAPSHOT_STATUSES } from '../domain/quota.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { conditions, type DiskFilter, type SnapshotFilter } from './filters.ts'
import { readCounts, readPages, type OrderColumn, type Page, type PageQuery, type Table } from './pages.ts'

export type Reads = ReturnType<typeof createReads>
export type HeldSnapshots = Record<SnapshotType, number>

const byCreation = {
  column: 'createdAt',
  write: ({ createdAt }: { createdAt: Date }) => createdAt.toISOString(),
  read: (text: string) => (Number.isNaN(Date.parse(text)) ? undefined : new Date(text)),
}
const byName = { column: 'name', write: ({ name }: { name: string }) => name, read: (text: string) => text }
const bySize = {
  column: 'sizeBytes',
  write: ({ sizeBytes }: { sizeBytes: bigint }) => sizeBytes.toString(),
  read: (text: string) => (/^\d{1,18}$/.test(text) ? BigInt(text) : undefined),
}

/** What lists can be ordered by; ties are broken by id. */
export const DISK_ORDERS = { CREATED_AT: byCreation, NAME: byName, SIZE: bySize } satisfies Record<
  string,
  OrderColumn<Disk>
>
export const API_TOKEN_ORDERS = { CREATED_AT: byCreation } satisfies Record<string, OrderColumn<ApiToken>>
export const SNAPSHOT_ORDERS = { CREATED_AT: byCreation, NAME: byName, SIZE: bySize } satisfies Record<
  string,
  OrderColumn<Snapshot>
>

export const POLICY_ORDERS = { CREATED_AT: byCreation, NAME: byName } satisfies Record<
  string,
  OrderColumn<AutoSnapshotPolicy>
>
const bySchedule: OrderColumn<AutoSnapshotRun> = {
  column: 'scheduledFor',
  write: ({ scheduledFor }) => scheduledFor.toISOString(),
  read: byCreation.read,
}
export const RUN_ORDERS = { SCHEDULED_FOR: bySchedule }
const byDisk: OrderColumn<AutoSnapshotRunDisk> = {
  column: 'diskId',
  write: ({ diskId }) => diskId,
  read: (text) => text,
}
export const RUN_DISK_ORDERS = { DISK: byDisk }

/**
 * The reads of one request. All of them are scoped to the viewer's account in the query itself, and those of
 * one kind that are asked for in the same turn of the event loop are answered by one statement, so a list costs
 * the same number of statements however long it is, and so do the lists in it. Nothing is kept from one turn to the next.
 */
export function createReads(db: Database, { accountId }: { accountId: string }) {
  const disk = batchedById<Disk | null>(null, async (ids) => {
    const rows = await db.disk.findMany({ where: { id: { in: ids }, accountId } })
    return new Map(rows.map((row) => [row.id, row]))
  })

  const snapshot = batchedById<Snapshot | null>(null, async (ids) => {
    const rows = await db.snapshot.findMany({ where: { id: { in: ids }, accountId } })
    return new Map(rows.map((row) => [row.id, row]))
  })

  const held = batchedById<HeldSnapshots>({ MANUAL: 0, AUTOMATIC: 0 }, async (diskIds) => {
    const rows = await db.snapshot.groupBy({
      by: ['diskId', 'type'],
      where: {
        accountId,
        diskId: { in: diskIds },
        status: { in: [...COUNTED_SNAPSHOT_STATUSES] },
        evicted: false,
      },
      _count: true,
    })
    const found = new Map(diskIds.map((id) => [id, { MANUAL: 0, AUTOMATIC: 0 }]))
    for (const { diskId, type, _count } of rows) {
      const counts = found.get(diskId ?? '')
      if (counts) counts[type] = _count
    }
    return found
  })

  const tags = batchedById<SnapshotTag[]>([], async (snapshotIds) => {
    const rows = await db.snapshotTag.findMany({
      where: { snapshot: { id: { in: snapshotIds }, accountId } },
      orderBy: { key: 'asc' },
    })
    return Map.groupBy(rows, ({ snapshotId }) => snapshotId)
  })

  const diskTags = batchedById<DiskTag[]>([], async (diskIds) => {
    const rows = await db.diskTag.findMany({
      where: { disk: { id: { in: diskIds }, accountId } },
      orderBy: { key: 'asc' },
    })
    return Map.groupBy(rows, ({ diskId }) => diskId)
  })

  const snapshotJobs = batchedById<Job[]>([], async (snapshotIds) => {
    const rows = await db.job.findMany({
      where: { snapshotId: { in: snapshotIds }, accountId },
      orderBy: { id: 'asc' },
    })
    return Map.groupBy(rows, ({ snapshotId }) => snapshotId ?? '')
  })

  const diskJobs = batchedById<Job[]>([], async (diskIds) => {
    const rows = await db.job.findMany({
      where: { diskId: { in: diskIds }, accountId },
      orderBy: { id: 'asc' },
    })
    return Map.groupBy(rows, ({ diskId }) => diskId ?? '')
  })

  const disksFromSnapshots = batchedById<number>(0, async (accountIds) => {
    const where = { accountId, kind: 'CREATE_DISK', snapshotId: { not: null } } as const
    const count = await db.job.count({ where })
    return new Map(accountIds.map((id) => [id, count]))
  })

  const history = batchedById<SnapshotTransition[]>([], async (snapshotIds) => {
    const rows = await db.snapshotTransition.findMany({
      where: { snapshotId: { in: snapshotIds }, accountId },
      orderBy: { sequence: 'asc' },
    })
    return Map.groupBy(rows, ({ snapshotId }) => snapshotId)
  })

  const policy = batchedById<AutoSnapshotPolicy | null>(null, async (ids) => {
    const rows = await db.autoSnapshotPolicy.findMany({ where: { id: { in: ids }, accountId } })
    return new Map(rows.map((row) => [row.id, row]))
  })

  const run = batchedById<AutoSnapshotRun | null>(null, async (ids) => {
    const rows = await db.autoSnapshotRun.findMany({ where: { id: { in: ids }, accountId } })
    return new Map(rows.map((row) => [row.id, row]))
  })

  /** The lists of one table: those that are asked for together are read by one statement. */
  function listsOf<Row>(table: Table): (where: (order?: string) => Prisma.Sql[]) => List<Row> {
    const pages = batched((queries: readonly PageQuery[]) => readPages<Row>(db, table, queries))
    const counts = batched((wheres: readonly Prisma.Sql[][]) => readCounts(db, table, wheres))
    return (where) => ({
      page: (query) => pages.load({ ...query, where: where(query.column) }),
      count: () => counts.load(where()),
    })
  }
  const diskLists = listsOf<Disk>('Disk')
  const snapshotLists = listsOf<Snapshot>('Snapshot')
  const tokenLists = listsOf<ApiToken>('ApiToken')
  const policyLists = listsOf<AutoSnapshotPolicy>('AutoSnapshotPolicy')
  const runLists = listsOf<AutoSnapshotRun>('AutoSnapshotRun')
  const runDiskLists = listsOf<AutoSnapshotRunDisk>('AutoSnapshotRunDisk')

  const owned = Prisma.sql`t."accountId" = ${accountId}`

  /** Of what belongs to one thing, the indexes that begin with that are the ones to read along. */
  function ownedBy(column: 'policyId' | 'diskId' | 'runId', id: string | undefined): Prisma.Sql {
    if (id === undefined) return owned
    return Prisma.sql`${Prisma.raw(`t."${column}"`)} = ${id} AND +t."accountId" = ${accountId}`
  }

  return {
    /** The account itself. */
    account: (): Promise<Account> => db.account.findUniqueOrThrow({ where: { id: accountId } }),
    /** Null when the viewer's account has none of this id. */
    disk: (id: string): Promise<Disk | null> => disk.load(id),
    snapshot: (id: string): Promise<Snapshot | null> => snapshot.load(id),
    /** How many snapshots of each type count against the disk's quota. */
    held: (diskId: string): Promise<HeldSnapshots> => held.load(diskId),
    tags: (snapshotId: string): Promise<SnapshotTag[]> => tags.load(snapshotId),
    diskTags: (diskId: string): Promise<DiskTag[]> => diskTags.load(diskId),
    /** Every transition of a snapshot, oldest first; also of one that is gone. */
    history: (snapshotId: string): Promise<SnapshotTransition[]> => history.load(snapshotId),
    /** The work that is under way on a snapshot, or that reads it, oldest first. */
    snapshotJobs: (snapshotId: string): Promise<Job[]> => snapshotJobs.load(snapshotId),
    /** The work that is under way on a disk or its snapshots, oldest first. */
    diskJobs: (diskId: string): Promise<Job[]> => diskJobs.load(diskId),
    /** How many disks are being made from snapshots. */
    disksFromSnapshots: (): Promise<number> => disksFromSnapshots.load(accountId),

    policy: (id: string): Promise<AutoSnapshotPolicy | null> => policy.load(id),
    run: (id: string): Promise<AutoSnapshotRun | null> => run.load(id),

    disks: (filter: DiskFilter | null | undefined, policyId?: string): List<Disk> =>
      diskLists((order) => [ownedBy('policyId', policyId), ...conditions('Disk', filter, order)]),

    snapshots: (filter: SnapshotFilter | null | undefined, diskId?: string): List<Snapshot> =>
      snapshotLists((order) => [ownedBy('diskId', diskId), ...conditions('Snapshot', filter, order)]),

    apiTokens: (): List<ApiToken> => tokenLists(() => [owned]),
    policies: (): List<AutoSnapshotPolicy> => policyLists(() => [owned]),

    /** The runs of a policy: those with this outcome, or all. */
    runs: (policyId: string, outcome?: AutoSnapshotRun['outcome']): List<AutoSnapshotRun> =>
      runLists(() => [
        ownedBy('policyId', policyId),
        ...(outcome === undefined ? [] : [Prisma.sql`t."outcome" = ${outcome}`]),
      ]),

    runDisks: (runId: string): List<AutoSnapshotRunDisk> => runDiskLists(() => [ownedBy('runId', runId)]),
    /** What became of one disk in a run; undefined when it was not linked then. */
    runDisk: async (runId: string, diskId: string): Promise<AutoSnapshotRunDisk | undefined> => {
      const where = [ownedBy('runId', runId), Prisma.sql`t."diskId" = ${diskId}`]
      const { rows } = await runDiskLists(() => where).page({ column: 'diskId', direction: 'ASC', limit: 1 })
      return rows[0]
    },
  }
}

/** A filtered list that can be read page by page, and counted. */
export interface List<Row> {
  page: (query: Omit<PageQuery, 'where'>) => Promise<Page<Row>>
  count: () => Promise<number>
}

/** At most so many lists in one statement: well below SQLite's limit on the terms of a UNION. */
const LIST_BATCH = 100
/** At most so many different ids in one statement: well below its limit on variables. */
const ID_BATCH = 500

function batched<Key, Value>(load: (keys: readonly Key[]) => Promise<Value[]>): DataLoader<Key, Value> {
  return new DataLoader(load, { cache: false, maxBatchSize: LIST_BATCH })
}

/** Reads what belongs to ids, each of them once; `none` for those that nothing is found for. */
function batchedById<Value>(
  none: Value,
  load: (ids: string[]) => Promise<Map<string, Value>>,
): DataLoader<string, Value> {
  return new DataLoader(
    async (ids) => {
      const found = await load([...new Set(ids)])
      return ids.map((id) => found.get(id) ?? none)
    },
    { cache: false, maxBatchSize: ID_BATCH },
  )
}
