/**
 * Everything that is generated after an install, without network: the schema of PostgreSQL, the Prisma clients, the GraphiQL
 * assets, the console.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { generateClientPackage } from './client-package.ts'
import { generateConsole } from './console-assets.ts'
import { generateGraphiqlAssets } from './graphiql-assets.ts'
import { postgresqlSchema } from './postgresql-schema.ts'

const SCHEMA = 'prisma/schema.prisma'
const POSTGRESQL_SCHEMA = 'prisma/postgresql/schema.prisma'

mkdirSync('prisma/postgresql', { recursive: true })
writeFileSync(POSTGRESQL_SCHEMA, postgresqlSchema(readFileSync(SCHEMA, 'utf8')))

// Generating needs no engine, but the CLI looks for one and would download it: any existing executable will do.
for (const schema of [SCHEMA, POSTGRESQL_SCHEMA])
  execFileSync('prisma', ['generate', '--no-hints', '--schema', schema], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  })

generateClientPackage()
await generateGraphiqlAssets()
await generateConsole()
