import { setImmediate as nextTurn } from 'node:timers/promises'
import { Prisma } from '../generated/prisma/client.ts'
import type {
  Account,
  Activity,
  ApiToken,
  AutoSnapshotPolicy,
  AutoSnapshotRun,
  AutoSnapshotRunDisk,
  Connection,
  DailyUsage,
  Disk,
  DiskTag,
  Job,
  Snapshot,
  SnapshotTag,
  SnapshotTransition,
} from '../generated/prisma/client.ts'
import type { Database } from '../database/database.ts'
import type { Reader } from '../database/sqlite/reader.ts'
import { COUNTED_SNAPSHOT_STATUSES } from '../domain/quota.ts'
import type { DiskStatus } from '../domain/disk.ts'
import type { SnapshotStatus, SnapshotType } from '../domain/snapshot.ts'
import { countOfSnapshots, readNumber } from './counts.ts'
import {
  whereOf,
  type ActivityFilter,
  type ConnectionFilter,
  type DiskFilter,
  type SnapshotFilter,
} from './filters.ts'
import { countOfDiskHistory, readDiskHistory, type DiskEvent } from './history.ts'
import {
  countOf,
  readPage,
  selectOf,
  type OrderColumn,
  type Page,
  type PageQuery,
  type Table,
  type Where,
} from './pages.ts'
import type { Scans } from './scans.ts'

/** How many snapshots have a type and a status, and the bytes of data in their copies. */
export interface SnapshotCounts {
  type: SnapshotType
  status: SnapshotStatus
  count: number
  dataBytes: number
}

export interface DiskCounts {
  status: DiskStatus
  count: number
}

/** A disk that holds this many snapshots of a type. */
export interface FullQuota {
  diskId: string
  type: SnapshotType
  used: number
}

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
export const CONNECTION_ORDERS = { CREATED_AT: byCreation } satisfies Record<string, OrderColumn<Connection>>
export const SNAPSHOT_ORDERS = { CREATED_AT: byCreation, NAME: byName, SIZE: bySize } satisfies Record<
  string,
  OrderColumn<Snapshot>
>

const byMoment: OrderColumn<Activity> = {
  column: 'at',
  write: ({ at }) => at.toISOString(),
  read: byCreation.read,
}
export const ACTIVITY_ORDERS = { AT: byMoment }

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
 * How many rows a request may scan on the event loop, which takes a few milliseconds, and after how many milliseconds a stream,
 * which goes on asking, may scan as many again.
 */
const SCANNED_AT_ONCE = 5_000
const SCAN_PAUSE_MS = 50

/** For how long pages are read in one round of the event loop, in milliseconds; then each of a request waits for a round. */
const ROUND_MS = 10

/** When pages were first read in this round of the event loop. */
let roundBegan: number | undefined
function isRoundLong(): boolean {
  if (roundBegan === undefined) {
    roundBegan = performance.now()
    setImmediate(() => (roundBegan = undefined))
  }
  return performance.now() - roundBegan > ROUND_MS
}

/** How many rows of a whole list are counted on the event loop: along an index, ten times as fast. */
const COUNTED_AT_ONCE = 20_000

/** Thrown by reads that may not wait, when they would have to. */
export class MustWait extends Error {}

/** Ends a scan that looks at more rows than it may here. */
const TOO_MANY_ROWS = new Error('There are too many rows to be looked at here.')

/**
 * The reads of one request, scoped to the viewer's account in the query itself. Each is a prepared statement on an index,
 * done when the call returns: with SQLite in the same process, many small statements cost less than gathering them into
 * large ones. Nothing is kept from one read to the next, and next to nothing while nobody reads: streams hold one of these.
 */
export class Reads {
  readonly #reader: Reader
  readonly #accountId: string
  readonly #scans: Scans | undefined
  /** The round of the event loop in which the next page is read, where it waits for one. */
  #turn: Promise<unknown> | undefined
  #rowsLeft = SCANNED_AT_ONCE
  #scannedAt = 0

  /** Without `scans`, a list that takes a long scan cannot be read: its reads throw. */
  constructor({ reader }: Pick<Database, 'reader'>, { accountId }: { accountId: string }, scans?: Scans) {
    this.#reader = reader
    this.#accountId = accountId
    this.#scans = scans
  }

  /** The account itself. */
  account(): Account {
    const account = this.#reader.get<Account>(
      Prisma.sql`SELECT * FROM "Account" WHERE "id" = ${this.#accountId}`,
    )
    if (!account) throw new Error(`There is no account ${this.#accountId}.`)
    return account
  }

  /** Null when the viewer's account has none of this id. */
  disk(id: string): Disk | null {
    return this.#one('Disk', id)
  }
  snapshot(id: string): Snapshot | null {
    return this.#one('Snapshot', id)
  }
  connection(id: string): Connection | null {
    return this.#one('Connection', id)
  }
  policy(id: string): AutoSnapshotPolicy | null {
    const policy = this.#one<AutoSnapshotPolicy>('AutoSnapshotPolicy', id)
    return policy?.deletedAt === null ? policy : null
  }
  /** The policy that a disk is linked to; null when there is none. */
  policyOf({ policyId }: Pick<Disk, 'policyId'>): AutoSnapshotPolicy | null {
    return policyId === null ? null : this.policy(policyId)
  }
  run(id: string): AutoSnapshotRun | null {
    const run = this.#one<AutoSnapshotRun>('AutoSnapshotRun', id)
    return run && this.policy(run.policyId) ? run : null
  }

  /** How many snapshots of each type count against the disk's quota. */
  held(diskId: string): HeldSnapshots {
    const numbers = this.#reader.all<{ type: SnapshotType; number: number }>(
      Prisma.sql`SELECT t."type", sum(t."count") AS "number" FROM "SnapshotCount" t
        WHERE ${this.#owned} AND t."diskId" = ${diskId} AND ${HELD} GROUP BY t."type"`,
    )
    return {
      MANUAL: 0,
      AUTOMATIC: 0,
      ...Object.fromEntries(numbers.map(({ type, number }) => [type, number])),
    }
  }

  /** The tags of a snapshot, ordered by key. */
  tags(snapshotId: string): SnapshotTag[] {
    return this.#reader.all(
      Prisma.sql`SELECT g.* FROM "SnapshotTag" g JOIN "Snapshot" t ON t."id" = g."snapshotId"
        WHERE g."snapshotId" = ${snapshotId} AND ${this.#owned} ORDER BY g."key"`,
    )
  }

  /** The same of a disk. */
  diskTags(diskId: string): DiskTag[] {
    return this.#reader.all(
      Prisma.sql`SELECT g.* FROM "DiskTag" g JOIN "Disk" t ON t."id" = g."diskId"
        WHERE g."diskId" = ${diskId} AND ${this.#owned} ORDER BY g."key"`,
    )
  }

  /** The last transitions of a snapshot, oldest first; also of one that is gone. */
  history(snapshotId: string, last: number): SnapshotTransition[] {
    const latestFirst = this.#reader.all<SnapshotTransition>(
      Prisma.sql`SELECT * FROM "SnapshotTransition" t WHERE t."snapshotId" = ${snapshotId} AND ${this.#alsoOwned}
        ORDER BY t."position" DESC LIMIT ${last}`,
    )
    return latestFirst.toReversed()
  }

  /** The transitions of a disk and of its snapshots, also of those that are gone. */
  diskHistory(diskId: string): List<DiskEvent> {
    const [reader, scope] = [this.#reader, { accountId: this.#accountId, diskId }]
    return {
      page: (query) => readDiskHistory(reader, scope, query),
      count: () => this.#scannedNumber(countOfDiskHistory(scope)),
    }
  }

  /** The work that is in progress on a snapshot, or that reads it, oldest first. */
  snapshotJobs(snapshotId: string): Job[] {
    return this.#reader.all(
      Prisma.sql`SELECT * FROM "Job" t WHERE t."snapshotId" = ${snapshotId} AND ${this.#alsoOwned} ORDER BY t."id"`,
    )
  }

  /** The work that is in progress on a disk or its snapshots, oldest first. */
  diskJobs(diskId: string): Job[] {
    return this.#reader.all(
      Prisma.sql`SELECT * FROM "Job" t WHERE t."diskId" = ${diskId} AND ${this.#alsoOwned} ORDER BY t."id"`,
    )
  }

  /** How many disks are being made from snapshots. */
  disksFromSnapshots(): number {
    return readNumber(
      this.#reader,
      Prisma.sql`SELECT count(*) AS "number" FROM "Job" t
        WHERE ${this.#owned} AND t."kind" = 'CREATE_DISK' AND t."snapshotId" IS NOT NULL`,
    )
  }

  /** How many snapshots there are of each type and status, and what their copies hold. */
  snapshotCounts(): SnapshotCounts[] {
    return this.#reader.all(
      Prisma.sql`SELECT t."type", t."status", sum(t."count") AS "count", sum(t."bytes") AS "dataBytes"
        FROM "SnapshotCount" t WHERE ${this.#owned} AND t."diskId" = '' GROUP BY 1, 2 ORDER BY 1, 2`,
    )
  }

  /** How many disks there are in each status. */
  diskCounts(): DiskCounts[] | Promise<DiskCounts[]> {
    return this.#scanned(
      Prisma.sql`SELECT t."status", count(*) AS "count" FROM "Disk" t INDEXED BY "Disk_accountId_status_name_id_idx"
        WHERE scanned(t."id") AND ${this.#owned} GROUP BY 1 ORDER BY 1`,
    )
  }

  /** The quotas that are full to this share at least, fullest first. */
  fullQuotas(
    quota: Record<SnapshotType, number>,
    { share, limit }: { share: number; limit: number },
  ): FullQuota[] | Promise<FullQuota[]> {
    const full = Prisma.sql`sum(t."count") * 1.0 / CASE t."type" WHEN 'MANUAL' THEN ${quota.MANUAL} ELSE ${quota.AUTOMATIC} END`
    return this.#scanned(
      Prisma.sql`SELECT t."diskId", t."type", sum(t."count") AS "used" FROM "SnapshotCount" t
        WHERE scanned(t."diskId") AND ${this.#owned} AND t."diskId" <> '' AND ${HELD} GROUP BY 1, 2
        HAVING ${full} >= ${share} ORDER BY ${full} DESC, 1, 2 LIMIT ${limit}`,
    )
  }

  /** What was noted of the last days, oldest first. */
  dailyUsage(days: number): DailyUsage[] {
    const newestFirst = this.#reader.all<DailyUsage>(
      Prisma.sql`SELECT * FROM "DailyUsage" t WHERE ${this.#owned} ORDER BY t."day" DESC LIMIT ${days}`,
    )
    return newestFirst.toReversed()
  }

  disks(filter: DiskFilter | null | undefined, policyId?: string): List<Disk> {
    return this.#list('Disk', (order) =>
      whereOf('Disk', this.#ownedBy('policyId', policyId), filter, {
        order,
        isOfOneThing: policyId !== undefined,
      }),
    )
  }

  /** The disks that a cloud links to a policy of its own. There may be many that it does not. */
  disksOfUpstreamPolicy(connectionId: string, policyId: string): List<Disk> {
    const isLinked = Prisma.sql`EXISTS (SELECT 1 FROM json_each(t."upstreamPolicyIds") WHERE value = ${policyId})`
    return this.#list('Disk', (order) => {
      const filter = { connectionId: { eq: connectionId } }
      const where = whereOf('Disk', [this.#owned, isLinked], filter, { order, isOfOneThing: false })
      return { ...where, isScan: true }
    })
  }

  snapshots(filter: SnapshotFilter | null | undefined, diskId?: string): List<Snapshot> {
    return this.#list(
      'Snapshot',
      (order) =>
        whereOf('Snapshot', this.#ownedBy('diskId', diskId), filter, {
          order,
          isOfOneThing: diskId !== undefined,
        }),
      () => countOfSnapshots(this.#reader, this.#accountId, filter, diskId),
    )
  }

  activity(filter: ActivityFilter | null | undefined): List<Activity> {
    return this.#list('Activity', (order) =>
      whereOf('Activity', [this.#owned], filter, { order, isOfOneThing: false }),
    )
  }

  apiTokens(): List<ApiToken> {
    return this.#list('ApiToken', () => ({ conditions: [this.#owned] }))
  }

  connections(filter: ConnectionFilter | null | undefined): List<Connection> {
    return this.#list('Connection', (order) =>
      whereOf('Connection', [this.#owned], filter, { order, isOfOneThing: false }),
    )
  }

  policies(): List<AutoSnapshotPolicy> {
    return this.#list('AutoSnapshotPolicy', () => ({
      conditions: [this.#owned, Prisma.sql`t."deletedAt" IS NULL`],
    }))
  }

  /** The runs of a policy. */
  runs(policyId: string): List<AutoSnapshotRun> {
    return this.#list('AutoSnapshotRun', () => ({ conditions: this.#ownedBy('policyId', policyId) }))
  }

  /** The last time that a policy was run; undefined when it was not yet. */
  lastRun(policyId: string): AutoSnapshotRun | undefined {
    return this.#reader.get(
      Prisma.sql`SELECT * FROM "AutoSnapshotRun" t WHERE t."policyId" = ${policyId} AND ${this.#alsoOwned}
        AND t."outcome" = 'RUN' ORDER BY t."scheduledFor" DESC, t."id" DESC LIMIT 1`,
    )
  }

  runDisks(runId: string): List<AutoSnapshotRunDisk> {
    return this.#list('AutoSnapshotRunDisk', () => ({ conditions: this.#ownedBy('runId', runId) }))
  }

  /** The result of a run for one disk; undefined if the disk was not linked at the time. */
  runDisk(runId: string, diskId: string): AutoSnapshotRunDisk | undefined {
    return this.#reader.get(
      Prisma.sql`SELECT * FROM "AutoSnapshotRunDisk" t
        WHERE t."runId" = ${runId} AND t."diskId" = ${diskId} AND ${this.#alsoOwned}`,
    )
  }

  get #owned(): Prisma.Sql {
    return Prisma.sql`t."accountId" = ${this.#accountId}`
  }

  /** Where something else leads the index. */
  get #alsoOwned(): Prisma.Sql {
    return Prisma.sql`+t."accountId" = ${this.#accountId}`
  }

  /** Of what belongs to one thing, the indexes that begin with that are the ones to read along. */
  #ownedBy(column: 'policyId' | 'diskId' | 'runId', id: string | undefined): Prisma.Sql[] {
    return id === undefined
      ? [this.#owned]
      : [Prisma.sql`${Prisma.raw(`t."${column}"`)} = ${id}`, this.#alsoOwned]
  }

  /** The one of this id; null when the viewer's account has none. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- only the caller knows
  #one<Row>(table: Table, id: string): Row | null {
    return (
      this.#reader.get<Row>(
        Prisma.sql`SELECT * FROM ${Prisma.raw(`"${table}"`)} t WHERE t."id" = ${id} AND ${this.#owned}`,
      ) ?? null
    )
  }

  #list<Row>(table: Table, where: (order?: string) => Where, count?: () => number | undefined): List<Row> {
    return {
      page: (query) => this.#page<Row>(table, { ...query, where: where(query.column) }),
      count: () => count?.() ?? this.#count(table, where()),
    }
  }

  #page<Row>(table: Table, query: PageQuery): Page<Row> | Promise<Page<Row>> {
    const read = () => readPage<Row>(this.#reader, this.#accountId, table, query)
    const select = query.where.isScan ? selectOf(table, query) : undefined
    if (select) return this.#scan(read) ?? this.#far<Row>(select)
    if (!this.#scans || !isRoundLong()) return read()
    this.#turn = (this.#turn ?? Promise.resolve()).then(() => nextTurn())
    return this.#turn.then(read)
  }

  #count(table: Table, where: Where): number | Promise<number> {
    const select = countOf(table, where, where.isScan ? undefined : COUNTED_AT_ONCE + 1)
    if (!select) return 0
    if (where.isScan) return this.#scannedNumber(select)
    const number = readNumber(this.#reader, select)
    return number <= COUNTED_AT_ONCE ? number : this.#farNumber(countOf(table, where) ?? select)
  }

  /** The number that a select finds which calls `scanned`. */
  #scannedNumber(select: Prisma.Sql): number | Promise<number> {
    return this.#scan(() => readNumber(this.#reader, select)) ?? this.#farNumber(select)
  }

  /** Throws, and does not reject, where it may not wait. */
  #farNumber(select: Prisma.Sql): Promise<number> {
    return this.#far<{ number: number }>(select).then(({ rows: [row] }) => row?.number ?? 0)
  }

  /** The rows of a select that calls `scanned`. */
  #scanned<Row>(select: Prisma.Sql): Row[] | Promise<Row[]> {
    return this.#scan(() => this.#reader.all<Row>(select)) ?? this.#far<Row>(select).then(({ rows }) => rows)
  }

  /** What a scan finds here; undefined when it looks at more rows than it may here. */
  #scan<T>(read: () => T): T | undefined {
    const now = performance.now()
    if (now - this.#scannedAt > SCAN_PAUSE_MS) this.#rowsLeft = SCANNED_AT_ONCE
    if (this.#rowsLeft <= 0) return undefined
    this.#scannedAt = now
    try {
      return this.#reader.scanning(() => {
        if (--this.#rowsLeft < 0) throw TOO_MANY_ROWS
      }, read)
    } catch (error) {
      if (error === TOO_MANY_ROWS) return undefined
      throw error
    }
  }

  #far<Row>(select: Prisma.Sql): Promise<Page<Row>> {
    if (!this.#scans) throw new MustWait()
    return this.#scans.read<Row>(this.#accountId, select)
  }
}

/** Counts that the quotas are about. */
const HELD = Prisma.sql`t."status" IN (${Prisma.join([...COUNTED_SNAPSHOT_STATUSES])}) AND NOT t."evicted"`

/** A filtered list that can be read page by page, and counted: at once, or later where that takes a long scan. */
export interface List<Row> {
  page: (query: Omit<PageQuery, 'where'>) => Page<Row> | Promise<Page<Row>>
  count: () => number | Promise<number>
}
