import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../support/process.ts'

/** A call of each command that needs the settings. */
const CALLS: Record<string, string[]> = {
  backup: ['to', 'backup'],
  clock: ['status'],
  connection: ['check', '--provider', 'baidu', '--region', 'bj', '--credentials', 'env:KEY'],
  copies: ['list'],
  disk: ['list'],
  migrate: ['status'],
  restore: ['from', 'backup'],
  token: ['list'],
}

test.each(Object.entries(CALLS))(
  'npm run %s reads the file of settings, as the gateway does',
  async (name, args) => {
    const folder = await mkdtemp(join(tmpdir(), 'snapgate-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'settings.env')
    await writeFile(file, 'DATA_DIR=/dev/null\n')

    const { exitCode, stderr } = await run(`src/commands/${name}.ts`, args, {
      ENV_FILE: file,
      PATH: process.env['PATH'] ?? '',
    })

    expect(stderr).toContain(
      'DATA_DIR must be a directory that can be written; /dev/null is not a directory.',
    )
    expect(exitCode).toBe(1)
  },
)

/** What commands are made of. */
const PARTS = ['command.ts', 'connection-check.ts']

test('every command is called above', async () => {
  const files = await readdir(new URL('../../src/commands/', import.meta.url))

  expect(files.filter((file) => !PARTS.includes(file)).toSorted()).toEqual(
    Object.keys(CALLS).map((name) => `${name}.ts`),
  )
})
