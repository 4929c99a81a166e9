import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempDisposableSync, readdirSync, readlinkSync, truncateSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase, type DatabaseOptions } from '../../../src/database/database.ts'
import { migrate } from '../../../src/database/sqlite/migrations.ts'
import { openWalIndex } from '../../../src/database/sqlite/wal-index.ts'
import { Prisma } from '../../../src/generated/prisma/client.ts'
import { chance } from '../../support/random.ts'

async function openWorld(options: Partial<DatabaseOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder.path, 'snapgate.db')
  await migrate(`file:${path}`)
  const db = stack.use(await openDatabase({ url: `file:${path}`, ...options }))
  const connect = (how: SQLite.Options) =>
    stack.adopt(new SQLite(path, how), (connection) => void connection.close())
  const [other, reader] = [connect({}), connect({ readonly: true })]
  const everything = stack.move()
  return { db, path, other, reader, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

/** The files below a path that this process has open. */
function openFilesBelow(path: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`)
      return file.startsWith(path) ? [file] : []
    } catch {
      return []
    }
  })
}

/** Whether another process can take the lock for writing. */
function canOthersWrite(path: string): boolean {
  const program = `
    const connection = new (require('better-sqlite3'))(process.argv[1], { timeout: 0 })
    try { connection.exec('BEGIN IMMEDIATE; ROLLBACK'); console.log('free') } catch (error) { console.log(error.code) }`
  const answer = execFileSync(process.execPath, ['-e', program, path], { encoding: 'utf8' }).trim()
  if (answer !== 'free') expect(answer).toBe('SQLITE_BUSY')
  return answer === 'free'
}

const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })
const onLinux = test.runIf(process.platform === 'linux')

onLinux('a look tells of every commit, as SQLite does itself, and of nothing else', async () => {
  await using world = await openWorld()
  const { db, other, reader } = world
  const dataVersion = () => reader.pragma('data_version', { simple: true })
  const { happens, pick } = chance(7)
  let next = 0
  const name = () => `a${next++}`
  const insert = `INSERT INTO "Account" ("id", "name", "createdAt") VALUES (?, ?, '2026')`
  const commits = [
    () => db.account.create({ data: account(name()) }),
    () => db.write((sql) => sql.insert('Account', account(name()))),
    () => other.prepare(insert).run(name(), name()),
  ]
  const others = [
    () => other.exec(`BEGIN IMMEDIATE; DELETE FROM "Account"; ROLLBACK`),
    () => db.account.count(),
    () => other.prepare(`SELECT count(*) FROM "Account"`).get(),
    () => other.pragma('wal_checkpoint(PASSIVE)'),
  ]
  const seen = { commits: 0, others: 0 }
  expect(db.reader.index).toBeDefined()

  for (let step = 0; step < 300; step++) {
    const [before, version] = [db.reader.version(), dataVersion()]
    const isCommit = happens(0.5)
    await pick(isCommit ? commits : others)()
    const isChanged = db.reader.version() !== before

    expect(isChanged).toBe(isCommit)
    expect(dataVersion() !== version).toBe(isCommit)
    seen[isCommit ? 'commits' : 'others']++
  }
  expect(Math.min(seen.commits, seen.others)).toBeGreaterThan(100)
})

test.each([
  { name: 'by the index of the log', readsIndex: true },
  { name: 'by asking SQLite', readsIndex: false },
])(
  'what was read between two equal looks, $name, holds while another process commits at full speed',
  async ({ readsIndex }) => {
    await using world = await openWorld({ readsIndex })
    const { reader } = world.db
    await world.db.transitionLog.create({ data: { id: 'log' } })
    const counted = () =>
      reader.get<{ n: number }>(Prisma.sql`SELECT "prunedThrough" AS "n" FROM "TransitionLog"`)?.n
    const program = join(import.meta.dirname, 'counting-process.ts')
    const child = spawn(process.execPath, [program, `file:${world.path}`], { stdio: 'inherit' })
    const ended = once(child, 'exit')
    const versions = new Set<number>()
    let equal = 0

    while (child.exitCode === null) {
      const first = reader.version()
      const kept = counted()
      versions.add(first)
      if (reader.version() === first) {
        const now = counted()
        if (reader.version() === first) {
          expect(kept).toBe(now)
          equal++
        }
      }
      await new Promise(setImmediate)
    }

    expect(await ended).toEqual([0, null])
    expect(counted()).toBe(50)
    expect(equal).toBeGreaterThan(0)
    expect(versions.size).toBeGreaterThan(1)
  },
)

onLinux('closing a database closes its index, and a look at it afterwards says so', async () => {
  const world = await openWorld()
  const { index } = world.db.reader
  expect(index?.version()).toBe(index?.version())
  expect(openFilesBelow(world.path)).not.toEqual([])

  await world[Symbol.asyncDispose]()

  expect(openFilesBelow(world.path)).toEqual([])
  expect(() => index?.version()).toThrow('The database is closed.')
  expect(index?.frames()).toBeUndefined()
})

onLinux('closing one of two databases on a file leaves the locks of the other', async () => {
  await using world = await openWorld()
  const second = await openDatabase({ url: `file:${world.path}` })
  const { promise: isClosed, resolve: closed } = Promise.withResolvers<boolean>()

  const writing = world.db.$transaction(async (tx) => {
    await tx.account.create({ data: account('a') })
    await second[Symbol.asyncDispose]()
    closed(canOthersWrite(world.path))
  })

  expect(await isClosed, 'another process took the lock').toBe(false)
  await writing
  expect(canOthersWrite(world.path)).toBe(true)
})

onLinux('an index that is cut short counts as changed each time, and ends no process', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'snapgate-'))
  const path = join(folder.path, 'snapgate.db')
  const connection = new SQLite(path)
  connection.exec('PRAGMA journal_mode = WAL; CREATE TABLE "A" ("id" TEXT)')
  // A copy, because SQLite itself has the other one mapped.
  for (const end of ['', '-shm']) copyFileSync(`${path}${end}`, `${path}.copy${end}`)
  connection.close()
  using index = openWalIndex(`${path}.copy`)
  expect(index?.version()).toBe(index?.version())
  expect(index?.frames()?.written).toBeGreaterThan(0)

  truncateSync(`${path}.copy-shm`, 40)

  expect(index?.version()).not.toBe(index?.version())
  expect(index?.frames()).toBeUndefined()
})

test('where the index is not there, or not to be read, SQLite is asked', async () => {
  await using world = await openWorld({ readsIndex: false })
  const { db, path } = world
  expect(openWalIndex(`${path}.missing`)).toBeUndefined()
  expect(db.reader.index).toBeUndefined()

  const before = db.reader.version()
  expect(db.reader.version()).toBe(before)
  await db.account.create({ data: account('a') })

  expect(db.reader.version()).not.toBe(before)
})
