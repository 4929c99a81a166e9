import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const SERVERS = new URL('../bench/queries/servers/', import.meta.url)

// One of them is JavaScript, whose imports the compiler does not check.
test.each(readdirSync(SERVERS))('the contender %s of the benchmark can be loaded', async (file) => {
  const url = new URL(file, SERVERS).href
  const script = `await import(${JSON.stringify(url)}); process.exit()`
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const loaded = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd })
  await expect(loaded).resolves.toMatchObject({ stderr: '' })
})
