import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import { Client } from 'pg'
import { pino } from 'pino'
import { migrate } from '../src/database/postgresql/migrations.ts'
import { openReplica } from '../src/database/postgresql/replica/replica.ts'
import { startPostgres } from '../test/support/postgresql.ts'

const ACCOUNTS = 50
const SNAPSHOTS_OF_A_DISK = 100
/** How many rows the replica catches up on, fewer than make it compare everything. */
const CATCH_UP_ROWS = 40_000
const QUESTIONS = 2_000

/**
 * What a replica takes: the first copy of a number of snapshots, a start with the file that is there, catching up, a comparison
 * with the whole database, and a question. In the empty database of BENCH_DATABASE_URL, or on a server of its own.
 */
export async function benchReplica([count = '100000']: readonly string[]): Promise<void> {
  await using parts = new AsyncDisposableStack()
  const url = process.env.BENCH_DATABASE_URL ?? (await parts.use(await startPostgres({})).database())
  const snapshots = Number(count)
  await migrate(url)
  const client = new Client({ connectionString: url })
  await client.connect()
  await fill(client, snapshots)
  await using folder = await mkdtempDisposable(join(tmpdir(), 'snapgate-bench-'))
  const options = { url, path: join(folder.path, 'replica.db'), log: pino({ level: 'silent' }) }

  const first = await timed(() => openReplica(options))
  report(`first copy of ${snapshots} snapshots`, first)
  await first.value[Symbol.asyncDispose]()

  const again = await timed(() => openReplica(options))
  report('start with the file that is there', again)
  const replica = again.value

  await client.query(
    `UPDATE "Snapshot" SET "description" = 'x' WHERE "id" IN (SELECT "id" FROM "Snapshot" LIMIT ${CATCH_UP_ROWS})`,
  )
  report(`catching up on ${CATCH_UP_ROWS} rows`, await timed(() => current(replica)), CATCH_UP_ROWS)

  await client.query('CHECKPOINT')
  const questions = await timed(async () => {
    for (let i = 0; i < QUESTIONS; i++) await replica.fresh()
  })
  report('a question with nothing new', { ...questions, ms: questions.ms / QUESTIONS })

  await client.query(`UPDATE "Commit" SET "id" = gen_random_uuid()`)
  await client.query(`UPDATE "Account" SET "name" = 'changed' WHERE "id" = 'account-1'`)
  report('comparison with the whole database, whose history is another', await timed(() => current(replica)))
  await replica[Symbol.asyncDispose]()
  await client.end()
}

/** Until the replica is where the database is, however long that takes. */
async function current(replica: Awaited<ReturnType<typeof openReplica>>): Promise<void> {
  do {
    await replica.fresh()
    await new Promise((resolve) => setTimeout(resolve, 5))
  } while (replica.staleSince)
}

async function fill(client: Client, snapshots: number): Promise<void> {
  const disks = Math.ceil(snapshots / SNAPSHOTS_OF_A_DISK)
  await client.query(
    `INSERT INTO "Account" SELECT 'account-' || n, 'account ' || n, now() FROM generate_series(1, ${ACCOUNTS}) n`,
  )
  await client.query(`INSERT INTO "Disk" ("id", "accountId", "provider", "location", "name", "kind", "status", "sizeBytes", "storageType", "zone", "createdAt")
    SELECT 'v-' || md5(n::text), 'account-' || (n % ${ACCOUNTS} + 1), 'local', 'disks/' || n, 'disk ' || n, 'DATA', 'IN_USE', 1073741824, 'local', 'z', now() FROM generate_series(1, ${disks}) n`)
  await client.query(`INSERT INTO "Snapshot" ("id", "accountId", "diskId", "diskKind", "name", "type", "status", "sizeBytes", "dataBytes", "consistency", "checksum", "createdAt", "dataAt", "completedAt")
    SELECT 's-' || md5(n::text), 'account-' || (n % ${disks} % ${ACCOUNTS} + 1), 'v-' || md5((n % ${disks} + 1)::text), 'DATA', 'snapshot ' || n, 'MANUAL', 'COMPLETED', 1073741824, n, 'CLEAN', md5(n::text), now() - n * interval '1 second', now(), now() FROM generate_series(1, ${snapshots}) n`)
  await client.query(`INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "snapshotName", "diskId", "from", "to", "at")
    SELECT 'account-' || (n % ${ACCOUNTS} + 1), n / ${ACCOUNTS} + 1, substr(md5(n::text), 1, 8), 's-' || md5(n::text), 'snapshot ' || n, 'v-1', NULL, 'CREATING', now() FROM generate_series(0, ${2 * snapshots - 1}) n`)
  await client.query('ANALYZE')
}

interface Timed<T> {
  value: T
  ms: number
  /** The longest turn of the event loop meanwhile, in milliseconds. */
  turnMs: number
}

async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  const turns = monitorEventLoopDelay({ resolution: 1 })
  turns.enable()
  const begun = performance.now()
  const value = await work()
  const ms = performance.now() - begun
  turns.disable()
  return { value, ms, turnMs: turns.max / 1e6 }
}

function report(what: string, { ms, turnMs }: Timed<unknown>, rows?: number): void {
  const rate = rows === undefined ? '' : `, ${Math.round((rows / ms) * 1000)} rows/s`
  const mib = Math.round(process.memoryUsage().rss / 1024 ** 2)
  console.log(
    `${what}: ${ms.toFixed(ms < 10 ? 3 : 0)} ms${rate}; longest turn ${turnMs.toFixed(1)} ms; ${mib} MiB resident`,
  )
}
