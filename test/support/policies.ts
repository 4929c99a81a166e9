import { pino } from 'pino'
import type { Database } from '../../src/database/database.ts'
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

/** A policy that is linked to these disks in any status. */
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
    looks: app.looks,
    snapshots: app.snapshots,
    runs: app.runs,
    announce: () => undefined,
    now: () => new Date(),
    log: pino({ level: 'silent' }),
    ...options,
  })
}

/** The result of every run of every policy, in order, and for each of its disks. */
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

/** Links a policy to disks without images, as many as it takes, past everything that would take long; returns their ids. */
export async function linkMany(
  db: Pick<Database, 'disk'>,
  { accountId, policyId, count }: { accountId: string; policyId: string; count: number },
): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `v-many${String(n).padStart(6, '0')}`)
  await db.disk.createMany({
    data: ids.map((id) => ({
      ...{ id, accountId, policyId, provider: 'local', location: `/nowhere/${id}`, name: 'many' },
      ...{ kind: 'DATA' as const, status: 'EXPIRED' as const, sizeBytes: 1n, storageType: 'local' },
      ...{ zone: 'local', createdAt: new Date('2026-01-01T00:00:00Z'), provisioned: false },
    })),
  })
  return ids
}

/** Records a run of a policy with a row for each of its disks, in this outcome. */
export async function runMany(
  db: Pick<Database, 'disk' | 'autoSnapshotRun' | 'autoSnapshotRunDisk'>,
  { accountId, policyId, outcome }: { accountId: string; policyId: string; outcome: 'PENDING' | 'MISSED' },
): Promise<string> {
  const [id, at] = ['asr-many00000000', new Date('2026-01-01T00:00:00Z')]
  await db.autoSnapshotRun.create({
    data: { id, accountId, policyId, slot: 'once', scheduledFor: at, decidedAt: at, outcome: 'RUN' },
  })
  const disks = await db.disk.findMany({ where: { policyId }, select: { id: true } })
  await db.autoSnapshotRunDisk.createMany({
    data: disks.map(({ id: diskId }) => ({ id: `asd-${diskId}`, runId: id, diskId, accountId, outcome })),
  })
  return id
}
