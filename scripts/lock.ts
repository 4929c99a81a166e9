/**
 * Run after every dependency change, after `npm install`: marks in the lock file the packages that ship their binary.
 * npm reads `gypfile` from the lock; without the mark, npm 10 compiles better-sqlite3 and needs a compiler for it.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const SHIPS_ITS_BINARY = ['node_modules/better-sqlite3']

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { gypfile?: boolean }> }
for (const name of SHIPS_ITS_BINARY) {
  const entry = lock.packages[name]
  if (!entry) throw new Error(`${name} is not in package-lock.json`)
  entry.gypfile = false
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
