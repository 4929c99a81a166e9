import { Prisma } from '../generated/prisma/client.ts'
import type { ReadConnection } from '../database/sqlite/read-connection.ts'
import type { EnumFilter, SnapshotFilter } from './filters.ts'

/** What the table of counts tells apart. */
const DIMENSIONS: readonly string[] = ['diskId', 'type', 'status'] satisfies (keyof SnapshotFilter)[]

/** The row of a count that is of no disk in particular, but of the whole account. */
const EVERY_DISK = ''

/**
 * How many snapshots a filter lets through, from the counts that the database keeps; undefined when it asks for something
 * else than these are by.
 */
export function countOfSnapshots(
  reader: ReadConnection,
  accountId: string,
  filter: SnapshotFilter | null | undefined,
  diskId?: string,
): number | undefined {
  const where = [Prisma.sql`"accountId" = ${accountId}`]
  const given = Object.entries(filter ?? {}).filter(([, value]: [string, object | null]) =>
    Object.values(value ?? {}).some(isGiven),
  )
  if (!given.every(([column]) => DIMENSIONS.includes(column))) return undefined
  if (diskId !== undefined) where.push(Prisma.sql`"diskId" = ${diskId}`)
  else if (!given.some(([column]) => column === 'diskId')) where.push(Prisma.sql`"diskId" = ${EVERY_DISK}`)
  for (const [column, value] of given) {
    const { eq, in: listed } = value as EnumFilter<string>
    const name = Prisma.raw(`"${column}"`)
    if (isGiven(eq)) where.push(Prisma.sql`${name} = ${eq}`)
    if (isGiven(listed))
      where.push(Prisma.sql`${name} IN (SELECT value FROM json_each(${JSON.stringify(listed)}))`)
    // The account's own row is not of a disk.
    if (column === 'diskId') where.push(Prisma.sql`${name} <> ${EVERY_DISK}`)
  }
  return readNumber(
    reader,
    Prisma.sql`SELECT sum("count") AS "number" FROM "SnapshotCount" WHERE ${Prisma.join(where, ' AND ')}`,
  )
}

function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}

/** The column `number` of the only row of a select. */
export function readNumber(reader: ReadConnection, sql: Prisma.Sql): number {
  return reader.get<{ number: number | null }>(sql)?.number ?? 0
}
