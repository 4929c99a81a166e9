import { pino } from 'pino'
import { createScheduler } from '../../src/runner/scheduler.ts'
import type { PolicyInput } from '../../src/services/policies.ts'
import type { Disk } from '../../src/generated/prisma/client.ts'
import type { TestApp } from './app.ts'

/** Every day at two by UTC, forever. */
export const EVERY_NIGHT: PolicyInput = {
  name: 'every night',
  timePoints: [2],
  repeatWeekdays: [0, 1, 2, 3, 4, 5, 6],
  timeZone: 'UTC',
  retentionDays: -1,
}

/** A policy that is linked to these disks, whatever their status. */
export async function policyOf(app: TestApp, input: PolicyInput, ...disks: readonly Disk[]): Promise<string> {
  const { id } = await app.policies.create(app.viewer, input)
  await app.db.disk.updateMany({
    where: { id: { in: disks.map((disk) => disk.id) } },
    data: { policyId: id },
  })
  return id
}

/** Another scheduler on the gateway's database, as a second process has one; works when it is told to, by `tick()`. */
export function schedulerOf(app: TestApp, options: Partial<Parameters<typeof createScheduler>[0]> = {}) {
  return createScheduler({
    db: app.db,
    disks: app.disks,
    snapshots: app.snapshots,
    runs: app.runs,
    announce: () => undefined,
    now: () => new Date(),
    log: pino({ level: 'silent' }),
    ...options,
  })
}

/** What became of every time of every policy, in order, and of each disk in it. */
export async function runsOf(app: TestApp): Promise<string[]> {
  const runs = await app.db.autoSnapshotRun.findMany({
    orderBy: [{ scheduledFor: 'asc' }, { slot: 'asc' }],
    include: { disks: { orderBy: { diskId: 'asc' } } },
  })
  return runs.map(({ slot, outcome, disks }) => {
    const results = disks.map((disk) => [disk.outcome, disk.refusalCode].filter(Boolean).join(' '))
    return [slot, outcome, ...results].join(' | ')
  })
}
