import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { UNAVAILABLE } from '../../src/domain/unavailable.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

async function probe({ url }: TestApp, path: string): Promise<[status: number, text: string]> {
  const response = await fetch(`${url}${path}`)
  return [response.status, await response.text()]
}

const CHECKS = [
  ...['shutdown', 'database', 'write-ahead-log', 'migrations', 'runner', 'space', 'provider-local'],
  ...['provider-baidu', 'provider-cinder'],
]

/** What `?verbose` says when a check fails, or is left out. */
const verbose = (changed: Record<string, string> = {}, end = 'failed') =>
  [...CHECKS.map((name) => changed[name] ?? `[+]${name} ok`), `readyz check ${end}`, ''].join('\n')

test('each probe answers without a credential, for all checks or one of them', async () => {
  await using app = await startTestApp({ REQUIRE_CREDENTIALS: 'true' })

  expect(await probe(app, '/livez')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/healthz')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/livez?verbose')).toEqual([200, '[+]ping ok\nlivez check passed\n'])
  expect(await probe(app, '/readyz')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/readyz?verbose')).toEqual([200, verbose({}, 'passed')])
  for (const name of CHECKS) expect(await probe(app, `/readyz/${name}`)).toEqual([200, 'ok\n'])
  expect(await probe(app, '/version')).toEqual([200, `{"version":"${manifest.version}"}\n`])
  expect(await probe(app, '/readyz/nothing')).toEqual([404, 'There is no check with this name.\n'])
  for (const path of ['/readyz/runner/more', '/livezz', '/version/more'])
    expect((await probe(app, path))[0]).toBe(404)
})

test('a failed check makes the gateway not ready, alone and by its name, unless it is excluded', async () => {
  await using app = await startTestApp()
  const snapshots = app.config.snapshotsDir
  const problem = 'The directory of snapshots cannot be written to.'
  await rename(snapshots, `${snapshots}-away`)

  expect(await probe(app, '/readyz')).toEqual([503, `${problem}\n`])
  expect(await probe(app, '/readyz?verbose')).toEqual([
    503,
    verbose({ 'provider-local': `[-]provider-local failed: ${problem}` }),
  ])
  expect(await probe(app, '/readyz/provider-local')).toEqual([503, `${problem}\n`])
  expect(await probe(app, '/readyz/database')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/readyz?exclude=runner&exclude=provider-local&verbose')).toEqual([
    200,
    verbose({ runner: '[+]runner excluded', 'provider-local': '[+]provider-local excluded' }, 'passed'),
  ])
  expect(await probe(app, '/livez')).toEqual([200, 'ok\n'])

  await rename(`${snapshots}-away`, snapshots)
  expect(await probe(app, '/readyz')).toEqual([200, 'ok\n'])
})

test('a connection that cannot be used is reported by its cloud, and does not make the gateway unready', async () => {
  await using app = await startTestApp()
  const connection = {
    accountId: app.viewer.accountId,
    region: 'bj',
    provider: 'BAIDU' as const,
    createdAt: new Date(),
  }
  for (const [id, state] of [
    ['con-22222222', 'CREDENTIALS_REFUSED'],
    ['con-33333333', 'OK'],
  ] as const)
    await app.db.connection.create({
      data: { ...connection, id, name: 'secret', state, stateSince: new Date() },
    })

  const problem = 'Connections that cannot be used: 1 CREDENTIALS_REFUSED.'
  expect(await probe(app, '/readyz')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/readyz?verbose')).toEqual([
    200,
    verbose({ 'provider-baidu': `[~]provider-baidu reported: ${problem}` }, 'passed'),
  ])
  expect(await probe(app, '/readyz/provider-baidu')).toEqual([503, `${problem}\n`])
  expect(await probe(app, '/readyz/provider-cinder')).toEqual([200, 'ok\n'])
})

test('a database that is gone is what each check finds that reads it, and the gateway goes on', async () => {
  await using app = await startTestApp({ LOG_LEVEL: 'silent' })
  const file = join(app.dataDir, 'snapgate.db')
  await rename(file, `${file}-away`)
  await expect.poll(() => probe(app, '/readyz')).toEqual([503, `${UNAVAILABLE.REMOVED}\n`])
  const changed = {
    database: `[-]database failed: ${UNAVAILABLE.REMOVED}`,
    'provider-baidu': `[~]provider-baidu reported: ${UNAVAILABLE.REMOVED}`,
    'provider-cinder': `[~]provider-cinder reported: ${UNAVAILABLE.REMOVED}`,
  }
  expect(await probe(app, '/readyz?verbose')).toEqual([503, verbose(changed)])
  await rename(`${file}-away`, file)
  await expect.poll(() => probe(app, '/readyz')).toEqual([200, 'ok\n'])
})

test('a database of an older or newer version under the gateway makes it not ready', async () => {
  await using app = await startTestApp()
  const [{ name }] = await app.db.$queryRaw<[{ name: string }]>`
    SELECT max("migration_name") AS "name" FROM "_prisma_migrations"`
  const rename = (from: string, to: string) =>
    app.db
      .$executeRaw`UPDATE "_prisma_migrations" SET "migration_name" = ${to} WHERE "migration_name" = ${from}`

  await rename(name, '9999_newer')
  expect(await probe(app, '/readyz')).toEqual([
    503,
    'The database is newer than this version of Snapgate: it has the migration 9999_newer. Start the version that applied it, or a later one.\n',
  ])
  await rename('9999_newer', name)
  expect(await probe(app, '/readyz/migrations')).toEqual([200, 'ok\n'])
  await app.db.$executeRaw`DELETE FROM "_prisma_migrations" WHERE "migration_name" = ${name}`
  expect(await probe(app, '/readyz/migrations')).toEqual([
    503,
    `The database lacks the migration ${name}. Restart the gateway.\n`,
  ])
})

test('while the gateway drains it is not ready, and serves requests and new streams as before; then it stops', async () => {
  await using app = await startTestApp({ DRAIN_DELAY_MS: '2000' })
  const disk = await app.disk()
  const events = app.sse('subscription { snapshotTransitions { to } }')
  const first = events.next()
  await expect.poll(() => app.hub.listeners).toBe(1)
  const begunAt = performance.now()
  const stopped = app[Symbol.asyncDispose]()

  expect(await probe(app, '/readyz')).toEqual([503, 'stopping\n'])
  expect(await probe(app, '/readyz?exclude=shutdown')).toEqual([200, 'ok\n'])
  expect(await probe(app, '/livez')).toEqual([200, 'ok\n'])
  await using socket = app.webSocket()
  const closed = new Promise((resolve) => socket.on('closed', (event) => resolve((event as CloseEvent).code)))
  socket.subscribe(
    { query: 'subscription { snapshotTransitions { to } }' },
    { next: () => undefined, error: () => undefined, complete: () => undefined },
  )
  await expect.poll(() => app.hub.listeners).toBe(2)
  await app.snapshot(disk)
  expect((await first).value?.data).toEqual({ snapshotTransitions: { to: 'CREATING' } })
  expect(performance.now() - begunAt).toBeLessThan(2_000)

  await expect
    .poll(async () => (await app.graphql('{ __typename }').catch(() => ({ status: 0 }))).status, {
      timeout: 4_000,
    })
    .not.toBe(200)
  expect(performance.now() - begunAt).toBeGreaterThanOrEqual(2_000)
  expect(await closed).toBe(1001)
  await events.next().catch(() => undefined)
  await stopped
})
