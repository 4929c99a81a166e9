import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import SQLite from 'better-sqlite3'
import { afterEach, expect, test, vi } from 'vitest'
import type * as DatabaseModule from '../../src/database/database.ts'
import { migrate } from '../../src/database/migrations.ts'
import { openWalIndex } from '../../src/database/wal-index.ts'
import { Prisma } from '../../src/generated/prisma/client.ts'
import { chance } from '../support/random.ts'

afterEach(() => {
  vi.doUnmock('../../src/native/memory.ts')
  vi.resetModules()
})

async function openWorld() {
  const { openDatabase }: typeof DatabaseModule = await import('../../src/database/database.ts')
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder.path, 'snapgate.db')
  await migrate(`file:${path}`)
  const db = stack.use(await openDatabase({ url: `file:${path}` }))
  const connect = (options: SQLite.Options) =>
    stack.adopt(new SQLite(path, options), (connection) => void connection.close())
  const [other, reader] = [connect({}), connect({ readonly: true })]
  const everything = stack.move()
  return { db, path, other, reader, [Symbol.asyncDispose]: () => everything.disposeAsync() }
}

const isMapped = async (path: string) => (await readFile('/proc/self/maps', 'utf8')).includes(path)
const onLinux = test.runIf(process.platform === 'linux')

onLinux('a look tells of every commit, as SQLite does itself, and of nothing else', async () => {
  await using world = await openWorld()
  const { db, path, other, reader } = world
  using index = openWalIndex(path)
  const dataVersion = () => reader.pragma('data_version', { simple: true })
  const { happens, pick } = chance(7)
  let next = 0
  const name = () => `a${next++}`
  const insert = `INSERT INTO "Account" ("id", "name", "createdAt") VALUES (?, ?, '2026')`
  const commits = [
    () => db.account.create({ data: { id: name(), name: name(), createdAt: new Date(0) } }),
    () =>
      db.groupCommit.write(({ sql }) =>
        sql.insert('Account', { id: name(), name: name(), createdAt: new Date(0) }),
      ),
    () => other.prepare(insert).run(name(), name()),
  ]
  const others = [
    () => other.exec(`BEGIN IMMEDIATE; DELETE FROM "Account"; ROLLBACK`),
    () => db.account.count(),
    () => other.prepare(`SELECT count(*) FROM "Account"`).get(),
    () => other.pragma('wal_checkpoint(PASSIVE)'),
  ]
  const seen = { commits: 0, others: 0 }

  for (let step = 0; step < 300; step++) {
    const [before, version] = [index?.version(), dataVersion()]
    const isCommit = happens(0.5)
    await pick(isCommit ? commits : others)()
    const isChanged = index?.version() !== before

    expect(isChanged).toBe(isCommit)
    expect(dataVersion() !== version).toBe(isCommit)
    seen[isCommit ? 'commits' : 'others']++
  }
  expect(Math.min(seen.commits, seen.others)).toBeGreaterThan(100)
})

onLinux(
  'what was read between two equal looks holds, while another process commits at full speed',
  async () => {
    await using world = await openWorld()
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

onLinux('closing a database leaves no memory mapped, and a look at it afterwards says so', async () => {
  const world = await openWorld()
  const index = openWalIndex(world.path)
  expect(index?.version()).toBe(index?.version())
  expect(await isMapped(world.path)).toBe(true)

  await world[Symbol.asyncDispose]()
  expect(await isMapped(world.path), 'one of its own is left').toBe(true)
  index?.[Symbol.dispose]()

  expect(await isMapped(world.path)).toBe(false)
  expect(() => index?.version()).toThrow('The database is closed.')
})

test('where the index cannot be looked at, SQLite is asked', async () => {
  vi.doMock('../../src/native/memory.ts', () => ({ mapAgain: () => undefined }))
  await using world = await openWorld()
  const { db, path } = world
  expect(openWalIndex(`${path}.missing`)).toBeUndefined()

  const before = db.reader.version()
  expect(db.reader.version()).toBe(before)
  await db.account.create({ data: { id: 'a', name: 'a', createdAt: new Date(0) } })

  expect(db.reader.version()).not.toBe(before)
})
