import { randomInt, randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/database/database.ts'
import { mayDiskFollow, mayFollow } from '../../src/domain/lifecycle.ts'
import { postGraphql } from '../support/clients.ts'
import { startGateway } from '../support/process.ts'
import { outlast, type Whereabouts } from '../support/outlasting.ts'

const KILLS = 50
const DATA_MIB = 8
const BLOCK = 4096
const SETTINGS = { LEASE_MS: '1000', SNAPSHOT_QUOTA_MANUAL: '100000', DEMO: 'false' }
const MIB = 1024 ** 2

/** Fills the image, every block with the same letter: so a mixture of two contents shows. */
async function fill(path: string, letter: string): Promise<void> {
  await using file = await open(path, 'w')
  await file.write(Buffer.alloc(DATA_MIB * MIB, letter))
  await file.sync()
}

/** The letters that the blocks of the image have. */
async function lettersOf(path: string): Promise<string> {
  const bytes = await readFile(path)
  const letters = new Set<string>()
  for (let block = 0; block < bytes.length; block += BLOCK) {
    letters.add(bytes.toString('latin1', block, block + 1))
    letters.add(bytes.toString('latin1', block + BLOCK - 1, block + BLOCK))
  }
  return [...letters].sort().join('')
}

test(`killed ${KILLS} times at random moments, disks have one content or the other, and all that was accepted ends`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-'))
  const disksDir = join(dataDir, 'disks')
  await mkdir(disksDir)
  const image = join(disksDir, 'rolled.img')
  await fill(image, 'A')
  let gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
  const where: Whereabouts = { endpoint: gateway.endpoint, over: false }
  const ask = async (query: string, variables: Record<string, unknown>) =>
    (await outlast(where, query, variables))?.data as Record<string, any>
  const settled = async (id: string) => {
    const what = id.startsWith('v-') ? 'disk' : 'snapshot'
    const query = `query ($id: ID!) { ${what}(id: $id) { status } }`
    for (;;) {
      const status = ((await ask(query, { id }))[what] as { status: string } | null)?.status
      if (!status || /^(UNMOUNTED|COMPLETED|FAILED|ERROR|UNAVAILABLE)$/.test(status)) return status
      await pause(20)
    }
  }
  const take = async (diskId: string, name: string) => {
    const create = `mutation ($diskId: ID!, $name: String!, $clientToken: String!) {
      createSnapshot(input: { diskId: $diskId, name: $name, clientToken: $clientToken }) { ... on CreateSnapshotPayload { snapshot { id } } } }`
    const { createSnapshot } = await ask(create, { diskId, name, clientToken: randomUUID() })
    return createSnapshot.snapshot?.id as string | undefined
  }

  const { data } = await postGraphql(
    where.endpoint,
    `mutation ($path: String!) { registerDisk(input: { path: $path, name: "rolled", kind: DATA }) { ... on RegisterDiskPayload { disk { id } } } }`,
    { path: image },
  )
  const diskId = data.registerDisk.disk.id as string
  const snapshots: Record<string, string> = {}
  for (const letter of ['A', 'B']) {
    await fill(image, letter)
    const id = await take(diskId, letter)
    if (!id) throw new Error('refused')
    snapshots[letter] = id
    expect(await settled(id)).toBe('COMPLETED')
  }

  const going = { on: true }
  // One rolls the disk back to A and to B forever; what was asked for last is what it must have in the end.
  let expected = 'B'
  let rolls = 0
  const roller = (async () => {
    while (going.on) {
      const letter = expected === 'A' ? 'B' : 'A'
      const roll = `mutation ($input: RollBackDiskInput!) { rollBackDisk(input: $input) { __typename ... on UserError { code message } } }`
      const { rollBackDisk } = await ask(roll, { input: { diskId, snapshotId: snapshots[letter] } })
      // Without an answer it may have been accepted: then the repeated call finds the disk ROLLING_BACK, or is another roll back.
      if (
        rollBackDisk.__typename === 'RollBackDiskPayload' ||
        rollBackDisk.code === 'DISK_STATUS_FORBIDS_OPERATION'
      )
        expected = letter
      else throw new Error(JSON.stringify(rollBackDisk))
      expect(await settled(diskId)).toBe('UNMOUNTED')
      rolls++
    }
  })()
  // Another makes disks from a snapshot, takes and deletes snapshots of them, and releases them with the rest.
  const made: string[] = []
  const maker = (async () => {
    while (going.on) {
      const create = `mutation ($input: CreateDiskInput!) { createDisk(input: $input) { __typename ... on CreateDiskPayload { disk { id } } ... on UserError { code } } }`
      const { createDisk } = await ask(create, {
        input: { name: 'made', snapshotId: snapshots['A'], clientToken: randomUUID() },
      })
      const id = createDisk.disk.id as string
      made.push(id)
      expect(await settled(id)).toBe('UNMOUNTED')
      expect(await lettersOf(join(disksDir, `${id}.img`))).toBe('A')
      const first = (await take(id, 'first')) ?? ''
      await settled(first)
      await take(id, 'second')
      await settled(id)
      await ask(`mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }`, {
        id: first,
      })
      await ask(
        `mutation ($id: ID!) { releaseDisk(input: { diskId: $id, withSnapshots: true }) { __typename } }`,
        { id },
      )
      await settled(id)
    }
  })()

  const mixtures: string[] = []
  let inTheMiddle = 0
  for (let kill = 0; kill < KILLS; kill++) {
    // Long enough, now and then, for a lease to run out and the work to be done.
    await pause(randomInt(0, 4_000))
    expect(await gateway.stop('SIGKILL')).toBeNull()
    const letters = await lettersOf(image)
    if ((await readdir(disksDir)).some((name) => name.startsWith(`.snapgate.${diskId}.`))) inTheMiddle++
    if (!/^[AB]$/.test(letters)) mixtures.push(letters)
    gateway = await startGateway({ ...SETTINGS, DATA_DIR: dataDir })
    where.endpoint = gateway.endpoint
  }
  expect(mixtures).toEqual([])
  going.on = false
  await Promise.all([roller, maker])

  await using db = await openDatabase({ url: `file:${join(dataDir, 'snapgate.db')}` })
  await expect.poll(() => db.job.count(), { timeout: 60_000 }).toBe(0)
  expect(await gateway.stop('SIGTERM')).toBe(0)
  console.log(
    `${KILLS} kills, ${inTheMiddle} in the middle of ${rolls} roll backs, ${made.length} disks made and released`,
  )
  expect(rolls).toBeGreaterThan(KILLS / 10)
  expect(inTheMiddle).toBeGreaterThan(0)
  expect(await lettersOf(image)).toBe(expected)

  // Nothing is left of what was released or deleted, and nothing of attempts.
  const disks = await db.disk.findMany()
  const copies = await db.snapshot.findMany()
  expect((await readdir(disksDir)).sort()).toEqual(disks.map(({ location }) => basename(location)).sort())
  expect((await readdir(join(dataDir, 'snapshots'))).sort()).toEqual(
    ['.partial', ...copies.map(({ id }) => id)].sort(),
  )
  expect(await readdir(join(dataDir, 'snapshots', '.partial'))).toEqual([])

  // The logs: no gap, no double, and each life is one that the life cycle knows.
  const diskLog = await db.diskTransition.findMany({ orderBy: { sequence: 'asc' } })
  const snapshotLog = await db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })
  for (const log of [diskLog, snapshotLog])
    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, index) => index + 1))
  for (const life of Map.groupBy(diskLog, (row) => row.diskId).values()) {
    let status: (typeof life)[number]['from'] = null
    for (const { from, to } of life) {
      expect([from, mayDiskFollow(from, to)]).toEqual([status, true])
      status = to
    }
  }
  for (const life of Map.groupBy(snapshotLog, (row) => row.snapshotId).values()) {
    let status: (typeof life)[number]['from'] = null
    for (const { from, to } of life) {
      expect([from, mayFollow(from, to)]).toEqual([status, true])
      status = to
    }
  }
  const ends = new Map(diskLog.map(({ diskId: id, to }) => [id, to]))
  for (const id of made) expect(['DELETED', 'UNMOUNTED']).toContain(ends.get(id))
  await rm(dataDir, { recursive: true })
}, 900_000)
