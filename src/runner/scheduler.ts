import type { Logger } from 'pino'
import { inTransaction, type Database, type Transaction } from '../database/database.ts'
import { dueSlots } from '../domain/policy.ts'
import { FOR_EVER } from '../domain/policy-input.ts'
import { Refusal } from '../domain/refusals.ts'
import type { AutoSnapshotPolicy, AutoSnapshotRun, AutoSnapshotRunDisk } from '../generated/prisma/client.ts'
import type { Clock, NewId } from '../services/clock.ts'
import type { DiskService } from '../services/disks.ts'
import { fromNowOn, scheduleOf } from '../services/policies.ts'
import type { SnapshotService } from '../services/snapshots.ts'

/** How often it is looked whether something is due, in milliseconds. */
const INTERVAL_MS = 5_000

/** How many policies or disks are read together. */
const BATCH = 100

/** How many rows are written by one statement: well below SQLite's limit on its variables. */
const ROWS = 1_000

export interface SchedulerOptions {
  db: Database
  disks: DiskService
  snapshots: SnapshotService
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
  newId: NewId
  log: Logger
}

/**
 * Runs the automatic snapshot policies. Any number of them may work on one database: that a time is decided, and that
 * a disk has got its snapshot for it, each is one conditional write, and so happens once, whoever does it and however
 * often somebody is killed in between.
 */
export function createScheduler({ db, disks, snapshots, announce, now, newId, log }: SchedulerOptions) {
  let stopped = false

  /** Decides what is due, and does it. */
  async function tick(): Promise<void> {
    for (;;) {
      const due = await db.autoSnapshotPolicy.findMany({
        where: { dueAt: { lte: now() } },
        orderBy: { dueAt: 'asc' },
        take: BATCH,
      })
      for (const policy of due) await decide(policy)
      if (due.length < BATCH || stopped) break
    }
    await carryOut()
  }

  /** Writes down what becomes of every time that is due; whoever moves `decidedThrough` does it. */
  async function decide(policy: AutoSnapshotPolicy): Promise<void> {
    const schedule = scheduleOf(policy)
    await inTransaction(db, async (tx) => {
      const decidedAt = now()
      const { id: policyId, accountId, decidedThrough } = policy
      const moved = await tx.autoSnapshotPolicy.updateMany({
        where: { id: policyId, decidedThrough, dueAt: policy.dueAt },
        data: fromNowOn(schedule, decidedAt),
      })
      if (moved.count === 0) return
      // What was not carried out by now will not be: the new run stands for it.
      await tx.autoSnapshotRunDisk.updateMany({
        where: { outcome: 'PENDING', run: { policyId } },
        data: { outcome: 'MISSED' },
      })
      const runs = dueSlots(schedule, decidedThrough, decidedAt).map(({ slot, outcome }) => ({
        id: newId('AutoSnapshotRun'),
        accountId,
        policyId,
        slot: slot.name,
        scheduledFor: slot.at,
        decidedAt,
        outcome,
      }))
      await inRows(runs, (data) => tx.autoSnapshotRun.createMany({ data }))
      const run = runs.find(({ outcome }) => outcome === 'RUN')
      if (run) await appoint(tx, run)
    })
  }

  /** Notes which disks a run is for. */
  async function appoint(
    tx: Transaction,
    { id: runId, policyId, accountId }: { id: string; policyId: string; accountId: string },
  ): Promise<void> {
    const linked = await tx.disk.findMany({
      where: { policyId },
      select: { id: true },
      orderBy: { id: 'asc' },
    })
    const rows = linked.map(({ id: diskId }) => ({
      id: newId('AutoSnapshotRunDisk'),
      runId,
      diskId,
      accountId,
      outcome: 'PENDING' as const,
    }))
    await inRows(rows, (data) => tx.autoSnapshotRunDisk.createMany({ data }))
  }

  /** Sees to every disk that a run is still to be done for. */
  async function carryOut(): Promise<void> {
    let last = ''
    for (;;) {
      const pending = await db.autoSnapshotRunDisk.findMany({
        where: { outcome: 'PENDING', id: { gt: last } },
        orderBy: { id: 'asc' },
        take: BATCH,
        include: { run: { include: { policy: true } } },
      })
      await Promise.all(pending.map(({ accountId, diskId }) => disks.lookAt({ accountId }, diskId)))
      for (const appointed of pending) {
        if (stopped) return
        await snapshotOf(appointed)
      }
      const end = pending.at(-1)
      if (end === undefined || pending.length < BATCH) return
      last = end.id
    }
  }

  /** One disk of a run: its snapshot and the note that it has one are one write, and so are a refusal and its note. */
  async function snapshotOf({
    id,
    diskId,
    accountId,
    run: {
      slot,
      policy: { id: policyId, retentionDays },
    },
  }: Appointed): Promise<void> {
    const input = {
      diskId,
      name: nameOf(slot),
      retentionDays: retentionDays === FOR_EVER ? null : retentionDays,
    }
    const note = (tx: Transaction, data: Partial<Note>) =>
      tx.autoSnapshotRunDisk.updateMany({ where: { id, outcome: 'PENDING' }, data })
    const at = { policyId, slot, diskId }
    try {
      const made = await inTransaction(db, async (tx) => {
        if ((await note(tx, { outcome: 'CREATED' })).count === 0) return undefined
        const snapshot = snapshots.admitAutomatic(tx, accountId, input)
        await tx.autoSnapshotRunDisk.update({
          where: { id },
          data: { snapshotId: snapshot.id },
        })
        return snapshot
      })
      if (!made) return
      announce()
      log.info({ ...at, snapshotId: made.id }, 'automatic snapshot')
    } catch (error) {
      if (!(error instanceof Refusal)) {
        log.error({ err: error, ...at }, 'automatic snapshot could not be made, and will be tried again')
        return
      }
      const { code: refusalCode, message: refusalMessage } = error
      await inTransaction(db, (tx) => note(tx, { outcome: 'SKIPPED', refusalCode, refusalMessage }))
      log.info({ ...at, refusal: refusalCode }, 'automatic snapshot skipped')
    }
  }

  let timer: NodeJS.Timeout | undefined
  let working: Promise<void> = Promise.resolve()
  return {
    tick,

    /** Does it now, and from now on every five seconds. */
    start(): void {
      const work = () => {
        working = tick()
          .catch((error: unknown) => log.error({ err: error }, 'the policies could not be run'))
          .finally(() => {
            if (!stopped) timer = setTimeout(work, INTERVAL_MS)
          })
      }
      work()
    },

    async [Symbol.asyncDispose](): Promise<void> {
      stopped = true
      clearTimeout(timer)
      await working
    },
  }
}

type Appointed = AutoSnapshotRunDisk & { run: AutoSnapshotRun & { policy: AutoSnapshotPolicy } }

interface Note {
  outcome: 'CREATED' | 'SKIPPED'
  refusalCode: string
  refusalMessage: string
}

/** What a snapshot made for this slot is called: `auto-2026-03-29-02.00`. */
function nameOf(slot: string): string {
  return `auto-${slot.slice(0, 16).replace('T', '-').replace(':', '.')}`
}

async function inRows<T>(rows: readonly T[], write: (rows: T[]) => Promise<unknown>): Promise<void> {
  for (let start = 0; start < rows.length; start += ROWS) await write(rows.slice(start, start + ROWS))
}
