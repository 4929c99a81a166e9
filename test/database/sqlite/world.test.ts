import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { databaseFile } from '../../../src/database/sqlite/database-file.ts'
import { openDatabase, type FileDatabase } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { checkAfterInterruption, startDatabaseWatch } from '../../../src/database/sqlite/watch.ts'
import { noteStopped, worldFile } from '../../../src/database/sqlite/world.ts'
import { copyDatabase } from '../../support/copy-database.ts'

const SILENT = pino({ level: 'silent' })
const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })

/**
 * What a gateway leaves behind that is killed with a commit in its log: the same files, under other names. `last` is what it
 * does before.
 */
async function killed(last: (db: FileDatabase) => unknown = () => undefined) {
  await using stack = new AsyncDisposableStack()
  const outside = stack.use(mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))).path
  const path = join(outside, 'running.db')
  await migrate(`file:${path}`)
  const db = stack.use(await openDatabase({ url: `file:${path}` }))
  const backup = join(outside, 'backup.db')
  await db.account.create({ data: account('backed up') })
  await db.$executeRawUnsafe('SELECT 1')
  stack.use(startDatabaseWatch(db, SILENT))
  await copyDatabase(path, backup)
  await db.account.create({ data: account('later') })
  await last(db)
  const folder = join(outside, 'killed')
  mkdirSync(folder)
  const left = join(folder, 'snapgate.db')
  for (const end of ['', '-wal', '-shm']) linkSync(`${path}${end}`, `${left}${end}`)
  copyFileSync(worldFile(path), worldFile(left))
  const everything = stack.move()
  return { folder, backup, path: left, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

const opened = (path: string) =>
  databaseFile(`file:${path}`).then(
    () => 'opened',
    (error: unknown) => (error as Error).message.replaceAll(path, 'DB').replaceAll(worldFile(path), 'WORLD'),
  )

const FOREIGN_LOG =
  'The database DB cannot be used: DB was replaced, and DB-wal belongs to the file that was there before: together they would undo the restore or be damaged. Restore a backup with npm run restore; to use the file as it is, delete DB-wal and DB-shm; or put back the file that was there.'
const was = (what: string) =>
  `The database DB cannot be used: There was a database at DB, and now it ${what}. Restore it from a backup; or, to begin anew, delete WORLD.`

test('what a killed gateway left is opened', async () => {
  await using world = await killed()
  expect(await opened(world.path)).toEqual('opened')
})

test('a backup in the place of the database is not opened with the log of the file that was there before', async () => {
  await using world = await killed()
  renameSync(world.backup, world.path)
  expect(await opened(world.path)).toEqual(FOREIGN_LOG)
  rmSync(`${world.path}-wal`)
  rmSync(`${world.path}-shm`)
  expect(await opened(world.path)).toEqual('opened')
})

/** Everything in the log is copied into the file, and the next commit begins the log anew. */
const checkpoint = (db: FileDatabase) => db.writer.client.pragma('wal_checkpoint(PASSIVE)')
const create = (db: FileDatabase, id: string) => db.account.create({ data: account(id) })
const copyOver = ({ backup, path }: { backup: string; path: string }) => copyFileSync(backup, path)

test.each<[string, (db: FileDatabase) => unknown]>([
  ['a commit', () => undefined],
  ['a checkpoint', checkpoint],
  ['a log that has begun anew', (db) => (checkpoint(db), create(db, 'last'))],
  [
    'a checkpoint at a commit',
    (db) => (db.writer.client.pragma('wal_autocheckpoint = 1'), create(db, 'last')),
  ],
])(
  'nor when the backup was copied over it right after %s, even with the times of before',
  async (_name, last) => {
    for (const time of [undefined, new Date('2026-01-01')]) {
      await using world = await killed(last)
      expect(await opened(world.path)).toEqual('opened')
      copyOver(world)
      if (time) utimesSync(world.path, time, time)
      expect(await opened(world.path)).toEqual(FOREIGN_LOG)
      for (const end of ['-wal', '-shm']) rmSync(`${world.path}${end}`)
      expect(await opened(world.path)).toEqual('opened')
    }
  },
)

test('nor when the index of the log was deleted and the log was not', async () => {
  await using world = await killed()
  copyOver(world)
  rmSync(`${world.path}-shm`)
  expect(await opened(world.path)).toEqual(FOREIGN_LOG)
})

test('a checkpoint that a killed gateway could not write down is told from a backup by its pages', async () => {
  let before = Buffer.alloc(0)
  await using world = await killed((db) => {
    before = readFileSync(worldFile(db.path))
    checkpoint(db)
  })
  writeFileSync(worldFile(world.path), before)
  expect(await opened(world.path)).toEqual('opened')
  copyOver(world)
  expect(await opened(world.path)).toEqual(FOREIGN_LOG)
})

test('a backup that never had a log is not opened with one, even if nothing is known of what was there', async () => {
  await using world = await killed()
  new SQLite(world.path).exec(`VACUUM INTO '${world.path}-vacuumed'`).close()
  copyFileSync(`${world.path}-vacuumed`, world.path)
  rmSync(worldFile(world.path))
  expect(await opened(world.path)).toEqual(FOREIGN_LOG)
})

test('after a power cut, files of before are opened, and a backup that was copied over them since is not', async () => {
  await using world = await killed()
  const before = { ...(JSON.parse(readFileSync(worldFile(world.path), 'utf8')) as object), boot: 'another' }
  const earlier = new Date(Date.now() - uptime() * 1000 - 60_000)
  const cut = () => {
    writeFileSync(worldFile(world.path), JSON.stringify(before))
    for (const end of ['', '-wal']) utimesSync(`${world.path}${end}`, earlier, earlier)
  }
  cut()
  copyOver(world)
  expect(await opened(world.path)).toEqual(FOREIGN_LOG)
  cut()
  expect(await opened(world.path)).toEqual('opened')
  // The first start after it may be killed while it copies the log into the file.
  const now = new Date()
  utimesSync(world.path, now, now)
  expect(await opened(world.path)).toEqual('opened')
})

test('a backup that came without a log is opened, after any earlier database', async () => {
  await using world = await killed()
  for (const end of ['-wal', '-shm', '']) rmSync(`${world.path}${end}`)
  copyFileSync(world.backup, world.path)
  expect(await opened(world.path)).toEqual('opened')
})

test('a folder that was copied to another place is opened, with its log', async () => {
  await using world = await killed()
  const elsewhere = join(world.folder, 'elsewhere.db')
  for (const end of ['', '-wal', '-shm']) copyFileSync(`${world.path}${end}`, `${elsewhere}${end}`)
  copyFileSync(worldFile(world.path), worldFile(elsewhere))
  expect(await opened(elsewhere)).toEqual('opened')
})

test.each<[string, string, (path: string) => void]>([
  ['is not there', 'is not there', (path) => rmSync(path)],
  ['is empty', 'is empty', (path) => truncateSync(path)],
  [
    'is a new empty file',
    'is empty',
    (path) => {
      rmSync(path)
      writeFileSync(path, '')
    },
  ],
])('where there was a database, none is begun when the file %s', async (_name, what, change) => {
  await using world = await killed()
  change(world.path)
  expect(await opened(world.path)).toEqual(was(what))
  rmSync(worldFile(world.path))
  rmSync(`${world.path}-wal`)
  expect(await opened(world.path)).toEqual('opened')
})

test('where there was a database, a database without tables is not made into a new one', async () => {
  await using world = await killed()
  for (const end of ['-wal', '-shm', '']) rmSync(`${world.path}${end}`)
  new SQLite(world.path).exec('VACUUM').close()
  const message = await migrate(`file:${world.path}`).catch((error: unknown) => (error as Error).message)
  expect(String(message).replaceAll(worldFile(world.path), 'WORLD').replaceAll(world.path, 'DB')).toEqual(
    was('has no tables'),
  )
})

test('after a stop that was not clean the database is checked, its indexes too', async () => {
  await using folder = {
    ...mkdtempDisposableSync(join(tmpdir(), 'snapgate-')),
    async [Symbol.asyncDispose]() {},
  }
  const path = join(folder.path, 'snapgate.db')
  const url = `file:${path}`
  await migrate(url)
  {
    await using db = await openDatabase({ url })
    await using _watch = startDatabaseWatch(db, SILENT)
    await db.account.create({ data: account('one') })
  }
  // An index that lacks a row: what is found by it and what is found without it differ.
  const connection = new SQLite(path)
  connection.unsafeMode()
  connection.pragma('writable_schema = ON')
  connection.exec(`UPDATE sqlite_master SET sql = 'CREATE INDEX hidden ON "Disk" ("id")' WHERE name = 'none'`)
  const { rootpage } = connection
    .prepare<[], { rootpage: number }>(
      `SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'Account' AND rootpage > 0`,
    )
    .get() ?? { rootpage: 0 }
  connection.close()
  const bytes = readFileSync(path)
  // A page of an index without entries. Source: https://sqlite.org/fileformat2.html#b_tree_pages
  bytes.writeUInt8(10, (rootpage - 1) * 4096)
  bytes.writeUInt16BE(0, (rootpage - 1) * 4096 + 3)
  bytes.writeUInt16BE(4096, (rootpage - 1) * 4096 + 5)
  writeFileSync(path, bytes)
  await expect(checkAfterInterruption(url, SILENT)).rejects.toThrow(
    `The database ${path} cannot be used: it is damaged (`,
  )
  noteStopped(path)
  await expect(checkAfterInterruption(url, SILENT)).resolves.toBe(undefined)
})
