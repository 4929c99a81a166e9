/** Writes schema.graphql from the code; with --check only says whether it is current. */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { printSdl } from '../src/graphql/schema.ts'

const file = new URL('../schema.graphql', import.meta.url)
if (!process.argv.includes('--check')) {
  writeFileSync(file, printSdl())
} else if (readFileSync(file, 'utf8') !== printSdl()) {
  console.error('schema.graphql is stale. Run: npm run sdl')
  process.exitCode = 1
}
