import { expect, test } from 'vitest'
import { readPage, type PageQuery } from '../../src/reads/pages.ts'
import { Reads } from '../../src/reads/reads.ts'
import { Prisma, type Disk, type Snapshot } from '../../src/generated/prisma/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** Nothing is read beside the query, which may ask for more than clients may. */
const QUIET = { LOG_POLL_MS: '60000', MAX_COST: '10000000' }

/** Records disks, each with this many snapshots that have tags and a history. */
async function recordWorld({ db, viewer: { accountId } }: TestApp, disks: number, snapshots: number) {
  const createdAt = new Date('2026-01-01T00:00:00.123Z')
  const own = { accountId, createdAt, sizeBytes: 5_000_000_000n }
  const diskIds = Array.from({ length: disks }, (_, index) => `v-disk${String(index).padStart(4, '0')}`)
  await db.disk.createMany({
    data: diskIds.map((id) => ({
      ...own,
      id,
      provider: 'local',
      location: `/nowhere/${id}`,
      name: id,
      kind: 'DATA' as const,
      status: 'UNMOUNTED' as const,
      storageType: 'local',
      zone: 'local',
    })),
  })
  const held = diskIds.flatMap((diskId, disk) =>
    Array.from({ length: snapshots }, (_, index) => ({
      diskId,
      id: `s-snap${String(disk * 100 + index).padStart(4, '0')}`,
    })),
  )
  await db.snapshot.createMany({
    data: held.map(({ id, diskId }, index) => ({
      ...own,
      id,
      diskId,
      diskKind: 'DATA' as const,
      name: id,
      type: 'MANUAL' as const,
      status: 'COMPLETED' as const,
      // In every other row null, as in a row of another status.
      ...(index % 2 === 0 && { dataBytes: 4_000_000_000n, completedAt: createdAt }),
    })),
  })
  await db.snapshotTag.createMany({ data: held.map(({ id }) => ({ snapshotId: id, key: 'k', value: 'v' })) })
  await db.diskTransition.createMany({
    data: diskIds.slice(1).map((diskId, index) => ({
      accountId,
      sequence: index + 1,
      tag: 'tag',
      diskId,
      to: 'UNMOUNTED' as const,
      at: createdAt,
    })),
  })
  await db.snapshotTransition.createMany({
    data: held.map(({ id, diskId }, index) => ({
      accountId,
      sequence: index + 1,
      tag: 'tag',
      snapshotId: id,
      diskId,
      to: 'CREATING' as const,
      at: createdAt,
    })),
  })
}

const DEEP = /* GraphQL */ `
  {
    disks(first: 100) {
      totalCount
      streamCursor
      nodes {
        name
        snapshotQuota {
          manual {
            used
          }
        }
        snapshotEligibility {
          allowed
          refusals {
            code
          }
        }
        snapshots(first: 100, filter: { status: { eq: COMPLETED } }) {
          totalCount
          nodes {
            name
            tags {
              key
              value
            }
            transitions {
              to
              at
              snapshot {
                name
              }
            }
            disk {
              name
              snapshotQuota {
                total {
                  used
                }
              }
            }
          }
        }
      }
    }
  }
`

/** The statements that answering the query takes in a world of this size. */
async function statementsFor(query: string, disks: number, snapshots: number): Promise<string[]> {
  const statements: string[] = []
  await using app = await startTestApp(QUIET, { onStatement: (sql) => statements.push(sql) })
  await recordWorld(app, disks, snapshots)
  statements.length = 0
  const { data, errors } = await app.graphql(query)
  expect(errors).toBeUndefined()
  expect(JSON.stringify(data).split('"s-snap').length).toBeGreaterThan(disks * snapshots)
  return statements
}

test('a list with lists in it takes the same prepared statements for 30 disks of 10 snapshots as for 2 of 2', async () => {
  const small = new Set(await statementsFor(DEEP, 2, 2))
  const large = new Set(await statementsFor(DEEP, 30, 10))

  expect(large).toEqual(small)
  expect(small.size).toBeLessThan(12)
})

test('what nobody asks for is not read', async () => {
  const statements: string[] = []
  await using app = await startTestApp(QUIET, { onStatement: (sql) => statements.push(sql) })
  await recordWorld(app, 2, 2)
  statements.length = 0

  await app.graphql('{ disks { nodes { name } } }')

  expect(statements).toEqual([expect.stringMatching(/^SELECT t."id",t."name" FROM "Disk" /)])
})

const query: PageQuery = {
  where: { conditions: [Prisma.sql`TRUE`] },
  column: 'id',
  direction: 'ASC',
  limit: 100,
}

test('the rows of a page are the rows of Prisma, value by value and type by type', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 2, 3)

  const disks = readPage<Disk>(app.db.reader, app.viewer.accountId, 'Disk', query)
  const snapshots = readPage<Snapshot>(app.db.reader, app.viewer.accountId, 'Snapshot', query)

  const orderBy = { id: 'asc' } as const
  expect(disks.rows).toEqual(await app.db.disk.findMany({ orderBy }))
  expect(snapshots.rows).toEqual(await app.db.snapshot.findMany({ orderBy }))
})

test('a page tells the heads of the logs of its account as of its rows, and nothing of the logs of others', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 3, 2)
  const { reader } = app.db

  expect(readPage<Disk>(reader, app.viewer.accountId, 'Disk', { ...query, limit: 1 })).toMatchObject({
    rows: [{ id: 'v-disk0000' }],
    heads: { snapshots: '6.tag', disks: '2.tag' },
  })
  expect(
    readPage<Disk>(reader, 'acc-empty', 'Disk', { ...query, where: { conditions: [Prisma.sql`FALSE`] } }),
  ).toEqual({
    rows: [],
    heads: { snapshots: null, disks: null },
  })
})

test('reads see what was written between two of them', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 1, 0)
  const reads = new Reads(app.db, app.viewer)

  const before = reads.disk('v-disk0000')
  await app.db.disk.update({ where: { id: 'v-disk0000' }, data: { status: 'ERROR' } })
  const after = reads.disk('v-disk0000')

  expect([before?.status, after?.status]).toEqual(['UNMOUNTED', 'ERROR'])
})
