import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase, type Database } from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrations.ts'
import { openServer } from '../../src/database/postgresql/server.ts'
import type { NewRow, Where } from '../../src/database/rows.ts'
import type { Sql, Work } from '../../src/database/work.ts'
import type { Prisma } from '../../src/generated/prisma/client.ts'
import { DiskNotFound } from '../../src/domain/refusals.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'

interface World extends AsyncDisposable {
  db: Pick<Database, 'account' | 'disk' | 'diskTransition' | 'write'>
}

async function openFile(): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const url = `file:${join(folder.path, 'snapgate.db')}`
  await migrate(url)
  const db = stack.use(await openDatabase({ url }))
  const everything = stack.move()
  return { db, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

async function openOnServer(cluster: PostgresCluster): Promise<World> {
  const url = await cluster.migrated()
  const server = await openServer({ url })
  return {
    db: Object.assign(server.client, { write: server.write }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })
const CREATED = new Date('2026-03-04T05:06:07.089Z')
const disk = (id: string, more: Partial<NewRow<'Disk'>> = {}): NewRow<'Disk'> => ({
  ...{ id, accountId: 'a', provider: 'local', location: id, name: id, kind: 'DATA', status: 'UNMOUNTED' },
  ...{ sizeBytes: 2n ** 52n + 1n, storageType: 'local', zone: 'local', createdAt: CREATED, ...more },
})

describe('on SQLite', () => theSame(openFile))

describe.skipIf(!hasPostgres)('on PostgreSQL (skipped where there is no server)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())
  theSame(() => openOnServer(cluster))
})

/** What verbs may rely on, whatever the database. */
function theSame(open: () => Promise<World>): void {
  async function openWorld(): Promise<World> {
    const world = await open()
    await world.db.write((sql) => sql.insertAll('Account', [account('a'), account('b')]))
    return world
  }

  test('a row is read as it was inserted, alone and with others, and as Prisma reads it', async () => {
    await using world = await openWorld()
    const { db } = world
    const facts = { provisioned: false, device: '/dev/vdb', statusReason: null, createdAt: CREATED }

    const inserted = await db.write((sql) => sql.insert('Disk', disk('v-1', facts)))
    await db.write((sql) => sql.insertAll('Disk', [disk('v-2', facts), disk('v-3', facts)]))

    expect(inserted).toEqual(await db.disk.findUnique({ where: { id: 'v-1' } }))
    expect(inserted).toMatchObject({ ...disk('v-1', facts), description: '', policyId: null })
    for (const id of ['v-2', 'v-3']) {
      const row = await db.write((sql) => sql.get('Disk', { id }))
      expect(row).toEqual({ ...inserted, id, location: id, name: id })
      expect(row).toEqual(await db.disk.findUnique({ where: { id } }))
    }
  })

  test('conditions find what they find in Prisma', async () => {
    await using world = await openWorld()
    const { db } = world
    const at = (day: number) => new Date(Date.UTC(2026, 0, day))
    await db.write((sql) =>
      sql.insertAll('Disk', [
        disk('v-1', { createdAt: at(1), sizeBytes: 1n, device: null, provisioned: true }),
        disk('v-2', { createdAt: at(2), sizeBytes: 2n, device: 'x', provisioned: false, status: 'IN_USE' }),
        disk('v-3', { createdAt: at(3), sizeBytes: 3n, device: 'y', provisioned: true, accountId: 'b' }),
      ]),
    )
    const conditions: Where<'Disk'>[] = [
      {},
      { id: 'v-2' },
      { id: 'v-2', accountId: 'b' },
      { device: null },
      { device: { not: null } },
      { device: { not: 'x' } },
      { id: { in: ['v-1', 'v-3', 'none'] } },
      { id: { in: [] } },
      { id: { notIn: ['v-1'] }, status: { in: ['IN_USE', 'UNMOUNTED'] } },
      { id: { notIn: [] } },
      { createdAt: { lt: at(2) } },
      { createdAt: { gte: at(2), lte: at(3) } },
      { sizeBytes: { gt: 1n } },
      { provisioned: false },
      { accountId: 'a', OR: [{ id: 'v-3' }, { device: null }] },
      { AND: [{ OR: [{ id: 'v-1' }, { id: 'v-2' }] }, { OR: [{ id: 'v-2' }, { id: 'v-3' }] }] },
    ]
    for (const where of conditions) {
      const expected = await db.disk.findMany({
        where: where as Prisma.DiskWhereInput,
        orderBy: { id: 'asc' },
      })
      const found = await db.write((sql) => sql.all('Disk', where, { orderBy: { id: 'asc' } }))
      expect(
        found,
        JSON.stringify(where, (_key, value) => String(value)),
      ).toEqual(expected)
      expect(await db.write((sql) => sql.count('Disk', where))).toBe(expected.length)
    }
    const newest = { orderBy: { provisioned: 'asc', createdAt: 'desc' } } as const
    expect((await db.write((sql) => sql.get('Disk', {}, newest)))?.id).toBe('v-2')
    const two = await db.write((sql) => sql.all('Disk', {}, { ...newest, limit: 2 }))
    expect(two.map(({ id }) => id)).toEqual(['v-2', 'v-3'])
  })

  test('a condition that is undefined is no condition, and throws', async () => {
    await using world = await openWorld()
    const { db } = world
    const id = undefined as unknown as string
    await expect(db.write((sql) => sql.delete('Account', { id }))).rejects.toThrow('undefined')
    await expect(db.write((sql) => sql.delete('Account', { id: { not: id } }))).rejects.toThrow('undefined')
    expect(await db.account.count()).toBe(2)
  })

  test('changes that are undefined leave a column as it is', async () => {
    await using world = await openWorld()
    const { db } = world
    await db.write((sql) => sql.insert('Disk', disk('v-1')))
    const change = (changes: { name?: string | undefined; device?: string | null }) =>
      db.write((sql) => sql.update('Disk', changes, { id: 'v-1' }))

    expect(await change({ name: undefined, device: 'x' })).toBe(1)
    expect(await change({ name: undefined })).toBe(1)
    expect(await db.write((sql) => sql.update('Disk', { name: 'y' }, { id: 'none' }))).toBe(0)

    expect(await db.disk.findUnique({ where: { id: 'v-1' } })).toMatchObject({ name: 'v-1', device: 'x' })
  })

  test('a row whose key is taken is not inserted, and nothing is thrown', async () => {
    await using world = await openWorld()
    const { db } = world
    const other = { ...account('a'), id: 'other' }
    expect(await db.write((sql) => sql.insertNew('Account', other))).toBe(false)
    expect(await db.write((sql) => sql.insertNew('Account', account('c')))).toBe(true)
    expect((await db.account.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id)).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  test('a refusal undoes its attempt and nothing else; any other error undoes all', async () => {
    await using world = await openWorld()
    const { db } = world
    const refusal = new DiskNotFound('v-none')
    const refuse = () => {
      throw refusal
    }
    const fail = () => {
      throw new Error('a defect')
    }
    function* insert(sql: Sql, id: string, fail?: () => never): Work<string> {
      const { name } = yield* sql.insert('Account', account(id))
      fail?.()
      return name
    }

    const results = await db.write(function* (sql) {
      yield* sql.insert('Account', account('before'))
      return [
        yield* sql.attempt(insert(sql, 'kept')),
        yield* sql.attempt(insert(sql, 'refused', refuse)),
        yield* sql.together(sql.attempt(insert(sql, 'also')), sql.count('Account', {})),
      ]
    })
    const failing = db.write(function* (sql) {
      yield* insert(sql, 'undone')
      yield* sql.attempt(insert(sql, 'failed', fail))
    })

    expect(results).toEqual(['kept', refusal, ['also', 5]])
    await expect(failing).rejects.toThrow('a defect')
    const ids = (await db.account.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id)
    expect(ids).toEqual(['a', 'also', 'b', 'before', 'kept'])
  })

  test('work that forgets yield* fails here too, and is undone', async () => {
    await using world = await openWorld()
    const { db } = world
    const forgetful = db.write(function* (sql): Work<void> {
      // eslint-disable-next-line no-restricted-syntax -- which is what is wrong with it
      sql.insert('Account', account('c'))
    })
    await expect(forgetful).rejects.toThrow('yield*')
    expect(await db.account.count()).toBe(2)
    expect(await db.write((sql) => sql.count('Account', {}))).toBe(2)
  })

  test('statements of a transaction that has ended throw', async () => {
    await using world = await openWorld()
    const { db } = world
    const kept = await db.write(function* (sql) {
      yield* sql.count('Account', {})
      return sql
    })
    expect(() => kept.insert('Account', account('late'))).toThrow('The transaction has ended.')
    expect(await db.account.count()).toBe(2)
  })

  test('rows of a log are numbered in each account, in their order, without a gap', async () => {
    await using world = await openWorld()
    const { db } = world
    const step = (accountId: string, diskId: string) => ({
      ...{ accountId, diskId, tag: diskId, from: null, to: 'CREATING' as const, reason: null, at: CREATED },
    })
    const undone = db.write(function* (sql) {
      yield* sql.append('DiskTransition', [step('a', 'v-0')])
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    await db.write((sql) =>
      sql.append('DiskTransition', [step('a', 'v-1'), step('b', 'v-2'), step('a', 'v-3')]),
    )
    await db.write((sql) => sql.append('DiskTransition', [step('b', 'v-4')]))

    const rows = await db.diskTransition.findMany({ orderBy: [{ accountId: 'asc' }, { sequence: 'asc' }] })
    expect(rows.map(({ accountId, sequence, diskId, at }) => [accountId, sequence, diskId, at])).toEqual([
      ['a', 1, 'v-1', CREATED],
      ['a', 2, 'v-3', CREATED],
      ['b', 1, 'v-2', CREATED],
      ['b', 2, 'v-4', CREATED],
    ])
  })
}
