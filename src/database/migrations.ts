import { isPostgresql } from './database-url.ts'
import type { MigrationStatus } from './migration-history.ts'
import * as sqlite from './sqlite/migrations.ts'

/** Which migrations the database has and lacks, read without changing it; throws as `migrate` does. */
export async function migrationStatus(url: string): Promise<MigrationStatus> {
  return (await migrationsOf(url)).migrationStatus(url)
}

/**
 * Brings the database up to this version and returns the names of the migrations that it applied. Throws a MigrationError
 * when the two do not go together. Processes that start together wait for each other.
 */
export async function migrate(url: string): Promise<string[]> {
  return (await migrationsOf(url)).migrate(url)
}

/** The migrations of a database; those of a server are loaded where one is used only. */
async function migrationsOf(url: string): Promise<Pick<typeof sqlite, 'migrate' | 'migrationStatus'>> {
  return isPostgresql(url) ? import('./postgresql/migrations.ts') : sqlite
}
