import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'

const INVENTORY = `{ inventory {
  snapshots { type status count dataBytes }
  disks { status count }
  nearlyFullQuotas { disk { name } type used limit }
  usage { day disks snapshots dataBytes }
} }`

async function inventoryOf({ graphql }: Pick<TestApp, 'graphql'>) {
  const { data, errors } = await graphql(INVENTORY)
  expect(errors).toBeUndefined()
  return (data as { inventory: Record<string, unknown[]> }).inventory
}

const MIB = 1024 ** 2

test('inventory counts snapshots by type and status with their data, and disks by status, of the account alone', async () => {
  await using app = await startTestApp()
  const [own, other] = [await app.token('ADMIN', 'acme'), await app.token('ADMIN', 'rival')]
  const disk = await app.disk({ accountId: own.accountId, dataMiB: 2 })
  await app.disk({ accountId: own.accountId, attachedTo: 'i-1' })
  const kept = await own.snapshot(disk)
  await app.runner.tick()
  const deleted = await own.snapshot(disk)
  await app.runner.tick()
  await own.graphql('mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }', {
    id: deleted,
  })
  await app.runner.tick()
  await own.snapshot(disk)
  expect(await inventoryOf(own)).toEqual({
    snapshots: [
      { type: 'MANUAL', status: 'COMPLETED', count: 1, dataBytes: 2 * MIB },
      { type: 'MANUAL', status: 'CREATING', count: 1, dataBytes: 0 },
    ],
    disks: [
      { status: 'IN_USE', count: 1 },
      { status: 'SNAPSHOTTING', count: 1 },
    ],
    nearlyFullQuotas: [],
    usage: [],
  })
  expect(kept).toBeDefined()
  expect(await inventoryOf(other)).toEqual({ snapshots: [], disks: [], nearlyFullQuotas: [], usage: [] })
})

test('nearlyFullQuotas has quotas from 90 % on, fullest first', async () => {
  await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '10', SNAPSHOT_QUOTA_AUTOMATIC: '20' })
  const [full, nearly, below] = [
    await app.disk({ name: 'full' }),
    await app.disk({ name: 'nearly' }),
    await app.disk({ name: 'below' }),
  ]
  await app.heldSnapshots(full, 10)
  await app.heldSnapshots(nearly, 9)
  await app.heldSnapshots(nearly, 18, 'AUTOMATIC')
  await app.heldSnapshots(below, 8)
  await app.heldSnapshots(below, 17, 'AUTOMATIC')
  const { nearlyFullQuotas } = await inventoryOf(app)
  expect(nearlyFullQuotas).toEqual([
    { disk: { name: 'full' }, type: 'MANUAL', used: 10, limit: 10 },
    { disk: { name: 'nearly' }, type: 'AUTOMATIC', used: 18, limit: 20 },
    { disk: { name: 'nearly' }, type: 'MANUAL', used: 9, limit: 10 },
  ])
})

test('the usage of each day is noted once, whichever gateway comes first, and kept for 400 days', async () => {
  const clock = { now: new Date('2026-01-01T23:50:00Z') }
  await using app = await startTestApp({}, { now: () => clock.now })
  await using second = await startTestApp(
    { DATA_DIR: app.dataDir, DATABASE_URL: app.config.databaseUrl },
    { now: () => clock.now },
  )
  const disk = await app.disk({ dataMiB: 1 })
  await Promise.all([app.housekeeping.tick(), second.housekeeping.tick()])
  await app.snapshot(disk)
  await app.runner.tick()
  await Promise.all([app.housekeeping.tick(), second.housekeeping.tick()])
  clock.now = new Date('2026-01-02T00:10:00Z')
  await Promise.all([app.housekeeping.tick(), second.housekeeping.tick()])
  const days = [
    { day: '2026-01-01', disks: 1, snapshots: 0, dataBytes: 0 },
    { day: '2026-01-02', disks: 1, snapshots: 1, dataBytes: MIB },
  ]
  expect((await inventoryOf(app)).usage).toEqual(days)
  const last = `{ inventory { usage(days: 1) { day } } }`
  expect((await app.graphql(last)).data).toEqual({ inventory: { usage: [{ day: '2026-01-02' }] } })

  await app.db.dailyUsage.createMany({
    data: Array.from({ length: 3 }, (_, index) => ({
      accountId: disk.accountId,
      day: `2024-11-${String(27 + index)}`,
      disks: 0,
      snapshots: 0,
      dataBytes: 0n,
    })),
  })
  await app.housekeeping.tick()
  expect((await inventoryOf(app)).usage?.map((one) => (one as { day: string }).day)).toEqual([
    '2024-11-28',
    '2024-11-29',
    '2026-01-01',
    '2026-01-02',
  ])
})
