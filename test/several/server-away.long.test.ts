import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { CREATE_SNAPSHOT } from '../support/clients.ts'
import { hasPostgres, nameOf, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { startProxy } from '../support/proxy.ts'

describe.skipIf(!hasPostgres)('a gateway whose server is away (skipped where there is no PostgreSQL)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  type Proxy = Awaited<ReturnType<typeof startProxy>>
  const OUTAGES: Record<string, (proxy: Proxy, step: 'begin' | 'end') => unknown> = {
    stopped: (_proxy, step) => (step === 'begin' ? cluster.stop() : cluster.startAgain()),
    hung: (_proxy, step) => (step === 'begin' ? cluster.freeze() : cluster.thaw()),
    unreachable: (proxy, step) => (step === 'begin' ? proxy.drop() : proxy.restore()),
  }

  test.each(Object.keys(OUTAGES))(
    'while it is %s, queries say since when they are stale, mutations fail within two seconds, and streams go on',
    async (what) => {
      await using proxy = await startProxy(cluster.port)
      const url = await cluster.migrated()
      await using app = await startTestApp({
        DATABASE_URL: url.replace(`:${cluster.port}/`, `:${proxy.port}/`),
      })
      const disk = await app.disk({ dataMiB: 0 })
      const events = app.sse('subscription { snapshotTransitions { to sequence } }')
      const next = events.next()
      await expect.poll(() => app.hub.listeners).toBe(1)
      const create = async (clientToken: string) => {
        const started = performance.now()
        const answer = await app.graphql(CREATE_SNAPSHOT, {
          input: { diskId: disk.id, name: 'x', clientToken },
        })
        return { ...answer, tookMs: performance.now() - started }
      }

      await OUTAGES[what]?.(proxy, 'begin')
      const failed = [await create('a'), await create('b'), await create('c')]
      const stale = await fetch(app.endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ disks(first: 1) { nodes { id } } }' }),
      })
      expect(await stale.json()).toMatchObject({
        data: { disks: { nodes: [{ id: disk.id }] } },
        extensions: { staleSince: expect.any(String) },
      })
      for (const { errors, tookMs } of failed) {
        expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }])
        expect(tookMs).toBeLessThan(2_000)
      }

      await OUTAGES[what]?.(proxy, 'end')
      await expect.poll(async () => (await create('a')).data?.createSnapshot).toHaveProperty('snapshot')
      expect((await next).value).toEqual({ data: { snapshotTransitions: { to: 'CREATING', sequence: 1 } } })
      expect(await cluster.query(nameOf(url), 'SELECT count(*)::integer AS held FROM "Snapshot"')).toEqual([
        { held: 1 },
      ])
      await events.return()
    },
    60_000,
  )
})
