import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pino, type Logger } from 'pino'
import { openDatabase, type Database } from './database.ts'
import { isPostgresql } from './database-url.ts'
import { migrate } from './migrations.ts'
import type { DatabaseObserver } from './observer.ts'
import { PRIVATE_FOLDER } from './private-files.ts'
import { databasePath } from './sqlite/database-file.ts'
import { checkAfterInterruption, startDatabaseWatch } from './sqlite/watch.ts'
import { noteStopped } from './sqlite/world.ts'

/** The part of the configuration that says where the database is, and what is read of it. */
export interface DatabaseConfig {
  databaseUrl: string
  dataDir: string
  readWalIndex: boolean
  maxLogBytes: number
}

/** The path of the file of SQLite that reads are made of: the database, or the replica of one on a server. */
export async function readFileOf({
  databaseUrl,
  dataDir,
}: Pick<DatabaseConfig, 'databaseUrl' | 'dataDir'>): Promise<string> {
  return isPostgresql(databaseUrl) ? join(dataDir, 'replica.db') : databasePath(databaseUrl)
}

/** Migrates the database, opens it and looks after it, until `parts` are disposed. */
export async function startDatabase(
  config: DatabaseConfig,
  {
    log,
    observer,
    onStatement,
  }: {
    log: Logger
    observer: DatabaseObserver | undefined
    onStatement: ((sql: string) => void) | undefined
  },
  parts: AsyncDisposableStack,
): Promise<Database> {
  const { databaseUrl: url, readWalIndex: readsIndex, maxLogBytes } = config
  if (isPostgresql(url)) {
    await migrate(url)
    const { openPostgresql } = await import('./postgresql/open.ts')
    const replicaPath = await readFileOf(config)
    return parts.use(await openPostgresql({ url, replicaPath, readsIndex, log, observer, onStatement }))
  }
  await checkAfterInterruption(url, log)
  await migrate(url)
  const db = await openDatabase({ url, readsIndex, maxLogBytes, observer, onStatement })
  parts.defer(() => {
    if (!db.health.isLost) noteStopped(db.path)
  })
  parts.use(db)
  parts.use(startDatabaseWatch(db, log))
  return db
}

/** Migrates the database and opens it for a command. On a server, that takes a replica of its own while a gateway is running. */
export async function openForCommand(config: DatabaseConfig): Promise<Database> {
  const { databaseUrl: url, maxLogBytes } = config
  await migrate(url)
  if (!isPostgresql(url)) return openDatabase({ url, maxLogBytes })
  const { openPostgresql } = await import('./postgresql/open.ts')
  await mkdir(config.dataDir, { recursive: true, mode: PRIVATE_FOLDER })
  const replicaPath = await readFileOf(config)
  return openPostgresql({ url, replicaPath, readsIndex: false, log: pino({ level: 'silent' }) })
}
