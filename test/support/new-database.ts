import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { startPostgres, type PostgresCluster } from './postgresql.ts'
import { run } from './process.ts'

/** Whether the gateways of tests are on PostgreSQL. */
export const onServer = process.env.DATABASE === 'postgresql'

let directory: string
let cluster: PostgresCluster | undefined

/**
 * Migrates one database for the whole run, whose copies tests begin with: so only tests of migrations migrate. With
 * DATABASE=postgresql the gateways of tests are on a server, which is started for the run.
 */
export async function setup(): Promise<void> {
  if (onServer) {
    cluster = await startPostgres()
    process.env.NEW_DATABASE_SERVER = await cluster.migrated()
  }
  directory = await mkdtemp(join(tmpdir(), 'snapgate-new-'))
  const path = join(directory, 'snapgate.db')
  const { exitCode, stderr } = await run('src/commands/migrate.ts', ['deploy'], {
    DATABASE_URL: `file:${path}`,
    DATA_DIR: directory,
  })
  if (exitCode !== 0) throw new Error(stderr)
  process.env.NEW_DATABASE = path
}

export async function teardown(): Promise<void> {
  await rm(directory, { recursive: true })
  await cluster?.[Symbol.asyncDispose]()
}
