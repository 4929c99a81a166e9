/** Everything that is generated after an install, without network: the Prisma client, the GraphiQL assets, the console. */
import { execFileSync } from 'node:child_process'
import process from 'node:process'
import { generateConsole } from './console-assets.ts'
import { generateGraphiqlAssets } from './graphiql-assets.ts'

// Generating needs no engine, but the CLI looks for one and would download it: any existing executable will do.
execFileSync('prisma', ['generate', '--no-hints'], {
  stdio: ['ignore', 'ignore', 'inherit'],
  shell: process.platform === 'win32',
  env: {
    ...process.env,
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  },
})

await generateGraphiqlAssets()
await generateConsole()
