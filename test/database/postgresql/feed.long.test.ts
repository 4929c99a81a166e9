import { statSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changesSql } from '../../../src/database/postgresql/replica/changes.ts'
import { FEED_SETTINGS } from '../../../src/database/postgresql/replica/feed.ts'
import { ReplicaFile } from '../../../src/database/postgresql/replica/file.ts'
import { pruneCommits } from '../../../src/database/postgresql/replica/prune.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../../support/postgresql.ts'
import { appendTransition, randomTransaction } from '../../support/random-writes.ts'
import { connect, differences, replicaOf } from '../../support/replica.ts'

const AT = `timestamptz '2026-01-01T00:00:00Z'`
const ACCOUNTS = `INSERT INTO "Account" ("id", "name", "createdAt") VALUES ('a1', 'one', ${AT}), ('a2', 'two', ${AT})`

describe.skipIf(!hasPostgres)('the replica (skipped where there is no PostgreSQL)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  /** A database with two accounts, a client of it, and the replica of a gateway. */
  async function world() {
    await using parts = new AsyncDisposableStack()
    const folder = parts.use(await mkdtempDisposable(join(tmpdir(), 'snapgate-')))
    const url = await cluster.database()
    const path = join(folder.path, 'replica.db')
    const replica = parts.use(await replicaOf(url, path))
    const client = parts.use(await connect(url))
    await client.query(ACCOUNTS)
    const moved = parts.move()
    return { url, path, replica, client, [Symbol.asyncDispose]: () => moved.disposeAsync() }
  }

  test('has every row of every table, whatever several connections write and undo at once', async () => {
    await using here = await world()
    for (let round = 0; round < 4; round++) {
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          await using client = await connect(here.url)
          for (let i = 0; i < 30; i++) await randomTransaction(client, Math.random)
        }),
      )
      // A question that the server answers too late leaves the replica stale until the next one.
      await expect
        .poll(async () => {
          await here.replica.fresh()
          return here.replica.staleSince
        })
        .toBeUndefined()
      expect(await differences(here.url, here.path)).toEqual({})
    }
  })

  test('fresh() resolves with everything that was committed before it was called, also for those who share a question', async () => {
    await using here = await world()
    using file = reading(here.path)
    const name = file.prepare<[], string>(`SELECT "name" FROM "Account" WHERE "id" = 'a1'`).pluck()
    let committed = 0
    let stale = 0
    const writing = (async () => {
      for (let i = 1; i <= 300; i++) {
        await here.client.query(`UPDATE "Account" SET "name" = '${i}' WHERE "id" = 'a1'`)
        committed = i
      }
    })()
    await Promise.all([
      writing,
      ...Array.from({ length: 4 }, async () => {
        while (committed < 300) {
          const before = committed
          await here.replica.fresh()
          if (Number(name.get()) < before) stale++
        }
      }),
    ])
    expect([stale, here.replica.staleSince]).toEqual([0, undefined])
  })

  test('what another program writes is there within the poll, without a question', async () => {
    await using here = await world()
    const applied: string[] = []
    here.replica.onApplied((tables) => applied.push(...tables))
    await cluster.query(
      new URL(here.url).pathname.slice(1),
      `UPDATE "Account" SET "name" = 'psql' WHERE "id" = 'a2'`,
    )
    using file = reading(here.path)
    await expect
      .poll(() => file.prepare(`SELECT "name" FROM "Account" WHERE "id" = 'a2'`).pluck().get(), {
        timeout: 3_000,
      })
      .toBe('psql')
    expect(applied).toContain('Account')
  })

  test('what changes nothing that a client can read has no number: a lease, the same value, what is undone', async () => {
    await using here = await world()
    await here.client.query(
      `INSERT INTO "Job" ("accountId", "kind", "createdAt") VALUES ('a1', 'RESIZE_DISK', ${AT})`,
    )
    const last = async () => (await here.client.query('SELECT max("version") FROM "Commit"')).rows
    const before = await last()
    await here.client.query(`UPDATE "Job" SET "leaseOwner" = 'r', "leaseUntil" = now()`)
    await here.client.query(`UPDATE "Account" SET "name" = "name"`)
    await here.client.query(`BEGIN; SAVEPOINT s; DELETE FROM "Job"; ROLLBACK TO s; COMMIT`)
    await here.client.query(`BEGIN; DELETE FROM "Job"; ROLLBACK`)
    expect(await last()).toEqual(before)
    await here.client.query(
      `BEGIN; SAVEPOINT s; DELETE FROM "Job"; ROLLBACK TO s; UPDATE "Job" SET "progress" = 1; COMMIT`,
    )
    expect(await last()).not.toEqual(before)
    await here.replica.fresh()
    expect(await differences(here.url, here.path)).toEqual({})
  })

  test('what has changed is looked up by its keys, also where that was planned while the tables were empty', async () => {
    await using here = await world()
    const { client } = here
    using file = reading(here.path)
    await client.query(FEED_SETTINGS)
    await client.query(`PREPARE changes (BIGINT, UUID) AS ${changesSql(ReplicaFile.tablesOf(file))}`)
    const unknown = '00000000-0000-0000-0000-000000000000'
    await client.query(`EXECUTE changes (9, '${unknown}')`)

    const rows = 1_000
    await client.query(`INSERT INTO "Job" ("accountId", "kind", "createdAt")
      SELECT 'a1', 'RESIZE_DISK', ${AT} FROM generate_series(1, ${rows})`)
    await client.query(`INSERT INTO "Activity" ("id", "accountId", "at", "action", "subjectId", "result", "actorKind")
      SELECT n::TEXT, 'a1', ${AT}, 'CREATE_DISK', 'v', 'SUCCEEDED', 'JWT' FROM generate_series(1, ${rows}) AS n`)
    await client.query(`INSERT INTO "SnapshotTransition" ("accountId", "sequence", "tag", "snapshotId", "diskId", "to", "at")
      SELECT 'a1', n, 'AAAAAAAA', 's', 'v', 'CREATING', ${AT} FROM generate_series(1, ${rows}) AS n`)
    const [last] = (
      await client.query<{ version: string }>('SELECT max("version") AS "version" FROM "Commit"')
    ).rows
    await client.query(
      `BEGIN; UPDATE "Job" SET "progress" = 1 WHERE "id" = 7; UPDATE "Activity" SET "result" = 'FAILED' WHERE "id" = '7'`,
    )
    await appendTransition(client, 'Snapshot', 'a1')
    await client.query('COMMIT')
    const { rows: plans } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE changes (${String(last?.version)}, '${unknown}')`,
    )
    const scans = nodesOf(plans[0]?.['QUERY PLAN'][0].Plan).filter(
      (node) => node['Relation Name'] !== undefined,
    )
    const read = scans.map(
      (node) => (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
    )
    expect(read.reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(3)
    expect(Math.max(...read)).toBeLessThan(20)
  })

  test('rows that swap what only one of them may have', async () => {
    await using here = await world()
    await here.replica.fresh()
    await here.client.query(`BEGIN; UPDATE "Account" SET "name" = 'three' WHERE "id" = 'a1';
      UPDATE "Account" SET "name" = 'one' WHERE "id" = 'a2'; UPDATE "Account" SET "name" = 'two' WHERE "id" = 'a1'; COMMIT`)
    await here.replica.fresh()
    expect(await differences(here.url, here.path)).toEqual({})
  })

  test('emptying a table is a change like any other', async () => {
    await using here = await world()
    await here.client.query(
      `INSERT INTO "Job" ("accountId", "kind", "createdAt") VALUES ('a1', 'RESIZE_DISK', ${AT})`,
    )
    await here.replica.fresh()
    await here.client.query('TRUNCATE "Job"')
    await here.replica.fresh()
    expect(await differences(here.url, here.path)).toEqual({})
  })

  test('the file is kept over restarts and caught up, and two gateways in one folder have one each', async () => {
    await using here = await world()
    await append(here.client, 3)
    {
      await using second = await replicaOf(here.url, here.path)
      expect(second.path).toBe(here.path.replace('.db', '-2.db'))
      expect(await differences(here.url, second.path)).toEqual({})
    }
    await here.replica[Symbol.asyncDispose]()
    const [inode, before] = [statSync(here.path).ino, positions(here.path)]
    await append(here.client, 2)
    await using again = await replicaOf(here.url, here.path)
    expect([again.path, statSync(here.path).ino]).toEqual([here.path, inode])
    expect(positions(here.path).slice(0, 3)).toEqual(before)
    expect(await differences(here.url, here.path)).toEqual({})
  })

  test('commits that are no longer kept make it compare everything, and positions stay', async () => {
    await using here = await world()
    await append(here.client, 3)
    await here.replica[Symbol.asyncDispose]()
    const before = positions(here.path)
    await append(here.client, 2)
    await here.client.query(`DELETE FROM "Disk"; UPDATE "Account" SET "name" = 'other' WHERE "id" = 'a2'`)
    await here.client.query(`UPDATE "Commit" SET "at" = "at" - interval '2 hours'`)
    expect(await pruneCommits(here.url)).toBeGreaterThan(3)
    expect((await here.client.query('SELECT count(*)::int AS n FROM "Commit"')).rows).toEqual([{ n: 1 }])
    await using _again = await replicaOf(here.url, here.path)
    expect(positions(here.path).slice(0, 3)).toEqual(before)
    expect(await differences(here.url, here.path)).toEqual({})
  })

  test('a restored database is told by the ids of its commits, and its transitions get new positions', async () => {
    await using here = await world()
    await append(here.client, 3)
    await here.replica.fresh()
    const name = new URL(here.url).pathname.slice(1)
    await here.client.end()
    await using admin = await connect(cluster.url('postgres'))
    await keepOut(admin, name)
    await admin.query(`CREATE DATABASE "${name}_backup" TEMPLATE "${name}"`)
    await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`)
    const change = async (to: string) => {
      await using client = await connect(here.url)
      await client.query(`UPDATE "Account" SET "name" = '${to}' WHERE "id" = 'a1'`)
      await append(client, 1)
    }
    await change('lost')
    await expect.poll(() => differences(here.url, here.path), { timeout: 10_000 }).toEqual({})
    const before = positions(here.path)
    await keepOut(admin, name)
    await admin.query(`DROP DATABASE "${name}"`)
    await admin.query(`ALTER DATABASE "${name}_backup" RENAME TO "${name}"`)
    // The same numbers again, of other commits and another transition.
    await change('after')
    await expect.poll(() => differences(here.url, here.path), { timeout: 10_000 }).toEqual({})
    const after = positions(here.path)
    expect(after.filter((position) => before.includes(position))).toEqual([])
    expect(after).toHaveLength(4)
  })

  test('transitions that were pruned while it was away are a gap, which new positions tell', async () => {
    await using here = await world()
    await append(here.client, 3)
    await here.replica[Symbol.asyncDispose]()
    const before = positions(here.path)
    await append(here.client, 4)
    await here.client
      .query(`BEGIN; INSERT INTO "PrunedTransitions" ("accountId", "subject", "sequence", "tag", "position")
      SELECT "accountId", 'SNAPSHOT', "sequence", "tag", 5 FROM "SnapshotTransition" WHERE "sequence" = 5;
      DELETE FROM "SnapshotTransition" WHERE "sequence" <= 5; COMMIT`)
    await using _again = await replicaOf(here.url, here.path)
    expect(await differences(here.url, here.path)).toEqual({})
    const after = positions(here.path)
    expect(after.filter((position) => before.includes(position))).toEqual([])
    using file = reading(here.path)
    expect(file.prepare('SELECT "position" FROM "PrunedTransitions"').pluck().all()).toEqual([
      (after[0] ?? 0) - 1,
    ])
  })

  test('where a log was pruned to is the position of that transition here', async () => {
    await using here = await world()
    await append(here.client, 2, 'a2')
    await here.replica.fresh()
    await append(here.client, 4)
    await here.replica.fresh()
    await here.client
      .query(`BEGIN; INSERT INTO "PrunedTransitions" ("accountId", "subject", "sequence", "tag", "position")
      SELECT "accountId", 'SNAPSHOT', "sequence", "tag", 2 FROM "SnapshotTransition" WHERE "sequence" = 2 AND "accountId" = 'a1';
      DELETE FROM "SnapshotTransition" WHERE "sequence" <= 2 AND "accountId" = 'a1'; COMMIT`)
    await here.replica.fresh()
    using file = reading(here.path)
    expect(file.prepare('SELECT "position" FROM "PrunedTransitions"').pluck().all()).toEqual([4])
    expect(positions(here.path)).toEqual([1, 2, 5, 6])
    expect(await differences(here.url, here.path)).toEqual({})
  })
})

/** Ends all connections to a database, and lets no new ones in. */
async function keepOut(admin: Awaited<ReturnType<typeof connect>>, name: string): Promise<void> {
  await admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`)
  await admin.query(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '${name}'`)
}

async function append(
  client: Awaited<ReturnType<typeof connect>>,
  count: number,
  account = 'a1',
): Promise<void> {
  for (let i = 0; i < count; i++) {
    await client.query('BEGIN')
    await appendTransition(client, 'Snapshot', account)
    await client.query('COMMIT')
  }
}

interface PlanNode {
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: PlanNode[]
}

function nodesOf(node: PlanNode | undefined): PlanNode[] {
  return node ? [node, ...(node.Plans ?? []).flatMap(nodesOf)] : []
}

function reading(path: string) {
  const file = new SQLite(path, { readonly: true })
  return Object.assign(file, { [Symbol.dispose]: () => void file.close() })
}

function positions(path: string): number[] {
  using file = reading(path)
  return file.prepare<[], number>('SELECT "position" FROM "SnapshotTransition" ORDER BY 1').pluck().all()
}
