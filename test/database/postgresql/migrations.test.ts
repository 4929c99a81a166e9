import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { PrismaPg } from '@prisma/adapter-pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgresqlSchema } from '../../../scripts/postgresql-schema.ts'
import { MigrationError } from '../../../src/database/migration-history.ts'
import { migrate, MIGRATIONS_FOLDER, migrationStatus } from '../../../src/database/postgresql/migrations.ts'
import { openSchemaEngine } from '../../../src/database/schema-engine.ts'
import { hasPostgres, nameOf, startPostgres, type PostgresCluster } from '../../support/postgresql.ts'

const SCHEMA = 'prisma/postgresql/schema.prisma'

test('the schema of PostgreSQL is the one that is made from the schema', async () => {
  expect(await readFile(SCHEMA, 'utf8')).toBe(
    postgresqlSchema(await readFile('prisma/schema.prisma', 'utf8')),
  )
})

describe.skipIf(!hasPostgres)('migrations of PostgreSQL (skipped where there is no server)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  test('lead to the schema', async () => {
    const [migrated, made] = [await cluster.database(), await cluster.database()]
    await migrate(migrated)
    const adapter = new PrismaPg({ connectionString: made })
    using engine = await openSchemaEngine(adapter)
    const { stdout: sql } = await engine.diff({
      from: { tag: 'empty' },
      to: { tag: 'schemaDatamodel', files: [{ path: SCHEMA, content: await readFile(SCHEMA, 'utf8') }] },
      script: true,
      exitCode: true,
      filters: { externalTables: [], externalEnums: [] },
    })
    await cluster.query(nameOf(made), sql ?? '')
    for (const facts of [COLUMNS, INDEXES, REFERENCES]) {
      const [here, there] = [
        await cluster.query(nameOf(migrated), facts),
        await cluster.query(nameOf(made), facts),
      ]
      expect(here).toEqual(there)
    }
  })

  test('are applied once, however many gateways start at once', async () => {
    const url = await cluster.database()
    const applied = await Promise.all(Array.from({ length: 8 }, () => migrate(url)))
    expect(applied.flat()).toEqual((await migrationStatus(url)).applied)
    expect(await migrate(url)).toEqual([])
  })

  test('one that fails changes nothing and says so', async () => {
    await using folder = await folderWith('0999_wrong', 'CREATE TABLE "Half" (id int); SELECT 1 / 0')
    const url = await cluster.database()
    await expect(migrate(url, folder.path)).rejects.toThrow('Migration 0999_wrong failed: division by zero.')
    expect((await migrationStatus(url, folder.path)).pending).toEqual(['0999_wrong'])
    expect(await cluster.query(nameOf(url), `SELECT to_regclass('"Half"') AS half`)).toEqual([{ half: null }])
  })

  test('an earlier version starts on a database that a later one has added to, and not on one it took from', async () => {
    const url = await cluster.database()
    await using adding = await folderWith('0998_adding', 'ALTER TABLE "Disk" ADD COLUMN "later" text')
    await migrate(url, adding.path)
    expect(await migrate(url)).toEqual([])
    await using taking = await folderWith(
      '0999_taking',
      '-- Contracts\nALTER TABLE "Disk" DROP COLUMN "name"',
      adding,
    )
    await migrate(url, taking.path)
    await expect(migrate(url)).rejects.toThrow(MigrationError)
    await expect(migrate(url)).rejects.toThrow('it has the migration 0999_taking')
  })

  test('transitions of versions that stored no type and tags get those of their snapshots', async () => {
    const url = await cluster.database()
    await using earlier = await folderBefore('0003')
    await migrate(url, earlier.path)
    await cluster.query(
      nameOf(url),
      `INSERT INTO "Account" ("id", "name", "createdAt") VALUES ('acc-1', 'one', now());
      INSERT INTO "Snapshot" ("id", "accountId", "diskKind", "name", "type", "status", "sizeBytes", "createdAt")
        SELECT id, 'acc-1', 'DATA', 'one', 'AUTOMATIC', 'COMPLETED', 1, now() FROM unnest(ARRAY['s-1', 's-2']) AS id;
      INSERT INTO "SnapshotTag" VALUES ('s-1', 'z', 'last'), ('s-1', 'a"', 'first');
      INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "diskId", "to", "at")
        VALUES ('acc-1', 1, 'tag', 's-1', 'v-1', 'CREATING', now()), ('acc-1', 2, 'tag', 's-2', 'v-1', 'CREATING', now()),
          ('acc-1', 3, 'tag', 's-gone', 'v-1', 'CREATING', now())`,
    )
    await migrate(url)
    const facts = `SELECT "snapshotType" AS type, "snapshotTags"::json AS tags FROM "SnapshotTransition" ORDER BY "sequence"`
    expect(await cluster.query(nameOf(url), facts)).toEqual([
      {
        type: 'AUTOMATIC',
        tags: [
          ['a"', 'first'],
          ['z', 'last'],
        ],
      },
      { type: 'AUTOMATIC', tags: null },
      { type: null, tags: null },
    ])
  })
})

/** The migrations that come before one. */
async function folderBefore(name: string) {
  const path = await mkdtemp(join(tmpdir(), 'snapgate-migrations-'))
  await cp(MIGRATIONS_FOLDER, path, {
    recursive: true,
    filter: (from) =>
      basename(from) < name || from === MIGRATIONS_FOLDER || basename(from) === 'migration.sql',
  })
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** The migrations there are, and one more. */
async function folderWith(name: string, sql: string, base: { path: string } = { path: MIGRATIONS_FOLDER }) {
  const path = await mkdtemp(join(tmpdir(), 'snapgate-migrations-'))
  await cp(base.path, path, { recursive: true })
  await mkdir(join(path, name))
  await writeFile(join(path, name, 'migration.sql'), sql)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

/** Tables that Prisma's schema has no words for. */
const BY_HAND = `('_prisma_migrations', 'Change', 'Commit', 'SnapshotCount', 'TransitionHead')`

const COLUMNS = `SELECT table_name, column_name, data_type, is_nullable, datetime_precision, column_default
  FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN ${BY_HAND} ORDER BY 1, 2`

const INDEXES = `SELECT indexname, indexdef FROM pg_indexes
  WHERE schemaname = 'public' AND tablename NOT IN ${BY_HAND} ORDER BY 1`

const REFERENCES = `SELECT conname, pg_get_constraintdef(oid) AS text FROM pg_constraint
  WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1`
