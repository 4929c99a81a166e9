import { cp, mkdir, mkdtempDisposable, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../../src/database/database.ts'
import {
  migrate,
  MIGRATIONS_FOLDER,
  migrationSql,
  migrationStatus,
} from '../../../src/database/sqlite/migrations.ts'
import { MigrationError } from '../../../src/database/migration-history.ts'

/** A folder with a database and migrations of its own. */
async function makeWorld(migrations: Record<string, string>) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
  const path = join(folder.path, 'snapgate.db')
  const world = {
    path,
    url: `file:${path}`,
    migrations: join(folder.path, 'migrations'),
    async write(name: string, sql: string) {
      await mkdir(join(world.migrations, name), { recursive: true })
      await writeFile(join(world.migrations, name, 'migration.sql'), sql)
    },
    /** What the SQL gives, on a connection of its own. */
    query(sql: string): unknown[] {
      const connection = new SQLite(path)
      const statement = connection.prepare(sql)
      const rows = statement.reader ? statement.all() : [statement.run()]
      connection.close()
      return rows
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
  await mkdir(world.migrations)
  for (const [name, sql] of Object.entries(migrations)) await world.write(name, sql)
  return world
}

/** The message of the MigrationError that it rejects with. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof MigrationError) return error.message
  throw new Error('It was not refused.', { cause: error })
}

const TWO = {
  '0001_one': 'CREATE TABLE one (id INTEGER PRIMARY KEY);',
  '0002_two': 'CREATE TABLE two (id INTEGER PRIMARY KEY);',
}

/** Those of the gateway itself, in order. */
const MIGRATIONS = (await readdir(MIGRATIONS_FOLDER)).filter((name) => /^\d/.test(name)).sort()

const TABLES = `SELECT name FROM sqlite_master WHERE type = 'table' AND name <> '_prisma_migrations' ORDER BY name`

test('the migrations lead exactly to the schema', async () => {
  expect(await migrationSql()).toEqual('')
})

test('the first start makes all tables, the second finds nothing to do', async () => {
  await using world = await makeWorld({})
  expect(await migrationStatus(world.url)).toEqual({ applied: [], pending: MIGRATIONS })
  expect(await migrate(world.url)).toEqual(MIGRATIONS)
  expect(await migrate(world.url)).toEqual([])
  expect(await migrationStatus(world.url)).toEqual({ applied: MIGRATIONS, pending: [] })
  await using db = await openDatabase({ url: world.url })
  expect(await db.snapshot.count()).toEqual(0)
})

test('a new version applies what is new, while another process has the database open', async () => {
  await using world = await makeWorld({ '0001_one': TWO['0001_one'] })
  await migrate(world.url, world.migrations)
  await using db = await openDatabase({ url: world.url })
  await db.$queryRaw`SELECT * FROM one`
  await world.write('0002_two', TWO['0002_two'])
  expect(await migrationStatus(world.url, world.migrations)).toEqual({
    applied: ['0001_one'],
    pending: ['0002_two'],
  })
  expect(await migrate(world.url, world.migrations)).toEqual(['0002_two'])
  await db.$executeRaw`INSERT INTO two VALUES (1)`
  expect(await db.$queryRaw`SELECT * FROM two`).toEqual([{ id: 1 }])
})

test('a database that a later version has migrated is refused', async () => {
  await using world = await makeWorld(TWO)
  await migrate(world.url, world.migrations)
  await rm(join(world.migrations, '0002_two'), { recursive: true })
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(
    'The database is newer than this version of Snapgate: it has the migration 0002_two. Start the version that applied it, or a later one.',
  )
})

test('a migration that was edited after it was applied is refused', async () => {
  await using world = await makeWorld(TWO)
  await migrate(world.url, world.migrations)
  await world.write('0001_one', 'CREATE TABLE other (id INTEGER PRIMARY KEY);')
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(
    'Migration 0001_one has been edited since it was applied. Restore its file as it was; a change belongs into a new migration.',
  )
})

test('a migration that fails is refused at every start and leaves nothing behind, until it is corrected', async () => {
  await using world = await makeWorld({ '0001_one': TWO['0001_one'] })
  await migrate(world.url, world.migrations)
  await world.write('0002_two', `${TWO['0002_two']} CREATE TABEL three;`)
  const reason =
    'Migration 0002_two failed: near "TABEL": syntax error. The database is unchanged; correct the migration, or start the version of Snapgate that ran before.'
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(reason)
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(reason)
  expect(world.query(TABLES)).toEqual([{ name: 'one' }])
  await world.write('0002_two', TWO['0002_two'])
  expect(await migrate(world.url, world.migrations)).toEqual(['0002_two'])
})

test('a migration that another tool left unfinished is refused', async () => {
  await using world = await makeWorld(TWO)
  await migrate(world.url, world.migrations)
  world.query(
    `UPDATE _prisma_migrations SET finished_at = NULL, started_at = '2026-01-02' WHERE migration_name = '0002_two'`,
  )
  expect(await refusal(migrationStatus(world.url, world.migrations))).toEqual(
    'Migration 0002_two was begun at 2026-01-02 and not finished. Restore the database from a backup taken before it.',
  )
})

test('a database of another program is refused', async () => {
  await using world = await makeWorld(TWO)
  world.query('CREATE TABLE theirs (id INTEGER PRIMARY KEY)')
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(
    'The database holds tables that Snapgate did not make. Give it a file of its own.',
  )
  expect(world.query(TABLES)).toEqual([{ name: 'theirs' }])
})

test('rebuilding a table keeps the rows that refer to it', async () => {
  await using world = await makeWorld({
    '0001_init': `
      CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent ON DELETE CASCADE);
      INSERT INTO parent VALUES (1);
      INSERT INTO child VALUES (2, 1);`,
  })
  await migrate(world.url, world.migrations)
  await world.write(
    '0002_rebuild',
    `PRAGMA defer_foreign_keys=ON;
     PRAGMA foreign_keys=OFF;
     CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT);
     INSERT INTO new_parent (id) SELECT id FROM parent;
     DROP TABLE parent;
     ALTER TABLE new_parent RENAME TO parent;
     PRAGMA foreign_keys=ON;
     PRAGMA defer_foreign_keys=OFF;`,
  )
  await migrate(world.url, world.migrations)
  expect(world.query('SELECT * FROM child')).toEqual([{ id: 2, parent: 1 }])
})

test('a migration that would leave a reference to nothing is refused', async () => {
  await using world = await makeWorld({
    '0001_init': `
      CREATE TABLE parent (id INTEGER PRIMARY KEY);
      CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent);
      INSERT INTO parent VALUES (1);
      INSERT INTO child VALUES (2, 1);`,
    '0002_delete': 'DELETE FROM parent;',
  })
  expect(await refusal(migrate(world.url, world.migrations))).toEqual(
    'After 0001_init, 0002_delete, rows of child would refer to rows that do not exist. The database is unchanged; correct the migration.',
  )
  expect(world.query(TABLES)).toEqual([])
})

test('the next migration is what the schema has and the migrations lack', async () => {
  await using world = await makeWorld({})
  await cp(MIGRATIONS_FOLDER, world.migrations, { recursive: true })
  await world.write(
    '9999_drop',
    'DROP TABLE "IdempotencyKey"; CREATE TABLE surplus (id INTEGER PRIMARY KEY);',
  )
  expect(await migrationSql(undefined, world.migrations)).toEqual(
    expect.stringMatching(
      /^-- DropTable\n.*DROP TABLE "surplus";.*-- CreateTable\nCREATE TABLE "IdempotencyKey"/s,
    ),
  )
  expect(await migrationSql('9999_drop', world.migrations)).toEqual('')
})

test('what was in progress before there were jobs goes on as a job, and disks get the beginning of a history', async () => {
  await using world = await makeWorld({})
  await cp(join(MIGRATIONS_FOLDER, '0001_init'), join(world.migrations, '0001_init'), { recursive: true })
  await migrate(world.url, world.migrations)
  const at = '2026-01-01T00:00:00.000+00:00'
  world.query(`INSERT INTO "Account" VALUES ('acc-1', 'one', '${at}')`)
  world.query(`INSERT INTO "Disk" (id, accountId, provider, location, name, kind, status, sizeBytes, storageType, zone, createdAt)
    VALUES ('v-1', 'acc-1', 'local', '/v-1', 'd', 'DATA', 'SNAPSHOTTING', 1, 'local', 'local', '${at}')`)
  const columns =
    'id, accountId, diskId, diskKind, name, type, status, sizeBytes, createdAt, attempts, leaseOwner, leaseUntil'
  world.query(`INSERT INTO "Snapshot" (${columns}) VALUES
    ('s-2', 'acc-1', 'v-1', 'DATA', 's', 'MANUAL', 'CREATING', 1, '${at}', 3, 'somebody', '${at}'),
    ('s-1', 'acc-1', 'v-1', 'DATA', 's', 'MANUAL', 'COMPLETED', 1, '${at}', 1, NULL, NULL)`)
  world.query(`INSERT INTO "SnapshotTag" VALUES ('s-1', 'env', 'test')`)
  world.query(`INSERT INTO "IdempotencyKey" VALUES ('acc-1', 't', 'hash', 's-1', '${at}')`)
  world.query(`INSERT INTO "TransitionLog" VALUES ('0123456789ab', 7)`)

  await cp(MIGRATIONS_FOLDER, world.migrations, { recursive: true })
  await migrate(world.url, world.migrations)

  await using db = await openDatabase({ url: world.url })
  const instant = new Date(at)
  expect(await db.job.findMany()).toEqual([
    expect.objectContaining({
      kind: 'COPY_SNAPSHOT',
      accountId: 'acc-1',
      snapshotId: 's-2',
      diskId: 'v-1',
      createdAt: instant,
      attempts: 3,
      leaseOwner: 'somebody',
      leaseUntil: instant,
    }),
  ])
  expect(await db.diskTransition.findMany()).toEqual([
    {
      position: 1,
      accountId: 'acc-1',
      sequence: 1,
      tag: expect.stringMatching(/^[0-9a-f]{12}$/),
      traceparent: null,
      upstreamAt: null,
      diskId: 'v-1',
      from: null,
      to: 'SNAPSHOTTING',
      reason: null,
      actor: null,
      at: expect.any(Date),
    },
  ])
  // Written as times are written by the gateway, so that they compare as text.
  const written = world.query(`SELECT "at" FROM "DiskTransition"`)
  await db.diskTransition.create({
    data: { accountId: 'a', sequence: 1, tag: 'tag', diskId: 'v', to: 'ERROR', at: new Date() },
  })
  const [, now] = world.query(`SELECT "at" FROM "DiskTransition"`)
  const form = ([row]: unknown[]) => (row as { at: string }).at.replace(/\d/g, '0')
  expect(form(written)).toBe(form([now]))
  expect(await db.snapshot.findMany({ include: { tags: true }, orderBy: { id: 'asc' } })).toMatchObject([
    { id: 's-1', diskId: 'v-1', tags: [{ key: 'env', value: 'test' }] },
    { id: 's-2', diskId: 'v-1', tags: [] },
  ])
  expect(await db.idempotencyKey.findMany()).toMatchObject([{ clientToken: 't', resourceId: 's-1' }])
  expect(await db.transitionLog.findMany()).toEqual([
    { id: '0123456789ab', subject: 'SNAPSHOT', prunedThrough: 7, oldThrough: 0 },
  ])
})

test('transitions of versions that stored no type and tags get those of their snapshots', async () => {
  await using world = await makeWorld({})
  for (const name of await readdir(MIGRATIONS_FOLDER))
    if (name < '0020')
      await cp(join(MIGRATIONS_FOLDER, name), join(world.migrations, name), { recursive: true })
  await migrate(world.url, world.migrations)
  world.query(`INSERT INTO "Account" VALUES ('acc-1', 'one', '2026-01-01')`)
  for (const id of ['s-1', 's-2'])
    world.query(`INSERT INTO "Snapshot" ("id", "accountId", "diskKind", "name", "type", "status", "sizeBytes", "createdAt")
      VALUES ('${id}', 'acc-1', 'DATA', 'one', 'AUTOMATIC', 'COMPLETED', 1, '2026-01-01')`)
  for (const key of ['z', 'a"'])
    world.query(`INSERT INTO "SnapshotTag" VALUES ('s-1', '${key}', 'value of ${key}')`)
  for (const [index, id] of ['s-1', 's-2', 's-gone'].entries())
    world.query(`INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "diskId", "to", "at")
      VALUES ('acc-1', ${index + 1}, 'tag', '${id}', 'v-1', 'CREATING', '2026-01-01')`)

  await migrate(world.url)

  const facts = `SELECT "snapshotType", "snapshotTags" FROM "SnapshotTransition" ORDER BY "sequence"`
  expect(world.query(facts)).toEqual([
    { snapshotType: 'AUTOMATIC', snapshotTags: '[["a\\"","value of a\\""],["z","value of z"]]' },
    { snapshotType: 'AUTOMATIC', snapshotTags: null },
    { snapshotType: null, snapshotTags: null },
  ])
})
