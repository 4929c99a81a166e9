import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CREATE_SNAPSHOT, postGraphql, streamEvents, type Answer } from '../support/clients.ts'
import { hasPostgres, nameOf, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { startProxy } from '../support/proxy.ts'
import { hasRedis, startRedis } from '../support/redis.ts'
import { headersOf, startGateways } from './gateways.ts'

const OUTAGE_MS = 60_000
/** What a mutation may take before it is refused, and what it takes a client to measure that on a machine that is busy. */
const REFUSED_MS = 2_000 + 1_000
const RECOVERY_MS = 10_000

const READ = '{ disks { totalCount } }'
const WATCH =
  'subscription ($after: String) { snapshotTransitions(after: $after) { sequence snapshotId to } }'

type Proxy = Awaited<ReturnType<typeof startProxy>>
interface Outage {
  begin: (cluster: PostgresCluster, database: string, proxy: Proxy) => unknown
  end: (cluster: PostgresCluster, database: string, proxy: Proxy) => unknown
}

const accepting = (database: string, isAllowed: boolean) =>
  `ALTER DATABASE "${database}" ALLOW_CONNECTIONS ${String(isAllowed)}`

const OUTAGES: Record<string, Outage> = {
  stopped: { begin: (cluster) => cluster.stop(), end: (cluster) => cluster.startAgain() },
  hung: {
    begin: (cluster) => {
      cluster.freeze()
    },
    end: (cluster) => {
      cluster.thaw()
    },
  },
  refusing: {
    async begin(cluster, database) {
      await cluster.query('postgres', accepting(database, false))
      await cluster.query(
        'postgres',
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1',
        [database],
      )
    },
    end: (cluster, database) => cluster.query('postgres', accepting(database, true)),
  },
  unreachable: {
    begin: (_cluster, _database, proxy) => {
      proxy.drop()
    },
    end: (_cluster, _database, proxy) => {
      proxy.restore()
    },
  },
}

test.skipIf(!hasPostgres).concurrent.for(Object.entries(OUTAGES))(
  'while PostgreSQL is %s for a minute, reads and streams go on, writes fail at once, and nothing is lost (skipped without PostgreSQL)',
  { timeout: 300_000 },
  async ([, outage], { expect }) => {
    await using cluster = await startPostgres()
    await using proxy = await startProxy(cluster.port)
    const url = await cluster.migrated()
    const proxied = url.replace(`:${cluster.port}/`, `:${proxy.port}/`)
    await using several = await startGateways(2, proxied)
    const headers = await headersOf('tenant')
    const [one = '', other = ''] = several.endpoints
    const diskId = await several.disk('one', headers)
    const after = await several.cursor(headers)

    // A client that never connects again: its stream stays open.
    const seen: { sequence: number; snapshotId: string; to: string }[] = []
    let isOpen = true
    const watching = (async () => {
      for await (const { data, errors } of streamEvents(other, WATCH, { after }, headers)) {
        if (errors) throw new Error(JSON.stringify(errors))
        seen.push(data.snapshotTransitions)
      }
    })().finally(() => (isOpen = false))
    watching.catch(() => undefined)

    const create = (clientToken: string) =>
      postGraphql(one, CREATE_SNAPSHOT, { input: { diskId, name: 's', clientToken } }, headers)
    const acknowledged: string[] = []
    const idOf = ({ data }: Answer) => data?.createSnapshot?.snapshot?.id as string | undefined
    async function created(clientToken: string): Promise<void> {
      await expect.poll(async () => idOf(await create(clientToken)), { timeout: RECOVERY_MS }).toBeDefined()
      acknowledged.push(idOf(await create(clientToken)) ?? '')
      await expect
        .poll(() =>
          seen.some(({ snapshotId, to }) => snapshotId === acknowledged.at(-1) && to === 'COMPLETED'),
        )
        .toBe(true)
    }
    await created(randomUUID())

    // One that may be committed without an answer, and is repeated with its token afterwards.
    const caught = randomUUID()
    const inFlight = create(caught)
    await outage.begin(cluster, nameOf(url), proxy)
    const begun = performance.now()
    const unanswered = await inFlight
    const refusedWith = new Set(codesOf(unanswered))
    let [reads, slowest] = [0, 0]
    const stale: string[] = []
    while (performance.now() - begun < OUTAGE_MS) {
      const asked = performance.now()
      const [read, refused] = [postGraphql(other, READ, {}, headers), create(randomUUID())]
      const answer = await read
      expect(answer.data).toEqual({ disks: { totalCount: 1 } })
      reads++
      for (const code of codesOf(await refused)) refusedWith.add(code)
      slowest = Math.max(slowest, performance.now() - asked)
      stale.push(await staleSince(other, headers))
      await pause(500)
    }
    expect([...refusedWith]).toEqual(['SERVICE_UNAVAILABLE'])
    expect(slowest).toBeLessThan(REFUSED_MS)
    expect(new Set(stale.slice(4)).size).toBe(1)
    expect(stale.at(-1)).not.toBe('')
    expect(isOpen).toBe(true)
    expect(several.gateways.map(({ child }) => child.exitCode)).toEqual([null, null])

    await outage.end(cluster, nameOf(url), proxy)
    const ended = performance.now()
    await expect.poll(() => staleSince(other, headers), { timeout: RECOVERY_MS }).toBe('')
    await created(caught)
    const recovered = performance.now() - ended
    await created(randomUUID())
    expect(isOpen).toBe(true)
    const log = await cluster.query(
      nameOf(url),
      'SELECT "sequence"::int, "snapshotId", "to" FROM "SnapshotTransition" ORDER BY "sequence"',
    )
    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_row, index) => index + 1))
    await expect.poll(() => seen).toEqual(log)
    expect(new Set(log.map(({ snapshotId }) => snapshotId))).toEqual(new Set(acknowledged))
    console.log(
      `${reads} reads, slowest call ${slowest.toFixed(0)} ms, recovered after ${recovered.toFixed(0)} ms`,
    )
  },
)

const codesOf = ({ errors = [] }: Answer) => errors.map(({ extensions }) => extensions.code)

/** Since when the answers of a gateway are stale; empty when they are not. */
async function staleSince(endpoint: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: READ }),
  })
  const { extensions } = (await response.json()) as { extensions?: { staleSince?: string } }
  return extensions?.staleSince ?? ''
}

test.skipIf(!hasPostgres || !hasRedis)(
  'while Redis is away, requests are answered, and each gateway says once that it counts by itself (skipped without PostgreSQL or Redis)',
  async () => {
    await using cluster = await startPostgres()
    await using redis = await startRedis()
    const url = await cluster.migrated()
    await using several = await startGateways(2, url, { REDIS_URL: redis.url, LOG_LEVEL: 'info' })
    const headers = await headersOf('tenant')
    const ask = () =>
      Promise.all(several.endpoints.map((endpoint) => postGraphql(endpoint, READ, {}, headers)))
    const counted = (text: string) =>
      several.gateways.map((gateway) => gateway.stdout().split(text).length - 1)
    await redis.stop()
    for (let round = 0; round < 20; round++)
      expect((await ask()).map(({ status }) => status)).toEqual([200, 200])
    expect(counted('Redis cannot be used')).toEqual([1, 1])
    await redis.startAgain()
    await expect
      .poll(async () => {
        await ask()
        return counted('Redis is back')
      })
      .toEqual([1, 1])
  },
)
