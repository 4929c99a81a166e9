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

/** The conditions of a filter, as SQL; each of its keys is a column. */
export function conditions(filter: DiskFilter | SnapshotFilter | Absent): Prisma.Sql[] {
  return Object.entries(filter ?? {}).flatMap(([column, comparisons]: [string, object | Absent]) =>
    Object.entries(comparisons ?? {})
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([comparison, value]) => condition(Prisma.raw(`"${column}"`), comparison, value)),
  )
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
