import { Prisma } from '../generated/prisma/client.ts'
import type { Disk, Snapshot, SnapshotTag, SnapshotTransition } from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import { COUNTED_SNAPSHOT_STATUSES } from '../domain/quota.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import { countOfSnapshots } from './counts.ts'
import { whereOf, type DiskFilter, type SnapshotFilter } from './filters.ts'
import { readCount, readPage, type OrderColumn, type Page, type PageQuery } from './pages.ts'

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
export const SNAPSHOT_ORDERS = { CREATED_AT: byCreation, NAME: byName, SIZE: bySize } satisfies Record<
  string,
  OrderColumn<Snapshot>
>

/**
 * The reads of one request, scoped to the viewer's account in the query itself. Each is a prepared statement on an index,
 * done when the call returns: with SQLite in the same process, many small statements cost less than gathering them into
 * large ones. Nothing is kept from one read to the next.
 */
export function createReads({ reader }: Pick<Database, 'reader'>, { accountId }: { accountId: string }) {
  const owned = Prisma.sql`"accountId" = ${accountId}`

  return {
    /** Null when the viewer's account has none of this id. */
    disk: (id: string): Disk | null =>
      reader.get(Prisma.sql`SELECT * FROM "Disk" WHERE "id" = ${id} AND ${owned}`) ?? null,

    snapshot: (id: string): Snapshot | null =>
      reader.get(Prisma.sql`SELECT * FROM "Snapshot" WHERE "id" = ${id} AND ${owned}`) ?? null,

    /** How many snapshots of each type count against the disk's quota. */
    held(diskId: string): HeldSnapshots {
      const rows = reader.all<{ type: SnapshotType; number: number }>(
        Prisma.sql`SELECT "type", sum("count") AS "number" FROM "SnapshotCount" WHERE ${owned} AND "diskId" = ${diskId}
          AND "status" IN (${COUNTED}) GROUP BY "type"`,
      )
      const held = { MANUAL: 0, AUTOMATIC: 0 }
      for (const { type, number } of rows) held[type] = number
      return held
    },

    /** The tags of a snapshot, ordered by key. */
    tags: (snapshotId: string): SnapshotTag[] =>
      reader.all(
        Prisma.sql`SELECT t.* FROM "SnapshotTag" t JOIN "Snapshot" s ON s."id" = t."snapshotId"
          WHERE t."snapshotId" = ${snapshotId} AND s.${owned} ORDER BY t."key"`,
      ),

    /** Every transition of a snapshot, oldest first. */
    history: (snapshotId: string): SnapshotTransition[] =>
      reader.all(
        Prisma.sql`SELECT * FROM "SnapshotTransition" WHERE "snapshotId" = ${snapshotId} AND +${owned} ORDER BY "sequence"`,
      ),

    disks(filter: DiskFilter | null | undefined): List<Disk> {
      const where = whereOf('Disk', [owned], filter)
      return {
        page: (query) => readPage<Disk>(reader, 'Disk', { ...query, where }),
        count: () => readCount(reader, 'Disk', where),
      }
    },

    snapshots(filter: SnapshotFilter | null | undefined, diskId?: string): List<Snapshot> {
      const scope = diskId === undefined ? [owned] : [owned, Prisma.sql`"diskId" = ${diskId}`]
      const where = whereOf('Snapshot', scope, filter)
      return {
        page: (query) => readPage<Snapshot>(reader, 'Snapshot', { ...query, where }),
        count: () =>
          countOfSnapshots(reader, accountId, filter, diskId) ?? readCount(reader, 'Snapshot', where),
      }
    },
  }
}

const COUNTED = Prisma.join([...COUNTED_SNAPSHOT_STATUSES])

/** A filtered list that can be read page by page, and counted. */
export interface List<Row> {
  page: (query: Omit<PageQuery, 'where'>) => Page<Row>
  count: () => number
}
