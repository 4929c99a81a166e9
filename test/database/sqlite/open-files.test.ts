import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdtempDisposableSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { OpenFiles } from '../../../src/database/sqlite/open-files.ts'
import { openWalIndex } from '../../../src/database/sqlite/wal-index.ts'
import { Prisma } from '../../../src/generated/prisma/client.ts'

/** An open database in a folder that may be moved, with one account in it. */
async function openWorld({ throughLink = false } = {}) {
  await using stack = new AsyncDisposableStack()
  const outside = stack.use(mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))).path
  const folder = join(outside, 'data')
  const path = join(folder, 'snapgate.db')
  await migrate(`file:${path}`)
  const given = throughLink ? join(outside, 'link.db') : path
  if (throughLink) symlinkSync(path, given)
  const db = stack.use(await openDatabase({ url: `file:${given}` }))
  await db.account.create({ data: account('before') })
  const everything = stack.move()
  return { db, outside, folder, path, given, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}
type World = Awaited<ReturnType<typeof openWorld>>

const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })
const insert = (db: World['db'], id: string) => db.write((sql) => sql.insert('Account', account(id)))
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code,
  )

/** What each way to write answers. */
async function writes({ db }: World): Promise<unknown[]> {
  return [
    await codeOf(insert(db, 'hot')),
    await codeOf(db.account.create({ data: account('plain') })),
    await codeOf(db.$transaction((tx) => tx.account.create({ data: account('interactive') }))),
  ]
}

/** The accounts that a process which starts now would find. */
function foundByOthers(path: string): unknown[] {
  const other = new SQLite(path, { readonly: true })
  try {
    return other.prepare('SELECT id FROM Account ORDER BY id').pluck().all()
  } finally {
    other.close()
  }
}

function backUp({ outside, path }: World): string {
  const copy = join(outside, 'copy.db')
  const connection = new SQLite(path)
  connection.exec(`VACUUM INTO '${copy}'`)
  connection.close()
  return copy
}

describe('nothing is written, read or acknowledged when', () => {
  test.each<[string, string, (world: World) => void]>([
    ['the database is deleted', 'REMOVED', ({ path }) => rmSync(path)],
    ['its write-ahead log is deleted', 'REMOVED', ({ path }) => rmSync(`${path}-wal`)],
    ['the index of its log is deleted', 'REMOVED', ({ path }) => rmSync(`${path}-shm`)],
    ['all of them are deleted', 'REMOVED', ({ folder }) => rmSync(folder, { recursive: true })],
    ['its folder is moved', 'REMOVED', ({ folder }) => renameSync(folder, `${folder}-moved`)],
    [
      'its folder is replaced by a file',
      'REMOVED',
      ({ folder }) => {
        renameSync(folder, `${folder}-moved`)
        writeFileSync(folder, '')
      },
    ],
    ['a backup is moved into its place', 'REPLACED', (world) => renameSync(backUp(world), world.path)],
    [
      'it is replaced by a copy of itself, with its log and index',
      'REPLACED',
      ({ folder }) => {
        renameSync(folder, `${folder}-moved`)
        cpSync(`${folder}-moved`, folder, { recursive: true, preserveTimestamps: true })
      },
    ],
    [
      'an empty file is moved into its place',
      'REPLACED',
      ({ outside, path }) => {
        writeFileSync(join(outside, 'empty'), '')
        renameSync(join(outside, 'empty'), path)
      },
    ],
    [
      'its log is replaced',
      'REPLACED',
      ({ path }) => {
        renameSync(`${path}-wal`, `${path}-was`)
        copyFileSync(`${path}-was`, `${path}-wal`)
      },
    ],
    [
      'it is moved, and a symbolic link to it is put into its place',
      'REPLACED',
      ({ outside, path }) => {
        renameSync(path, join(outside, 'elsewhere.db'))
        symlinkSync(join(outside, 'elsewhere.db'), path)
      },
    ],
    ['it is cut to nothing', 'REPLACED', ({ path }) => truncateSync(path, 0)],
    ['its log is cut to nothing', 'REPLACED', ({ path }) => truncateSync(`${path}-wal`, 0)],
    ['a backup is copied over it', 'REPLACED', (world) => copyFileSync(backUp(world), world.path)],
    [
      'one of its pages is overwritten',
      'REPLACED',
      ({ path }) => {
        const file = openSync(path, 'r+')
        writeSync(file, Buffer.alloc(4096, 7), 0, 4096, 4096)
        closeSync(file)
      },
    ],
  ])('%s', async (_name, reason, change) => {
    await using world = await openWorld()
    change(world)
    const code = `UNAVAILABLE_${reason}`
    expect(await writes(world)).toEqual([code, code, code])
    expect(await codeOf(world.db.account.count())).toEqual(code)
    expect(() => world.db.reader.get(Prisma.sql`SELECT 1`)).toThrow(
      expect.objectContaining({ code }) as Error,
    )
    expect(world.db.health.unready()).toEqual(reason)
  })

  test('it was reached by a symbolic link, which now leads to another file', async () => {
    await using world = await openWorld({ throughLink: true })
    expect(await codeOf(insert(world.db, 'through the link'))).toEqual('done')
    const copy = backUp(world)
    rmSync(world.given)
    symlinkSync(copy, world.given)
    expect(await codeOf(insert(world.db, 'lost'))).toEqual('UNAVAILABLE_REPLACED')
    expect(foundByOthers(copy)).toEqual(['before', 'through the link'])
  })
})

describe('everything goes on when', () => {
  test.each<[string, (world: World) => void]>([
    ['it has a second name', ({ path, outside }) => linkSync(path, join(outside, 'second'))],
    [
      'it was away for a moment',
      ({ path }) => {
        renameSync(path, `${path}-away`)
        renameSync(`${path}-away`, path)
      },
    ],
    [
      'another process writes, checkpoints and compacts it',
      ({ path }) =>
        void execFileSync(process.execPath, [
          '--input-type=module',
          '--eval',
          `import SQLite from 'better-sqlite3'
           const connection = new SQLite(process.argv[1])
           for (let i = 0; i < 100; i++)
             connection.exec("INSERT INTO Account VALUES ('other" + i + "', 'other" + i + "', '2026')")
           connection.exec("DELETE FROM Account WHERE id LIKE 'other%'")
           connection.exec('VACUUM')
           connection.pragma('wal_checkpoint(TRUNCATE)')
           connection.exec('CREATE TABLE later (id INTEGER)')`,
          path,
        ]),
    ],
  ])('%s', async (_name, change) => {
    await using world = await openWorld()
    change(world)
    expect(await writes(world)).toEqual(['done', 'done', 'done'])
    expect(world.db.health.unready()).toEqual(undefined)
    expect(await world.db.account.count()).toEqual(4)
  })
})

test('what was put back is used again, and what was refused meanwhile is not in it', async () => {
  await using world = await openWorld()
  const { db, path } = world
  renameSync(path, `${path}-away`)
  expect(await codeOf(insert(db, 'meanwhile'))).toEqual('UNAVAILABLE_REMOVED')
  renameSync(`${path}-away`, path)
  db.health.compare()
  expect(await codeOf(insert(db, 'after'))).toEqual('done')
  expect(foundByOthers(path)).toEqual(['after', 'before'])
})

test('what was overwritten stays refused, also when its size is as before', async () => {
  await using world = await openWorld()
  const { db, path } = world
  const file = openSync(path, 'r+')
  writeSync(file, readFileSync(path).subarray(0, 100), 0, 100, 0)
  closeSync(file)
  db.health.compare()
  db.health.compare()
  expect(await codeOf(insert(db, 'after'))).toEqual('UNAVAILABLE_REPLACED')
})

test('what was acknowledged before the log was deleted is brought into the database file', async () => {
  await using world = await openWorld()
  const { db, path } = world
  await insert(db, 'acknowledged')
  rmSync(`${path}-wal`)
  expect(await codeOf(insert(db, 'refused'))).toEqual('UNAVAILABLE_REMOVED')
  await expect.poll(() => foundByOthers(path)).toEqual(['acknowledged', 'before'])
})

test('the end of a gateway leaves alone what was put into the place of its database', async () => {
  await using stack = new AsyncDisposableStack()
  const world = await openWorld()
  await insert(world.db, 'newer')
  const { path, outside } = world
  const copy = backUp(world)
  await insert(world.db, 'newest')
  copyFileSync(copy, path)
  copyFileSync(`${path}-wal`, join(outside, 'wal'))
  expect(await codeOf(insert(world.db, 'refused'))).toEqual('UNAVAILABLE_REPLACED')
  await world.db[Symbol.asyncDispose]()
  expect(readFileSync(path).equals(readFileSync(copy))).toBe(true)
  expect(readFileSync(`${path}-wal`).equals(readFileSync(join(outside, 'wal')))).toBe(true)
  stack.use(world)
})

test('a checkpoint that ends while the files are compared is taken for one', async () => {
  await using world = await openWorld()
  using index = openWalIndex(world.path)
  const other = new SQLite(world.path)
  let looks = 0
  const checkpointed = new OpenFiles(world.path, {
    frames: () => {
      // Between the look at the database file and the second one at the log.
      if (++looks === 3) other.pragma('wal_checkpoint(PASSIVE)')
      return index?.frames()
    },
  })
  await insert(world.db, 'in the log')
  expect([checkpointed.difference(), checkpointed.difference()]).toEqual([undefined, undefined])
  other.close()
})
