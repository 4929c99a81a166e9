import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'

describe.skipIf(!hasPostgres)('outages of PostgreSQL (skipped where there is none)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const start = async (environment: Record<string, string> = {}) =>
    startTestApp({ DATABASE_URL: await cluster.migrated(), ...environment })

  const OUTAGES = {
    'that hangs': { begin: async () => cluster.freeze(), end: async () => cluster.thaw() },
    'that refuses connections': { begin: () => cluster.stop(), end: () => cluster.startAgain() },
    'that was killed': { begin: () => cluster.kill(), end: () => cluster.startAgain() },
  }

  test.each(Object.entries(OUTAGES))(
    'queries and streams go on from the replica, which says since when it is stale, with a server %s',
    async (_, { begin, end }) => {
      await using app = await start()
      const disk = await app.disk({ dataMiB: 0 })
      expect((await asked(app)).staleSince).toBeUndefined()
      const stream = app.sse('subscription { snapshotTransitions { sequence to } }')
      const next = stream.next()
      await expect.poll(() => app.hub.listeners).toBe(1)
      const before = new Date()

      await begin()
      try {
        const first = await timed(() => asked(app))
        expect(first.value.data).toEqual({ disk: { id: disk.id } })
        expect(first.ms).toBeLessThan(2_000)
        const second = await timed(() => asked(app))
        expect(new Date(second.value.staleSince ?? 0).getTime()).toBeGreaterThan(before.getTime() - 5_000)
        const refused = await timed(() => app.graphql(CREATE, { id: disk.id }))
        expect(refused.value.errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE')
        expect(refused.ms).toBeLessThan(2_500)
        expect(app.hub.listeners).toBe(1)
      } finally {
        await end()
      }

      await expect.poll(async () => (await asked(app)).staleSince, { timeout: 10_000 }).toBeUndefined()
      await expect
        .poll(async () => (await app.graphql(CREATE, { id: disk.id })).data, { timeout: 10_000 })
        .toMatchObject({
          createSnapshot: { snapshot: { status: 'CREATING' } },
        })
      expect((await next).value).toEqual({ data: { snapshotTransitions: { sequence: 1, to: 'CREATING' } } })

      async function asked(from: TestApp) {
        const body = JSON.stringify({ query: `{ disk(id: "${disk.id}") { id } }` })
        const response = await fetch(from.endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        const { data, extensions } = (await response.json()) as {
          data: unknown
          extensions: { staleSince?: string }
        }
        return { data, staleSince: extensions.staleSince }
      }
    },
  )

  test('with STALE_READS=false, queries are refused instead', async () => {
    await using app = await start({ STALE_READS: 'false' })
    cluster.freeze()
    try {
      const { errors } = await app.graphql('{ disks { totalCount } }')
      expect(errors?.[0]).toMatchObject({
        message: 'The database server cannot be reached. Try again in a moment.',
        extensions: { code: 'SERVICE_UNAVAILABLE' },
      })
    } finally {
      cluster.thaw()
    }
    await expect
      .poll(async () => (await app.graphql('{ disks { totalCount } }')).data)
      .toEqual({ disks: { totalCount: 0 } })
  })
})

const CREATE = `mutation ($id: ID!) { createSnapshot(input: { diskId: $id, name: "after" }) {
  ... on CreateSnapshotPayload { snapshot { status } } ... on UserError { message } } }`

async function timed<T>(work: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const begun = performance.now()
  return { value: await work(), ms: performance.now() - begun }
}
