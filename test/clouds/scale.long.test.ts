import SQLite from 'better-sqlite3'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import {
  CLOUD_NAMES,
  connect,
  destinationOf,
  KEY,
  startCloudGateway,
  type CloudGateway,
} from '../support/cloud-gateway.ts'
import { startLargeCloud, type LargeCloud } from '../support/fake-cloud/large.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is on the heap and in use, in MiB. */
function heapMiB(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const DISKS = 10_000
const SNAPSHOTS = 100_000
/** Each page of 1,000 rows of both lists, and the quotas. */
const CALLS = DISKS / 1_000 + SNAPSHOTS / 1_000 + 1

/** Records what a cloud has as the gateway has recorded one disk and one snapshot of it, without the hours of watching. */
function record(path: string, { disks, snapshots }: Awaited<ReturnType<LargeCloud['grow']>>): void {
  const database = new SQLite(path)
  const template = (table: string) =>
    database.prepare(`SELECT * FROM "${table}"`).get() as Record<string, unknown>
  const inserter = (table: string, row: object) => {
    const columns = Object.keys(row)
    return database.prepare(
      `INSERT INTO "${table}" (${columns.map((column) => `"${column}"`).join()}) VALUES (${columns.map((column) => `@${column}`).join()})`,
    )
  }
  const [disk, snapshot] = [template('Disk'), template('Snapshot')]
  const [addDisk, addSnapshot] = [inserter('Disk', disk), inserter('Snapshot', snapshot)]
  const idOf = (id: string) => id.replaceAll('-', '')
  database.transaction(() => {
    for (const externalId of disks)
      addDisk.run({ ...disk, id: `v-${idOf(externalId)}`, externalId, location: `large/${externalId}` })
    for (const { id: externalId, diskId: upstreamDiskId } of snapshots) {
      const diskId = upstreamDiskId === disk['externalId'] ? disk['id'] : `v-${idOf(upstreamDiskId)}`
      addSnapshot.run({ ...snapshot, id: `s-${idOf(externalId)}`, externalId, upstreamDiskId, diskId })
    }
  })()
  database.close()
}

test('10,000 disks and 100,000 snapshots are compared page by page, nobody waits for it, and no change writes nothing', async () => {
  await using cloud = await startLargeCloud()
  const written: string[] = []
  await using app = await startTestApp(
    { CREDENTIALS_KEY: KEY, UPSTREAM_HOSTS: cloud.url.host, CLOUD_CALLS_PER_SECOND: '1000' },
    { onStatement: (sql) => /^\s*(INSERT|UPDATE|DELETE)/i.test(sql) && written.push(sql) },
  )
  const connectionId = await connect(app, destinationOf('cinder', cloud.url))
  const delay = monitorEventLoopDelay({ resolution: 5 })
  /** A whole pass: its calls and statements that write, and the longest time that the event loop was held, in milliseconds. */
  async function pass() {
    written.length = 0
    await cloud.calls()
    delay.reset()
    delay.enable()
    await app.poller.tick()
    delay.disable()
    // The pass records that it was made, and that it goes on watching.
    const writes = written.filter((sql) => !/"syncedAt"|"pollUntil"/.test(sql)).length
    return { calls: await cloud.calls(), writes, delayMs: delay.max / 1e6 }
  }
  const held = async () => {
    const where = { connectionId }
    return [await app.db.disk.count({ where }), await app.db.snapshot.count({ where })]
  }

  await cloud.grow({ disks: 1, snapshots: 1 })
  await pass()
  record(join(app.dataDir, 'snapgate.db'), await cloud.grow({ disks: DISKS - 1, snapshots: SNAPSHOTS - 1 }))
  expect(await held()).toEqual([DISKS, SNAPSHOTS])

  let before = Infinity
  const delays: number[] = []
  for (let count = 0; count < 3; count++) {
    const again = await pass()
    if (count === 0) before = heapMiB()
    expect(again).toMatchObject({ calls: CALLS, writes: 0 })
    delays.push(again.delayMs)
  }
  expect(heapMiB() - before).toBeLessThan(5)
  // Whatever else the machine does can only add to it.
  expect(Math.min(...delays)).toBeLessThan(50)

  await cloud.grow({ disks: 0, snapshots: 1_000 })
  const { delayMs } = await pass()
  expect(await held()).toEqual([DISKS, SNAPSHOTS + 1_000])
  // Commits, which wait for the disk, hold it too.
  expect(delayMs).toBeLessThan(150)
})

/** How long after each look at a snapshot in progress the next one comes, in milliseconds: see docs/clouds.md. */
const STEPS_MS = [1_000, 2_000, 3_000, 5_000]

/**
 * Changes the status of one snapshot after each look of the gateway, when the longest time remains until the next one, and
 * returns how long its message took.
 */
async function delaysOf(gateway: CloudGateway): Promise<number[]> {
  const { app, cloud } = gateway
  const disks = STEPS_MS.map(() => gateway.disk())
  await expect.poll(() => app.db.disk.count()).toBe(STEPS_MS.length)
  const changedAt = new Map<string, number>()
  const delays = new Map<string, number>()
  const create = `mutation ($diskId: ID!) {
    createSnapshot(input: { diskId: $diskId, name: "mine" }) { ... on CreateSnapshotPayload { snapshot { id } } }
  }`
  cloud.copyMs = 3_600_000
  const ids: string[] = []
  for (const { id } of disks) {
    const { data } = await app.graphql(create, { diskId: (await gateway.diskRow(id))?.id })
    ids.push(data.createSnapshot.snapshot.id)
  }
  const watching = ids.map(async (id) => {
    for await (const { data } of app.sse('subscription ($id: ID!) { snapshotStatus(id: $id) { to } }', {
      id,
    }))
      if (data.snapshotStatus.to === 'COMPLETED') delays.set(id, performance.now() - (changedAt.get(id) ?? 0))
  })
  const looks = () => cloud.calls.filter((call) => /^GET .*\/snapshots?(\/|$)/.test(call)).length
  for (const id of ids) {
    const seen = looks()
    await expect.poll(looks, { interval: 10, timeout: 20_000 }).toBeGreaterThan(seen)
    const row = await app.db.snapshot.findUnique({ where: { id } })
    changedAt.set(id, performance.now())
    Object.assign(cloud.snapshots.get(row?.externalId ?? '') ?? {}, { doneAt: 0 })
  }
  await Promise.all(watching)
  return ids.map((id) => delays.get(id) ?? Infinity)
}

test('from the change of a status in the cloud to its message it takes the time between two looks and a second at most', async () => {
  await Promise.all(
    CLOUD_NAMES.map(async (name) => {
      await using gateway = await startCloudGateway(name, {}, { background: true })
      const delays = await delaysOf(gateway)
      for (const [step, delayMs] of delays.entries())
        expect(delayMs).toBeLessThanOrEqual((STEPS_MS[step + 1] ?? 8_000) + 1_000)
    }),
  )
})
