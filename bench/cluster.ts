import { randomUUID } from 'node:crypto'
import { mkdir, mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import SQLite from 'better-sqlite3'
import { Notifier } from '../src/database/postgresql/notifier.ts'
import { openServer } from '../src/database/postgresql/server.ts'
import { PrismaClient } from '../src/generated/postgresql/client.ts'
import { appendTransitions } from '../src/transitions/append.ts'
import { streamEvents } from '../test/support/clients.ts'
import { nameOf, startPostgres, type PostgresCluster } from '../test/support/postgresql.ts'
import { startGateway } from '../test/support/process.ts'
import { load, type Load } from './queries/load.ts'
import { ACCOUNT, bodyOf, diskId, FREE_DISKS, type Operation } from './queries/operations.ts'
import { startServer, type Server } from './queries/session.ts'
import { reset, writeImages, writeWorld } from './queries/world.ts'

const PER_DISK = 50
const CONNECTIONS = 16
const LOAD_MS = 1_000
const CREATES = 300
const EVENTS = 500
const EVENTS_PER_SECOND = 100
/** How long the last of them may take. */
const LAST_EVENT_MS = 10_000
const IDLE_MS = 10_000
/** How long a start and its connections take to settle; the server's statistics of idle connections come 10 s late. */
const SETTLE_MS = 12_000
/** How many streams are opened at once. */
const TOGETHER = 100

interface Figure {
  what: string
  value: string
  target?: string
  verdict?: string
}

const judged = (what: string, value: number, target: number, atLeast: boolean): Figure => {
  const holds = atLeast ? value >= target : value <= target
  const bound = `${atLeast ? '≥' : '≤'} ${target}`
  return { what, value: value.toFixed(2), target: bound, verdict: holds ? 'holds' : 'MISSED' }
}

/**
 * Gateways on PostgreSQL next to the same gateway on SQLite, in turns within each round: what an idle gateway asks the server,
 * queries, creates, and the way of a transition through another gateway.
 */
export async function benchCluster(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      subscribers: { type: 'string', default: '5000' },
    },
  })
  await using parts = new AsyncDisposableStack()
  const { path: folder } = parts.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-cluster-')))
  // As it is delivered: each commit is flushed, as on SQLite.
  const cluster = parts.use(await startPostgres({}))
  const url = await cluster.migrated()
  const images = join(folder, 'images')
  await mkdir(images)
  await writeImages(images)
  const path = join(folder, 'world.db')
  await writeWorld(path, images, PER_DISK)
  await copyWorld(path, cluster, nameOf(url))
  console.table(await benchIdle(cluster, url, folder, Number(values.subscribers)))

  const clear = () => cluster.query(nameOf(url), RESET)
  const start = (name: string, cache: 'hot' | 'cold', env: Record<string, string>) =>
    startServer(`gateway, ${cache}`, { path, images, folder: join(folder, name) }, parts, env)
  const shared = { DATABASE_URL: url }
  const sqlite = { hot: await start('sqlite', 'hot', {}), cold: await start('sqlite', 'cold', {}) }
  const first = await start('gateway-1', 'hot', shared)
  const cold = await start('cold', 'cold', shared)
  const turns = turnsOf(Number(values.rounds), clear)
  console.table(await turns.alone(first, cold, sqlite, url))
  const others = [await start('gateway-2', 'hot', shared)]
  // Before there are more gateways than processors, each of which applies every commit.
  console.table(await benchDelay(url, others[0] as Server))
  for (const gateways of [2, 4]) {
    while (others.length < gateways - 1)
      others.push(await start(`gateway-${others.length + 2}`, 'hot', shared))
    await clear()
    console.table(await turns.together([first, ...others]))
  }
}

/** Comparisons of gateways that take turns, in the other order every other round; the first round warms up. */
function turnsOf(rounds: number, clear: () => Promise<unknown>) {
  async function compare(one: () => Promise<number>, other: () => Promise<number>): Promise<number> {
    const ratios: number[] = []
    for (let round = -1; round < rounds; round++) {
      const swapped = round % 2 ? await other() : undefined
      const value = await one()
      if (round >= 0) ratios.push(value / (swapped ?? (await other())))
    }
    return middle(ratios)
  }
  const created = (server: Server) => async () => {
    await clear()
    return rateOf(server, 'create')
  }

  return {
    /** One gateway, by what it is to be compared with. */
    async alone(
      first: Server,
      cold: Server,
      sqlite: Record<'hot' | 'cold', Server>,
      url: string,
    ): Promise<Figure[]> {
      await using prisma = openPrisma(url)
      const asked = (server: Server, operation: Operation) => () => rateOf(server, operation)
      const hot = await compare(asked(first, 'disk'), asked(sqlite.hot, 'disk'))
      const list = await compare(asked(cold, 'list'), asked(sqlite.cold, 'list'))
      const create = await compare(created(first), () => {
        reset(sqlite.hot.path)
        return rateOf(sqlite.hot, 'create')
      })
      const overPrisma = await compare(created(first), async () => {
        await clear()
        return prisma.rate()
      })
      return [
        judged('one disk, hot ÷ SQLite', hot, 0.85, true),
        judged('list, cold ÷ SQLite', list, 0.9, true),
        judged('create ÷ SQLite', create, 0.6, true),
        judged('create ÷ interactive transaction of Prisma', overPrisma, 5, true),
      ]
    },

    /** Several gateways that share what one of them is asked. */
    async together(servers: readonly Server[]): Promise<Figure[]> {
      const [first] = servers as [Server]
      const queries = await compare(
        () => togetherOf(servers, 'disk'),
        () => rateOf(first, 'disk'),
      )
      const creates = await compare(async () => {
        await clear()
        return togetherOf(servers, 'create')
      }, created(first))
      return [
        { what: `${servers.length} gateways ÷ 1: one disk`, value: queries.toFixed(2) },
        { what: `${servers.length} gateways ÷ 1: create`, value: creates.toFixed(2) },
      ]
    },
  }
}

/** What a gateway asks the server that nobody asks anything, without and with subscribers. */
async function benchIdle(
  cluster: PostgresCluster,
  url: string,
  folder: string,
  subscribers: number,
): Promise<Figure[]> {
  await using gateway = await startGateway({
    DATABASE_URL: url,
    DATA_DIR: join(folder, 'idle'),
    DEMO: 'false',
  })
  const alone = await statementsOf(cluster, nameOf(url))
  const leave = await subscribe(gateway.endpoint, subscribers)
  const watched = await statementsOf(cluster, nameOf(url))
  leave()
  return [
    judged('statements/s of an idle gateway', alone, 2, false),
    judged(`the same with ${subscribers} subscribers ÷ without`, watched / alone, 1.05, false),
  ]
}

const RESET = `DELETE FROM "SnapshotTransition"; DELETE FROM "DiskTransition"; DELETE FROM "Job";
  DELETE FROM "Snapshot" WHERE "diskId" LIKE 'v-free%';
  UPDATE "Disk" SET "status" = 'UNMOUNTED' WHERE "status" = 'SNAPSHOTTING'`

/** The rows of a world on SQLite, in a database of the server. */
async function copyWorld(path: string, cluster: PostgresCluster, database: string): Promise<void> {
  const db = new SQLite(path, { readonly: true })
  for (const table of ['Account', 'Disk', 'Snapshot']) {
    const rows = JSON.stringify(db.prepare(`SELECT * FROM "${table}"`).all())
    await cluster.query(
      database,
      `INSERT INTO "${table}" SELECT * FROM json_populate_recordset(NULL::"${table}", $1::json)`,
      [rows],
    )
  }
  db.close()
  await cluster.query(database, 'ANALYZE')
}

const optionsOf = (operation: Operation) =>
  operation === 'create'
    ? { connections: CONNECTIONS, requests: CREATES }
    : { connections: CONNECTIONS, durationMs: LOAD_MS }

const rate = ({ requests, wallMs }: Load) => (requests / wallMs) * 1000

const rateOf = async (server: Server, operation: Operation) =>
  rate(await load(server.target, optionsOf(operation), (n) => bodyOf(operation, n)))

/** Of several gateways that are asked at once, each for a part of what one would be asked. */
async function togetherOf(servers: readonly Server[], operation: Operation): Promise<number> {
  const { connections, ...end } = optionsOf(operation)
  const share = { ...end, connections: connections / servers.length }
  if ('requests' in share) share.requests = CREATES / servers.length
  const loads = await Promise.all(
    servers.map(({ target }, index) =>
      load(target, share, (n) => bodyOf(operation, n * servers.length + index)),
    ),
  )
  return loads.reduce((sum, one) => sum + rate(one), 0)
}

/** What most programs would do on the same server: Prisma's interactive transactions, without GraphQL before them. */
function openPrisma(url: string) {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: CONNECTIONS }) })
  let sequence = 0
  async function create(n: number): Promise<void> {
    const id = `v-free${String(n % FREE_DISKS).padStart(4, '0')}`
    await client.$transaction(
      async (tx) => {
        const disk = await tx.disk.findFirstOrThrow({ where: { id, accountId: ACCOUNT } })
        await tx.snapshot.count({ where: { diskId: id, type: 'MANUAL', status: { not: 'FAILED' } } })
        const { sizeBytes, accountId, kind: diskKind } = disk
        const at = new Date()
        const made = { id: `s-${randomUUID()}`, accountId, diskId: id, diskKind, name: 'created', sizeBytes }
        const { id: snapshotId } = await tx.snapshot.create({
          data: { ...made, type: 'MANUAL', status: 'CREATING', createdAt: at },
        })
        await tx.job.create({
          data: { accountId, kind: 'COPY_SNAPSHOT', snapshotId, diskId: id, createdAt: at },
        })
        await tx.disk.update({ where: { id }, data: { status: 'SNAPSHOTTING' } })
        await tx.snapshotTransition.create({
          data: {
            accountId,
            sequence: ++sequence,
            tag: 'AAAAAAAA',
            snapshotId,
            diskId: id,
            to: 'CREATING',
            at,
          },
        })
      },
      { timeout: 60_000, maxWait: 60_000 },
    )
  }
  return {
    async rate(): Promise<number> {
      let next = 0
      const start = performance.now()
      await Promise.all(
        Array.from({ length: CONNECTIONS }, async () => {
          while (next < CREATES) await create(next++)
        }),
      )
      return (CREATES / (performance.now() - start)) * 1000
    },
    [Symbol.asyncDispose]: () => client.$disconnect(),
  }
}

/** How long a transition takes to a subscriber of another gateway. */
async function benchDelay(url: string, other: Server): Promise<Figure[]> {
  const delays = await delaysOf(url, other)
  const at = (share: number) => delays[Math.floor(delays.length * share)] ?? NaN
  return [
    judged('commit → delivery elsewhere, p50 in ms', at(0.5), 4, false),
    judged('commit → delivery elsewhere, p99 in ms', at(0.99), 25, false),
  ]
}

/** Milliseconds from a commit to its event at a subscriber of another gateway, ascending. */
async function delaysOf(url: string, { target }: Server): Promise<number[]> {
  await using notifier = new Notifier(url)
  let committedAt = 0
  const onCommitted = () => {
    committedAt = performance.now()
    notifier.notify()
  }
  await using server = await openServer({ url, onCommitted })
  const arrivals = new Map<string, number>()
  const events = streamEvents(
    `http://127.0.0.1:${target.port}/graphql`,
    'subscription { snapshotTransitions { snapshotId } }',
    {},
    target.headers,
  )
  const watching = (async () => {
    for await (const { data } of events) {
      const { snapshotTransitions } = data as { snapshotTransitions: { snapshotId: string } }
      arrivals.set(snapshotTransitions.snapshotId, performance.now())
      if (arrivals.size === EVENTS) return
    }
  })()
  await pause(1_000)
  const commits = new Map<string, number>()
  for (let n = 0; n < EVENTS; n++) {
    const snapshotId = `s-delay${n}`
    const facts = { accountId: ACCOUNT, snapshotId, snapshotName: 'x', snapshotType: 'MANUAL' as const }
    await server.write((sql) =>
      appendTransitions(sql, {
        ...{ ...facts, diskId: diskId(0), from: null, to: 'CREATING', reason: null, at: new Date() },
      }),
    )
    commits.set(snapshotId, committedAt)
    await pause(1_000 / EVENTS_PER_SECOND)
  }
  await Promise.race([watching, pause(LAST_EVENT_MS, undefined, { ref: false })])
  if (arrivals.size !== EVENTS) throw new Error(`${EVENTS - arrivals.size} events did not arrive.`)
  return [...commits].map(([id, at]) => (arrivals.get(id) ?? NaN) - at).toSorted((a, b) => a - b)
}

/** Transactions each second, each of one statement. */
async function statementsOf(cluster: PostgresCluster, database: string): Promise<number> {
  const count = async () => {
    const sql = `SELECT xact_commit + xact_rollback AS "count" FROM pg_stat_database WHERE datname = $1`
    return Number((await cluster.query('postgres', sql, [database]))[0]?.count)
  }
  await pause(SETTLE_MS)
  const [before, startedAt] = [await count(), performance.now()]
  await pause(IDLE_MS)
  return ((await count()) - before) / ((performance.now() - startedAt) / 1000)
}

/** Opens streams at a gateway; returns what closes them. */
async function subscribe(endpoint: string, count: number): Promise<() => void> {
  const cancel = new AbortController()
  const open = async () => {
    const { ok, status } = await fetch(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { snapshotTransitions { sequence } }' }),
      signal: cancel.signal,
    })
    if (!ok) throw new Error(`A subscriber was refused: ${status}.`)
  }
  for (let opened = 0; opened < count; opened += TOGETHER)
    await Promise.all(Array.from({ length: Math.min(TOGETHER, count - opened) }, open))
  return () => cancel.abort()
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
