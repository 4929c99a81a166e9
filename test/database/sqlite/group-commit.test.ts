import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import type { Sql, Work } from '../../../src/database/work.ts'
import type { Statements } from '../../../src/database/sqlite/statements.ts'
import { UNAVAILABLE } from '../../../src/domain/unavailable.ts'
import { Prisma, type Account } from '../../../src/generated/prisma/client.ts'

async function openWorld(busyTimeoutMs = 20_000) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder.path, 'snapgate.db')
  await migrate(`file:${path}`)
  const db = stack.use(await openDatabase({ url: `file:${path}`, busyTimeoutMs }))
  const everything = stack.move()
  return { db, path, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

const insert = (id: string) =>
  function* (sql: Sql): Work<string> {
    return (yield* sql.insert('Account', { id, name: id, createdAt: new Date(0) })).id
  }
const names = (sql: Pick<Statements, 'all'>) =>
  sql.all<Account>(Prisma.sql`SELECT * FROM "Account" ORDER BY "id"`).map(({ id }) => id)
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => value,
    (error: unknown) => (error as Error).message,
  )

test('writes of one turn share one commit, each sees those before it, and one that throws is undone alone', async () => {
  await using world = await openWorld()
  const { db } = world
  const { reader } = db
  const version = reader.version()
  const seen: string[][] = []

  const answers = await Promise.all([
    outcome(db.write(insert('a'))),
    outcome(
      db.write(function* (sql) {
        yield* insert('b')(sql)
        throw new Error('no')
      }),
    ),
    outcome(
      db.write(function* (sql) {
        seen.push((yield* sql.all('Account', {})).map(({ id }) => id))
      }),
    ),
    outcome(db.write(insert('a'))),
    outcome(db.write(insert('c'))),
  ])

  expect(answers).toEqual(['a', 'no', undefined, 'UNIQUE constraint failed: Account.name', 'c'])
  expect(seen).toEqual([['a']])
  expect(names(reader)).toEqual(['a', 'c'])
  expect(reader.version()).toBe(version + 1)
})

test('writes that take long share no commit, so that the event loop goes on in between', async () => {
  await using world = await openWorld()
  const { db } = world
  const slow = (id: string) =>
    function* (sql: Sql): Work<string> {
      const until = performance.now() + 25
      while (performance.now() < until);
      return yield* insert(id)(sql)
    }

  const seen = await Promise.all(['a', 'b', 'c'].map((id) => db.write(slow(id)).then(() => names(db.reader))))

  expect(seen).toEqual([['a'], ['a', 'b'], ['a', 'b', 'c']])
})

test('background work waits after a commit for as long as that took, and requests do not', async () => {
  await using world = await openWorld()
  const { db } = world
  await db.write(function* (sql) {
    const until = performance.now() + 100
    while (performance.now() < until);
    yield* insert('long')(sql)
  })

  const order: string[] = []
  const background = db.writeInBackground(insert('background')).then((id) => order.push(id))
  for (const id of ['a', 'b', 'c']) order.push(await db.write(insert(id)))
  await background

  expect(order).toEqual(['a', 'b', 'c', 'background'])
})

test('background writes rest after each other, also when all were asked for at once', async () => {
  await using world = await openWorld()
  const { db } = world
  const order: string[] = []
  const slow = (id: string) =>
    function* (sql: Sql): Work<string> {
      const until = performance.now() + 50
      while (performance.now() < until);
      return yield* insert(id)(sql)
    }
  const background = ['x', 'y', 'z'].map((id) => db.writeInBackground(slow(id)).then(() => order.push(id)))
  await background[0]
  for (const id of ['a', 'b']) order.push(await db.write(insert(id)))
  await background[1]
  for (const id of ['c', 'd']) order.push(await db.write(insert(id)))
  await Promise.all(background)

  expect(order).toEqual(['x', 'a', 'b', 'y', 'c', 'd', 'z'])
})

test('nobody is told before the commit, nor reads before it what is written', async () => {
  await using world = await openWorld()
  const { db } = world
  const { reader } = db
  const told: string[] = []
  const first = db.write(insert('a')).then((id) => told.push(id))
  const second = db.write(function* (sql) {
    expect(told).toEqual([])
    expect(names(reader)).toEqual([])
    return yield* sql.count('Account', {})
  })
  await Promise.all([first, second])
  expect(told).toEqual(['a'])
  expect(await second).toBe(1)
})

test('when the commit fails all of its writes are undone, all are told, and the next ones go on', async () => {
  await using world = await openWorld()
  const { db } = world
  const { reader } = db
  const dangling = db.write(function* (sql) {
    yield* sql.run(Prisma.sql`PRAGMA defer_foreign_keys = ON`)
    yield* sql.insert('SnapshotTag', { snapshotId: 'of nothing', key: 'a', value: 'b' })
  })

  expect(await Promise.all([outcome(dangling), outcome(db.write(insert('a')))])).toEqual([
    'FOREIGN KEY constraint failed',
    'FOREIGN KEY constraint failed',
  ])
  expect(await db.write(insert('b'))).toEqual('b')
  expect(names(reader)).toEqual(['b'])
})

test('writes and transactions of Prisma take turns: neither is inside the other', async () => {
  await using world = await openWorld()
  const { db } = world
  const data = (id: string) => ({ id, name: id, createdAt: new Date(0) })
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, index) => {
      const id = String(index).padStart(2, '0')
      if (index % 2) return outcome(db.write(insert(id)))
      return outcome(
        db.$transaction(async (tx) => {
          await tx.account.create({ data: data(id) })
          const count = await tx.account.count()
          await tx.account.create({ data: data(`${id}+`) })
          // Nobody has written in between.
          expect(await tx.account.count()).toBe(count + 1)
          if (index % 4 === 0) throw new Error('no')
          return id
        }),
      )
    }),
  )
  const kept = all.flatMap((id) => (id === 'no' ? [] : Number(id) % 2 ? [id] : [id, `${String(id)}+`]))
  expect(names(db.reader)).toEqual(kept)
})

test('a write waits until another process has written, and fails by itself when that takes too long', async () => {
  await using world = await openWorld(50)
  const { db } = world
  const other = new SQLite(world.path)
  other.exec('BEGIN IMMEDIATE')
  expect(await Promise.all([outcome(db.write(insert('a'))), outcome(db.write(insert('b')))])).toEqual([
    UNAVAILABLE.LOCKED,
    UNAVAILABLE.LOCKED,
  ])
  other.exec('COMMIT')
  other.close()
  expect(await db.write(insert('c'))).toEqual('c')
  expect(names(db.reader)).toEqual(['c'])
})

test('each write waits for another process for a time of its own: those that came late outlast those that came early', async () => {
  await using world = await openWorld(600)
  const { db, path } = world
  const other = new SQLite(path)
  other.exec('BEGIN IMMEDIATE')
  const plain = (id: string) => db.account.create({ data: { id, name: id, createdAt: new Date(0) } })
  const answer = (promise: Promise<unknown>) =>
    promise.then(
      () => 'done',
      () => 'late',
    )
  const early = [answer(db.write(insert('a'))), answer(plain('b'))]
  await pause(400)
  const late = [
    answer(db.write(insert('c'))),
    answer(plain('d')),
    answer(
      db.$transaction(async (tx) =>
        tx.account.create({ data: { id: 'e', name: 'e', createdAt: new Date(0) } }),
      ),
    ),
    answer(db.write(insert('f'))),
  ]
  expect(await Promise.all(early)).toEqual(['late', 'late'])
  other.exec('COMMIT')
  other.close()
  expect(await Promise.all(late)).toEqual(['done', 'done', 'done', 'done'])
  expect(names(db.reader)).toEqual(['c', 'd', 'e', 'f'])
})
