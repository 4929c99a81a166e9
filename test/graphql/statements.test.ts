import { expect, test } from 'vitest'
import { readPages, type PageQuery } from '../../src/reads/pages.ts'
import { createReads } from '../../src/reads/reads.ts'
import { Prisma, type Disk, type Snapshot } from '../../src/generated/prisma/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** Records disks, each with so many snapshots that have tags and a history. */
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
      ...(index % 2 === 0 && { dataBytes: 4_000_000_000n, completedAt: createdAt, progress: 100 }),
    })),
  })
  await db.snapshotTag.createMany({ data: held.map(({ id }) => ({ snapshotId: id, key: 'k', value: 'v' })) })
  await db.snapshotTransition.createMany({
    data: held.map(({ id, diskId }) => ({
      accountId,
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
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000', MAX_COST: '1000000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  await recordWorld(app, disks, snapshots)
  statements.length = 0
  const { data, errors } = await app.graphql(query)
  expect(errors).toBeUndefined()
  expect(JSON.stringify(data).split('"s-snap').length).toBeGreaterThan(disks * snapshots)
  return statements
}

test('a list with lists in it takes as many statements for 30 disks of 10 snapshots as for 2 of 2', async () => {
  const small = await statementsFor(DEEP, 2, 2)
  const large = await statementsFor(DEEP, 30, 10)

  expect(large).toHaveLength(small.length)
  expect(small.length).toBeLessThan(12)
})

test('a list of snapshots takes as many statements for 100 as for 2', async () => {
  const query = `{ snapshots(first: 100) { nodes { id tags { key } transitions { to } disk { name snapshotQuota { total { used } } } } } }`
  const small = await statementsFor(query, 1, 2)
  const large = await statementsFor(query, 1, 100)

  expect(large).toHaveLength(small.length)
})

test('what nobody asks for is not read', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000', MAX_COST: '1000000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  await recordWorld(app, 2, 2)
  statements.length = 0

  await app.graphql('{ disks { nodes { name } } }')

  expect(statements).toHaveLength(1)
})

test('nodes by id take one statement for each type, however many they are', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000', MAX_COST: '1000000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  await recordWorld(app, 20, 4)
  const ids = [
    ...(await app.db.disk.findMany()).map(({ id }) => id),
    ...(await app.db.snapshot.findMany()).map(({ id }) => id),
  ]
  statements.length = 0

  const { data } = await app.graphql('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids })

  expect(data.nodes).toEqual(ids.map((id) => ({ id })))
  expect(statements).toHaveLength(2)
})

const query: PageQuery = { where: [Prisma.sql`TRUE`], column: 'id', direction: 'ASC', limit: 100 }

test('the rows of a page are the rows of Prisma, value by value and type by type', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 2, 3)

  const [disks] = await readPages<Disk>(app.db, 'Disk', [query])
  const [snapshots] = await readPages<Snapshot>(app.db, 'Snapshot', [query])

  const orderBy = { id: 'asc' } as const
  expect(disks?.rows.map(columns)).toEqual(await app.db.disk.findMany({ orderBy }))
  expect(snapshots?.rows.map(columns)).toEqual(await app.db.snapshot.findMany({ orderBy }))
})

test('pages that are read together stay apart, an empty one among them, and tell the same head of the log', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 3, 2)

  const pages = await readPages<Disk>(app.db, 'Disk', [
    { ...query, limit: 1 },
    { ...query, where: [Prisma.sql`FALSE`] },
    { ...query, direction: 'DESC', limit: 2 },
  ])

  expect(pages.map(({ rows, head }) => [rows.map(({ id }) => id), head])).toEqual([
    [['v-disk0000'], 6],
    [[], 6],
    [['v-disk0002', 'v-disk0001'], 6],
  ])
})

test('reads see what was written between two turns', async () => {
  await using app = await startTestApp()
  await recordWorld(app, 1, 0)
  const reads = createReads(app.db, app.viewer)

  const before = await reads.disk('v-disk0000')
  await app.db.disk.update({ where: { id: 'v-disk0000' }, data: { status: 'ERROR' } })
  const after = await reads.disk('v-disk0000')

  expect([before?.status, after?.status]).toEqual(['UNMOUNTED', 'ERROR'])
})

/** The row as its table has it, without what the statement adds. */
function columns(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'head' && name !== 'query'))
}
