import { execFile } from 'node:child_process'
import { mkdtempDisposable, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { MIGRATIONS_FOLDER } from '../../src/database/sqlite/migrations.ts'

const COMMAND = fileURLToPath(new URL('../../src/commands/migrate.ts', import.meta.url))

/** Makes every attempt to use the network fail. */
const NO_NETWORK =
  "data:text/javascript,import net from 'node:net'; net.Socket.prototype.connect = () => { throw Error('no network') }"

interface Exit {
  exitCode: number | null
  stdout: string
  stderr: string
}

/** Runs the command as a process in `cwd`, with nothing in its environment but `env`. */
function run(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Exit> {
  const all = ['--import', NO_NETWORK, COMMAND, ...args]
  return new Promise((resolve) => {
    const child = execFile(process.execPath, all, { cwd, env }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode, stdout, stderr })
    })
  })
}

const MIGRATIONS = (await readdir(MIGRATIONS_FOLDER)).filter((name) => /^\d/.test(name)).sort()
const listed = (state: string) => MIGRATIONS.map((name) => `${state}  ${name}\n`).join('')
const APPLIED = `Applied ${MIGRATIONS.join(', ')}.\n`

const temporary = () => mkdtempDisposable(join(tmpdir(), 'snapgate-'))

test('status, deploy and diff work from any folder and without network', async () => {
  await using folder = await temporary()
  const say = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
  expect(await run(folder.path, ['status'])).toEqual(say(listed('pending')))
  expect(await run(folder.path, ['deploy'])).toEqual(say(APPLIED))
  expect(await run(folder.path, ['deploy'])).toEqual(say('Nothing to apply.\n'))
  expect(await run(folder.path, ['status'])).toEqual(say(listed('applied')))
  expect(await run(folder.path, ['diff'])).toEqual(say('-- The migrations and prisma/schema.prisma agree.\n'))
  expect(await readdir(folder.path, { recursive: true })).toEqual(['data', 'data/snapgate.db'])
})

test('the database is the one of DATABASE_URL, or else that in DATA_DIR', async () => {
  await using folder = await temporary()
  await run(folder.path, ['deploy'], { DATA_DIR: './here' })
  await run(folder.path, ['deploy'], { DATA_DIR: './here', DATABASE_URL: 'file:there.db' })
  expect((await readdir(folder.path, { recursive: true })).sort()).toEqual([
    'here',
    'here/snapgate.db',
    'there.db',
  ])
})

test('processes that start together on a new database all succeed, and one of them migrates it', async () => {
  await using folder = await temporary()
  const results = await Promise.all(Array.from({ length: 4 }, () => run(folder.path, ['deploy'])))
  const say = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })
  expect(results.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual([
    say(APPLIED),
    say('Nothing to apply.\n'),
    say('Nothing to apply.\n'),
    say('Nothing to apply.\n'),
  ])
})

test.each(['', 'sattus', 'status more', 'write', 'write labels', 'write ../0002_x', 'toString'])(
  'a call that it does not know shows how to use it: "%s"',
  async (line) => {
    await using folder = await temporary()
    const args = line.split(' ').filter((arg) => arg !== '')
    const { exitCode, stdout, stderr } = await run(folder.path, args)
    expect({ exitCode, stdout, firstLine: stderr.split('\n')[0] }).toEqual({
      exitCode: 2,
      stdout: '',
      firstLine: 'Usage: npm run migrate -- <command>',
    })
    expect(await readdir(folder.path)).toEqual([])
  },
)

test('what is wrong with the database is said in one line', async () => {
  await using folder = await temporary()
  await writeFile(join(folder.path, 'text'), 'Lorem ipsum dolor sit amet. '.repeat(100))
  expect(await run(folder.path, ['deploy'], { DATABASE_URL: 'file:text' })).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `The database ${folder.path}/text cannot be used: file is not a database.\n`,
  })
})
