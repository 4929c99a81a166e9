import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { loadConfig } from '../environment.ts'
import { migrate, migrationStatus } from '../database/migrations.ts'
import { MIGRATIONS_FOLDER, migrationSql } from '../database/sqlite/migrations.ts'
import { runCommand, UsageError } from './command.ts'

const USAGE = `Usage: npm run migrate -- <command>

  status       list the migrations that the database has, and those that are pending
  deploy       apply the pending ones, as every start of Snapgate does
  diff         print the SQL that leads from the migrations to prisma/schema.prisma
  write NAME   write that SQL to prisma/migrations/NAME/migration.sql: the next migration (0002_labels),
               or the last one anew, as long as it has not been released

The database is DATABASE_URL, or else snapgate.db in DATA_DIR (./data).`

/** What each command prints, on the database at the url. */
const COMMANDS: Record<string, (url: string) => Promise<string>> = {
  async status(url) {
    const { applied, pending } = await migrationStatus(url)
    return [...applied.map((name) => `applied  ${name}`), ...pending.map((name) => `pending  ${name}`)].join(
      '\n',
    )
  },
  async deploy(url) {
    const applied = await migrate(url)
    return applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Nothing to apply.'
  },
  diff: async () => (await migrationSql()) || '-- The migrations and prisma/schema.prisma agree.',
}

async function write(name: string): Promise<string> {
  const sql = await migrationSql(name)
  if (sql === '') return 'Nothing to write: the migrations and prisma/schema.prisma agree.'
  const file = join(MIGRATIONS_FOLDER, name, 'migration.sql')
  await mkdir(join(MIGRATIONS_FOLDER, name), { recursive: true })
  await writeFile(file, sql)
  return `Wrote ${file}.`
}

function chosen(args: string[]): (() => Promise<string>) | undefined {
  const [command = '', name, ...more] = args
  if (command === 'write' && name !== undefined && /^\d{4}_\w+$/.test(name) && more.length === 0) {
    return () => write(name)
  }
  const run = Object.hasOwn(COMMANDS, command) && name === undefined ? COMMANDS[command] : undefined
  return run && (async () => run((await loadConfig(process.env, console.error)).databaseUrl))
}

await runCommand(USAGE, async () => {
  const run = chosen(process.argv.slice(2))
  if (run === undefined) throw new UsageError()
  console.log(await run())
})
