import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { writeImage } from '../support/app.ts'
import { postGraphql, streamEvents } from '../support/clients.ts'
import { startGateway, type Gateway } from '../support/process.ts'

const LEASE_MS = 1_500
const DATA_MIB = 512

/** A process that stands still inside a transaction keeps the only writer's lock of SQLite; this is not about that. */
async function suspendBetweenTransactions({ child }: Gateway, file: string): Promise<void> {
  const database = new SQLite(file, { timeout: 0 })
  for (;;) {
    child.kill('SIGSTOP')
    try {
      database.exec('BEGIN IMMEDIATE; ROLLBACK')
      database.close()
      return
    } catch {
      child.kill('SIGCONT')
      await pause(1)
    }
  }
}

test('a gateway that was suspended for two leases finds its work taken over, and changes nothing', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  await mkdir(join(dataDir, 'disks'))
  const path = join(dataDir, 'disks', 'd.img')
  await writeImage(path, DATA_MIB, DATA_MIB)
  const settings = { LEASE_MS: String(LEASE_MS), DATA_DIR: dataDir, DEMO: 'false' }
  const suspended = await startGateway(settings)
  const { data: registered } = await postGraphql(
    suspended.endpoint,
    `mutation ($path: String!) {
      registerDisk(input: { path: $path, name: "d", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
    }`,
    { path },
  )
  const id = await suspended.snapshot(registered.registerDisk.disk)
  const progress = 'subscription ($id: ID!) { snapshotProgress(id: $id) { copiedBytes } }'
  for await (const { data } of streamEvents(suspended.endpoint, progress, { id })) {
    if (data.snapshotProgress.copiedBytes > 0) break
  }
  await suspendBetweenTransactions(suspended, join(dataDir, 'snapgate.db'))
  const suspendedAt = Date.now()

  const successor = await startGateway(settings)
  const status = 'subscription ($id: ID!) { snapshotStatus(id: $id) { sequence to } }'
  const events = await Array.fromAsync(streamEvents(successor.endpoint, status, { id }))
  expect(events.map(({ data }) => data.snapshotStatus)).toEqual([
    { sequence: 1, to: 'CREATING' },
    { sequence: 2, to: 'COMPLETED' },
  ])
  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  const before = await db.snapshot.findUniqueOrThrow({ where: { id } })
  // Two leases have to have passed: this is the time that the promise is about.
  await pause(Math.max(0, suspendedAt + 2 * LEASE_MS - Date.now()))

  suspended.child.kill('SIGCONT')
  await expect.poll(() => suspended.stdout(), { timeout: 30_000 }).toMatch(/fenced/)
  expect(await suspended.stop('SIGTERM')).toBe(0)
  expect(await successor.stop('SIGTERM')).toBe(0)

  expect(await db.snapshot.findUniqueOrThrow({ where: { id } })).toEqual(before)
  expect(await db.snapshotTransition.count()).toBe(2)
  expect((await readdir(join(dataDir, 'snapshots'))).sort()).toEqual(['.partial', id])
  expect(await readdir(join(dataDir, 'snapshots', '.partial'))).toEqual([])
  await rm(dataDir, { recursive: true })
})
