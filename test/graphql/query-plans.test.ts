import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { DISK_ORDERS, SNAPSHOT_ORDERS } from '../../src/reads/reads.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { planOf } from '../support/plans.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'

const AT = '2026-01-03T00:00:00Z'

/** Every comparison there is, for every field of the filter. */
const texts = { eq: 'a', in: ['a', 'b'], contains: 'a' }
const times = { gte: AT, gt: AT, lte: AT, lt: AT }
const numbers = { eq: 1, gte: 1, gt: 1, lte: 1, lt: 1 }
const tags = [
  [{ key: 'k' }],
  ...each(texts).map((value) => [{ key: 'k', value }]),
  [{ key: 'k' }, { key: 'l' }],
]

function each(comparisons: object): object[] {
  return Object.entries(comparisons).map(([comparison, value]) => ({ [comparison]: value }))
}

const COMMON = {
  id: each({ eq: 'v-aaaaaaaa', in: ['v-aaaaaaaa', 'v-bbbbbbbb'] }),
  name: each(texts),
  connectionId: each({ eq: 'con-aaaaaaaa', in: ['con-aaaaaaaa', 'con-bbbbbbbb'] }),
  createdAt: each(times),
  sizeGiB: each(numbers),
  tags,
  search: ['a', 'v-aaaaaaaa'],
}
const FILTERS = {
  Disk: {
    ...COMMON,
    status: each({ eq: 'ERROR', in: ['ERROR', 'EXPIRED'] }),
    kind: each({ eq: 'DATA', in: ['DATA', 'SYSTEM'] }),
  },
  Snapshot: {
    ...COMMON,
    diskId: each({ eq: 'v-aaaaaaaa', in: ['v-aaaaaaaa', 'v-bbbbbbbb'] }),
    status: each({ eq: 'FAILED', in: ['FAILED', 'CREATING'] }),
    type: each({ eq: 'MANUAL', in: ['MANUAL', 'AUTOMATIC'] }),
    completedAt: each(times),
    expiresAt: each(times),
  },
}
const ORDERS = { Disk: Object.keys(DISK_ORDERS), Snapshot: Object.keys(SNAPSHOT_ORDERS) }

/** What is wrong with a plan: a table that is read from end to end, or a sort. */
function faultsOf(plan: string[]): string[] {
  return plan.filter((line) => {
    // The page itself, the heads of the logs and the list of a comparison are no tables.
    if (/^SCAN (log|page|json_each|CONSTANT ROW|\(subquery)/.test(line)) return false
    return /^SCAN|TEMP B-TREE/.test(line)
  })
}

async function plans(
  app: TestApp,
  statements: string[],
  query: string,
  variables: object,
): Promise<string[]> {
  statements.length = 0
  const { errors } = await app.graphql(query, variables as Record<string, unknown>)
  expect(errors).toBeUndefined()
  using database = Object.assign(new SQLite(app.db.path, { readonly: true }), {
    [Symbol.dispose]: () => undefined,
  })
  const found = statements.flatMap((sql) => planOf(database, sql))
  database.close()
  return found
}

test.each(['Disk', 'Snapshot'] as const)(
  'every filter of %ss, in every order and both ways, from the start and from a cursor, is read along an index and never sorted',
  async (Type) => {
    const statements: string[] = []
    await using app = await startTestApp(
      { LOG_POLL_MS: '60000' },
      { onStatement: (sql) => statements.push(sql) },
    )
    const disks = [await app.disk(), await app.disk()]
    for (const disk of disks) await app.heldSnapshots(disk, 2)
    const list = Type === 'Disk' ? 'disks' : 'snapshots'
    const query = `query ($filter: ${Type}Filter, $orderBy: ${Type}Order, $after: String) {
      ${list}(filter: $filter, orderBy: $orderBy, after: $after, first: 1) { totalCount pageInfo { endCursor hasNextPage hasPreviousPage } nodes { id } } }`
    const filters = Object.entries(FILTERS[Type]).flatMap(([field, ways]) =>
      ways.map((way: unknown) => ({ [field]: way })),
    )
    let checked = 0
    for (const field of ORDERS[Type]) {
      for (const direction of ['ASC', 'DESC']) {
        const orderBy = { field, direction }
        const { data } = await app.graphql(query, { orderBy })
        const { endCursor } = data[list].pageInfo as { endCursor: string }
        for (const filter of [{}, ...filters]) {
          for (const after of [null, endCursor]) {
            const plan = await plans(app, statements, query, { filter, orderBy, after })
            const searched = plan.filter((line) => /^SEARCH t /.test(line))
            expect(searched.length).toBeGreaterThan(0)
            // Ids are looked up one by one, and the few rows that are found put in order.
            const faults =
              'id' in filter ? faultsOf(plan).filter((line) => line.startsWith('SCAN')) : faultsOf(plan)
            expect([filter, orderBy, faults, plan.length > 0]).toEqual([filter, orderBy, [], true])
            for (const line of searched)
              expect(line).toMatch(/USING (COVERING )?INDEX \w+ \((accountId|connectionId|diskId|id)=\?/)
            checked++
          }
        }
      }
    }
    expect(checked).toBeGreaterThan(200)
  },
)

test('the snapshots of a disk are read along an index of that disk, in every order', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  await app.disk()
  const query = `query ($orderBy: SnapshotOrder) { disks { nodes { snapshots(orderBy: $orderBy) { totalCount nodes { id tags { key } transitions { to } operation { kind } } } } } }`
  for (const field of ORDERS.Snapshot) {
    for (const direction of ['ASC', 'DESC']) {
      const plan = await plans(app, statements, query, { orderBy: { field, direction } })
      expect(faultsOf(plan)).toEqual([])
      expect(plan.join('\n')).toMatch(/SEARCH t USING INDEX Snapshot_diskId_\w+_id_idx \(diskId=\?\)/)
    }
  }
})

test('the disks and snapshots of a connection are read along an index of that connection, as clients list them', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  for (const [list, index] of [
    ['disks', 'Disk_connectionId_name_id_idx'],
    ['snapshots', 'Snapshot_connectionId_createdAt_id_idx'],
  ]) {
    const query = `{ ${list}(filter: { connectionId: { eq: "con-aaaaaaaa" } }) { totalCount nodes { id } } }`
    const plan = await plans(app, statements, query, {})
    expect(plan.join('\n')).toContain(`SEARCH t USING INDEX ${index} (connectionId=?)`)
    expect(faultsOf(plan)).toEqual([])
  }
})

test('the disks of a policy, its runs and their results per disk are read along an index, in every order', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000', MAX_COST: '100000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  const policyId = await policyOf(app, EVERY_NIGHT, await app.disk(), await app.disk())
  const data = {
    accountId: app.viewer.accountId,
    outcome: 'RUN',
    policyId,
    slot: '',
    decidedAt: new Date(AT),
  } as const
  await app.db.autoSnapshotRun.create({ data: { ...data, id: 'asr-aaaaaaaa', scheduledFor: new Date(AT) } })
  const query = `query ($orderBy: DiskOrder) { autoSnapshotPolicies { totalCount nodes {
    disks(orderBy: $orderBy) { totalCount nodes { id } } lastRun { id }
    runs { totalCount nodes { disks { totalCount nodes { outcome } } } } } } }`
  for (const field of ORDERS.Disk) {
    for (const direction of ['ASC', 'DESC']) {
      const plan = await plans(app, statements, query, { orderBy: { field, direction } })
      expect([field, direction, faultsOf(plan)]).toEqual([field, direction, []])
      expect(plan.join('\n')).toMatch(/SEARCH t USING INDEX Disk_policyId_\w+_id_idx \(policyId=\?\)/)
    }
  }
})

test('the history of a disk is read along indexes of that disk, both ways', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  const { id } = await app.disk()
  const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { disk(id: $id) {
    history(first: $first, after: $after, last: $last, before: $before) { totalCount pageInfo { startCursor } nodes { at } } } }`
  const { data } = await app.graphql(query, { id })
  const cursor = data.disk.history.pageInfo.startCursor as string
  for (const args of [{ first: 5 }, { first: 5, after: cursor }, { last: 5 }, { last: 5, before: cursor }]) {
    const plan = await plans(app, statements, query, { id, ...args })
    const bound = 'after' in args ? ' AND at<?' : 'before' in args ? ' AND at>?' : ''
    for (const table of ['SnapshotTransition', 'DiskTransition']) {
      const read = plan.indexOf(`SEARCH t USING INDEX ${table}_diskId_at_idx (diskId=?${bound})`)
      // Not sorted before its page is full; what is sorted then is that page.
      expect([plan[read - 1], plan[read + 1]]).toEqual([
        expect.stringContaining('CO-ROUTINE'),
        expect.stringContaining('SCAN (subquery'),
      ])
    }
    expect(plan.filter((line) => /^SCAN t/.test(line))).toEqual([])
  }
})

test('the test would notice a table that is read from end to end, and a sort', async () => {
  await using app = await startTestApp()
  const database = new SQLite(app.db.path, { readonly: true })
  const sort = planOf(database, 'SELECT * FROM "Disk" t WHERE t."accountId" = ? ORDER BY t."zone"')
  const scan = planOf(database, 'SELECT * FROM "Disk" t WHERE t."zone" = ?')
  database.close()
  expect(faultsOf(sort)).toEqual(['USE TEMP B-TREE FOR ORDER BY'])
  expect(faultsOf(scan)).toEqual(['SCAN t'])
})
