import { randomInt, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { CHUNK_BYTES, startChecksum } from '../../src/providers/local/checksum.ts'
import { writeImage } from '../support/app.ts'
import { CREATE_SNAPSHOT, postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'
import { outlast, watchAll, type Seen, type Whereabouts } from '../support/outlasting.ts'

const KILLS = 100
const DISKS_MIB = [1, 2, 4, 8, 16, 32]
const SETTINGS = { LEASE_MS: '1000', SNAPSHOT_QUOTA_MANUAL: '100000', DEMO: 'false' }

const REGISTER = `mutation ($path: String!, $name: String!) {
  registerDisk(input: { path: $path, name: $name, kind: DATA }) { ... on RegisterDiskPayload { disk { id } } }
}`

async function checksumOf(path: string): Promise<string> {
  await using file = await open(path)
  const { size } = await file.stat()
  const checksum = startChecksum(size)
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let position = 0; position < size; position += CHUNK_BYTES) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, position)
    checksum.add(chunk.subarray(0, bytesRead), position)
  }
  return checksum.finish()
}

test(`killed ${KILLS} times at random moments, the gateway loses and repeats nothing that it has acknowledged`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  await mkdir(join(dataDir, 'disks'))
  let gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
  const where: Whereabouts = { endpoint: gateway.endpoint, over: false }

  const diskIds: string[] = []
  for (const size of DISKS_MIB) {
    const path = join(dataDir, 'disks', `${size}.img`)
    await writeImage(path, size * 4, size)
    const { data } = await postGraphql(where.endpoint, REGISTER, { path, name: `d${size}` })
    diskIds.push(data.registerDisk.disk.id)
  }
  const { data: start } = await postGraphql(where.endpoint, '{ snapshots(first: 0) { streamCursor } }')
  const watched: Seen[][] = [[], [], []]
  const watchers = watched.map((seen) => watchAll(where, start.snapshots.streamCursor, seen))

  // Every disk has somebody who wants snapshots of it, and repeats a call that got no answer with its token.
  const acknowledged: string[] = []
  let created = true
  const creators = diskIds.map(async (diskId) => {
    while (created) {
      const answer = await outlast(where, CREATE_SNAPSHOT, {
        input: { diskId, name: 's', clientToken: randomUUID() },
      })
      const id = answer?.data?.createSnapshot.snapshot?.id as string | undefined
      if (id) acknowledged.push(id)
      await pause(randomInt(5, 50))
    }
  })

  for (let kill = 0; kill < KILLS; kill++) {
    await pause(randomInt(0, 2_000))
    expect(await gateway.stop('SIGKILL')).toBeNull()
    gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
    where.endpoint = gateway.endpoint
  }
  created = false
  await Promise.all(creators)

  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  await expect.poll(() => db.snapshot.count({ where: { status: 'CREATING' } }), { timeout: 60_000 }).toBe(0)
  const log = await db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })
  await expect
    .poll(() => watched.map((seen) => seen.length), { timeout: 10_000 })
    .toEqual(watched.map(() => log.length))
  where.over = true
  expect(await gateway.stop('SIGTERM')).toBe(0)
  await Promise.all(watchers)

  const snapshots = await db.snapshot.findMany()
  const byId = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]))
  console.log(
    `${KILLS} kills, ${acknowledged.length} acknowledged, ${snapshots.length} snapshots, ${log.length} transitions`,
  )
  expect(acknowledged.length).toBeGreaterThan(KILLS / 2)
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  // Calls that got no answer were repeated with their token, and made one snapshot all the same.
  expect(snapshots.length).toBe(acknowledged.length)
  expect(acknowledged.filter((id) => !byId.has(id))).toEqual([])
  expect(new Set(snapshots.map(({ status }) => status))).toEqual(new Set(['COMPLETED']))
  expect(await db.disk.count({ where: { status: 'SNAPSHOTTING' } })).toBe(0)

  // The log: no gap, no double, and two steps for each snapshot.
  expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, index) => index + 1))
  const steps = Map.groupBy(log, ({ snapshotId }) => snapshotId)
  expect(new Set(steps.keys())).toEqual(new Set(byId.keys()))
  for (const history of steps.values()) {
    expect(history.map(({ from, to }) => [from, to])).toEqual([
      [null, 'CREATING'],
      ['CREATING', 'COMPLETED'],
    ])
  }
  for (const seen of watched) {
    expect(seen.map(({ sequence, snapshotId, to }) => [sequence, snapshotId, to])).toEqual(
      log.map(({ sequence, snapshotId, to }) => [sequence, snapshotId, to]),
    )
  }

  // The bytes: every copy is whole and right, and nothing else is there.
  const sources = new Map<string, string>()
  for (const disk of await db.disk.findMany())
    sources.set(disk.id, await checksumOf(resolve(dataDir, disk.location)))
  for (const { id, diskId, checksum } of snapshots) {
    expect([id, checksum]).toEqual([id, sources.get(diskId ?? '')])
    expect([id, await checksumOf(join(dataDir, 'snapshots', id, 'image'))]).toEqual([id, checksum])
  }
  expect(await readdir(join(dataDir, 'snapshots', '.partial'))).toEqual([])
  expect((await readdir(join(dataDir, 'snapshots'))).sort()).toEqual(['.partial', ...byId.keys()].sort())
  await rm(dataDir, { recursive: true })
}, 900_000)
