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
import { countOfSnapshots } from './counts.ts'
import { whereOf, type DiskFilter, type SnapshotFilter } from './filters.ts'
import {
  readCount,
  readNumber,
  readPage,
  type OrderColumn,
  type Page,
  type PageQuery,
  type Table,
  type Where,
} from './pages.ts'

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
 * The reads of one request, scoped to the viewer's account in the query itself. Each is a prepared statement on an index,
 * done when the call returns: with SQLite in the same process, many small statements cost less than gathering them into
 * large ones. Nothing is kept from one read to the next.
 */
export function createReads({ reader }: Pick<Database, 'reader'>, { accountId }: { accountId: string }) {
  const owned = Prisma.sql`t."accountId" = ${accountId}`
  // Where something else leads the index.
  const alsoOwned = Prisma.sql`+t."accountId" = ${accountId}`

  /** The one of this id; null when the viewer's account has none. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
  function one<Row>(table: Table, id: string): Row | null {
    return (
      reader.get<Row>(
        Prisma.sql`SELECT * FROM ${Prisma.raw(`"${table}"`)} t WHERE t."id" = ${id} AND ${owned}`,
      ) ?? null
    )
  }

  function list<Row>(table: Table, where: (order?: string) => Where, count?: () => number | undefined) {
    return {
      page: (query: Omit<PageQuery, 'where'>): Page<Row> =>
        readPage<Row>(reader, table, { ...query, where: where(query.column) }),
      count: (): number => count?.() ?? readCount(reader, table, where()),
    }
  }

  /** Of what belongs to one thing, the indexes that begin with that are the ones to read along. */
  function ownedBy(column: 'policyId' | 'diskId' | 'runId', id: string | undefined): Prisma.Sql[] {
    return id === undefined ? [owned] : [Prisma.sql`${Prisma.raw(`t."${column}"`)} = ${id}`, alsoOwned]
  }

  return {
    /** The account itself. */
    account(): Account {
      const account = reader.get<Account>(Prisma.sql`SELECT * FROM "Account" WHERE "id" = ${accountId}`)
      if (!account) throw new Error(`There is no account ${accountId}.`)
      return account
    },

    /** Null when the viewer's account has none of this id. */
    disk: (id: string) => one<Disk>('Disk', id),
    snapshot: (id: string) => one<Snapshot>('Snapshot', id),
    policy: (id: string) => one<AutoSnapshotPolicy>('AutoSnapshotPolicy', id),
    run: (id: string) => one<AutoSnapshotRun>('AutoSnapshotRun', id),

    /** How many snapshots of each type count against the disk's quota. */
    held: (diskId: string): HeldSnapshots => ({
      MANUAL: 0,
      AUTOMATIC: 0,
      ...Object.fromEntries(
        reader
          .all<{ type: SnapshotType; number: number }>(
            Prisma.sql`SELECT t."type", sum(t."count") AS "number" FROM "SnapshotCount" t
              WHERE ${owned} AND t."diskId" = ${diskId} AND ${HELD} GROUP BY t."type"`,
          )
          .map(({ type, number }) => [type, number]),
      ),
    }),

    /** The tags of a snapshot, ordered by key. */
    tags: (snapshotId: string): SnapshotTag[] =>
      reader.all(
        Prisma.sql`SELECT g.* FROM "SnapshotTag" g JOIN "Snapshot" t ON t."id" = g."snapshotId"
          WHERE g."snapshotId" = ${snapshotId} AND ${owned} ORDER BY g."key"`,
      ),

    /** The same of a disk. */
    diskTags: (diskId: string): DiskTag[] =>
      reader.all(
        Prisma.sql`SELECT g.* FROM "DiskTag" g JOIN "Disk" t ON t."id" = g."diskId"
          WHERE g."diskId" = ${diskId} AND ${owned} ORDER BY g."key"`,
      ),

    /** Every transition of a snapshot, oldest first; also of one that is gone. */
    history: (snapshotId: string): SnapshotTransition[] =>
      reader.all(
        Prisma.sql`SELECT * FROM "SnapshotTransition" t WHERE t."snapshotId" = ${snapshotId} AND ${alsoOwned}
          ORDER BY t."sequence"`,
      ),

    /** The work that is under way on a snapshot, or that reads it, oldest first. */
    snapshotJobs: (snapshotId: string): Job[] =>
      reader.all(
        Prisma.sql`SELECT * FROM "Job" t WHERE t."snapshotId" = ${snapshotId} AND ${alsoOwned} ORDER BY t."id"`,
      ),

    /** The work that is under way on a disk or its snapshots, oldest first. */
    diskJobs: (diskId: string): Job[] =>
      reader.all(
        Prisma.sql`SELECT * FROM "Job" t WHERE t."diskId" = ${diskId} AND ${alsoOwned} ORDER BY t."id"`,
      ),

    /** How many disks are being made from snapshots. */
    disksFromSnapshots: (): number =>
      readNumber(
        reader,
        Prisma.sql`SELECT count(*) AS "number" FROM "Job" t
          WHERE ${owned} AND t."kind" = 'CREATE_DISK' AND t."snapshotId" IS NOT NULL`,
      ),

    disks: (filter: DiskFilter | null | undefined, policyId?: string): List<Disk> =>
      list('Disk', (order) =>
        whereOf('Disk', ownedBy('policyId', policyId), filter, {
          order,
          isOfOneThing: policyId !== undefined,
        }),
      ),

    snapshots: (filter: SnapshotFilter | null | undefined, diskId?: string): List<Snapshot> =>
      list(
        'Snapshot',
        (order) =>
          whereOf('Snapshot', ownedBy('diskId', diskId), filter, {
            order,
            isOfOneThing: diskId !== undefined,
          }),
        () => countOfSnapshots(reader, accountId, filter, diskId),
      ),

    apiTokens: (): List<ApiToken> => list('ApiToken', () => ({ conditions: [owned] })),
    policies: (): List<AutoSnapshotPolicy> => list('AutoSnapshotPolicy', () => ({ conditions: [owned] })),

    /** The runs of a policy: those with this outcome, or all. */
    runs: (policyId: string, outcome?: AutoSnapshotRun['outcome']): List<AutoSnapshotRun> =>
      list('AutoSnapshotRun', () => ({
        conditions: [
          ...ownedBy('policyId', policyId),
          ...(outcome === undefined ? [] : [Prisma.sql`t."outcome" = ${outcome}`]),
        ],
      })),

    runDisks: (runId: string): List<AutoSnapshotRunDisk> =>
      list('AutoSnapshotRunDisk', () => ({ conditions: ownedBy('runId', runId) })),
    /** What became of one disk in a run; undefined when it was not linked then. */
    runDisk: (runId: string, diskId: string): AutoSnapshotRunDisk | undefined =>
      reader.get(
        Prisma.sql`SELECT * FROM "AutoSnapshotRunDisk" t
          WHERE t."runId" = ${runId} AND t."diskId" = ${diskId} AND ${alsoOwned}`,
      ),
  }
}

/** Counts that the quotas are about. */
const HELD = Prisma.sql`t."status" IN (${Prisma.join([...COUNTED_SNAPSHOT_STATUSES])}) AND NOT t."evicted"`

/** A filtered list that can be read page by page, and counted. */
export interface List<Row> {
  page: (query: Omit<PageQuery, 'where'>) => Page<Row>
  count: () => number
}
