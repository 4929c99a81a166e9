import DataLoader from 'dataloader'
import { Prisma } from '../generated/prisma/client.ts'
import type {
  Account,
  ApiToken,
  Disk,
  Snapshot,
  SnapshotTag,
  SnapshotTransition,
} from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import { COUNTED_SNAPSHOT_STATUSES } from '../domain/quota.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { conditions, type DiskFilter, type SnapshotFilter } from './filters.ts'
import { readCounts, readPages, type OrderColumn, type Page, type PageQuery } from './pages.ts'

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

/**
 * The reads of one request. All of them are scoped to the viewer's account in the query itself, and those of
 * one kind that are asked for in the same turn of the event loop are answered by one statement, so a list costs
 * the same number of statements however long it is, and so do the lists in it. Nothing is kept from one turn to the next.
 */
export function createReads(db: Database, { accountId }: { accountId: string }) {
  const owned = Prisma.sql`"accountId" = ${accountId}`

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
      where: { accountId, diskId: { in: diskIds }, status: { in: [...COUNTED_SNAPSHOT_STATUSES] } },
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

  const history = batchedById<SnapshotTransition[]>([], async (snapshotIds) => {
    const rows = await db.snapshotTransition.findMany({
      where: { snapshotId: { in: snapshotIds }, accountId },
      orderBy: { sequence: 'asc' },
    })
    return Map.groupBy(rows, ({ snapshotId }) => snapshotId)
  })

  const diskPages = batched((queries: readonly PageQuery[]) => readPages<Disk>(db, 'Disk', queries))
  const snapshotPages = batched((queries: readonly PageQuery[]) =>
    readPages<Snapshot>(db, 'Snapshot', queries),
  )
  const diskCounts = batched((wheres: readonly Prisma.Sql[][]) => readCounts(db, 'Disk', wheres))
  const snapshotCounts = batched((wheres: readonly Prisma.Sql[][]) => readCounts(db, 'Snapshot', wheres))

  const tokenPages = batched((queries: readonly PageQuery[]) => readPages<ApiToken>(db, 'ApiToken', queries))
  const tokenCounts = batched((wheres: readonly Prisma.Sql[][]) => readCounts(db, 'ApiToken', wheres))

  return {
    /** The account itself. */
    account: (): Promise<Account> => db.account.findUniqueOrThrow({ where: { id: accountId } }),
    /** Null when the viewer's account has none of this id. */
    disk: (id: string): Promise<Disk | null> => disk.load(id),
    snapshot: (id: string): Promise<Snapshot | null> => snapshot.load(id),
    /** How many snapshots of each type count against the disk's quota. */
    held: (diskId: string): Promise<HeldSnapshots> => held.load(diskId),
    tags: (snapshotId: string): Promise<SnapshotTag[]> => tags.load(snapshotId),
    /** Every transition of a snapshot, oldest first. */
    history: (snapshotId: string): Promise<SnapshotTransition[]> => history.load(snapshotId),

    disks(filter: DiskFilter | null | undefined): List<Disk> {
      const where = [owned, ...conditions(filter)]
      return {
        page: (query) => diskPages.load({ ...query, where }),
        count: () => diskCounts.load(where),
      }
    },

    apiTokens(): List<ApiToken> {
      return {
        page: (query) => tokenPages.load({ ...query, where: [owned] }),
        count: () => tokenCounts.load([owned]),
      }
    },

    snapshots(filter: SnapshotFilter | null | undefined, diskId?: string): List<Snapshot> {
      const ofDisk = diskId === undefined ? [] : [Prisma.sql`"diskId" = ${diskId}`]
      const where = [owned, ...ofDisk, ...conditions(filter)]
      return {
        page: (query) => snapshotPages.load({ ...query, where }),
        count: () => snapshotCounts.load(where),
      }
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
