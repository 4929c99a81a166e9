import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { type FileDatabase, openDatabase } from '../../../src/database/database.ts'
import { copyOnline } from '../../../src/database/sqlite/whole-database.ts'
import { startTestApp } from '../../support/app.ts'
import { scrape } from '../../support/metrics.ts'

const MIB = 1024 ** 2

/** What a person does in a shell of SQLite, who then goes to lunch. */
const READER = `
  const database = new (require('better-sqlite3'))(process.argv[1])
  database.exec('BEGIN; SELECT count(*) FROM "Disk"')
  console.log('reading')
  setInterval(() => undefined, 1000)`

async function startReader(path: string) {
  const child = spawn(process.execPath, ['-e', READER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('beside a read transaction of another process the log stops at MAX_WAL_BYTES: writes are refused and the check is red, until the process ends', async () => {
  await using app = await startTestApp({
    MAX_WAL_BYTES: String(32 * MIB),
    METRICS: '127.0.0.1:0',
    LOG_LEVEL: 'warn',
    DATABASE_URL: '',
  })
  const db = app.db as FileDatabase
  const disk = await app.disk()
  await db.$executeRawUnsafe('CREATE TABLE "Filler" ("bytes" BLOB)')
  const write = () => db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(${MIB}))`)
  const create = () =>
    app.graphql(
      `mutation ($diskId: ID!) { createSnapshot(input: { diskId: $diskId, name: "one" }) { __typename } }`,
      {
        diskId: disk.id,
      },
    )
  const ready = async (path = '/readyz') => {
    const response = await fetch(`${app.url}${path}`)
    return [response.status, await response.text()]
  }
  {
    await using _reader = await startReader(db.path)
    let written = 0
    const fill = async () => {
      for (; written < 64; written++) await write()
    }
    await expect(fill()).rejects.toMatchObject({ message: expect.stringContaining('write-ahead log') })

    expect(written).toBeLessThan(34)
    expect(await create()).toMatchObject({
      data: null,
      errors: [
        expect.objectContaining({
          message:
            'The write-ahead log of the database is full, because a process keeps a read transaction open. Try again in a moment.',
          extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE' }),
        }),
      ],
    })
    expect(await app.graphql('{ disks { totalCount } }')).toMatchObject({
      data: { disks: { totalCount: 1 } },
    })
    const problem =
      /^The write-ahead log has 3[23] MiB of at most 32, so nothing is written\. A process keeps a read transaction open: end it, and writes go on by themselves\.\n$/
    expect(await ready()).toEqual([503, expect.stringMatching(problem)])
    expect(await ready('/readyz/write-ahead-log')).toEqual([503, expect.stringMatching(problem)])
    expect(await ready('/readyz?exclude=write-ahead-log')).toEqual([200, 'ok\n'])
    const samples = await scrape(app)
    expect(samples.get('snapgate_database_wal_limit_bytes')).toBe(32 * MIB)
    expect(samples.get('snapgate_database_wal_bytes')).toBeGreaterThanOrEqual(32 * MIB)
    await expect
      .poll(() => app.logged.map(({ msg }) => msg), { timeout: 5_000 })
      .toContainEqual(expect.stringContaining('not ready: The write-ahead log of the database is full'))
    // Looking at it writes nothing either.
    expect(db.files.logBytes()).toBeLessThan(34 * MIB)
  }

  await expect.poll(create, { timeout: 10_000 }).toMatchObject({
    data: { createSnapshot: { __typename: 'CreateSnapshotPayload' } },
  })
  expect(await ready()).toEqual([200, 'ok\n'])
  expect(db.files.logBytes()).toBeLessThan(16 * MIB)
  await expect
    .poll(() => app.logged.map(({ msg }) => msg), { timeout: 5_000 })
    .toContain('ready again: the write-ahead log of the database has room')
})

/** A database of 64 MiB, and another connection that commits until it is disposed. */
async function startBusyDatabase(bytes: number) {
  await using stack = new AsyncDisposableStack()
  const { path: folder } = stack.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
  const path = join(folder, 'snapgate.db')
  const db = stack.use(await openDatabase({ url: `file:${path}` }))
  await db.$executeRawUnsafe('CREATE TABLE "Filler" ("bytes" BLOB)')
  for (let n = 0; n < 64; n++) await db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(${MIB}))`)
  const over = new AbortController()
  let commits = 0
  const writing = (async () => {
    for (; !over.signal.aborted; commits++) {
      await db.$executeRawUnsafe(`INSERT INTO "Filler" VALUES (zeroblob(${bytes}))`)
      await pause(1)
    }
  })()
  stack.defer(async () => {
    over.abort()
    await writing
  })
  const everything = stack.move()
  return {
    path,
    copy: join(folder, 'copy.db'),
    commits: () => commits,
    [Symbol.asyncDispose]: () => everything.disposeAsync(),
  }
}

test('a database is copied as of one moment while others commit again and again', async () => {
  await using busy = await startBusyDatabase(1)
  await expect.poll(busy.commits).toBeGreaterThan(0)
  const before = busy.commits()
  await copyOnline(busy.path, busy.copy)

  expect(busy.commits()).toBeGreaterThan(before)
  const copy = new SQLite(busy.copy, { readonly: true })
  const rows = copy.prepare('SELECT count(*) FROM "Filler"').pluck().get() as number
  copy.close()
  expect(rows - 64).toBeGreaterThanOrEqual(before)
  expect(rows - 64).toBeLessThanOrEqual(busy.commits())
})

test('copying a database ends with the reason when the log has grown to the limit beside it', async () => {
  await using busy = await startBusyDatabase(MIB)

  await expect(copyOnline(busy.path, busy.copy, MIB)).rejects.toThrow(
    'Too much is written while the database is copied: the write-ahead log has reached half of MAX_WAL_BYTES.',
  )
})
