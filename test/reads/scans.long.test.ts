import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { DatabaseHealth } from '../../src/database/health.ts'
import { UNAVAILABLE } from '../../src/domain/unavailable.ts'
import { MustWait, Reads } from '../../src/reads/reads.ts'
import { Scans } from '../../src/reads/scans.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { askInParts, merged, partsIn } from '../support/parts.ts'

/** More than are looked at, and counted, on the event loop. */
const ROWS = 21_000

const SEARCH = `query ($text: String!) {
  snapshots(filter: { name: { contains: $text } }) { totalCount nodes { name } pageInfo { hasNextPage } streamCursor }
}`

/** Snapshots called name-0, name-1, …, the oldest first. */
function fill(app: TestApp, count = ROWS): void {
  const db = new SQLite(app.db.path)
  db.pragma('synchronous = OFF')
  db.prepare(
    `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < ?)
     INSERT INTO "Snapshot" ("id", "accountId", "diskKind", "name", "type", "status", "sizeBytes", "createdAt")
     SELECT printf('s-filled%08d', n), ?, 'DATA', 'name-' || n, 'MANUAL', 'COMPLETED', 4096,
       strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || n || ' seconds') || '.000+00:00' FROM c`,
  ).run(count, app.viewer.accountId)
  db.close()
}

test('the history of a disk is counted off the event loop where it is long', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk()
  const db = new SQLite(app.db.path)
  db.prepare(
    `WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n + 1 < 6000)
     INSERT INTO "DiskTransition" ("accountId", "sequence", "tag", "diskId", "from", "to", "at")
     SELECT ?, 1000 + n, n, ?, 'UNMOUNTED', 'IN_USE', '2026-01-01T00:00:00.000+00:00' FROM c`,
  ).run(app.viewer.accountId, id)
  db.close()

  const here = new Reads(app.db, app.viewer)
  expect(() => here.diskHistory(id).count()).toThrow(MustWait)
  const { data } = await app.graphql(`{ disk(id: "${id}") { history(first: 1) { totalCount } } }`)
  expect(data.disk.history.totalCount).toBe(6_001)
})

test('a search through a long list finds what there is, asked for once or again', async () => {
  await using app = await startTestApp()
  fill(app)
  const { streamCursor } = (await app.graphql('{ disks { streamCursor } }')).data.disks

  const answers = [
    await app.graphql(SEARCH, { text: 'ame-123' }),
    await app.graphql(SEARCH, { text: 'ame-123' }),
    await app.graphql(SEARCH, { text: 'nowhere' }),
  ]

  const found = [
    ...Array.from({ length: 100 }, (_, index) => 12_399 - index),
    ...Array.from({ length: 10 }, (_, index) => 1_239 - index),
    123,
  ]
  const page = {
    totalCount: found.length,
    nodes: found.slice(0, 20).map((index) => ({ name: `name-${index}` })),
    pageInfo: { hasNextPage: true },
    streamCursor,
  }
  const nothing = { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false }, streamCursor }
  expect(answers.map(({ data, errors }) => ({ data, errors }))).toEqual(
    [page, page, nothing].map((snapshots) => ({ data: { snapshots }, errors: undefined })),
  )
})

test('what is read at once is delivered while deferred searches are still made', async () => {
  await using app = await startTestApp()
  fill(app)
  const searches = Array.from(
    { length: 19 },
    (_, i) =>
      `... @defer { a${i}: snapshots(first: 1, filter: { name: { contains: "none${i}" } }) { totalCount } }`,
  )

  const parts = await Array.fromAsync(
    partsIn(await askInParts(app, `{ disks { totalCount } ${searches.join(' ')} }`)),
  )

  expect(parts[0]).toMatchObject({ data: { disks: { totalCount: 0 } }, hasNext: true })
  // The searches of an account are made one after the other.
  expect(parts.length).toBeGreaterThan(2)
  const found = Object.fromEntries(searches.map((_, i) => [`a${i}`, { totalCount: 0 }]))
  expect(merged(parts)).toEqual({ data: { disks: { totalCount: 0 }, ...found }, errors: [] })
})

test('a search that does not end in time is a documented error on every transport, and others go on', async () => {
  await using app = await startTestApp({ OPERATION_TIMEOUT_MS: '10' })
  fill(app)
  await using socket = app.webSocket()
  // Behind 20 others of the same account.
  const many = `{ ${Array.from({ length: 20 }, (_, i) => `a${i}: snapshots(first: 1, filter: { name: { contains: "none${i}" } }) { nodes { id } }`).join(' ')} }`

  const [overHttp, overWebSocket] = await Promise.all([
    app.graphql(many),
    Array.fromAsync(socket.iterate({ query: many })),
  ])

  for (const errors of [overHttp.errors, overWebSocket[0]?.errors]) {
    expect(errors?.at(-1)).toMatchObject({
      message:
        'The operation looks at too many rows to end within 10 ms. Narrow its filters, or leave out totalCount.',
      extensions: { code: 'OPERATION_TIMEOUT' },
    })
  }
  expect((await app.graphql('{ snapshots(first: 1) { nodes { name } } }')).data.snapshots.nodes).toHaveLength(
    1,
  )
})

test('the scans of one account do not hold up those of another', async () => {
  await using app = await startTestApp()
  fill(app, 1_000)
  await using scans = new Scans({ path: app.db.path, timeoutMs: 60_000, health: app.db.health })
  const slow = {
    sql: 'SELECT count(*) AS "number" FROM "Snapshot" a, "Snapshot" b, "Snapshot" c WHERE scanned(c."id")',
    values: [],
  }
  const quick = { sql: 'SELECT count(*) AS "number" FROM "Snapshot" t WHERE scanned(t."id")', values: [] }
  const ended: string[] = []
  const run = async (account: string, select: typeof slow) => {
    await scans.read(account, select).catch(() => undefined)
    ended.push(account)
  }

  const all = [run('greedy', slow), run('greedy', slow), run('greedy', quick), run('modest', quick)]
  await all[3]

  expect(ended).toEqual(['modest'])
  await scans[Symbol.asyncDispose]()
  await Promise.all(all)
})

test('a database that only a scan finds damaged, or cannot open, is known to its health', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const path = join(folder.path, 'snapgate.db')
  const select = { sql: 'SELECT * FROM "Snapshot"', values: [] }
  new SQLite(path).exec('CREATE TABLE "Snapshot" ("id")').close()
  const [damaged, missing] = [new DatabaseHealth(), new DatabaseHealth()]
  await using scans = new Scans({ path, timeoutMs: 60_000, health: damaged })
  await using none = new Scans({ path: `${path}.none`, timeoutMs: 60_000, health: missing })

  // The tables of the logs are missing, which is a defect and no reason to be unavailable.
  await expect(scans.read('account', select)).rejects.toThrow('no such table')
  expect(damaged.unready()).toBeUndefined()
  await writeFile(path, 'no database'.repeat(1_000))
  await expect(scans.read('account', select)).rejects.toThrow(UNAVAILABLE.DAMAGED)
  await expect(none.read('account', select)).rejects.toThrow(UNAVAILABLE.CANNOT_OPEN)

  expect([damaged.unready(), missing.unready()]).toEqual(['DAMAGED', 'CANNOT_OPEN'])
})
