import { Prisma, type DiskTransition, type SnapshotTransition } from '../generated/prisma/client.ts'
import type { ReadConnection } from '../database/sqlite/read-connection.ts'
import type { Bound, OrderColumn, Page, PageQuery } from './pages.ts'

/** An entry in the history of a disk. Its id says which transition it is, and breaks ties between those of one moment. */
export type DiskEvent = { id: string } & (SnapshotTransition | (DiskTransition & { snapshotId?: undefined }))

const byMoment: OrderColumn<DiskEvent> = {
  column: 'at',
  write: ({ at }) => at.toISOString(),
  read: (text) => (Number.isNaN(Date.parse(text)) ? undefined : new Date(text)),
}
export const DISK_EVENT_ORDERS = { AT: byMoment }

/** The two logs, and what distinguishes their rows. Both are read along their index by disk and time. */
const LOGS = [
  {
    table: Prisma.raw('"SnapshotTransition"'),
    id: Prisma.raw(`printf('s%015d', t."sequence")`),
    snapshot: Prisma.raw('t."snapshotId", t."snapshotName"'),
  },
  {
    table: Prisma.raw('"DiskTransition"'),
    id: Prisma.raw(`printf('d%015d', t."sequence")`),
    snapshot: Prisma.raw('NULL AS "snapshotId", NULL AS "snapshotName"'),
  },
]

/** Reads a page of the transitions of a disk and of its snapshots, in the order of their moments. */
export function readDiskHistory(
  reader: ReadConnection,
  { accountId, diskId }: { accountId: string; diskId: string },
  { direction, after, before, limit }: Omit<PageQuery, 'where'>,
): Page<DiskEvent> {
  const [beyond, short] = direction === 'ASC' ? (['>', '<'] as const) : (['<', '>'] as const)
  const way = Prisma.raw(direction)
  return reader.atOnce(() => {
    const selects = LOGS.map(({ table, id, snapshot }) => {
      const conditions = [
        Prisma.sql`t."diskId" = ${diskId} AND +t."accountId" = ${accountId}`,
        ...(after ? [compare(id, beyond, after)] : []),
        ...(before ? [compare(id, short, before)] : []),
      ]
      return Prisma.sql`SELECT * FROM (
        SELECT ${id} AS "id", t."position", t."accountId", t."sequence", t."tag", t."diskId", ${snapshot}, t."from", t."to", t."reason", t."actor", t."at", t."upstreamAt"
        FROM ${table} t WHERE ${Prisma.join(conditions, ' AND ')} ORDER BY t."at" ${way}, t."position" ${way} LIMIT ${limit})`
    })
    const rows = reader.all<EventRow>(
      Prisma.sql`${Prisma.join(selects, ' UNION ALL ')} ORDER BY "at" ${way}, "id" ${way} LIMIT ${limit}`,
    )
    return { rows: rows.map(eventOf), heads: reader.heads(accountId) }
  })
}

function compare(
  id: Prisma.Sql,
  comparison: '>' | '<',
  { value, id: bound, inclusive = false }: Bound,
): Prisma.Sql {
  return Prisma.sql`(t."at", ${id}) ${Prisma.raw(`${comparison}${inclusive ? '=' : ''}`)} (${value}, ${bound})`
}

/** A transition of either log; those of disks have nulls for what only snapshots have. */
type EventRow = Omit<DiskEvent, 'snapshotId' | 'snapshotName'> & {
  snapshotId: string | null
  snapshotName: string | null
}

function eventOf({ snapshotId, snapshotName, ...event }: EventRow): DiskEvent {
  return (snapshotId === null ? event : { ...event, snapshotId, snapshotName }) as DiskEvent
}

/** How many there are, as the column `number`. Every row is looked at, and there may be as many as the log keeps. */
export function countOfDiskHistory({ accountId, diskId }: { accountId: string; diskId: string }): Prisma.Sql {
  const counts = LOGS.map(
    ({ table }) =>
      Prisma.sql`(SELECT count(*) FROM ${table} t WHERE t."diskId" = ${diskId} AND scanned(t."position") AND +t."accountId" = ${accountId})`,
  )
  return Prisma.sql`SELECT ${Prisma.join(counts, ' + ')} AS "number"`
}
