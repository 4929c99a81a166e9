import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type FileDatabase, openDatabase } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { startDatabaseWatch } from '../../../src/database/sqlite/watch.ts'

const MIB = 1024 * 1024
const LIMIT = 16 * MIB

/** A database with a watch, which warns of a log of 24 MiB. */
async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder.path, 'snapgate.db')
  await migrate(`file:${path}`)
  const db = stack.use(await openDatabase({ url: `file:${path}`, maxLogBytes: 96 * MIB }))
  await db.$executeRawUnsafe('CREATE TABLE "Filler" ("bytes" BLOB)')
  const logged: [string, string][] = []
  const log = pino(
    { formatters: { level: (level) => ({ level }) } },
    {
      write(line) {
        const { level, msg } = JSON.parse(line) as { level: string; msg: string }
        logged.push([level, msg])
      },
    },
  )
  stack.use(startDatabaseWatch(db, log))
  const write = (mib: number) => db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(${mib * MIB}))`)
  const everything = stack.move()
  return { db, path, logged, write, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

/** The size of the log at which a commit copies it. */
const copiesAt = (db: FileDatabase) => Number(db.writer.client.pragma('wal_autocheckpoint', { simple: true }))

const LARGE = [
  'warn',
  'the write-ahead log of the database has grown large: another process probably keeps a read transaction open. Writes go on; the log shrinks when that transaction ends',
]
const SMALL = ['info', 'the write-ahead log of the database is small again']

test('beside a long read of another process the log grows and writes go on; it is logged, and the log shrinks after the read', async () => {
  await using world = await openWorld()
  const { db, write, logged } = world
  const other = new SQLite(world.path)
  other.exec('BEGIN; SELECT count(*) FROM "Filler"')
  for (let n = 0; n < 28; n++) await write(1)
  expect(db.files.logBytes()).toBeGreaterThan(24 * MIB)
  await expect.poll(() => logged, { timeout: 3_000 }).toEqual([LARGE])
  // Meanwhile commits do not try to copy what has piled up.
  expect(copiesAt(db)).toBe(0)
  await write(1)
  expect(other.prepare('SELECT count(*) FROM "Filler"').pluck().get()).toBe(0)
  other.exec('COMMIT')
  other.close()
  await expect.poll(() => db.files.logBytes(), { timeout: 3_000 }).toBeLessThanOrEqual(LIMIT)
  await expect.poll(() => logged, { timeout: 3_000 }).toEqual([LARGE, SMALL])
  await expect.poll(() => copiesAt(db)).toBe(1_000)
  await write(1)
  expect(await db.$queryRawUnsafe('SELECT count(*) AS "n" FROM "Filler"')).toEqual([{ n: 30n }])
})

test('a log that one transaction has made large is emptied while nothing is written', async () => {
  await using world = await openWorld()
  await world.write(20)
  expect(world.db.files.logBytes()).toBeGreaterThan(LIMIT)
  await expect.poll(() => world.db.files.logBytes(), { timeout: 3_000 }).toBe(0)
  expect(world.logged).toEqual([])
})

test('a log that has become large is cut at the commit that begins it anew', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  await using db = await openDatabase({ url: `file:${folder.path}/snapgate.db` })
  await db.$executeRawUnsafe('CREATE TABLE "Filler" ("bytes" BLOB)')
  await db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(${20 * MIB}))`)
  expect(db.files.logBytes()).toBeGreaterThan(LIMIT)
  await db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(1))`)
  expect(db.files.logBytes()).toBeLessThanOrEqual(LIMIT)
})
