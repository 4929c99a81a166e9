import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { ClientBase } from 'pg'
import {
  checksumOf,
  compare,
  MigrationError,
  noteOf,
  readMigrations,
  type HistoryRow,
  type Migration,
  type MigrationStatus,
} from '../migration-history.ts'
import { connected, LOCKS } from './advisory-locks.ts'

/** Where the migrations of PostgreSQL stand: `<name>/migration.sql`, applied in the order of names. */
export const MIGRATIONS_FOLDER = fileURLToPath(
  new URL('../../../prisma/postgresql/migrations', import.meta.url),
)

/** The history has the columns of Prisma's own, so that its tools can read it. */
const HISTORY = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" varchar(36) PRIMARY KEY, "checksum" varchar(64) NOT NULL, "finished_at" timestamptz,
  "migration_name" varchar(255) NOT NULL, "logs" text, "rolled_back_at" timestamptz,
  "started_at" timestamptz NOT NULL DEFAULT now(), "applied_steps_count" integer NOT NULL DEFAULT 0)`

/** Which migrations the database has and lacks, read without changing it; throws as `migrate` does. */
export async function migrationStatus(url: string, folder = MIGRATIONS_FOLDER): Promise<MigrationStatus> {
  return connected(url, async (client) => statusOf(readMigrations(folder), client))
}

/**
 * Brings the database up to this version and returns the names of the migrations that it applied, each in a transaction of
 * its own. Gateways that start together wait for each other. A database that a later version has migrated is good as long as
 * that only added to it: during a rolling restart, both versions run.
 */
export async function migrate(url: string, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  return connected(url, async (client) => {
    const migrations = readMigrations(folder)
    if ((await statusOf(migrations, client)).pending.length === 0) return []
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS.migration])
    await client.query(HISTORY)
    const { pending } = await statusOf(migrations, client)
    for (const migration of migrations)
      if (pending.includes(migration.name)) await applyOne(migration, client)
    return pending
  })
}

async function statusOf(migrations: readonly Migration[], client: ClientBase): Promise<MigrationStatus> {
  return compare(migrations, await readHistory(client), { mayBeNewer: true })
}

async function readHistory(client: ClientBase): Promise<HistoryRow[]> {
  const { rows: tables } = await client.query(
    `SELECT 1 WHERE to_regclass('"_prisma_migrations"') IS NOT NULL`,
  )
  if (tables.length === 0) return []
  const { rows } = await client.query<HistoryRow>(
    'SELECT * FROM "_prisma_migrations" WHERE "rolled_back_at" IS NULL ORDER BY "migration_name" COLLATE "C"',
  )
  return rows
}

async function applyOne(migration: Migration, client: ClientBase): Promise<void> {
  const { name, sql } = migration
  try {
    await client.query('BEGIN')
    await client.query(sql)
    await client.query(
      `INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "logs", "started_at", "finished_at", "applied_steps_count")
        VALUES ($1, $2, $3, $4, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksumOf(migration), name, noteOf(migration)],
    )
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined)
    throw new MigrationError(
      `Migration ${name} failed: ${(error as Error).message}. It changed nothing; correct it, or start the version of Snapgate that ran before.`,
      { cause: error },
    )
  }
}
