import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MigrationList } from '@prisma/schema-engine-wasm/schema_engine_bg'

/** The database and the migrations of this version do not go together; the message says why, and what would be right. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

export interface MigrationStatus {
  applied: string[]
  pending: string[]
}

export interface Migration {
  name: string
  sql: string
}

/** A row of Prisma's own history table. */
export interface HistoryRow {
  migration_name: string
  checksum: string
  started_at: string | Date
  finished_at: string | Date | null
  /** What the migration says of itself to earlier versions. */
  logs: string | null
}

/**
 * The first line of a migration that takes away or changes what earlier versions use. All others only add, and earlier
 * versions go on beside them, where the database is one that gateways of several versions may share.
 */
const CONTRACTS = '-- Contracts'

/** What the history notes of a migration. */
export function noteOf({ sql }: Migration): string | null {
  return sql.startsWith(CONTRACTS) ? CONTRACTS : null
}

/** The digest of a migration that the history has. */
export function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex')
}

/** What is applied and what is pending, or a MigrationError when the two cannot belong together. */
export function compare(
  migrations: readonly Migration[],
  history: readonly HistoryRow[],
  { mayBeNewer = false }: { mayBeNewer?: boolean } = {},
): MigrationStatus {
  const checksums = new Map(migrations.map((migration) => [migration.name, checksumOf(migration)]))
  const last = migrations.at(-1)?.name ?? ''
  for (const row of history) {
    const checksum = checksums.get(row.migration_name)
    if (row.finished_at === null) {
      throw new MigrationError(
        `Migration ${row.migration_name} was begun at ${String(row.started_at)} and not finished. Restore the database from a backup taken before it.`,
      )
    }
    if (checksum === undefined) {
      if (mayBeNewer && row.migration_name > last && row.logs !== CONTRACTS) continue
      throw new MigrationError(
        `The database is newer than this version of Snapgate: it has the migration ${row.migration_name}. Start the version that applied it, or a later one.`,
      )
    }
    if (checksum !== row.checksum) {
      throw new MigrationError(
        `Migration ${row.migration_name} has been edited since it was applied. Restore its file as it was; a change belongs into a new migration.`,
      )
    }
  }
  const applied = history.map((row) => row.migration_name)
  return { applied, pending: [...checksums.keys()].filter((name) => !applied.includes(name)) }
}

export function readMigrations(folder: string): Migration[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, sql: readFileSync(join(folder, name, 'migration.sql'), 'utf8') }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The migrations in the form in which Prisma's engine takes them. */
export function engineList(
  migrations: readonly Migration[],
  { provider, baseDir }: { provider: string; baseDir: string },
): MigrationList {
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: `provider = "${provider}"` },
    shadowDbInitScript: '',
    migrationDirectories: migrations.map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  }
}
