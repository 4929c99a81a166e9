import type { Database } from '../database/database.ts'
import { JOB_KINDS, LONG_JOB_KINDS, type JobKind } from '../domain/job.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { furthestAt } from './leases.ts'

/** Jobs that share a limit on how many are in flight at once in this process. */
export interface Lane {
  /** Conditions on jobs, each of which an index finds. */
  jobs: readonly Prisma.Sql[]
  atOnce: number
  /** Whose job was started last. */
  lastAccount: string
}

/** Short jobs at once: they need not wait behind those that move bytes. */
const SHORT_JOBS_AT_ONCE = 4

const KINDS = Object.keys(JOB_KINDS) as JobKind[]
const isLong = (kind: JobKind) => LONG_JOB_KINDS.some((long) => long === kind)

/** The jobs of a kind that are to be done here. The pluses keep SQLite from reading all that are not cancelled, or not a cloud's. */
const uncancelled = (kind: JobKind) =>
  Prisma.sql`"kind" = ${kind} AND +"cancelRequestedAt" IS NULL AND +"connectionId" IS NULL`

const laneOf = (atOnce: number, ...jobs: Prisma.Sql[]): Lane => ({ jobs, atOnce, lastAccount: '' })

/** A range, because SQLite does not look up in an index what is not null. */
const cancelled = Prisma.sql`"cancelRequestedAt" > ${new Date(0)}`

/** One lane for jobs that move bytes, at most `concurrency` at once; one for short jobs; one for cancelled jobs. */
export function createLanes(concurrency: number): Lane[] {
  return [
    laneOf(concurrency, ...KINDS.filter(isLong).map(uncancelled)),
    laneOf(SHORT_JOBS_AT_ONCE, ...KINDS.filter((kind) => !isLong(kind)).map(uncancelled)),
    laneOf(SHORT_JOBS_AT_ONCE, cancelled),
  ]
}

/**
 * The oldest job in a lane that may wait for a runner of this host, of the account whose turn it is; undefined when there is none. A replica
 * knows of no leases, so another gateway may have the job. Those in `except` are left out.
 */
export function nextIn(
  { jobs, lastAccount }: Lane,
  { reader }: Pick<Database, 'reader'>,
  { host, now, except }: { host: string; now: Date; except: readonly number[] },
): Job | undefined {
  const furthest = furthestAt(now)
  const waiting = Prisma.sql`"host" = ${host} AND "id" NOT IN (SELECT "value" FROM json_each(${JSON.stringify(except)}))
    AND ("leaseUntil" IS NULL OR "leaseUntil" < ${now} OR "leaseUntil" > ${furthest})
    AND ("retryAt" IS NULL OR "retryAt" <= ${now} OR "retryAt" > ${furthest})`
  // The accounts take turns, in the order of their ids.
  for (const turn of [Prisma.sql`"accountId" > ${lastAccount}`, Prisma.sql`"accountId" <= ${lastAccount}`]) {
    const firsts = jobs.flatMap((some) =>
      reader.all<Job>(
        Prisma.sql`SELECT * FROM "Job" WHERE ${some} AND ${turn} AND ${waiting} ORDER BY "accountId", "id" LIMIT 1`,
      ),
    )
    const [first] = firsts.toSorted((a, b) =>
      a.accountId === b.accountId ? a.id - b.id : a.accountId < b.accountId ? -1 : 1,
    )
    if (first) return first
  }
  return undefined
}
