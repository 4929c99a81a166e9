import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Disk } from '../../src/generated/prisma/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const CREATE = `mutation ($input: CreateSnapshotInput!) {
  createSnapshot(input: $input) { __typename ... on DiskStatusForbidsSnapshot { actual } }
}`

const SNAPSHOT_OF_UNFIT_DISK = { unfit: 1n }

/**
 * Lets the database itself judge: it records, for each snapshot, the status from which the disk was claimed, in the
 * statement that claims it, and the status the disk has in the statement that inserts the snapshot.
 */
async function judge(app: TestApp): Promise<() => Promise<{ fit: bigint; unfit: bigint }>> {
  await app.db.$executeRaw`CREATE TABLE Claim (diskId TEXT PRIMARY KEY, claimedFrom TEXT)`
  await app.db.$executeRaw`CREATE TABLE Verdict (snapshotId TEXT, claimedFrom TEXT, inserted TEXT)`
  await app.db.$executeRaw`CREATE TRIGGER claims BEFORE UPDATE OF status ON Disk BEGIN
    INSERT OR REPLACE INTO Claim VALUES (OLD.id, CASE NEW.status WHEN 'SNAPSHOTTING' THEN OLD.status END);
  END`
  await app.db.$executeRaw`CREATE TRIGGER verdicts AFTER INSERT ON Snapshot BEGIN
    INSERT INTO Verdict SELECT NEW.id, Claim.claimedFrom, Disk.status
    FROM Disk LEFT JOIN Claim ON Claim.diskId = Disk.id WHERE Disk.id = NEW.diskId;
  END`
  return async () => {
    const [verdict] = await app.db.$queryRaw<{ fit: bigint; unfit: bigint }[]>`
      SELECT count(*) FILTER (WHERE fit) AS fit, count(*) FILTER (WHERE NOT fit) AS unfit FROM (
        SELECT inserted = 'SNAPSHOTTING' AND coalesce(claimedFrom, '') IN ('UNMOUNTED', 'IN_USE') AS fit FROM Verdict
      )`
    if (!verdict) throw new Error('The judge is silent.')
    return verdict
  }
}

const STATUSES = ['UNMOUNTED', 'SCALING', 'IN_USE', 'ATTACHING', 'SNAPSHOTTING', 'DETACHING'] as const

test('no snapshot is ever made of a disk whose status forbade it, while the status flips all the time', async () => {
  await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '100000' })
  const disk = await app.disk()
  const verdict = await judge(app)
  let flips = 0
  let random = 1
  const ended = new AbortController()

  async function flip(): Promise<void> {
    while (!ended.signal.aborted) {
      flips++
      random = (random * 48_271) % 0x7fffffff
      const status = STATUSES[random % STATUSES.length] ?? 'SCALING'
      await app.db.disk.update({ where: { id: disk.id }, data: { status } })
      // Not a wait for something: the millisecond between two flips.
      await setTimeout(1)
    }
  }
  async function call(calls: number): Promise<string[]> {
    const answers = []
    for (let i = 0; i < calls; i++) {
      const { data, errors } = await app.graphql(CREATE, { input: { diskId: disk.id, name: `call-${i}` } })
      expect(errors).toBeUndefined()
      const { __typename, actual } = data.createSnapshot
      answers.push((actual ?? __typename) as string)
    }
    return answers
  }

  const flipping = flip()
  const answers = (await Promise.all(Array.from({ length: 10 }, () => call(200)))).flat()
  ended.abort()
  await flipping

  const accepted = answers.filter((answer) => answer === 'CreateSnapshotPayload').length
  console.log(`${answers.length} calls, ${flips} flips, ${accepted} accepted`)
  expect(await verdict()).toEqual({ fit: BigInt(accepted), unfit: 0n })
  // Every status was met, so the flips did come between.
  expect(new Set(answers)).toEqual(
    new Set(['CreateSnapshotPayload', 'SCALING', 'ATTACHING', 'SNAPSHOTTING', 'DETACHING']),
  )
  expect(flips).toBeGreaterThan(100)
})

const naiveSnapshot = (disk: Disk) => ({
  id: 's-naive00001',
  accountId: disk.accountId,
  diskId: disk.id,
  diskKind: disk.kind,
  name: 'naive',
  type: 'MANUAL' as const,
  status: 'CREATING' as const,
  sizeBytes: disk.sizeBytes,
  createdAt: new Date(0),
})

test('the judge sees a snapshot that was made by looking first and writing afterwards', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const verdict = await judge(app)

  expect((await app.db.disk.findUniqueOrThrow({ where: { id: disk.id } })).status).toBe('UNMOUNTED')
  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'SCALING' } })
  await app.db.$transaction(async (tx) => {
    await tx.disk.update({ where: { id: disk.id }, data: { status: 'SNAPSHOTTING' } })
    await tx.snapshot.create({ data: naiveSnapshot(disk) })
  })

  expect(await verdict()).toMatchObject(SNAPSHOT_OF_UNFIT_DISK)
})

test('the judge sees a snapshot of a disk that was not claimed', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const verdict = await judge(app)

  await app.db.snapshot.create({ data: naiveSnapshot(disk) })

  expect(await verdict()).toMatchObject(SNAPSHOT_OF_UNFIT_DISK)
})
