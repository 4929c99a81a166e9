import { expect, test } from 'vitest'
import { SNAPSHOT_STATUSES } from '../../src/domain/snapshot.ts'
import type { Prisma, Snapshot } from '../../src/generated/prisma/client.ts'
import type { SnapshotFilter } from '../../src/reads/filters.ts'
import { Reads, SNAPSHOT_ORDERS } from '../../src/reads/reads.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { onServer } from '../support/new-database.ts'
import { chance } from '../support/random.ts'

const ACCOUNTS = ['acc-one', 'acc-two']
const TYPES = ['MANUAL', 'AUTOMATIC'] as const
const DISKS = ['v-disk0001', 'v-disk0002', 'v-disk0003']
const NAMES = ['a', 'b', 'A%', 'c_d', 'é']

type Chance = ReturnType<typeof chance>

async function makeAccounts({ db }: TestApp): Promise<void> {
  for (const id of ACCOUNTS) await db.account.create({ data: { id, name: id, createdAt: new Date(0) } })
  for (const [index, id] of DISKS.entries()) {
    await db.disk.create({
      data: {
        id,
        accountId: ACCOUNTS[index % 2] ?? '',
        provider: 'local',
        location: id,
        name: id,
        kind: 'DATA',
        status: 'UNMOUNTED',
        sizeBytes: 1n,
        storageType: 'local',
        zone: 'local',
        createdAt: new Date(0),
      },
    })
  }
}

function randomSnapshot(random: Chance, index: number): Prisma.SnapshotUncheckedCreateInput {
  const disk = random.below(DISKS.length)
  return {
    id: `s-${String(index).padStart(8, '0')}`,
    accountId: ACCOUNTS[disk % 2] ?? '',
    diskId: random.happens(0.1) ? null : (DISKS[disk] ?? null),
    diskKind: 'DATA',
    name: random.pick(NAMES),
    type: random.pick(TYPES),
    status: random.pick(SNAPSHOT_STATUSES),
    sizeBytes: BigInt(random.below(4)) * 2n ** 40n,
    dataBytes: random.happens(0.5) ? null : 5_000_000_000n,
    evicted: random.happens(0.2),
    createdAt: new Date(Date.UTC(2026, 0, 1) + random.below(20) * 1_000),
    completedAt: random.happens(0.5) ? null : new Date(1),
  }
}

/** Values for a comparison: one, or a list with repetitions, or nothing. */
function some<T>(random: Chance, values: readonly T[]) {
  if (random.happens(0.6)) return undefined
  const eq = random.happens(0.5) ? random.pick(values) : undefined
  const listed = random.happens(0.5)
    ? Array.from({ length: random.below(4) }, () => random.pick(values))
    : undefined
  return { eq, in: listed }
}

function randomFilter(random: Chance, ids: readonly string[]): SnapshotFilter {
  const moment = () => new Date(Date.UTC(2026, 0, 1) + random.below(20) * 1_000)
  return {
    id: some(random, ids),
    diskId: some(random, DISKS),
    status: some(random, SNAPSHOT_STATUSES),
    type: some(random, TYPES),
    name: some(random, NAMES),
    createdAt: random.happens(0.7)
      ? undefined
      : { gte: moment(), lt: random.happens(0.5) ? moment() : undefined },
  }
}

/** The same as Prisma has it; a condition may stand in `eq` and `in` at once. */
function prismaWhere(filter: SnapshotFilter): Prisma.SnapshotWhereInput {
  return {
    AND: Object.entries(filter).flatMap(([column, comparisons]) =>
      Object.entries((comparisons ?? {}) as object)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => ({ [column]: { [name === 'eq' ? 'equals' : name]: value as unknown } })),
    ),
  }
}

test('pages and counts are those of Prisma, for random filters, orders, cursors and accounts', async () => {
  await using app = await startTestApp()
  await makeAccounts(app)
  const random = chance(7)
  const data = Array.from({ length: 150 }, (_, index) => randomSnapshot(random, index))
  await app.db.snapshot.createMany({ data })
  const ids = data.map(({ id }) => id)

  for (let round = 0; round < 400; round++) {
    const accountId = random.pick(ACCOUNTS)
    const filter = randomFilter(random, ids)
    const diskId = random.happens(0.2) ? random.pick(DISKS) : undefined
    const column = random.pick(Object.values(SNAPSHOT_ORDERS).map(({ column }) => column)) as keyof Snapshot
    const direction = random.pick(['ASC', 'DESC'] as const)
    const limit = 1 + random.below(30)
    const list = new Reads(app.db, { accountId }).snapshots(filter, diskId)
    const where = { ...prismaWhere(filter), accountId, ...(diskId !== undefined && { diskId }) }
    const ascending = direction === 'ASC' ? 'asc' : 'desc'
    const all = await app.db.snapshot.findMany({
      where,
      orderBy: [{ [column]: ascending }, { id: ascending }],
    })
    const start = all.length === 0 || random.happens(0.5) ? -1 : random.below(all.length)
    const cursor = all[start]
    const after = cursor && { value: cursor[column] as Date | string | bigint, id: cursor.id }

    const { rows } = await list.page({ column, direction, limit, after })

    expect({ rows, count: await list.count() }).toEqual({
      rows: all.slice(start + 1, start + 1 + limit),
      count: all.length,
    })
  }
})

test.skipIf(onServer)(
  'the counts that the database keeps are exact under random writes of every kind (skipped on PostgreSQL, which counts for disks only)',
  async () => {
    await using app = await startTestApp()
    await makeAccounts(app)
    const { db } = app
    const random = chance(11)
    for (let round = 0; round < 250; round++) {
      const [any] = await db.snapshot.findMany({
        take: 1,
        skip: random.below(1 + (await db.snapshot.count())),
      })
      const fields = randomSnapshot(random, round)
      const { status, type, diskId, accountId, name, evicted = false } = fields
      if (any === undefined || random.happens(0.5)) await db.snapshot.create({ data: fields })
      else if (random.happens(0.3)) await db.snapshot.delete({ where: { id: any.id } })
      else if (random.happens(0.2)) await db.snapshot.updateMany({ where: { type }, data: { status, name } })
      else
        await db.snapshot.update({
          where: { id: any.id },
          data: { status, type, diskId, accountId, evicted },
        })
    }
    // A disk that is released leaves its snapshots behind, without it.
    await db.disk.delete({ where: { id: DISKS[0] } })

    const by = ['accountId', 'type', 'status', 'evicted'] as const
    const ofAccounts = await db.snapshot.groupBy({ by: [...by], _count: true })
    const ofDisks = await db.snapshot.groupBy({
      by: [...by, 'diskId'],
      where: { diskId: { not: null } },
      _count: true,
    })
    const expected = [...ofAccounts.map((row) => ({ ...row, diskId: '' })), ...ofDisks].map(
      ({ _count: count, ...key }) =>
        JSON.stringify([key.accountId, key.diskId, key.type, key.status, key.evicted, count]),
    )
    const kept = (await db.snapshotCount.findMany()).map((row) =>
      JSON.stringify([row.accountId, row.diskId, row.type, row.status, row.evicted, row.count]),
    )
    expect(kept.length).toBeGreaterThan(10)
    expect(kept.toSorted()).toEqual(expected.toSorted())
  },
)
