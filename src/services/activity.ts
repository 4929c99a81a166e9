import type { NewRow } from '../database/rows.ts'
import type { Database } from '../database/database.ts'
import { inParts } from '../database/parts.ts'
import type { Sql, Work } from '../database/work.ts'
import type { ActivityAction, ActivityResult } from '../domain/activity.ts'
import { GATEWAY, readActor } from '../domain/actor.ts'
import { Prisma, type Job } from '../generated/prisma/client.ts'
import { activeActor, activeAddress } from '../tracing/actor.ts'
import { activeTraceparent } from '../tracing/context.ts'
import type { NewId } from './clock.ts'

/** A change, and what it is of. */
export interface Change {
  accountId: string
  action: ActivityAction
  at: Date
  /** What was changed, and its name at the time. */
  subjectId: string
  subjectName: string | null
  diskId?: string | null
  snapshotId?: string | null
}

/** The row of a change, caused by who or what acts now. */
function activityOf(
  newId: NewId,
  { diskId = null, snapshotId = null, ...change }: Change,
  result: ActivityResult,
): NewRow<'Activity'> & { id: string } {
  const actor = readActor(activeActor()) ?? GATEWAY
  return {
    ...change,
    id: newId('Activity'),
    diskId,
    snapshotId,
    result,
    reason: null,
    endedAt: result === 'IN_PROGRESS' ? null : change.at,
    actorKind: actor.kind,
    actorId: actor.id,
    actorName: actor.name,
    requestId: actor.requestId,
    clientAddress: activeAddress(),
  }
}

/** Records a change in the transaction that makes it. */
export function* recordChange(sql: Sql, newId: NewId, change: Change): Work<void> {
  yield* sql.insertAll('Activity', [activityOf(newId, change, 'SUCCEEDED')])
}

type NewJob = Omit<NewRow<'Job'>, 'actor' | 'activityId' | 'traceparent' | 'createdAt' | 'accountId'> &
  Pick<Job, 'host'>

/** Inserts jobs that have the same columns, each with the record of what asked for it, which their end completes. */
export function* insertJobs(
  sql: Sql,
  newId: NewId,
  jobs: readonly { change: Change; job: NewJob }[],
): Work<void> {
  const [actor, traceparent] = [activeActor(), activeTraceparent()]
  const activities = jobs.map(({ change }) => activityOf(newId, change, 'IN_PROGRESS'))
  yield* sql.together(
    sql.insertAll('Activity', activities),
    sql.insertAll(
      'Job',
      jobs.map(({ change: { accountId, at }, job }, index) => ({
        ...job,
        accountId,
        createdAt: at,
        traceparent,
        actor,
        activityId: activities[index]?.id ?? null,
      })),
    ),
  )
}

/** Records how the job ended that a change had asked for, in the transaction that ends it. */
export function* recordEnd(
  sql: Sql,
  { activityId, accountId }: Pick<Job, 'activityId' | 'accountId'>,
  { result, reason, at }: { result: ActivityResult; reason: string | null; at: Date },
): Work<void> {
  if (activityId === null) return
  yield* sql.update('Activity', { result, reason, endedAt: at }, { id: activityId, accountId })
}

/** How many rows are deleted in one transaction. */
const ROWS_AT_ONCE = 500

/** Deletes the records of all accounts that ended before a moment; returns how many. */
export async function deleteActivity(db: Database, before: Date, signal: AbortSignal): Promise<number> {
  let deleted = 0
  function* deleteSome(sql: Sql): Work<boolean> {
    const count = yield* sql.run(
      Prisma.sql`DELETE FROM "Activity" WHERE "id" IN (
        SELECT "id" FROM "Activity" WHERE "at" < ${before} AND "result" <> 'IN_PROGRESS' LIMIT ${ROWS_AT_ONCE})`,
    )
    deleted += count
    return count === ROWS_AT_ONCE
  }
  await inParts(db, deleteSome, signal)
  return deleted
}
