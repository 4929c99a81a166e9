/** Writes schema.graphql from the code; with --check only says whether it is current, and breaks nothing that was released. */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { printSdl } from '../src/graphql/schema.ts'
import { RELEASED } from './released.ts'
import { breakingChanges } from './schema-changes.ts'

const file = new URL('../schema.graphql', import.meta.url)
if (!process.argv.includes('--check')) {
  writeFileSync(file, printSdl())
} else {
  if (readFileSync(file, 'utf8') !== printSdl()) fail('schema.graphql is stale. Run: npm run sdl')
  const changes = await breakingChanges(readFileSync(RELEASED, 'utf8'), printSdl())
  if (changes.length > 0)
    fail(
      `The schema breaks clients of the last release (schema.released.graphql):\n${changes.map((change) => `  ${change}\n`).join('')}` +
        'Deprecate it in a release first: docs/clients/versioning.md.',
    )
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
