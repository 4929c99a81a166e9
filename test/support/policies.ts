import SQLite from 'better-sqlite3'
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
export function linkMany(
  databasePath: string,
  { accountId, policyId, count }: { accountId: string; policyId: string; count: number },
): string[] {
  const db = new SQLite(databasePath)
  db.prepare(
    `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ? - 1)
     INSERT INTO "Disk" ("id", "accountId", "provider", "location", "name", "kind", "status", "sizeBytes", "storageType",
       "zone", "createdAt", "provisioned", "policyId")
     SELECT printf('v-many%06d', n), ?, 'local', printf('/nowhere/%d', n), 'many', 'DATA', 'EXPIRED', 1, 'local', 'local',
       '2026-01-01T00:00:00.000+00:00', 0, ? FROM c`,
  ).run(count, accountId, policyId)
  const rows = db.prepare('SELECT "id" FROM "Disk" WHERE "policyId" = ? ORDER BY "id"').all(policyId)
  db.close()
  return (rows as { id: string }[]).map(({ id }) => id)
}

/** Records a run of a policy with a row for each of its disks, in this outcome. */
export function runMany(
  databasePath: string,
  { accountId, policyId, outcome }: { accountId: string; policyId: string; outcome: 'PENDING' | 'MISSED' },
): string {
  const id = 'asr-many00000000'
  const db = new SQLite(databasePath)
  db.prepare(
    `INSERT INTO "AutoSnapshotRun" ("id", "accountId", "policyId", "slot", "scheduledFor", "decidedAt", "outcome")
     VALUES (?, ?, ?, 'once', '2026-01-01T00:00:00.000+00:00', '2026-01-01T00:00:00.000+00:00', 'RUN')`,
  ).run(id, accountId, policyId)
  db.prepare(
    `INSERT INTO "AutoSnapshotRunDisk" ("id", "runId", "diskId", "accountId", "outcome")
     SELECT 'asd-' || "id", ?, "id", "accountId", ? FROM "Disk" WHERE "policyId" = ?`,
  ).run(id, outcome, policyId)
  db.close()
  return id
}
