import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openServer } from '../../../src/database/postgresql/server.ts'
import { Unavailable } from '../../../src/domain/unavailable.ts'
import { hasPostgres, nameOf, startPostgres, type PostgresCluster } from '../../support/postgresql.ts'
import { startProxy } from '../../support/proxy.ts'
import { replicaOf } from '../../support/replica.ts'

describe.skipIf(!hasPostgres)('outages of PostgreSQL (skipped where there is no server)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const account = (id: string) => ({ id, name: id, createdAt: new Date(0) })

  async function openBehindProxy() {
    await using stack = new AsyncDisposableStack()
    const proxy = stack.use(await startProxy(cluster.port))
    const url = await cluster.migrated()
    const server = stack.use(await openServer({ url: url.replace(`:${cluster.port}/`, `:${proxy.port}/`) }))
    const parts = stack.move()
    const rows = async () =>
      (await cluster.query(nameOf(url), 'SELECT "id" FROM "Account"')).map(({ id }) => id as string)
    return { proxy, server, url, rows, [Symbol.asyncDispose]: () => parts.disposeAsync() }
  }

  const OUTAGES: Record<
    string,
    (proxy: Awaited<ReturnType<typeof startProxy>>) => [() => unknown, () => unknown]
  > = {
    'is stopped': () => [() => cluster.stop(), () => cluster.startAgain()],
    'is killed': () => [() => cluster.kill(), () => cluster.startAgain()],
    hangs: () => [() => cluster.freeze(), () => cluster.thaw()],
    'cannot be reached': (proxy) => [() => proxy.drop(), () => proxy.restore()],
  }

  test.each(Object.keys(OUTAGES))(
    'while the server %s, writes fail within two seconds; then they work again, and none that was acknowledged is lost',
    async (what) => {
      await using world = await openBehindProxy()
      const { server, proxy, rows } = world
      const [begin, end] = OUTAGES[what]?.(proxy) ?? []
      const acknowledged: string[] = []
      const failures: { error: unknown; tookMs: number }[] = []
      let count = 0
      async function write(): Promise<void> {
        const id = `a-${++count}`
        const started = performance.now()
        try {
          await server.write((sql) => sql.insert('Account', account(id)))
          acknowledged.push(id)
        } catch (error) {
          failures.push({ error, tookMs: performance.now() - started })
        }
      }
      const writing: Promise<void>[] = []
      const timer = setInterval(() => writing.push(write()), 20)
      await expect.poll(() => acknowledged.length).toBeGreaterThan(5)
      await begin?.()
      await expect.poll(() => failures.length).toBeGreaterThan(30)
      await end?.()
      const [before, back] = [acknowledged.length, performance.now()]
      await expect.poll(() => acknowledged.length).toBeGreaterThan(before)
      expect(performance.now() - back).toBeLessThan(10_000)
      clearInterval(timer)
      await Promise.all(writing)

      const reasons = failures.map(({ error }) => (error instanceof Unavailable ? error.reason : error))
      expect(reasons.filter((reason) => reason !== 'DISCONNECTED' && reason !== 'UNCERTAIN')).toEqual([])
      expect(Math.max(...failures.map(({ tookMs }) => tookMs))).toBeLessThan(2_000)
      expect(await rows()).toEqual(expect.arrayContaining(acknowledged))
    },
    60_000,
  )

  test('while the server refuses connections, a replica tries again less and less often, whoever asks it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-'))
    const url = await cluster.migrated()
    await using proxy = await startProxy(cluster.port)
    const throughProxy = url.replace(`:${cluster.port}/`, `:${proxy.port}/`)
    await using replica = await replicaOf(throughProxy, join(folder.path, 'replica.db'))
    const [before, refusedAt] = [proxy.accepted(), performance.now()]
    proxy.refuse()
    const asking = setInterval(() => void replica.fresh(), 5)
    await expect.poll(() => proxy.accepted() - before, { interval: 5 }).toBeGreaterThanOrEqual(5)
    // The pauses between five attempts are at least 50, 100, 200 and 400 ms.
    expect(performance.now() - refusedAt).toBeGreaterThan(700)
    proxy.restore()
    await expect.poll(() => replica.staleSince).toBeUndefined()
    clearInterval(asking)
  })

  test('a write whose commit was not answered says that it may have been made', async () => {
    await using world = await openBehindProxy()
    const { server, proxy, rows } = world
    proxy.watch((chunk) => {
      if (chunk.includes('COMMIT\0')) proxy.cut()
    })
    const write = () => server.write((sql) => sql.insertNew('Account', account('once')))
    await expect(write()).rejects.toThrow('Repeat the call with the same clientToken.')
    proxy.watch(undefined)
    await expect.poll(rows).toEqual(['once'])
    expect(await write()).toBe(false)
  })

  test('a write on connections that the server has ended is done on others', async () => {
    await using world = await openBehindProxy()
    const { server, url, rows } = world
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`
    for (let round = 0; round < 3; round++) {
      await cluster.query('postgres', end, [nameOf(url)])
      await server.write((sql) => sql.insert('Account', account(`a-${round}`)))
    }
    expect(await rows()).toHaveLength(3)
  })

  test('a write that waits for another transaction goes on waiting while the server works', async () => {
    await using world = await openBehindProxy()
    const { server, url } = world
    await server.write((sql) => sql.insert('Account', account('a')))
    const other = cluster.query(
      nameOf(url),
      `BEGIN; UPDATE "Account" SET "name" = 'b' WHERE "id" = 'a'; SELECT pg_sleep(3); COMMIT`,
    )
    await expect
      .poll(() => cluster.query(nameOf(url), `SELECT 1 FROM pg_stat_activity WHERE "wait_event" = 'PgSleep'`))
      .toHaveLength(1)
    const found = await server.write((sql) => sql.lock('Account', { id: 'a' }))
    expect(found?.name).toBe('b')
    await other
  }, 30_000)

  test('a migration by another gateway goes unnoticed by writes', async () => {
    await using world = await openBehindProxy()
    const { server, url } = world
    const read = () => server.write((sql) => sql.get('Account', { id: 'a' }))
    await server.write((sql) => sql.insert('Account', account('a')))
    await Promise.all(Array.from({ length: 20 }, read))
    await cluster.query(nameOf(url), 'ALTER TABLE "Account" ADD COLUMN "later" text')
    const found = await Promise.all(Array.from({ length: 20 }, read))
    expect(new Set(found.map((row) => row?.id))).toEqual(new Set(['a']))
  })

  test('a server that acknowledges what a crash undoes is refused', async () => {
    const url = await cluster.migrated()
    await cluster.query('postgres', `ALTER DATABASE "${nameOf(url)}" SET synchronous_commit = off`)
    await expect(openServer({ url })).rejects.toThrow('synchronous_commit is off')
  })
})
