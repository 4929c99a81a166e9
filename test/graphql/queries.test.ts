import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { DISK_KINDS, DISK_STATUSES } from '../../src/domain/disk.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

const FIRST_DAY = Date.UTC(2026, 0, 1)
const DAY = 86_400_000
const day = (number: number) => new Date(FIRST_DAY + number * DAY)

/** Records disks without images behind them. */
async function recordDisks(app: TestApp, disks: Partial<Prisma.DiskCreateManyInput>[]): Promise<void> {
  await app.db.disk.createMany({
    data: disks.map((disk, index) => {
      const id = `v-recorded${String(index).padStart(4, '0')}`
      return {
        id,
        accountId: app.viewer.accountId,
        provider: 'local',
        location: `/nowhere/${id}`,
        name: id,
        kind: 'DATA',
        status: 'UNMOUNTED',
        sizeBytes: 1n,
        storageType: 'local',
        zone: 'local',
        createdAt: day(0),
        ...disk,
      }
    }),
  })
}

/** Records completed snapshots, without copies behind them. */
async function recordSnapshots(app: TestApp, snapshots: Partial<Prisma.SnapshotCreateManyInput>[]) {
  await app.db.snapshot.createMany({
    data: snapshots.map((snapshot, index) => ({
      id: `s-recorded${String(index).padStart(4, '0')}`,
      accountId: app.viewer.accountId,
      diskKind: 'DATA',
      name: `recorded ${index}`,
      type: 'MANUAL',
      status: 'COMPLETED',
      sizeBytes: 1n,
      createdAt: day(0),
      ...snapshot,
    })),
  })
}

/** Entries whose creation, name and size are each shared by several. */
const withTies = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    createdAt: day(index % 4),
    name: ['b', 'B', 'a', '中', 'a1'][index % 5] ?? '',
    sizeBytes: BigInt([9, 10, 5_000_000_000][index % 3] ?? 0),
  }))

interface PageInfo {
  startCursor: string | null
  endCursor: string | null
  hasNextPage: boolean
  hasPreviousPage: boolean
}

interface List {
  edges: { cursor: string; node: { id: string } }[]
  nodes: { id: string }[]
  pageInfo: PageInfo
  totalCount: number
}

type ListName = 'disks' | 'snapshots'

async function list(app: TestApp, name: ListName, args: Record<string, unknown>): Promise<List> {
  const Type = name === 'disks' ? 'Disk' : 'Snapshot'
  const { data, errors } = await app.graphql(
    `query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: ${Type}Order, $filter: ${Type}Filter) {
      ${name}(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
        edges { cursor node { id } }
        nodes { id }
        pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
        totalCount
      }
    }`,
    args,
  )
  expect(errors).toBeUndefined()
  return (data as Record<ListName, List>)[name]
}

const ids = ({ nodes }: Pick<List, 'nodes'>) => nodes.map(({ id }) => id)

/** The pages from one end to the other, in the order in which the list has them. */
async function walk(
  app: TestApp,
  name: ListName,
  size: number,
  args: object,
  forward: boolean,
): Promise<List[]> {
  const pages: List[] = []
  for (let cursor: string | null = null; ;) {
    const page = await list(app, name, {
      ...args,
      ...(forward ? { first: size, after: cursor } : { last: size, before: cursor }),
    })
    if (forward) pages.push(page)
    else pages.unshift(page)
    const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo
    if (!(forward ? hasNextPage : hasPreviousPage)) return pages
    cursor = forward ? endCursor : startCursor
  }
}

describe('single things', () => {
  test('disk and snapshot give what they are asked for, and null when there is none', async () => {
    await using app = await startTestApp()
    await recordDisks(app, [{ id: 'v-here0000', name: 'here', instanceId: 'i-1', device: '/dev/vdb' }])
    await recordSnapshots(app, [{ id: 's-here0000', name: 'here', diskId: 'v-here0000', dataBytes: 5n }])

    const { data } = await app.graphql(`{
      disk(id: "v-here0000") { id name attachment { instanceId device } sizeBytes createdAt }
      noDisk: disk(id: "v-gone0000") { id }
      snapshot(id: "s-here0000") { id name dataBytes completedAt tags { key } disk { id } transitions { to } }
      noSnapshot: snapshot(id: "s-gone0000") { id }
    }`)

    expect(data).toEqual({
      disk: {
        id: 'v-here0000',
        name: 'here',
        attachment: { instanceId: 'i-1', device: '/dev/vdb' },
        sizeBytes: 1,
        createdAt: '2026-01-01T00:00:00.000Z',
      },
      noDisk: null,
      snapshot: {
        id: 's-here0000',
        name: 'here',
        dataBytes: 5,
        completedAt: null,
        tags: [],
        disk: { id: 'v-here0000' },
        transitions: [],
      },
      noSnapshot: null,
    })
  })

  test('node finds a disk or a snapshot by its id alone', async () => {
    await using app = await startTestApp()
    await recordDisks(app, [{ id: 'v-here0000' }])
    await recordSnapshots(app, [{ id: 's-here0000' }])

    const { data } = await app.graphql(`{
      disk: node(id: "v-here0000") { __typename id }
      snapshot: node(id: "s-here0000") { __typename id }
      none: node(id: "v-gone0000") { __typename id }
    }`)

    expect(data).toEqual({
      disk: { __typename: 'Disk', id: 'v-here0000' },
      snapshot: { __typename: 'Snapshot', id: 's-here0000' },
      none: null,
    })
  })

  test('nodes answers disks and snapshots in the order of the ids, null for what is missing, foreign or malformed', async () => {
    await using app = await startTestApp()
    await recordDisks(app, [{ id: 'v-here0000' }, { id: 'v-here1111' }])
    await app.db.account.create({ data: { id: 'acc-other', name: 'other', createdAt: day(0) } })
    await recordSnapshots(app, [{ id: 's-here0000' }, { id: 's-other000', accountId: 'acc-other' }])

    const { data, errors } = await app.graphql(
      `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }`,
      {
        ids: ['s-here0000', 'v-gone0000', 'v-here1111', 's-other000', 'v-', 'tok-here0000', '', 'v-here0000'],
      },
    )

    expect(errors).toBe(undefined)
    expect(data.nodes).toEqual([
      { __typename: 'Snapshot', id: 's-here0000' },
      null,
      { __typename: 'Disk', id: 'v-here1111' },
      null,
      null,
      null,
      null,
      { __typename: 'Disk', id: 'v-here0000' },
    ])
  })

  test('nothing of another account is seen, by id, in a list or in a count', async () => {
    await using app = await startTestApp()
    await app.db.account.create({ data: { id: 'acc-other', name: 'other', createdAt: day(0) } })
    await recordDisks(app, [{ id: 'v-other000', accountId: 'acc-other' }])
    await recordSnapshots(app, [{ id: 's-other000', accountId: 'acc-other', diskId: 'v-other000' }])

    const { data } = await app.graphql(`{
      disk(id: "v-other000") { id }
      snapshot(id: "s-other000") { id }
      nodes(ids: ["v-other000", "s-other000"]) { id }
      disks { nodes { id } totalCount }
      snapshots { nodes { id } totalCount }
    }`)

    expect(data).toEqual({
      disk: null,
      snapshot: null,
      nodes: [null, null],
      disks: { nodes: [], totalCount: 0 },
      snapshots: { nodes: [], totalCount: 0 },
    })
  })
})

describe('lists', () => {
  const orders = (['disks', 'snapshots'] as const).flatMap((name) =>
    ['CREATED_AT', 'NAME', 'SIZE'].flatMap((field) =>
      ['ASC', 'DESC'].map((direction) => [name, field, direction] as const),
    ),
  )

  test.each(orders)(
    '%s ordered by %s %s give each entry once, page by page, from either end, ties ordered by id',
    async (name, field, direction) => {
      await using app = await startTestApp()
      const record = name === 'disks' ? recordDisks : recordSnapshots
      await record(app, withTies(23))
      const args = { orderBy: { field, direction } }
      const prefix = name === 'disks' ? 'v' : 's'
      const keys = { CREATED_AT: 'createdAt', NAME: 'name', SIZE: 'sizeBytes' } as const
      const key = keys[field as keyof typeof keys]
      const ordered = withTies(23)
        .map((entry, index) => ({
          value: entry[key],
          id: `${prefix}-recorded${String(index).padStart(4, '0')}`,
        }))
        .sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : a.id < b.id ? -1 : 1))
        .map(({ id }) => id)
      if (direction === 'DESC') ordered.reverse()

      const whole = await list(app, name, { ...args, first: 100 })
      const forwards = await walk(app, name, 5, args, true)
      const backwards = await walk(app, name, 5, args, false)

      expect(ids(whole)).toEqual(ordered)
      expect(forwards.flatMap(ids)).toEqual(ordered)
      expect(backwards.flatMap(ids)).toEqual(ordered)
      expect(forwards.map((page) => page.nodes.length)).toEqual([5, 5, 5, 5, 3])
      expect(backwards.map((page) => page.nodes.length)).toEqual([3, 5, 5, 5, 5])
      expect([...forwards, ...backwards].map(({ totalCount }) => totalCount)).toEqual(Array(10).fill(23))
    },
  )

  test('pageInfo says exactly what lies before and behind a page', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(5))
    const [first, , third, , fifth] = (await list(app, 'disks', {})).edges
    const info = async (args: Record<string, unknown>) => (await list(app, 'disks', args)).pageInfo

    const all = { startCursor: first?.cursor, endCursor: fifth?.cursor }
    expect(await info({ first: 5 })).toEqual({ ...all, hasNextPage: false, hasPreviousPage: false })
    expect(await info({ last: 5 })).toEqual({ ...all, hasNextPage: false, hasPreviousPage: false })
    const start = { startCursor: first?.cursor, endCursor: third?.cursor }
    expect(await info({ first: 3 })).toEqual({ ...start, hasNextPage: true, hasPreviousPage: false })
    const end = { startCursor: third?.cursor, endCursor: fifth?.cursor }
    expect(await info({ last: 3 })).toEqual({ ...end, hasNextPage: false, hasPreviousPage: true })
  })

  test.each([true, false])(
    'with cursors, hasNextPage and hasPreviousPage are true exactly where the list has entries beyond the page (deleted rows: %s)',
    async (deleted) => {
      await using app = await startTestApp()
      await recordSnapshots(app, withTies(9))
      const orderBy = { field: 'NAME', direction: 'DESC' }
      const { edges } = await list(app, 'snapshots', { orderBy })
      const there = edges.map(({ node }) => node.id)
      // Both ends and one in the middle: their cursors are tried all the same.
      const gone = deleted ? [0, 1, 4, 8].map((index) => there[index] ?? '') : []
      await app.db.snapshot.deleteMany({ where: { id: { in: gone } } })
      const left = (from: number, to: number) => there.slice(from, to).filter((id) => !gone.includes(id))

      for (const after of [null, 0, 1, 4, 8]) {
        for (const before of [null, 0, 1, 4, 8]) {
          for (const size of [
            { first: 0 },
            { first: 2 },
            { first: 20 },
            { last: 0 },
            { last: 2 },
            { last: 20 },
          ]) {
            const cursor = (index: number | null) => (index === null ? null : edges[index]?.cursor)
            const args = { orderBy, ...size, after: cursor(after), before: cursor(before) }
            const page = await list(app, 'snapshots', args)
            const [low, high] = [after === null ? 0 : after + 1, before ?? 9]
            const within = left(low, Math.max(low, high))
            const shown =
              size.first === undefined
                ? within.slice(Math.max(0, within.length - size.last))
                : within.slice(0, size.first)
            // A page without entries stands where its first cursor is, or at the end that it is counted from.
            const first = shown[0] === undefined ? undefined : there.indexOf(shown[0])
            const last = shown.length === 0 ? undefined : there.indexOf(shown.at(-1) ?? '')
            const place = size.first === undefined ? high : low
            const expected = {
              hasPreviousPage: (first === undefined ? left(0, place) : left(0, first)).length > 0,
              hasNextPage: (last === undefined ? left(place, 9) : left(last + 1, 9)).length > 0,
            }
            expect([after, before, size, ids(page)]).toEqual([after, before, size, shown])
            expect([after, before, size, page.pageInfo]).toMatchObject([after, before, size, expected])
          }
        }
      }
    },
  )

  test('a page beyond the end, and one before the beginning, say where there is something, filtered too', async () => {
    await using app = await startTestApp()
    await recordDisks(app, [...withTies(3), { id: 'v-other000', name: 'zz', createdAt: day(9) }])
    const { edges } = await list(app, 'disks', { orderBy: { field: 'NAME', direction: 'ASC' } })
    const args = { orderBy: { field: 'NAME', direction: 'ASC' }, after: edges.at(-1)?.cursor }

    const beyond = await list(app, 'disks', args)
    expect([ids(beyond), beyond.pageInfo]).toMatchObject([[], { hasPreviousPage: true, hasNextPage: false }])
    const filtered = await list(app, 'disks', { ...args, filter: { name: { eq: 'none' } } })
    expect(filtered.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: false })
    await app.db.disk.deleteMany()
    const emptied = await list(app, 'disks', args)
    expect(emptied.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: false })
    const before = await list(app, 'disks', { orderBy: args.orderBy, last: 5, before: edges[0]?.cursor })
    expect(before.pageInfo).toMatchObject({ hasPreviousPage: false, hasNextPage: false })
  })

  test('edges, nodes and cursors tell the same', async () => {
    await using app = await startTestApp()
    await recordSnapshots(app, withTies(4))

    const { edges, nodes, pageInfo } = await list(app, 'snapshots', {})

    expect(edges.map(({ node }) => node)).toEqual(nodes)
    expect([edges.at(0)?.cursor, edges.at(-1)?.cursor]).toEqual([pageInfo.startCursor, pageInfo.endCursor])
    expect(new Set(edges.map(({ cursor }) => cursor)).size).toBe(4)
  })

  test('what lies between two cursors is neither of them, and all in between', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(9))
    const { edges } = await list(app, 'disks', {})

    const between = await list(app, 'disks', { after: edges[2]?.cursor, before: edges[6]?.cursor })

    expect(ids(between)).toEqual(edges.slice(3, 6).map(({ node }) => node.id))
  })

  test('an empty page has no cursors', async () => {
    await using app = await startTestApp()

    expect(await list(app, 'disks', { first: 10 })).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { startCursor: null, endCursor: null, hasNextPage: false, hasPreviousPage: false },
      totalCount: 0,
    })
  })

  test('first: 0 gives no entries, but counts them, and says that there are more', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(3))

    expect(await list(app, 'disks', { first: 0 })).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { startCursor: null, endCursor: null, hasNextPage: true, hasPreviousPage: false },
      totalCount: 3,
    })
  })

  test('a page has 20 entries when nobody says, and 100 when that is asked for', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(120))

    expect((await list(app, 'disks', {})).nodes).toHaveLength(20)
    expect((await list(app, 'disks', { first: 100 })).nodes).toHaveLength(100)
    expect((await list(app, 'disks', { last: 100 })).nodes).toHaveLength(100)
  })

  test('paging goes on correctly when the entry at the cursor is deleted between two pages', async () => {
    await using app = await startTestApp()
    await recordSnapshots(app, withTies(10))
    const whole = ids(await list(app, 'snapshots', {}))
    const page = await list(app, 'snapshots', { first: 4 })

    await app.db.snapshot.delete({ where: { id: whole[3] ?? '' } })

    const next = await list(app, 'snapshots', { after: page.pageInfo.endCursor })
    const previous = await list(app, 'snapshots', { last: 20, before: page.pageInfo.endCursor })
    expect(ids(next)).toEqual(whole.slice(4))
    expect(ids(previous)).toEqual(whole.slice(0, 3))
  })

  test('entries that come and go before the cursor neither repeat nor hide those behind it', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(10))
    const args = { orderBy: { field: 'CREATED_AT', direction: 'ASC' } }
    const whole = ids(await list(app, 'disks', args))
    const page = await list(app, 'disks', { ...args, first: 4 })

    await app.db.disk.delete({ where: { id: whole[0] ?? '' } })
    await recordDisks(app, [{ id: 'v-before00', createdAt: day(-1), location: '/nowhere/before' }])

    expect(ids(await list(app, 'disks', { ...args, after: page.pageInfo.endCursor }))).toEqual(whole.slice(4))
  })
})

describe('filters', () => {
  test('search finds names that contain the text, whatever they begin with, and the id that is the text', async () => {
    await using app = await startTestApp()
    const names = ['s-old', 'v-recorded0003', 'V-8 engine', 'plain', 'of v-recorded0003']
    await recordDisks(
      app,
      names.map((name) => ({ name })),
    )
    await recordSnapshots(
      app,
      names.map((name) => ({ name })),
    )
    const found = async (Type: 'disks' | 'snapshots', search: string) => {
      const { nodes } = await list(app, Type, {
        filter: { search },
        orderBy: { field: 'CREATED_AT', direction: 'ASC' },
      })
      return nodes.map(({ id }) => names[Number(id.slice(-4))])
    }

    expect(await found('disks', 's-')).toEqual(['s-old'])
    expect(await found('disks', 'v-8')).toEqual(['V-8 engine'])
    // The fourth is found by its id, the others by their names.
    expect(await found('disks', 'v-recorded0003')).toEqual(['v-recorded0003', 'plain', 'of v-recorded0003'])
    expect(await found('snapshots', 's-recorded0003')).toEqual(['plain'])
    expect(await found('snapshots', 'v-recorded0003')).toEqual(['v-recorded0003', 'of v-recorded0003'])
    expect(await found('snapshots', 's-recorded')).toEqual([])
    expect(await found('snapshots', '%')).toEqual([])
    expect(await found('disks', '')).toEqual(names)
    const { totalCount } = await list(app, 'snapshots', { filter: { search: 's-' } })
    expect(totalCount).toBe(1)
  })

  const AT = '2026-01-03T00:00:00.000Z'

  test.each<[filter: Record<string, unknown>, names: string[]]>([
    [{}, ['a', 'b', 'c']],
    [{ id: null, name: { eq: null }, createdAt: {} }, ['a', 'b', 'c']],
    [{ id: { eq: 'v-recorded0001' } }, ['b']],
    [{ id: { in: ['v-recorded0000', 'v-recorded0002', 'v-gone0000'] } }, ['a', 'c']],
    [{ id: { in: [] } }, []],
    [{ status: { eq: 'ERROR' } }, ['b']],
    [{ status: { in: ['ERROR', 'EXPIRED'] } }, ['b', 'c']],
    [{ kind: { eq: 'SYSTEM' } }, ['c']],
    [{ kind: { in: ['SYSTEM', 'DATA'] } }, ['a', 'b', 'c']],
    [{ kind: { in: [] } }, []],
    [{ name: { eq: 'a' } }, ['a']],
    [{ name: { eq: 'A' } }, []],
    [{ name: { in: ['a', 'c'] } }, ['a', 'c']],
    [{ name: { contains: 'B' } }, ['b']],
    [{ createdAt: { lt: AT } }, ['a', 'b']],
    [{ createdAt: { lte: AT } }, ['a', 'b', 'c']],
    [{ createdAt: { gt: AT } }, []],
    [{ createdAt: { gte: AT } }, ['c']],
    [{ createdAt: { gte: '2026-01-03T08:00:00+08:00' } }, ['c']],
    [{ createdAt: { gt: '2026-01-01T00:00:00Z', lt: AT } }, ['b']],
    [{ status: { eq: 'ERROR' }, kind: { eq: 'SYSTEM' } }, []],
    [{ status: { in: ['ERROR', 'EXPIRED'], eq: 'EXPIRED' }, name: { contains: '' } }, ['c']],
    [{ sizeGiB: { eq: 2 } }, ['b']],
    [{ sizeGiB: { gt: 1 } }, ['b', 'c']],
    [{ sizeGiB: { gte: 2.5 } }, ['c']],
    [{ sizeGiB: { lt: 2 } }, ['a']],
    [{ sizeGiB: { lte: 2, gte: 1 } }, ['a', 'b']],
    [{ tags: [] }, ['a', 'b', 'c']],
    [{ tags: [{ key: 'env' }] }, ['a', 'b']],
    [{ tags: [{ key: 'env', value: { eq: 'test' } }] }, ['a']],
    [{ tags: [{ key: 'env', value: { in: ['test', 'live'] } }] }, ['a', 'b']],
    [{ tags: [{ key: 'env', value: { contains: 'IV' } }] }, ['b']],
    [{ tags: [{ key: 'env' }, { key: 'app', value: { eq: '' } }] }, ['b']],
    [{ tags: [{ key: 'ENV' }] }, []],
    [{ tags: [{ key: 'env', value: { eq: "' OR 1=1 --" } }] }, []],
  ])('disks with the filter %j are %j', async (filter, names) => {
    await using app = await startTestApp()
    await recordDisks(app, [
      { name: 'a', createdAt: day(0), sizeBytes: 1024n ** 3n },
      { name: 'b', createdAt: day(1), status: 'ERROR', sizeBytes: 2n * 1024n ** 3n },
      {
        name: 'c',
        createdAt: day(2),
        status: 'EXPIRED',
        kind: 'SYSTEM',
        sizeBytes: (5n * 1024n ** 3n) / 2n,
      },
    ])
    await app.db.diskTag.createMany({
      data: [
        { diskId: 'v-recorded0000', key: 'env', value: 'test' },
        { diskId: 'v-recorded0001', key: 'env', value: 'live' },
        { diskId: 'v-recorded0001', key: 'app', value: '' },
      ],
    })

    const { data, errors } = await app.graphql(
      `query ($filter: DiskFilter) { disks(filter: $filter) { nodes { name } totalCount } }`,
      { filter },
    )

    expect(errors).toBeUndefined()
    expect(data).toEqual({ disks: { nodes: names.map((name) => ({ name })), totalCount: names.length } })
  })

  test.each<[filter: Record<string, unknown>, names: string[]]>([
    [{ diskId: { eq: 'v-recorded0000' } }, ['a', 'b']],
    [{ diskId: { in: ['v-recorded0000', 'v-recorded0001'] } }, ['a', 'b', 'c']],
    [{ id: { eq: 's-recorded0003' } }, ['d']],
    [{ status: { eq: 'FAILED' } }, ['b']],
    [{ status: { in: ['FAILED', 'CREATING'] } }, ['b', 'c']],
    [{ type: { eq: 'AUTOMATIC' } }, ['d']],
    [{ type: { in: ['AUTOMATIC'] }, name: { contains: 'd' } }, ['d']],
    [{ createdAt: { gte: '2026-01-02T00:00:00Z' } }, ['b', 'c', 'd']],
    [{ completedAt: { lt: '2026-01-03T00:00:00Z' } }, ['a']],
    [{ expiresAt: { gt: '2026-01-03T00:00:00Z' } }, ['b']],
    [{ sizeGiB: { gt: 0 } }, ['a', 'b', 'c', 'd']],
    [{ tags: [{ key: 'env', value: { eq: 'test' } }] }, ['d']],
  ])('snapshots with the filter %j are %j', async (filter, names) => {
    await using app = await startTestApp()
    await recordDisks(app, [{}, {}])
    await recordSnapshots(app, [
      { name: 'a', diskId: 'v-recorded0000', completedAt: day(1) },
      {
        name: 'b',
        diskId: 'v-recorded0000',
        status: 'FAILED',
        createdAt: day(1),
        expiresAt: day(3),
      },
      { name: 'c', diskId: 'v-recorded0001', status: 'CREATING', createdAt: day(2) },
      { name: 'd', type: 'AUTOMATIC', createdAt: day(3) },
    ])
    await app.db.snapshotTag.create({ data: { snapshotId: 's-recorded0003', key: 'env', value: 'test' } })

    const { data, errors } = await app.graphql(
      `query ($filter: SnapshotFilter) {
        snapshots(filter: $filter, orderBy: { field: NAME, direction: ASC }) { nodes { name } totalCount }
      }`,
      { filter },
    )

    expect(errors).toBeUndefined()
    expect(data).toEqual({ snapshots: { nodes: names.map((name) => ({ name })), totalCount: names.length } })
  })

  test.each([
    ['%', ['50%']],
    ['_', ['a_b']],
    ['\\', ['c\\d']],
    ['a_b', ['a_b']],
    ['A_B', ['a_b']],
    ['中文', ['中文盘']],
    ["'", ["o'clock"]],
    ['"', []],
    ['aXb', ['aXb']],
  ])('contains: %s is taken literally', async (contains, names) => {
    await using app = await startTestApp()
    await recordDisks(
      app,
      ['50%', '50', 'a_b', 'aXb', 'c\\d', 'cd', '中文盘', "o'clock"].map((name) => ({ name })),
    )

    const { data } = await app.graphql(
      `query ($contains: String) { disks(filter: { name: { contains: $contains } }) { nodes { name } } }`,
      { contains },
    )

    expect(data.disks.nodes).toEqual(names.map((name) => ({ name })))
  })

  test('lists in filters may be as long as is allowed, on a hundred nested pages at once', async () => {
    await using app = await startTestApp()
    await recordDisks(app, withTies(100))
    const long = Array.from({ length: 100 }, (_, index) => `s-recorded${String(index).padStart(4, '0')}`)
    await recordSnapshots(app, [{ diskId: 'v-recorded0007' }])

    const { data, errors } = await app.graphql(
      `query ($filter: SnapshotFilter) { disks(first: 100) { nodes { snapshots(filter: $filter) { nodes { id } } } } }`,
      {
        filter: {
          id: { in: long },
          name: { in: [...long.slice(1), 'recorded 0'] },
          status: { in: Array(100).fill('COMPLETED') },
        },
      },
    )

    expect(errors).toBeUndefined()
    const found = (data.disks.nodes as { snapshots: List }[]).flatMap(({ snapshots }) => snapshots.nodes)
    expect(found).toEqual([{ id: 's-recorded0000' }])
  })
})

describe('the snapshots of a disk', () => {
  test('are a list of their own for each disk, with its filter, order and pages', async () => {
    await using app = await startTestApp()
    await recordDisks(app, [{ name: 'a' }, { name: 'b' }])
    await recordSnapshots(
      app,
      Array.from({ length: 12 }, (_, index) => ({
        diskId: `v-recorded000${index % 2}`,
        name: `n${index}`,
        createdAt: day(index),
        status: index < 2 ? 'FAILED' : 'COMPLETED',
      })),
    )
    const page = async (after?: string) => {
      const { data } = await app.graphql(
        `query ($after: String) {
          disks { nodes { name snapshots(
            first: 2, after: $after, filter: { status: { eq: COMPLETED } }, orderBy: { field: CREATED_AT, direction: ASC }
          ) { nodes { name } totalCount pageInfo { hasNextPage endCursor } } } }
        }`,
        { after },
      )
      return data.disks.nodes
    }
    const pageInfo = { hasNextPage: true, endCursor: expect.any(String) }

    const first = await page()
    expect(first).toEqual([
      { name: 'a', snapshots: { nodes: [{ name: 'n2' }, { name: 'n4' }], totalCount: 5, pageInfo } },
      { name: 'b', snapshots: { nodes: [{ name: 'n3' }, { name: 'n5' }], totalCount: 5, pageInfo } },
    ])
    const [a] = await page(first[0].snapshots.pageInfo.endCursor as string)
    expect(a).toEqual({
      name: 'a',
      snapshots: { nodes: [{ name: 'n6' }, { name: 'n8' }], totalCount: 5, pageInfo },
    })
  })
})

const REFUSAL = `__typename code message
  ... on DiskStatusForbidsSnapshot { kind actual allowed }
  ... on SnapshotQuotaExceeded { type used limit }`

async function eligibility(app: TestApp, id: string) {
  const { data } = await app.graphql(
    `query ($id: ID!) { disk(id: $id) { status snapshotEligibility { allowed refusals { ${REFUSAL} } } } }`,
    { id },
  )
  return data.disk as { status: string; snapshotEligibility: { allowed: boolean; refusals: object[] } }
}

/** The refusal of createSnapshot; undefined when it was accepted. */
async function refusalOf(app: TestApp, diskId: string): Promise<object | undefined> {
  const { data } = await app.graphql(
    `mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { __typename ... on UserError { ${REFUSAL} } } }`,
    { input: { diskId, name: 'a' } },
  )
  return data.createSnapshot.__typename === 'CreateSnapshotPayload'
    ? undefined
    : (data.createSnapshot as object)
}

describe('what a disk says beforehand', () => {
  test.each(DISK_KINDS.flatMap((kind) => DISK_STATUSES.map((status) => [kind, status] as const)))(
    'a %s disk in %s says of createSnapshot what createSnapshot does',
    async (kind, status) => {
      await using app = await startTestApp()
      const disk = await app.disk({ kind, status, ...(status === 'IN_USE' && { attachedTo: 'i-1' }) })
      if (status === 'ERROR') await rm(disk.path)
      await app.looks.lookAtAll()

      const { snapshotEligibility: said } = await eligibility(app, disk.id)
      const refusal = await refusalOf(app, disk.id)

      expect(said.allowed).toBe(refusal === undefined)
      expect(said.refusals).toEqual(refusal ? [refusal] : [])
    },
  )

  test('a disk with a full budget and the wrong status names both refusals, the one that createSnapshot gives first', async () => {
    await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '2' })
    const disk = await app.disk({ status: 'EXPIRED' })
    await app.heldSnapshots(disk, 2)

    const { snapshotEligibility: said } = await eligibility(app, disk.id)

    expect(said).toEqual({
      allowed: false,
      refusals: [
        expect.objectContaining({ __typename: 'DiskStatusForbidsSnapshot', actual: 'EXPIRED' }),
        expect.objectContaining({ __typename: 'SnapshotQuotaExceeded', type: 'MANUAL', used: 2, limit: 2 }),
      ],
    })
    expect(said.refusals[0]).toEqual(await refusalOf(app, disk.id))
  })

  test.each([
    [0, true],
    [1, true],
    [2, false],
    [3, false],
  ])('with %i of 2 manual snapshots, another one is allowed: %s', async (held, allowed) => {
    await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '2' })
    const disk = await app.disk()
    await app.heldSnapshots(disk, held)
    await app.heldSnapshots(disk, 3, 'AUTOMATIC')

    const { snapshotEligibility: said } = await eligibility(app, disk.id)
    const refusal = await refusalOf(app, disk.id)

    expect(said).toEqual({ allowed, refusals: refusal ? [refusal] : [] })
    expect(refusal === undefined).toBe(allowed)
  })

  test('snapshotQuota counts what createSnapshot counts: everything that is not FAILED, each type by itself', async () => {
    await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '4', SNAPSHOT_QUOTA_AUTOMATIC: '2' })
    const disk = await app.disk()
    await recordSnapshots(
      app,
      (['CREATING', 'COMPLETED', 'FAILED', 'UNAVAILABLE', 'DELETING'] as const).map((status) => ({
        status,
        diskId: disk.id,
      })),
    )
    await app.heldSnapshots(disk, 3, 'AUTOMATIC')
    const budget = 'used limit remaining'

    const { data } = await app.graphql(
      `query ($id: ID!) { disk(id: $id) { snapshotQuota { manual { ${budget} } automatic { ${budget} } total { ${budget} } } } }`,
      { id: disk.id },
    )

    expect(data.disk.snapshotQuota).toEqual({
      manual: { used: 4, limit: 4, remaining: 0 },
      automatic: { used: 3, limit: 2, remaining: 0 },
      total: { used: 7, limit: 6, remaining: 0 },
    })
    expect(await refusalOf(app, disk.id)).toMatchObject({
      __typename: 'SnapshotQuotaExceeded',
      used: 4,
      limit: 4,
    })
  })
})
