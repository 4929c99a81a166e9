import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Database } from '../database/database.ts'
import { logFault } from '../database/log-fault.ts'
import type { Changes } from '../database/rows.ts'
import type { Sql, Work } from '../database/work.ts'
import { storedRetention } from '../domain/retention.ts'
import { Refusal } from '../domain/refusal.ts'
import type { AutoSnapshotPolicy, AutoSnapshotRun, AutoSnapshotRunDisk } from '../generated/prisma/client.ts'
import type { Clock } from '../services/clock.ts'
import type { DiskService } from '../services/disks.ts'
import type { PolicyRuns } from '../services/policy-runs.ts'
import type { SnapshotService } from '../services/snapshots.ts'

/** How often it is looked whether something is due, in milliseconds. */
const INTERVAL_MS = 5_000

/** How many disks are read together. */
const BATCH = 100

export interface SchedulerOptions {
  db: Database
  disks: DiskService
  snapshots: SnapshotService
  runs: PolicyRuns
  /** Called after a commit that appended transitions. */
  announce: () => void
  now: Clock
  log: Logger
}

/**
 * Runs the automatic snapshot policies. Any number of them may work on one database: that a time is decided, and that
 * a disk has got its snapshot for it, each is one conditional write, and so happens once, whoever does it and however
 * often somebody is killed in between.
 */
export function createScheduler({ db, disks, snapshots, runs, announce, now, log }: SchedulerOptions) {
  let stopped = false

  /** Decides what is due, a part of each policy at a time, and does it. */
  async function tick(): Promise<void> {
    let waiting = await findDue()
    do {
      const unfinished: string[] = []
      for (const policyId of waiting) {
        if (stopped) return
        if (await decide(policyId)) unfinished.push(policyId)
        await nextTurn()
      }
      await carryOut()
      waiting = unfinished
    } while (waiting.length > 0)
  }

  /** The policies of which something is due, or that a clock that was ahead has decided things for that are to come. */
  async function findDue(): Promise<string[]> {
    const due = await db.autoSnapshotPolicy.findMany({
      where: {
        deletedAt: null,
        OR: [{ dueAt: { lte: now() } }, { decidedThrough: { gt: now() } }, { appointing: { not: null } }],
      },
      orderBy: { dueAt: 'asc' },
      select: { id: true },
    })
    return due.map(({ id }) => id)
  }

  /** Decides a part of what a policy owes; whether there is more. One that cannot be decided holds up no other. */
  async function decide(policyId: string): Promise<boolean> {
    try {
      return await db.write(function* (sql) {
        const policy = yield* sql.lock(
          'AutoSnapshotPolicy',
          { id: policyId, deletedAt: null },
          { skipLocked: true },
        )
        return policy !== undefined && (yield* runs.decide(sql, policy))
      })
    } catch (error) {
      logFault(log, error, 'a policy could not be run, and will be tried again', { policyId })
      return false
    }
  }

  /** Makes the snapshots of all disks that a run is still to be done for. */
  async function carryOut(): Promise<void> {
    let last = ''
    for (;;) {
      const pending = await db.autoSnapshotRunDisk.findMany({
        where: { outcome: 'PENDING', id: { gt: last }, run: { policy: { deletedAt: null } } },
        orderBy: { id: 'asc' },
        take: BATCH,
        include: { run: { include: { policy: true } } },
      })
      await Promise.all(pending.map(look))
      for (const appointed of pending) {
        if (stopped) return
        await snapshotOf(appointed).catch((error: unknown) => {
          const { id: runDiskId, diskId } = appointed
          logFault(log, error, 'automatic snapshot could not be made, and will be tried again', {
            runDiskId,
            diskId,
          })
        })
      }
      const end = pending.at(-1)
      if (end === undefined || pending.length < BATCH) return
      last = end.id
    }
  }

  /** Finds out the status of a disk; where that fails, what is known of it decides. */
  async function look({ accountId, diskId }: Appointed): Promise<void> {
    await disks
      .lookAt({ accountId }, diskId)
      .catch((error: unknown) => logFault(log, error, 'a disk could not be looked at', { diskId }))
  }

  /** One disk of a run: its snapshot and the note that it has one are one write, and so are a refusal and its note. */
  async function snapshotOf({
    id,
    diskId,
    accountId,
    run: { slot, policy, retentionDays: decided },
  }: Appointed): Promise<void> {
    const policyId = policy.id
    const retentionDays = decided ?? policy.retentionDays
    const input = {
      diskId,
      name: nameOf(slot),
      retentionDays: storedRetention(retentionDays),
    }
    function* note(sql: Sql, changes: Changes<'AutoSnapshotRunDisk'>): Work<boolean> {
      // A policy that was deleted runs nothing any more.
      const isThere = yield* sql.lock('AutoSnapshotPolicy', { id: policyId, deletedAt: null })
      if (!isThere) return false
      return (yield* sql.update('AutoSnapshotRunDisk', changes, { id, outcome: 'PENDING' })) > 0
    }
    const at = { policyId, slot, diskId }
    try {
      const made = await db.write(function* (sql) {
        if (!(yield* note(sql, { outcome: 'CREATED' }))) return undefined
        const snapshot = yield* snapshots.admitAutomatic(sql, accountId, input)
        yield* sql.update('AutoSnapshotRunDisk', { snapshotId: snapshot.id }, { id, accountId })
        return snapshot
      })
      if (!made) return
      await snapshots.capture(made)
      announce()
      log.info({ ...at, snapshotId: made.id }, 'automatic snapshot')
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { code: refusalCode, message: refusalMessage } = error
      await db.write((sql) => note(sql, { outcome: 'SKIPPED', refusalCode, refusalMessage }))
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
          .catch((error: unknown) => logFault(log, error, 'the policies could not be run'))
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

/** What a snapshot made for this slot is called: `auto-2026-03-29-02.00`. */
function nameOf(slot: string): string {
  return `auto-${slot.slice(0, 16).replace('T', '-').replace(':', '.')}`
}
