import { Prisma } from '../generated/prisma/client.ts'
import type { DiskKind, DiskStatus } from '../domain/disk.ts'
import type { SnapshotStatus } from '../domain/lifecycle.ts'
import type { SnapshotType } from '../domain/snapshot.ts'
import type { Table, Where } from './pages.ts'

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

export interface DiskFilter {
  id?: EnumFilter<string> | Absent
  status?: EnumFilter<DiskStatus> | Absent
  kind?: EnumFilter<DiskKind> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
}

export interface SnapshotFilter {
  id?: EnumFilter<string> | Absent
  diskId?: EnumFilter<string> | Absent
  status?: EnumFilter<SnapshotStatus> | Absent
  type?: EnumFilter<SnapshotType> | Absent
  name?: StringFilter | Absent
  createdAt?: DateTimeFilter | Absent
}

interface Leading {
  column: string
  /** Named where SQLite would have to guess. */
  index?: string
  /** It is read in this order only: of one value there may be so many that they must not be sorted. */
  order?: string
}

/** The columns of each table that, with the account, lead an index, in the order in which they are preferred. */
const LEADING: Record<Table, readonly Leading[]> = {
  Disk: [{ column: 'id' }, { column: 'name', index: 'Disk_accountId_name_id_idx' }],
  Snapshot: [
    { column: 'id' },
    { column: 'diskId', index: 'Snapshot_accountId_diskId_createdAt_id_idx' },
    { column: 'name', index: 'Snapshot_accountId_name_id_idx' },
    { column: 'status', index: 'Snapshot_accountId_status_createdAt_id_idx', order: 'createdAt' },
    { column: 'type', index: 'Snapshot_accountId_type_createdAt_id_idx', order: 'createdAt' },
  ],
}

/**
 * What a filter lets through of `scope`, as SQL; each of its keys is a column. The first one that says which values a
 * leading column may have decides which index is read, and no other one may, or SQLite would guess.
 */
export function whereOf(
  table: Table,
  scope: readonly Prisma.Sql[],
  filter: DiskFilter | SnapshotFilter | Absent,
): Where {
  const given = new Map(
    Object.entries(filter ?? {}).map(([column, comparisons]: [string, object | Absent]) => [
      column,
      Object.entries(comparisons ?? {}).filter(([, value]) => value !== null && value !== undefined),
    ]),
  )
  let choices: Prisma.Sql[] | undefined
  const conditions = [...scope]
  let leading: Leading | undefined
  for (const one of LEADING[table]) {
    const { column } = one
    const [name, value] = given.get(column)?.find(([key]) => key === 'eq' || key === 'in') ?? []
    if (name === undefined) continue
    const values: unknown[] = name === 'eq' ? [value] : [...new Set(value as unknown[])]
    choices = values.map((one) => Prisma.sql`${Prisma.raw(`"${column}"`)} = ${one}`)
    leading = one
    given.set(column, given.get(column)?.filter(([key]) => key !== name) ?? [])
    break
  }
  for (const [column, comparisons] of given) {
    const leads = LEADING[table].some((one) => one.column === column)
    for (const [comparison, value] of comparisons)
      conditions.push(condition(Prisma.raw(leads ? `+"${column}"` : `"${column}"`), comparison, value))
  }
  return { conditions, choices, index: leading?.index, order: leading?.order }
}

function condition(column: Prisma.Sql, comparison: string, value: unknown): Prisma.Sql {
  switch (comparison) {
    case 'eq':
      return Prisma.sql`${column} = ${value}`
    case 'in':
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
