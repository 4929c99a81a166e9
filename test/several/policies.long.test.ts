import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { POLICIES_MAX } from '../../src/domain/policy-input.ts'
import type { PolicyInput } from '../../src/services/policies.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { EVERY_NIGHT } from '../support/policies.ts'
import { hasPostgres, nameOf, startPostgres, type PostgresCluster } from '../support/postgresql.ts'

/** More can be asked for. */
const POLICIES = Number(process.env.POLICIES ?? 20)
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)
const HOURLY: PolicyInput = { ...EVERY_NIGHT, timePoints: HOURS }
const MIDNIGHT = Date.parse('2026-03-02T00:00:00Z')
const HOUR_MS = 3_600_000

describe.skipIf(!hasPostgres)('policies of several gateways (skipped where there is no PostgreSQL)', () => {
  let cluster: PostgresCluster
  beforeAll(async () => {
    cluster = await startPostgres()
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  /** Gateways on one database and storage, each with a clock that differs by this from a common one, and their hourly policies. */
  async function startWith(offsetsMs: readonly number[], policies: number) {
    await using stack = new AsyncDisposableStack()
    const DATA_DIR = await mkdtemp(join(tmpdir(), 'snapgate-policies-'))
    stack.defer(() => rm(DATA_DIR, { recursive: true }))
    const url = await cluster.migrated()
    const time = { at: MIDNIGHT - HOUR_MS / 2 }
    const apps: TestApp[] = []
    const environment = { DATABASE_URL: url, DATA_DIR, LOG_LEVEL: 'silent' }
    for (const offset of offsetsMs)
      apps.push(stack.use(await startTestApp(environment, { now: () => new Date(time.at + offset) })))
    const [first] = apps as [TestApp]
    let accountId = ''
    for (let number = 0; number < policies; number++) {
      if (number % POLICIES_MAX === 0) ({ accountId } = await first.token('ADMIN', `account-${number}`))
      const { id: policyId } = await first.policies.create(
        { ...first.viewer, accountId },
        { ...HOURLY, name: `policy-${number}` },
      )
      const { id } = await first.disk({ dataMiB: 0, accountId })
      await first.db.disk.update({ where: { id }, data: { policyId } })
    }
    const parts = stack.move()
    const sql = (text: string) => cluster.query(nameOf(url), text)
    return {
      sql,
      /** All of them look whether something is due, at this moment of the common clock. */
      async tick(at: number): Promise<void> {
        time.at = at
        await Promise.allSettled(apps.map((app) => app.scheduler.tick()))
      },
      /** The snapshots that there are become whole, as another program may say. */
      complete: () =>
        sql(`UPDATE "Snapshot" SET "status" = 'COMPLETED'; DELETE FROM "Job";
          UPDATE "Disk" SET "status" = 'UNMOUNTED' WHERE "status" = 'SNAPSHOTTING'`),
      /** How many results of runs there are of each kind. */
      results: () =>
        sql(`SELECT r."outcome", d."outcome" AS "disk", count(*)::int AS "count" FROM "AutoSnapshotRun" r
          LEFT JOIN "AutoSnapshotRunDisk" d ON d."runId" = r."id" GROUP BY 1, 2 ORDER BY 1, 2`),
      snapshots: () =>
        sql(`SELECT min("count")::int AS "least", max("count")::int AS "most" FROM
          (SELECT count(*) FROM "Snapshot" WHERE "type" = 'AUTOMATIC' GROUP BY "diskId") AS each`),
      [Symbol.asyncDispose]: () => parts.disposeAsync(),
    }
  }

  test(`${POLICIES} policies of 24 times a day run each once by 3 gateways whose connections are cut in the middle`, async () => {
    await using several = await startWith([0, 0, 0], POLICIES)
    const due = () => several.sql(`SELECT 1 FROM "AutoSnapshotRunDisk" WHERE "outcome" = 'PENDING' LIMIT 1`)
    const runs = async () =>
      Number((await several.sql(`SELECT count(*) AS "count" FROM "AutoSnapshotRun"`))[0]?.count)
    for (const hour of HOURS) {
      const at = MIDNIGHT + hour * HOUR_MS + 1_000
      const work = several.tick(at)
      await expect.poll(runs, { interval: 5 }).toBeGreaterThan(hour * POLICIES)
      await several.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND random() < 0.5 AND pid <> pg_backend_pid()`,
      )
      await work
      await expect
        .poll(async () => {
          await several.tick(at)
          return [await runs(), await due()]
        })
        .toEqual([(hour + 1) * POLICIES, []])
      await several.complete()
    }
    const times = POLICIES * HOURS.length
    expect(await several.results()).toEqual([{ outcome: 'RUN', disk: 'CREATED', count: times }])
    expect(await several.snapshots()).toEqual([{ least: HOURS.length, most: HOURS.length }])
  }, 1_800_000)

  test('gateways whose clocks differ by a minute run each time once', async () => {
    await using several = await startWith([-60_000, 0, 60_000], 10)
    for (const hour of HOURS.slice(0, 6)) {
      for (const seconds of [-90, -60, -30, 0, 30, 60, 90, 120])
        await several.tick(MIDNIGHT + hour * HOUR_MS + seconds * 1_000)
      await several.complete()
    }
    expect(await several.results()).toEqual([{ outcome: 'RUN', disk: 'CREATED', count: 60 }])
    expect(await several.snapshots()).toEqual([{ least: 6, most: 6 }])
  })
})
