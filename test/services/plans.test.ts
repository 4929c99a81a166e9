import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { DAY_MS } from '../../src/domain/units.ts'
import { trustClock } from '../../src/services/clock-trust.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { onServer } from '../support/new-database.ts'
import { planOf } from '../support/plans.ts'
import { EVERY_NIGHT } from '../support/policies.ts'

/** What an index finds by these columns alone may be everything that an account, or all of them, have. */
const OF_VERY_MANY =
  /^SEARCH (\S+) .*\((accountId|provider|provider=\? AND host|kind|outcome|status|type|createdAt)=\?\)/

/** Statements that stop at the first row that they find, or read what there is little of. */
const STOPS_EARLY = [
  /max\("sequence"\)/,
  /"accountId" = \+\? ORDER BY "sequence" DESC$/,
  /FROM "AutoSnapshotPolicy"/,
  /SELECT `main`\.`AutoSnapshotRunDisk`\.`id` FROM .* LIMIT \? OFFSET \?$/,
]

/** The plans of statements that may read, or sort, very many rows. */
function longPlans(databasePath: string, statements: ReadonlySet<string>): string[] {
  const database = new SQLite(databasePath, { readonly: true })
  const long = [...statements].flatMap((sql) => {
    if (!/^\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(sql)) return []
    if (STOPS_EARLY.some((stops) => stops.test(sql))) return []
    const plan = planOf(database, sql)
    // What comes as JSON is read as a whole, and put in order.
    const isOfJson = plan.some((line) => /^SCAN r VIRTUAL TABLE/.test(line))
    // The jobs that are cancelled and have not ended yet are few.
    const isOfCancelled = plan.some((line) => line.includes('(cancelRequestedAt>?)'))
    const faults = plan.filter(
      (line) =>
        OF_VERY_MANY.test(line) ||
        (/^SCAN (Disk|Snapshot|Job|IdempotencyKey|AutoSnapshotRun)/.test(line) && !/\bLIMIT 1$/.test(sql)) ||
        (/TEMP B-TREE/.test(line) && !isOfJson && !isOfCancelled),
    )
    return faults.map((line) => `${line}: ${sql}`)
  })
  database.close()
  return long
}

/** Does all that can be done with disks, snapshots and policies, and everything that is done in the background. */
async function doEverything(app: TestApp, pass: (ms: number) => void): Promise<void> {
  const { viewer, looks, disks, snapshots, policies } = app
  const manual = { name: 'a', description: '', tags: [{ key: 'k', value: 'v' }], retentionDays: null }
  const [one, two, three] = [await app.disk(), await app.disk(), await app.disk()]
  const linked = [await app.disk({ attachedTo: 'i-1' }), await app.disk({ attachedTo: 'i-1' })]
  const linkedIds = linked.map((disk) => disk.id)
  const { id: policyId } = await policies.create(viewer, EVERY_NIGHT)
  await policies.link(viewer, policyId, linkedIds)
  for (const disk of linked) await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await app.heldSnapshots(three, 3)
  const { id } = await snapshots.create(viewer, { ...manual, diskId: one.id, clientToken: 'token' })
  for (const consistent of [true, false])
    await snapshots.createMany(viewer, {
      ...{ ...manual, diskIds: [two.id, three.id], clientToken: `many ${consistent}`, consistent },
    })
  await app.runner.tick()
  await snapshots.verify(viewer, id)
  await app.runner.tick()
  await snapshots.update(viewer, { snapshotId: id, name: 'b', tags: [] })
  await disks.update(viewer, { diskId: one.id, name: 'b', tags: [{ key: 'k', value: 'v' }] })
  const made = await disks.create(viewer, {
    ...{ name: 'c', description: '', storageType: 'local', zone: 'local', tags: [], clientToken: 'disk' },
    content: { snapshotId: id, sizeGiB: null },
  })
  await app.runner.tick()
  await disks.rollBack(viewer, { diskId: one.id, snapshotId: id })
  await app.runner.tick()
  await disks.resize(viewer, { diskId: two.id, sizeGiB: 5 })
  await disks.attach(viewer, { diskId: made.id, instanceId: 'i-a', device: null })
  await app.runner.tick()
  await disks.detach(viewer, { diskId: made.id })
  await snapshots.delete(viewer, id)
  await app.graphql('mutation ($id: ID!) { cancelOperation(input: { id: $id }) { __typename } }', { id })
  await app.runner.tick()
  await snapshots.deleteMany(viewer, [id])
  await policies.update(viewer, policyId, { timePoints: [3] })
  pass(DAY_MS / 2)
  await app.scheduler.tick()
  await app.runner.tick()
  await policies.unlink(viewer, policyId, linkedIds.slice(0, 1), { deleteSnapshots: true })
  await policies.unlink(viewer, policyId, linkedIds)
  await policies.link(viewer, policyId, linkedIds)
  await policies.delete(viewer, policyId)
  await disks.release(viewer, { diskId: three.id, withSnapshots: true })
  await app.runner.tick()
  await looks.lookAtAll()
  await looks.lookAtLately()
  pass(100 * DAY_MS)
  await trustClock(app.db, app.now())
  await app.housekeeping.tick()
}

test.skipIf(onServer)(
  'no change and no background work reads all rows of an account, nor sorts them (skipped on PostgreSQL, which plans by statistics)',
  async () => {
    const statements = new Set<string>()
    let time = Date.UTC(2026, 0, 1)
    await using app = await startTestApp(
      { LOG_POLL_MS: '60000', LOG_RETENTION_EVENTS: '0' },
      { onStatement: (sql) => statements.add(sql), now: () => new Date(time) },
    )
    statements.clear()

    await doEverything(app, (ms) => (time += ms))

    expect(statements.size).toBeGreaterThan(80)
    expect(longPlans(join(app.dataDir, 'snapgate.db'), statements)).toEqual([])
  },
)
