import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { sqliteAdapter, type SqliteAdapterOptions } from '../../../src/database/sqlite/adapter.ts'
import { PrismaClient } from '../../../src/generated/prisma/client.ts'

/** The official adapter shows each fault that ours is there to close: so each scenario proves itself. */
const ours = { name: 'kept by our adapter', adapter: sqliteAdapter }
const official = {
  name: 'broken by the official adapter alone',
  adapter: ({ path, busyTimeoutMs }: SqliteAdapterOptions) =>
    new PrismaBetterSqlite3({ url: path, timeout: busyTimeoutMs }),
}

/** A migrated database in a folder of its own, and a client on it. */
async function open(adapter: typeof ours.adapter | typeof official.adapter) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder.path, 'snapgate.db')
  await migrate(`file:${path}`)
  const db = new PrismaClient({ adapter: adapter({ path, busyTimeoutMs: 10 }) })
  stack.defer(() => db.$disconnect())
  await db.$connect()
  const everything = stack.move()
  return { db, path, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })

const names = async (db: PrismaClient) =>
  (await db.account.findMany({ orderBy: { id: 'asc' } })).map(({ id }) => id)

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code ?? (error as Error).message,
  )

test.for([
  { ...ours, expected: { acknowledged: true, found: ['beside'] } },
  { ...official, expected: { acknowledged: true, found: [] } },
])(
  'no acknowledged write is lost beside a transaction that rolls back: $name',
  async ({ adapter, expected }) => {
    await using world = await open(adapter)
    const { db } = world
    let beside = Promise.resolve(false)
    const transaction = db.$transaction(async (tx) => {
      await tx.account.create({ data: account('inside') })
      beside = db.account.create({ data: account('beside') }).then(() => true)
      for (let statements = 0; statements < 50; statements++) await tx.account.count()
      throw new Error('rolled back')
    })
    await expect(transaction).rejects.toThrow('rolled back')
    expect({ acknowledged: await beside, found: await names(db) }).toEqual(expected)
  },
)

test.for([
  { ...ours, expected: 0 },
  { ...official, expected: 1 },
])('nothing reads rows that are not committed: $name', async ({ adapter, expected }) => {
  await using world = await open(adapter)
  const { db } = world
  let beside = Promise.resolve(-1)
  const transaction = db.$transaction(async (tx) => {
    await tx.account.create({ data: account('inside') })
    beside = db.account.count().then((count) => count)
    for (let statements = 0; statements < 50; statements++) await tx.account.count()
    throw new Error('rolled back')
  })
  await expect(transaction).rejects.toThrow('rolled back')
  expect(await beside).toEqual(expected)
})

test.for([
  { ...ours, expected: { busy: 'UNAVAILABLE_LOCKED', next: 'done', found: ['next'] } },
  { ...official, expected: { busy: 'SocketTimeout', next: 'P2039', found: ['busy'] } },
])(
  'after a COMMIT that met the lock of another process the next call works: $name',
  async ({ adapter, expected }) => {
    await using world = await open(adapter)
    const { db, path } = world
    // Only without the write-ahead log does a reader hold up a COMMIT.
    await db.$queryRaw`PRAGMA journal_mode = DELETE`
    const other = new SQLite(path)
    other.exec('BEGIN; SELECT * FROM Account')
    const create = (id: string) => outcome(db.$transaction((tx) => tx.account.create({ data: account(id) })))
    const busy = await create('busy')
    other.close()
    expect({ busy, next: await create('next'), found: await names(db) }).toEqual(expected)
  },
)

test.for([
  { ...ours, expected: { dangling: 'ForeignKeyConstraintViolation', next: 'done', found: ['next'] } },
  { ...official, expected: { dangling: 'ForeignKeyConstraintViolation', next: 'P2039', found: [] } },
])('after a COMMIT that SQLite refused the next call works: $name', async ({ adapter, expected }) => {
  await using world = await open(adapter)
  const { db } = world
  const dangling = await outcome(
    db.$transaction(async (tx) => {
      await tx.$executeRaw`PRAGMA defer_foreign_keys = ON`
      await tx.snapshotTag.create({ data: { snapshotId: 'of nothing', key: 'a', value: 'b' } })
    }),
  )
  const next = await outcome(db.$transaction((tx) => tx.account.create({ data: account('next') })))
  expect({ dangling, next, found: await names(db) }).toEqual(expected)
})

test.for([
  { ...ours, expected: { late: 'P1018', found: [] } },
  { ...official, expected: { late: 'done', found: ['late'] } },
])(
  'once SQLite itself has rolled a transaction back, none of its statements is written: $name',
  async ({ adapter, expected }) => {
    await using world = await open(adapter)
    const { db } = world
    let late: unknown
    const transaction = db.$transaction(async (tx) => {
      await tx.account.create({ data: account('early') })
      await outcome(tx.$executeRaw`INSERT OR ROLLBACK INTO Account VALUES ('early', 'again', 0)`)
      late = await outcome(tx.account.create({ data: account('late') }))
    })
    await outcome(transaction)
    expect({ late, found: await names(db) }).toEqual(expected)
  },
)

test('a transaction waits until another process has written, and fails alone when that takes too long', async () => {
  await using world = await open(ours.adapter)
  const { db, path } = world
  const other = new SQLite(path)
  other.exec('BEGIN IMMEDIATE')
  const create = (id: string) => outcome(db.$transaction((tx) => tx.account.create({ data: account(id) })))
  const write = (id: string) => outcome(db.account.create({ data: account(id) }))
  expect([await create('a'), await write('b')]).toEqual(['UNAVAILABLE_LOCKED', 'UNAVAILABLE_LOCKED'])
  other.exec('COMMIT')
  other.close()
  expect([await create('c'), await write('d'), await names(db)]).toEqual(['done', 'done', ['c', 'd']])
})

test('a transaction that outlasts its timeout is rolled back and lets the next one in', async () => {
  await using world = await open(ours.adapter)
  const { db } = world
  const late = db.$transaction(
    async (tx) => {
      await tx.account.create({ data: account('inside') })
      // This waits for the transaction that it is in, so until the timeout ends that.
      await db.account.create({ data: account('beside') })
      await tx.account.create({ data: account('late') })
    },
    { timeout: 50 },
  )
  await expect(late).rejects.toMatchObject({ code: 'P2028' })
  expect(await names(db)).toEqual(['beside'])
})

test('a transaction that gives up waiting for its turn does not hold up the next one', async () => {
  await using world = await open(ours.adapter)
  const { db } = world
  await db.$transaction(async (tx) => {
    const impatient = db.$transaction((other) => other.account.create({ data: account('impatient') }), {
      maxWait: 1,
    })
    await expect(impatient).rejects.toMatchObject({ code: 'P2028' })
    await tx.account.create({ data: account('first') })
  })
  await db.$transaction((tx) => tx.account.create({ data: account('next') }))
  expect(await names(db)).toEqual(['first', 'next'])
})

test('a transaction takes no statement after its end, while others go on', async () => {
  await using world = await open(ours.adapter)
  const adapter = await sqliteAdapter({ path: world.path, busyTimeoutMs: 10 }).connect()
  const insert = (id: string) => ({
    sql: `INSERT INTO Account VALUES ('${id}', 'name', '1970-01-01T00:00:00.000+00:00')`,
    args: [],
    argTypes: [],
  })
  const first = await adapter.startTransaction()
  await first.executeRaw(insert('first'))
  await first.rollback()
  await first.rollback()
  const second = await adapter.startTransaction()
  await expect(first.executeRaw(insert('late'))).rejects.toMatchObject({
    cause: { kind: 'TransactionAlreadyClosed' },
  })
  await second.executeRaw(insert('second'))
  await second.commit()
  await adapter.dispose()
  expect(await names(world.db)).toEqual(['second'])
})
