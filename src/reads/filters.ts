import { Prisma } from '../generated/prisma/client.ts'
import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import type { SnapshotStatus } from '../domain/lifecycle.ts'
import type { SnapshotType } from '../domain/snapshot.ts'

type Absent = null | undefined

/** Comparisons of one value; those that are given must all hold. */
export interface EnumFilter<T> {
  eq?: T | Absent
  in?: readonly T[] | Absent
}

interface StringFilter {
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

interface TagFilter {
  key: string
  value?: StringFilter | Absent
}

export interface DiskFilter {
  id?: EnumFilter<string> | Absent
  status?: EnumFilter<DiskStatus> | Absent
  kind?: EnumFilter<DiskKind> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
  sizeGiB?: NumberFilter | Absent
  tags?: readonly TagFilter[] | Absent
}

export interface SnapshotFilter {
  id?: EnumFilter<string> | Absent
  diskId?: EnumFilter<string> | Absent
  status?: EnumFilter<SnapshotStatus> | Absent
  type?: EnumFilter<SnapshotType> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
  completedAt?: DateTimeFilter | Absent
  expiresAt?: DateTimeFilter | Absent
  sizeGiB?: NumberFilter | Absent
  tags?: readonly TagFilter[] | Absent
}

/** The tables that have filters. Their rows are called `t` in what is written here. */
export type Listed = 'Disk' | 'Snapshot'

/** Where the tags of each are. */
const TAGS = {
  Disk: { table: Prisma.raw('"DiskTag"'), id: Prisma.raw('"diskId"') },
  Snapshot: { table: Prisma.raw('"SnapshotTag"'), id: Prisma.raw('"snapshotId"') },
}

/** The order for which there is an index that begins with the status. */
const STATUS_INDEX: Record<Listed, string> = { Disk: 'name', Snapshot: 'createdAt' }

const GIB = 1024 ** 3

/**
 * The conditions of a filter, as SQL. A page is read along the index of its order, within the account or the disk, and
 * ends when it is full; so a condition may choose an index only if that one keeps the order. The others are checked row
 * by row on the way, which the plus before their columns says: never is a list sorted, however long it is.
 */
export function conditions(
  table: Listed,
  filter: DiskFilter | SnapshotFilter | Absent,
  order?: string,
): Prisma.Sql[] {
  const { tags, sizeGiB, ...columns } = filter ?? {}
  const compared = Object.entries({ ...columns, sizeBytes: inBytes(sizeGiB) })
  return [
    ...compared.flatMap(([column, comparisons]) =>
      given(comparisons).map(([comparison, value]) => {
        const chooses = order === undefined || keepsOrder(table, column, comparison, order)
        return condition(Prisma.raw(`${chooses ? '' : '+'}t."${column}"`), comparison, value)
      }),
    ),
    ...(tags ?? []).map((tag) => hasTag(table, tag)),
  ]
}

function keepsOrder(table: Listed, column: string, comparison: string, order: string): boolean {
  // Ids are few, at most as many as a page: their rows are looked up, and put in order.
  if (column === 'id') return true
  if (comparison === 'in') return false
  if (comparison === 'eq' && column === 'diskId') return true
  return column === order || (comparison === 'eq' && column === 'status' && order === STATUS_INDEX[table])
}

function given(comparisons: object | Absent): [string, unknown][] {
  return Object.entries(comparisons ?? {}).filter(([, value]) => value !== null && value !== undefined)
}

function inBytes(sizeGiB: NumberFilter | Absent): object {
  return Object.fromEntries(
    given(sizeGiB).map(([comparison, value]) => [comparison, (value as number) * GIB]),
  )
}

function hasTag(table: Listed, { key, value }: TagFilter): Prisma.Sql {
  const { table: tags, id } = TAGS[table]
  const values = given(value).map(([comparison, wanted]) =>
    condition(Prisma.raw('g."value"'), comparison, wanted),
  )
  const wanted = Prisma.join([Prisma.sql`g."key" = ${key}`, ...values], ' AND ')
  return Prisma.sql`EXISTS (SELECT 1 FROM ${tags} g WHERE g.${id} = t."id" AND ${wanted})`
}

function condition(column: Prisma.Sql, comparison: string, value: unknown): Prisma.Sql {
  switch (comparison) {
    case 'eq':
      return Prisma.sql`${column} = ${value}`
    case 'in':
      // One variable however long the list is: a statement has room for so many only, and may read many lists.
      return Prisma.sql`${column} IN (SELECT value FROM json_each(${JSON.stringify(value)}))`
    case 'contains':
      return Prisma.sql`${column} LIKE ${`%${(value as string).replace(/[\\%_]/g, '\\$&')}%`} ESCAPE '\\'`
    case 'gte':
      return Prisma.sql`${column} >= ${value}`
    case 'gt':
      return Prisma.sql`${column} > ${value}`
    case 'lte':
      return Prisma.sql`${column} <= ${value}`
    case 'lt':
      return Prisma.sql`${column} < ${value}`
    default:
      throw new Error(`There is no comparison ${comparison}.`)
  }
}
