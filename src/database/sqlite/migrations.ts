import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3'
import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils'
import SQLite from 'better-sqlite3'
import { databaseFile, unusable } from './database-file.ts'
import {
  compare,
  engineList,
  MigrationError,
  readMigrations,
  type HistoryRow,
  type Migration,
  type MigrationStatus,
} from '../migration-history.ts'
import type { Reader } from './reader.ts'
import { openSchemaEngine } from '../schema-engine.ts'
import { emptyNow, readWorld } from './world.ts'

/** Where the migrations stand that belong to this version: `<name>/migration.sql`, applied in the order of names. */
export const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

const SCHEMA_FILE = fileURLToPath(new URL('../../../prisma/schema.prisma', import.meta.url))

const OWN = { provider: 'sqlite', baseDir: MIGRATIONS_FOLDER }

const EVERYTHING = { externalTables: [], externalEnums: [] }

/** How long a start waits for another process that is migrating the same database. */
const MIGRATION_WAIT_MS = 60_000

const HISTORY = {
  sql: `SELECT * FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY migration_name`,
  values: [],
}

/** Which migrations the database has and lacks, read without changing it; throws as `migrate` does. */
export async function migrationStatus(url: string, folder = MIGRATIONS_FOLDER): Promise<MigrationStatus> {
  return compare(readMigrations(folder), readHistory(await databaseFile(url)))
}

/**
 * A check of whether an open database, which may be replaced while it is open, still has exactly the migrations of this
 * version. It returns what is wrong; undefined when nothing is, or when the database cannot be read, which others report.
 */
export function migrationsCheck(reader: Reader, folder = MIGRATIONS_FOLDER): () => string | undefined {
  const migrations = readMigrations(folder)
  return () => {
    try {
      const { pending } = compare(migrations, reader.all<HistoryRow>(HISTORY))
      return pending.length > 0
        ? `The database lacks the migration ${pending.join(', ')}. Restart the gateway.`
        : undefined
    } catch (error) {
      return error instanceof MigrationError ? error.message : undefined
    }
  }
}

/**
 * Brings the database up to this version and returns the names of the migrations that it applied: all that were
 * pending, in one transaction, or none. Throws a MigrationError when the database is newer than this version, has
 * a migration that is unfinished or has been edited since, or refuses one. Processes that start together wait for
 * each other. With nothing to do it costs a few milliseconds.
 */
export async function migrate(url: string, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  const path = await databaseFile(url)
  const migrations = readMigrations(folder)
  const { applied, pending: lacking } = compare(migrations, readHistory(path))
  if (lacking.length === 0) return []
  if (applied.length === 0 && readWorld(path))
    throw unusable(path, new Error(emptyNow(path, 'has no tables')))
  makePrivateFile(path)

  const official = new PrismaBetterSqlite3({ url: path, timeout: MIGRATION_WAIT_MS })
  const database = await official.connect()
  try {
    // A table is rebuilt by dropping it, which must not cascade; the references are checked before the commit.
    await database.executeScript('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE')
    const { pending } = compare(migrations, readHistory(path))
    if (pending.length > 0) await apply(migrations, pending, database)
    await database.executeScript('COMMIT')
    return pending
  } catch (error) {
    throw error instanceof MigrationError ? error : unusable(path, error)
  } finally {
    await database.dispose()
  }
}

/**
 * The SQL that leads from the migrations to `prisma/schema.prisma`, empty when they agree: the next migration. With
 * `before`, only migrations whose names sort before it count, so that the last one can be written anew.
 */
export async function migrationSql(before?: string, folder = MIGRATIONS_FOLDER): Promise<string> {
  const migrations = readMigrations(folder).filter(({ name }) => before === undefined || name < before)
  const memory = new PrismaBetterSqlite3({ url: ':memory:' })
  using engine = await openSchemaEngine({
    provider: memory.provider,
    adapterName: memory.adapterName,
    connect: () => memory.connect(),
    async connectToShadowDb() {
      const shadow = await memory.connectToShadowDb()
      // The engine sends whole migrations this way, and better-sqlite3 prepares one statement only.
      const executeRaw: SqlDriverAdapter['executeRaw'] = ({ sql }) => shadow.executeScript(sql).then(() => 0)
      return Object.assign(shadow, { executeRaw })
    },
  })
  const difference = await engine.diff({
    from: { tag: 'migrations', ...engineList(migrations, OWN) },
    to: {
      tag: 'schemaDatamodel',
      files: [{ path: SCHEMA_FILE, content: readFileSync(SCHEMA_FILE, 'utf8') }],
    },
    script: true,
    exitCode: true,
    filters: EVERYTHING,
  })
  return difference.exitCode === 0 ? '' : (difference.stdout ?? '')
}

/** Makes the file of a new database; SQLite makes its other files with the mode of this one. */
function makePrivateFile(path: string): void {
  // One that exists is not even opened: to close it again would drop the locks that SQLite has on it.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
}

async function apply(migrations: Migration[], pending: string[], database: SqlDriverAdapter): Promise<void> {
  using engine = await openSchemaEngine({
    provider: database.provider,
    adapterName: database.adapterName,
    connect: async () => database,
    connectToShadowDb: async () => database,
  })
  try {
    await engine.applyMigrations({ migrationsList: engineList(migrations, OWN), filters: EVERYTHING })
  } catch (error) {
    throw refusal(error, pending)
  }
  const dangling = await database.queryRaw({ sql: 'PRAGMA foreign_key_check', args: [], argTypes: [] })
  if (dangling.rows.length > 0) {
    throw new MigrationError(
      `After ${pending.join(', ')}, rows of ${String(dangling.rows[0]?.[0])} would refer to rows that do not exist. The database is unchanged; correct the migration.`,
    )
  }
}

/** The engine's error in our words; what it says itself has a trace of its own code in the message. */
function refusal(error: unknown, pending: string[]): MigrationError {
  const { message, code } = error as Error & { code?: string }
  const [, culprit = pending.join(', ')] = /migration_name="(.+?)"/.exec(message) ?? []
  return new MigrationError(
    code === 'P3005'
      ? 'The database holds tables that Snapgate did not make. Give it a file of its own.'
      : `Migration ${culprit} failed: ${message.split('\n', 1).join()}. The database is unchanged; correct the migration, or start the version of Snapgate that ran before.`,
    { cause: error },
  )
}

function readHistory(path: string): HistoryRow[] {
  if (!existsSync(path)) return []
  const connection = new SQLite(path)
  try {
    const tables = connection.prepare(`SELECT 1 FROM sqlite_master WHERE name = '_prisma_migrations'`)
    if (tables.get() === undefined) return []
    return connection.prepare<[], HistoryRow>(HISTORY.sql).all()
  } catch (error) {
    throw unusable(path, error)
  } finally {
    connection.close()
  }
}
