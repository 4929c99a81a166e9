import type { Sql, Work } from '../database/work.ts'
import { dueSlots } from '../domain/policy.ts'
import { slotsAfter, type Schedule } from '../domain/schedule.ts'
import type { AutoSnapshotPolicy } from '../generated/prisma/client.ts'
import type { Clock, NewId } from './clock.ts'

/** Most times of a policy that are decided in one transaction, so that none holds up the event loop for long. */
const SLOTS_AT_ONCE = 100

/** Most disks of a run that are noted in one transaction, or whose earlier run is ended. */
const DISKS_AT_ONCE = 500

export type PolicyRuns = ReturnType<typeof createPolicyRuns>

/** Decides what becomes of the times of policies, and notes it in a row for each. */
export function createPolicyRuns({ now, newId, keptMs }: { now: Clock; newId: NewId; keptMs: number }) {
  /** Notes some of the disks that a run is for, by their ids after those that are noted; whether there may be more. */
  function* appoint(sql: Sql, runId: string, { id: policyId, accountId }: AutoSnapshotPolicy): Work<boolean> {
    // What was not carried out by now will not be: the new run stands for it.
    const earlier = yield* sql.all('AutoSnapshotRun', { policyId, outcome: 'RUN', id: { not: runId } })
    const runIds = earlier.map(({ id }) => id)
    const late = yield* sql.all(
      'AutoSnapshotRunDisk',
      { runId: { in: runIds }, outcome: 'PENDING' },
      { limit: DISKS_AT_ONCE },
    )
    const missed = yield* sql.update(
      'AutoSnapshotRunDisk',
      { outcome: 'MISSED' },
      { id: { in: late.map(({ id }) => id) }, accountId, outcome: 'PENDING' },
    )
    if (missed === DISKS_AT_ONCE) return true
    const noted = yield* sql.get('AutoSnapshotRunDisk', { runId }, { orderBy: { diskId: 'desc' } })
    const linked = yield* sql.all(
      'Disk',
      { policyId, id: { gt: noted?.diskId ?? '' } },
      { orderBy: { id: 'asc' }, limit: DISKS_AT_ONCE },
    )
    const pending = { runId, accountId, outcome: 'PENDING' as const }
    yield* sql.insertAll(
      'AutoSnapshotRunDisk',
      linked.map(({ id: diskId }) => ({ ...pending, id: newId('AutoSnapshotRunDisk'), diskId })),
    )
    return linked.length === DISKS_AT_ONCE
  }

  return {
    /**
     * Decides what a policy owes up to now: of every time, whether it is run, was missed, or does not exist; and for
     * which disks it is run. A time that has its row keeps it. Nothing that was missed is noted that is older than runs
     * are kept. Does so much at a time, and returns whether there is more.
     */
    *decide(sql: Sql, policy: AutoSnapshotPolicy): Work<boolean> {
      const { id: policyId, accountId, retentionDays } = policy
      const decidedAt = now()
      const schedule = scheduleOf(policy)
      const owned = { id: policyId, accountId }
      if (policy.appointing !== null) {
        if (!(yield* appoint(sql, policy.appointing, policy))) {
          yield* sql.update('AutoSnapshotPolicy', { appointing: null }, owned)
        }
        return true
      }
      if (policy.decidedThrough > decidedAt) {
        const start = yield* startFrom(sql, policy, schedule, decidedAt)
        yield* sql.update('AutoSnapshotPolicy', start, owned)
        return false
      }
      if (policy.dueAt > decidedAt) return false
      const due = dueSlots(schedule, policy.decidedThrough, decidedAt, {
        // Up to the moment from which housekeeping keeps them.
        keptSince: new Date(decidedAt.getTime() - keptMs - 1),
        atMost: SLOTS_AT_ONCE,
      })
      let appointing: string | null = null
      for (const { slot, outcome } of due.slots) {
        const id = newId('AutoSnapshotRun')
        const isNew = yield* sql.insertNew('AutoSnapshotRun', {
          ...{ id, accountId, policyId, slot: slot.name, scheduledFor: slot.at, decidedAt, outcome },
          retentionDays,
        })
        if (isNew && outcome === 'RUN' && (yield* appoint(sql, id, policy))) appointing = id
      }
      const decided = decidedUpTo(schedule, due.through)
      yield* sql.update('AutoSnapshotPolicy', { ...decided, appointing }, owned)
      return appointing !== null || decided.dueAt <= decidedAt
    },
  }
}

/**
 * What makes a policy count from a moment on. What is noted of later times was decided by a clock that was ahead, or for
 * another schedule, and is taken back; only a time that was run keeps its row, and so is not run again.
 */
export function* startFrom(
  sql: Sql,
  { id: policyId, accountId }: Pick<AutoSnapshotPolicy, 'id' | 'accountId'>,
  schedule: Schedule,
  at: Date,
): Work<{ decidedThrough: Date; dueAt: Date }> {
  const later = { policyId, accountId, scheduledFor: { gt: at } }
  yield* sql.delete('AutoSnapshotRun', { ...later, outcome: { not: 'RUN' } })
  return decidedUpTo(schedule, at)
}

/** Deletes runs with their results for each disk, at most this many rows; how many. When they are fewer, nothing is left. */
export function* deleteRuns(sql: Sql, runIds: readonly string[], atMost: number): Work<number> {
  let left = atMost
  for (const id of runIds) {
    const results = yield* sql.all('AutoSnapshotRunDisk', { runId: id }, { limit: left })
    left -= yield* sql.delete('AutoSnapshotRunDisk', { id: { in: results.map((result) => result.id) } })
    if (left > 0) left -= yield* sql.delete('AutoSnapshotRun', { id })
    if (left === 0) break
  }
  return atMost - left
}

/** Everything up to a moment is decided; when something is next. */
export function decidedUpTo(schedule: Schedule, moment: Date): { decidedThrough: Date; dueAt: Date } {
  return { decidedThrough: moment, dueAt: slotsAfter(schedule, moment).next().value.at }
}

/** When a policy runs. */
export function scheduleOf({
  timePoints,
  repeatWeekdays,
  timeZone,
}: Pick<AutoSnapshotPolicy, 'timePoints' | 'repeatWeekdays' | 'timeZone'>): Schedule {
  return {
    timePoints: JSON.parse(timePoints) as number[],
    repeatWeekdays: JSON.parse(repeatWeekdays) as number[],
    timeZone,
  }
}
