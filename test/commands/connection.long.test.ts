import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KEY, startCloudGateway } from '../support/cloud-gateway.ts'
import { BAIDU_KEY, baiduDialect } from '../support/fake-cloud/baidu.ts'
import { APPLICATION_CREDENTIAL, cinderDialect } from '../support/fake-cloud/cinder.ts'
import { FakeCloud } from '../support/fake-cloud/engine.ts'
import { serve } from '../support/fake-cloud/server.ts'
import { run } from '../support/process.ts'

const check = (args: string[], env: Record<string, string>) =>
  run('src/commands/connection.ts', ['check', ...args], env)

/** The simulated clock stands still, and the command signs by the real one. */
function cloudNow() {
  const cloud = new FakeCloud()
  cloud.advance(Date.now() - cloud.now())
  cloud.copyMs = 0
  return cloud
}

test('an account of Baidu is listed, and with --write a snapshot made and deleted', async () => {
  const cloud = cloudNow()
  await using server = await serve(cloud, baiduDialect())
  const disk = cloud.disk('v', 'InUse', { instanceId: 'i-1', name: 'orders' })
  const { exitCode, stdout, stderr } = await check(
    [
      '--provider',
      'baidu',
      '--region',
      'bj',
      '--endpoint',
      server.url.href,
      '--credentials',
      'env:KEY',
      '--disk',
      disk.id,
      '--write',
    ],
    { KEY: JSON.stringify(BAIDU_KEY), UPSTREAM_HOSTS: server.url.host },
  )
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  expect(stdout).toContain('1 disks: 1 InUse')
  expect(stdout).toContain(`Disk ${disk.id} "orders": data disk, InUse (IN_USE), 20 GiB, attached to i-1`)
  expect(stdout).toMatch(
    /Created snapshot s-\d+ \(snapgate-check-\w+\)\.\nIt ended as Available\.\nDeleted it\./,
  )
  expect(stdout).not.toContain(BAIDU_KEY.secretAccessKey)
  expect(cloud.snapshotsOf(disk.id)).toEqual([])
})

test('a project of OpenStack is listed, with its credentials from a private file', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'snapgate-connection-'))
  try {
    const cloud = cloudNow()
    await using server = await serve(cloud, cinderDialect())
    cloud.disk('', 'available')
    const file = join(directory, 'openstack.json')
    const { id, secret } = APPLICATION_CREDENTIAL
    await writeFile(file, JSON.stringify({ id, secret }), { mode: 0o600 })
    const args = ['--provider', 'cinder', '--region', 'RegionOne', '--credentials', `file:${file}`]
    const more = ['--endpoint', new URL('/identity', server.url).href]
    const env = { UPSTREAM_HOSTS: server.url.host }
    const { exitCode, stdout } = await check([...args, ...more], env)
    expect(exitCode).toBe(0)
    expect(stdout).toContain('1 disks: 1 available')
    expect(stdout).toContain('SNAPSHOTS: 0 of 256')

    await chmod(file, 0o644)
    const open = await check([...args, ...more], env)
    expect(open).toMatchObject({ exitCode: 1, stdout: '' })
    expect(open.stderr).toBe(`Others can read ${file}. Make it private first: chmod 600 ${file}\n`)
  } finally {
    await rm(directory, { recursive: true })
  }
})

/** A gateway's data, with a simulated region of Baidu that its connections lead to. */
async function gateway() {
  const dataDir = await mkdtemp(join(tmpdir(), 'snapgate-connection-'))
  const server = await serve(cloudNow(), baiduDialect())
  const key = Buffer.alloc(32, 1).toString('base64')
  const env = {
    DATA_DIR: dataDir,
    BAIDU: JSON.stringify(BAIDU_KEY),
    UPSTREAM_HOSTS: server.url.host,
    CREDENTIALS_KEY: key,
  }
  const add = ['add', '--name', 'main', '--provider', 'baidu', '--region', 'bj', '--credentials', 'env:BAIDU']
  return {
    key,
    add: [...add, '--endpoint', server.url.href],
    run: (args: string[], more: object = {}) => run('src/commands/connection.ts', args, { ...env, ...more }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true })
    },
  }
}

test('a connection with encrypted credentials is added, tested, and removed', async () => {
  await using data = await gateway()
  const made = await data.run([...data.add, '--seal'])
  expect(made).toMatchObject({ exitCode: 0, stderr: '' })
  const [id = ''] = made.stdout.split('\t')
  expect(made.stdout).toBe(`${id}\tBAIDU\tbj\tUNTRIED\tmain\n`)
  expect((await data.run(['test', id])).stdout).toBe(`${id}\tBAIDU\tbj\tOK\tmain\n`)
  expect((await data.run(['remove', id])).stdout).toBe(`Removed ${id}.\n`)
})

test('a running gateway is made to look at a connection now', async () => {
  await using gateway = await startCloudGateway('baidu', {}, { background: true })
  const { app, connectionId, dataDir } = gateway
  await expect.poll(() => app.db.connection.findFirst()).toMatchObject({ syncedAt: expect.any(Date) })
  gateway.disk({ name: 'new' })
  gateway.cloud.advance(Date.now() - gateway.cloud.now())
  const { exitCode, stdout } = await run('src/commands/connection.ts', ['refresh', connectionId], {
    DATA_DIR: dataDir,
    DATABASE_URL: app.config.databaseUrl,
    CREDENTIALS_KEY: KEY,
  })
  expect([exitCode, stdout]).toEqual([0, `${connectionId}\tBAIDU\tbj\tOK\tproduction\n`])
  await expect.poll(() => app.db.disk.findFirst()).toMatchObject({ name: 'new' })
})

test('credentials are encrypted with a new key', async () => {
  await using data = await gateway()
  const { stdout } = await data.run([...data.add, '--seal'])
  const [id = ''] = stdout.split('\t')
  const newKey = Buffer.alloc(32, 2).toString('base64')
  const rotated = await data.run(['rotate'], { CREDENTIALS_KEY: `${newKey},${data.key}` })
  expect(rotated.stdout).toBe('Encrypted the credentials of 1 connections with the first key.\n')
  const after = await data.run(['test', id], { CREDENTIALS_KEY: newKey })
  expect(after.stdout).toBe(`${id}\tBAIDU\tbj\tOK\tmain\n`)
})

test('a connection references credentials where the settings allow that', async () => {
  await using data = await gateway()
  const refused = await data.run(data.add)
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toContain('CREDENTIAL_REFERENCES')
  const { exitCode, stdout } = await data.run(data.add, { CREDENTIAL_REFERENCES: 'env:BAIDU' })
  expect(exitCode).toBe(0)
  expect((await data.run(['list'])).stdout).toBe(stdout)
})

test.each([
  [['--provider', 'aws'], {}, /--provider must be one of: baidu, cinder/, 2],
  [
    ['--provider', 'baidu', '--region', 'bj', '--credentials', 'env:KEY', '--write'],
    {},
    /--write needs the disk/,
    2,
  ],
  [['--provider', 'baidu', '--region', 'bj', '--credentials', 'env:KEY'], {}, /no variable KEY/, 1],
  [
    ['--provider', 'baidu', '--region', 'bj', '--credentials', 'env:KEY'],
    { KEY: '{"accessKeyId": "a", "secretAccessKey": 12345678 }' },
    /^env:KEY must hold \{"accessKeyId", "secretAccessKey"\}, with "sessionToken" and "expiration" for a temporary key\.\n$/,
    1,
  ],
  [
    ['--provider', 'baidu', '--region', 'bj', '--credentials', 'env:KEY', '--endpoint', 'http://127.0.0.1:1'],
    { KEY: JSON.stringify(BAIDU_KEY) },
    /must begin with https:\/\/ unless UPSTREAM_HOSTS names its host, 127\.0\.0\.1:1/,
    1,
  ],
])('check %j is refused with what would be right', async (args, env, message, code) => {
  const { exitCode, stderr } = await check(args, env)
  expect(stderr).toMatch(message)
  expect(stderr).not.toContain('12345678')
  expect(exitCode).toBe(code)
})
