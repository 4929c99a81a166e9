import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { increment } from './counting-process.ts'

const temporary = () => mkdtempDisposable(join(tmpdir(), 'snapgate-'))

const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })

test('the database is durable at every commit, and keeps its references whole', async () => {
  await using folder = await temporary()
  await using db = await openDatabase({ url: `file:${folder.path}/made/on/the/way/snapgate.db` })
  expect([
    await db.$queryRaw`PRAGMA journal_mode`,
    await db.$queryRaw`PRAGMA synchronous`,
    await db.$queryRaw`PRAGMA foreign_keys`,
  ]).toEqual([[{ journal_mode: 'wal' }], [{ synchronous: 2n }], [{ foreign_keys: 1n }]])
})

test('while another process writes, a write waits, reads go on, and nobody is blocked', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  await using db = await openDatabase({ url })
  const other = new SQLite(`${folder.path}/snapgate.db`)
  other.exec('BEGIN IMMEDIATE')
  let written = false
  const write = db.account.create({ data: account('waiting') }).then(() => (written = true))
  for (let turn = 0; turn < 20; turn++) expect(await db.account.count()).toBe(0)
  expect(written).toBe(false)
  other.exec('COMMIT')
  other.close()
  await write
  expect(await db.account.findMany()).toEqual([account('waiting')])
})

test('a write that another process holds up for longer than it may wait fails, and leaves nothing behind', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  await using db = await openDatabase({ url, busyTimeoutMs: 50 })
  const other = new SQLite(`${folder.path}/snapgate.db`)
  other.exec('BEGIN IMMEDIATE')
  await expect(db.account.create({ data: account('late') })).rejects.toMatchObject({
    code: 'UNAVAILABLE_LOCKED',
  })
  other.exec('COMMIT')
  other.close()
  await db.account.create({ data: account('next') })
  expect(await db.account.findMany()).toEqual([account('next')])
})

test('600 transactions at once all succeed, one after the other', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  await using db = await openDatabase({ url })
  await db.transitionLog.create({ data: { id: 'log' } })
  await Promise.all(Array.from({ length: 600 }, () => increment(db)))
  expect(await db.transitionLog.findMany()).toMatchObject([{ id: 'log', prunedThrough: 600 }])
})

test('a transaction that throws leaves nothing behind and lets the next one in', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  await using db = await openDatabase({ url })
  const throwing = db.$transaction(async (tx) => {
    await tx.account.create({ data: account('thrown') })
    throw new Error('thrown')
  })
  const next = db.$transaction((tx) => tx.account.create({ data: account('next') }))
  await expect(throwing).rejects.toThrow('thrown')
  await next
  expect(await db.account.findMany()).toEqual([account('next')])
})

test('several processes count exactly together', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  await using db = await openDatabase({ url })
  await db.transitionLog.create({ data: { id: 'log' } })
  const program = fileURLToPath(new URL('counting-process.ts', import.meta.url))
  const count = () => promisify(execFile)(process.execPath, [program, url])
  await Promise.all([count(), count(), count(), count(), ...Array.from({ length: 50 }, () => increment(db))])
  expect(await db.transitionLog.findMany()).toMatchObject([{ id: 'log', prunedThrough: 250 }])
})

test('after disposal the file is whole by itself, and opens again', async () => {
  await using folder = await temporary()
  const url = `file:${folder.path}/snapgate.db`
  await migrate(url)
  {
    await using db = await openDatabase({ url })
    await db.account.create({ data: account('kept') })
  }
  await using db = await openDatabase({ url })
  expect(await db.account.findMany()).toEqual([account('kept')])
})

test.each([
  'postgresql://user:secret@host/snapgate',
  'file::memory:',
  'file:a.db?mode=ro',
  'file:',
  'a.db',
  '',
])('the url "%s" is refused with the form that would be right', async (url) => {
  await expect(openDatabase({ url })).rejects.toThrow(
    'The database url must be file: and the path of a file, such as file:./data/snapgate.db, without parameters.',
  )
})

test('a file that is not a database, or cannot be one, is named with the reason', async () => {
  await using folder = await temporary()
  const text = join(folder.path, 'text')
  const directory = join(folder.path, 'directory')
  await writeFile(text, 'Lorem ipsum dolor sit amet. '.repeat(100))
  await mkdir(directory)
  const message = (path: string) =>
    openDatabase({ url: `file:${path}` }).catch((error: unknown) => (error as Error).message)
  expect([await message(text), await message(directory), await message(`${text}/snapgate.db`)]).toEqual([
    `The database ${text} cannot be used: file is not a database.`,
    `The database ${directory} cannot be used: unable to open database file.`,
    `The database ${text}/snapgate.db cannot be used: EEXIST: file already exists, mkdir '${text}'.`,
  ])
})

test.skipIf(process.getuid?.() === 0)(
  'a file or folder that may not be written is named with the reason',
  async () => {
    await using folder = await temporary()
    const url = `file:${folder.path}/snapgate.db`
    await migrate(url)
    await chmod(join(folder.path, 'snapgate.db'), 0o400)
    await expect(openDatabase({ url })).rejects.toThrow(/cannot be used: EACCES: permission denied/)
    await chmod(join(folder.path, 'snapgate.db'), 0o600)
    await chmod(folder.path, 0o500)
    await expect(openDatabase({ url })).rejects.toThrow(/cannot be used: EACCES: permission denied/)
    await chmod(folder.path, 0o700)
  },
)
