import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { run } from '../support/process.ts'

const temporary = () => mkdtempDisposable(join(tmpdir(), 'snapgate-'))
const token = (dataDir: string, ...args: string[]) =>
  run('src/commands/token.ts', args, { DATA_DIR: dataDir })
const VIEWER = '{ viewer { account { name } role expiresAt } }'

test('a token is made before the first start, printed alone, and good for what it was made for', async () => {
  await using folder = await temporary()
  const args = ['--name', 'ci', '--role', 'operator', '--days', '30', '--account', 'acme', '--new-account']

  const { exitCode, stdout, stderr } = await token(folder.path, 'create', ...args)

  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^sg_[0-9A-Za-z]{49}\n$/)])
  expect(stderr).toMatch(/^Created tok-\w+, OPERATOR of acme, until 20\S+Z\. It is shown this once:\n$/)
  expect(stderr).not.toContain(stdout.trim())
  await using app = await startTestApp({ DATA_DIR: folder.path, HOST: '0.0.0.0' })
  const { data } = await app.client(`Bearer ${stdout.trim()}`).graphql(VIEWER)
  expect(data.viewer).toMatchObject({
    account: { name: 'acme' },
    role: 'OPERATOR',
    expiresAt: expect.any(String),
  })
  expect((await app.graphql(VIEWER)).status).toBe(401)
})

test('the first token, made beside a running gateway, closes it to those who have none', async () => {
  await using app = await startTestApp({}, { background: true })
  expect((await app.graphql(VIEWER)).status).toBe(200)

  const { stdout } = await token(app.dataDir, 'create', '--name', 'me', '--role', 'admin')

  await expect.poll(async () => (await app.graphql(VIEWER)).status).toBe(401)
  expect((await app.client(`Bearer ${stdout.trim()}`).graphql(VIEWER)).data.viewer).toEqual({
    account: { name: 'local' },
    role: 'ADMIN',
    expiresAt: null,
  })
})

test('tokens are listed by account, with their state and without themselves, and revoked by id', async () => {
  let now = new Date('2020-01-01T00:00:00Z')
  await using app = await startTestApp({}, { now: () => now })
  const expired = await app.token('VIEWER', 'local', 1)
  now = new Date()
  const valid = await app.token('ADMIN')
  const foreign = await app.token('ADMIN', 'acme')

  expect(await token(app.dataDir, 'revoke', foreign.id)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `API token "${foreign.id}" not found.\n`,
  })
  expect((await token(app.dataDir, 'revoke', foreign.id, '--account', 'acme')).exitCode).toBe(0)

  expect(await token(app.dataDir, 'list')).toEqual({
    exitCode: 0,
    stdout:
      `${expired.id}\tVIEWER\texpired\texpires 2020-01-02T00:00:00.000Z\tused never\ttest\n` +
      `${valid.id}\tADMIN\tvalid\texpires never\tused never\ttest\n`,
    stderr: '',
  })
  expect((await token(app.dataDir, 'list', '--account', 'acme')).stdout).toBe(
    `${foreign.id}\tADMIN\trevoked\texpires never\tused never\ttest\n`,
  )
})

test('an account that there is not is made only when that is said', async () => {
  await using folder = await temporary()
  await token(folder.path, 'create', '--name', 'a', '--role', 'viewer')

  expect(await token(folder.path, 'create', '--name', 'a', '--role', 'viewer', '--account', 'acme')).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: 'Account "acme" not found. Known accounts: local.\n',
  })
})

test.each<[args: string[], message: string]>([
  [['make'], ''],
  [['create', '--role', 'admin'], '--name is missing.'],
  [['create', '--name', 'a', '--role', 'root'], '--role must be viewer, operator or admin.'],
  [
    ['create', '--name', 'a', '--role', 'admin', '--days=3651'],
    '--days must be a whole number from 1 to 3650.',
  ],
  [['revoke'], 'revoke takes the id of one token.'],
  [['create', '--secret', 'x'], "Unknown option '--secret'"],
])('%j is answered with the usage', async (args, message) => {
  await using folder = await temporary()

  const { exitCode, stdout, stderr } = await token(folder.path, ...args)

  expect([exitCode, stdout]).toEqual([2, ''])
  expect(stderr.startsWith(message)).toBe(true)
  expect(stderr).toContain('Usage:\n  npm run token -- create')
})

test('a name that is none is refused', async () => {
  await using folder = await temporary()

  expect(await token(folder.path, 'create', '--name', '7', '--role', 'viewer')).toMatchObject({
    exitCode: 1,
    stderr: 'A name starts with a letter, A-Z or a-z.\n',
  })
})

test('disks are registered and listed in the account that is named', async () => {
  await using app = await startTestApp()
  await app.token('ADMIN', 'acme')
  const disk = await app.disk({ name: 'theirs' })
  await app.db.disk.delete({ where: { id: disk.id } })
  const command = (...args: string[]) => run('src/commands/disk.ts', args, { DATA_DIR: app.dataDir })

  expect(
    await command('add', disk.path, '--name', 'theirs', '--kind', 'data', '--account', 'acme'),
  ).toMatchObject({
    exitCode: 0,
  })

  expect((await command('list', '--account', 'acme')).stdout).toContain('theirs')
  expect((await command('list')).stdout).toBe('')
  expect(await command('list', '--account', 'nobody')).toMatchObject({
    exitCode: 1,
    stderr: 'Account "nobody" not found. Known accounts: acme, local.\n',
  })
})
