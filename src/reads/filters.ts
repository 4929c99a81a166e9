import { Prisma } from '../generated/prisma/client.ts'
import type { ActivityAction, ActivityResult } from '../domain/activity.ts'
import type { ActorKind } from '../domain/actor.ts'
import type { ConnectionState, Provider } from '../domain/connection.ts'
import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import type { SnapshotOrigin, SnapshotStatus, SnapshotType } from '../domain/snapshot.ts'
import { firstFrom } from '../domain/fine-time.ts'
import type { Listed, Where } from './pages.ts'
import { GIB } from '../domain/units.ts'

type Absent = null | undefined

/** Comparisons of one value; those that are given must all hold. */
export interface EnumFilter<T> {
  eq?: T | Absent
  in?: readonly T[] | Absent
}

export interface StringFilter {
  eq?: string | Absent
  in?: readonly string[] | Absent
  /** Letter case of A-Z is ignored. */
  contains?: string | Absent
}

interface DateTimeFilter {
  gte?: Date | Absent
  gt?: Date | Absent
  lte?: Date | Absent
  lt?: Date | Absent
}

interface NumberFilter {
  eq?: number | Absent
  gte?: number | Absent
  gt?: number | Absent
  lte?: number | Absent
  lt?: number | Absent
}

export interface TagFilter {
  key: string
  value?: StringFilter | Absent
}

export interface DiskFilter {
  search?: string | Absent
  id?: EnumFilter<string> | Absent
  status?: EnumFilter<DiskStatus> | Absent
  kind?: EnumFilter<DiskKind> | Absent
  provider?: EnumFilter<Provider> | Absent
  connectionId?: EnumFilter<string> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
  sizeGiB?: NumberFilter | Absent
  tags?: readonly TagFilter[] | Absent
}

export interface SnapshotFilter {
  search?: string | Absent
  id?: EnumFilter<string> | Absent
  diskId?: EnumFilter<string> | Absent
  status?: EnumFilter<SnapshotStatus> | Absent
  type?: EnumFilter<SnapshotType> | Absent
  provider?: EnumFilter<Provider> | Absent
  connectionId?: EnumFilter<string> | Absent
  origin?: EnumFilter<SnapshotOrigin> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
  completedAt?: DateTimeFilter | Absent
  expiresAt?: DateTimeFilter | Absent
  sizeGiB?: NumberFilter | Absent
  tags?: readonly TagFilter[] | Absent
}

export interface ActivityFilter {
  diskId?: EnumFilter<string> | Absent
  snapshotId?: EnumFilter<string> | Absent
  actorId?: EnumFilter<string> | Absent
  actorKind?: EnumFilter<ActorKind> | Absent
  action?: EnumFilter<ActivityAction> | Absent
  result?: EnumFilter<ActivityResult> | Absent
  at?: DateTimeFilter | Absent
}

export interface ConnectionFilter {
  state?: EnumFilter<ConnectionState> | Absent
}

/** Where the tags of each are. */
const TAGS = {
  Disk: { table: Prisma.raw('"DiskTag"'), id: Prisma.raw('"diskId"') },
  Snapshot: { table: Prisma.raw('"SnapshotTag"'), id: Prisma.raw('"snapshotId"') },
}

/**
 * The columns of each table that, next to the account, lead an index which then keeps an order: those that are preferred
 * first. SQLite is told which one it is, or it would have to guess.
 */
const LEADING: Record<Listed, readonly { column: string; order: string; index: string }[]> = {
  Disk: [
    { column: 'name', order: 'name', index: 'Disk_accountId_name_id_idx' },
    { column: 'status', order: 'name', index: 'Disk_accountId_status_name_id_idx' },
    { column: 'connectionId', order: 'name', index: 'Disk_connectionId_name_id_idx' },
  ],
  Activity: [
    { column: 'snapshotId', order: 'at', index: 'Activity_accountId_snapshotId_at_id_idx' },
    { column: 'diskId', order: 'at', index: 'Activity_accountId_diskId_at_id_idx' },
    { column: 'actorId', order: 'at', index: 'Activity_accountId_actorId_at_id_idx' },
    { column: 'result', order: 'at', index: 'Activity_accountId_result_at_id_idx' },
  ],
  // An account has few.
  Connection: [],
  Snapshot: [
    { column: 'diskId', order: 'createdAt', index: 'Snapshot_diskId_createdAt_id_idx' },
    { column: 'diskId', order: 'name', index: 'Snapshot_diskId_name_id_idx' },
    { column: 'diskId', order: 'sizeBytes', index: 'Snapshot_diskId_sizeBytes_id_idx' },
    { column: 'connectionId', order: 'createdAt', index: 'Snapshot_connectionId_createdAt_id_idx' },
    { column: 'name', order: 'name', index: 'Snapshot_accountId_name_id_idx' },
    { column: 'name', order: 'createdAt', index: 'Snapshot_accountId_name_createdAt_id_idx' },
    { column: 'status', order: 'createdAt', index: 'Snapshot_accountId_status_createdAt_id_idx' },
    { column: 'type', order: 'createdAt', index: 'Snapshot_accountId_type_createdAt_id_idx' },
  ],
}

/**
 * What a filter lets through of all that an account has, or of what belongs to one thing, as SQL; in any order, or in
 * one. A page is read along an index that has its order, and ends when it is full: so a condition may choose an index only
 * if that one keeps the order. The others are checked row by row on the way, which the plus before their columns says. Never
 * is a list sorted, however long it is.
 */
export function whereOf(
  table: Listed,
  scope: readonly Prisma.Sql[],
  filter: DiskFilter | SnapshotFilter | ActivityFilter | ConnectionFilter | Absent,
  { order, isOfOneThing }: { order: string | undefined; isOfOneThing: boolean },
): Where {
  const { search, tags, sizeGiB, ...columns } = (filter ?? {}) as Pick<
    DiskFilter,
    'search' | 'tags' | 'sizeGiB'
  >
  const compared = Object.entries({ ...columns, sizeBytes: inBytes(sizeGiB) }).flatMap(
    ([column, comparisons]) =>
      given(comparisons).map(([comparison, value]) => ({ column, comparison, value })),
  )
  const leading = isOfOneThing
    ? undefined
    : LEADING[table].find(
        (one) =>
          (order ?? one.order) === one.order &&
          compared.some(({ column, comparison }) => column === one.column && isChoice(comparison)),
      )
  const chosen =
    leading && compared.find(({ column, comparison }) => column === leading.column && isChoice(comparison))
  const checked = compared
    .filter((one) => one !== chosen)
    .map((one) => ({
      ...one,
      chooses:
        one.column === order || (leading === undefined && (order === undefined || one.column === 'id')),
    }))
  const conditions = checked.map(({ column, comparison, value, chooses }) =>
    condition(Prisma.raw(`${chooses ? '' : '+'}t."${column}"`), comparison, value),
  )
  const isNarrow = order !== undefined && typeof search !== 'string' && (tags ?? []).length === 0
  return {
    index: leading?.index,
    choices: chosen && choicesOf(chosen),
    isScan:
      compared.length + (tags?.length ?? 0) + (typeof search === 'string' ? 1 : 0) > 0 &&
      !(isNarrow && checked.every(({ chooses, comparison }) => chooses && comparison !== 'contains')),
    conditions: [
      ...scope,
      ...conditions,
      ...(isTagged(table) ? (tags ?? []).map((tag) => hasTag(table, tag)) : []),
      ...(typeof search === 'string' ? [isFound(search)] : []),
    ],
  }
}

/** Whether it says which values a column may have. */
function isChoice(comparison: string): boolean {
  return comparison === 'eq' || comparison === 'in'
}

function choicesOf({ column, value }: { column: string; value: unknown }): Prisma.Sql[] {
  const values: unknown[] = Array.isArray(value) ? [...new Set(value as unknown[])] : [value]
  return values.map((one) => Prisma.sql`${Prisma.raw(`t."${column}"`)} = ${one}`)
}

function given(comparisons: object | Absent): [string, unknown][] {
  return Object.entries(comparisons ?? {}).filter(([, value]) => value !== null && value !== undefined)
}

function inBytes(sizeGiB: NumberFilter | Absent): object {
  return Object.fromEntries(
    given(sizeGiB).map(([comparison, value]) => [comparison, (value as number) * GIB]),
  )
}

const isTagged = (table: Listed): table is keyof typeof TAGS => table in TAGS

function hasTag(table: keyof typeof TAGS, { key, value }: TagFilter): Prisma.Sql {
  const { table: tags, id } = TAGS[table]
  const values = given(value).map(([comparison, wanted]) =>
    condition(Prisma.raw('g."value"'), comparison, wanted),
  )
  const wanted = Prisma.join([Prisma.sql`g."key" = ${key}`, ...values], ' AND ')
  return Prisma.sql`EXISTS (SELECT 1 FROM ${tags} g WHERE g.${id} = t."id" AND ${wanted})`
}

/** Its name contains the text, or its id is the text. The pluses keep the order's index. */
function isFound(text: string): Prisma.Sql {
  const [name, id] = [Prisma.raw('+t."name"'), Prisma.raw('+t."id"')]
  return Prisma.sql`(${condition(name, 'contains', text)} OR ${condition(id, 'eq', text)})`
}

function condition(column: Prisma.Sql, comparison: string, value: unknown): Prisma.Sql {
  switch (comparison) {
    case 'eq':
      return Prisma.sql`${column} = ${value}`
    case 'in':
      // One variable however long the list is: a statement has room for a limited number, and may read many lists.
      return Prisma.sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(value)}))`
    case 'contains':
      return Prisma.sql`${column} LIKE ${`%${(value as string).replace(/[\\%_]/g, '\\$&')}%`} ESCAPE '\\'`
    case 'gte':
      return Prisma.sql`${column} >= ${boundFrom(value)}`
    case 'gt':
      return Prisma.sql`${column} > ${value}`
    case 'lte':
      return Prisma.sql`${column} <= ${value}`
    case 'lt':
      return Prisma.sql`${column} < ${boundFrom(value)}`
    default:
      throw new Error(`There is no comparison ${comparison}.`)
  }
}

/** Between two times that can be stored, "at or later" and "earlier" are told apart by the later one, the others by the earlier one. */
function boundFrom(value: unknown): unknown {
  return value instanceof Date ? firstFrom(value) : value
}
