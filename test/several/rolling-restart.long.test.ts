import { randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { migrate, MIGRATIONS_FOLDER } from '../../src/database/postgresql/migrations.ts'
import { CREATE_SNAPSHOT, postGraphql } from '../support/clients.ts'
import { hasNginx, startBalancer } from '../support/nginx.ts'
import { watchAll, type Seen } from '../support/outlasting.ts'
import { hasPostgres, nameOf, startPostgres } from '../support/postgresql.ts'
import { headersOf, startGateways } from './gateways.ts'

const GATEWAYS = 3
const STREAMS = 300
const REQUESTS_PER_SECOND = 200
/** One of this many requests creates a snapshot. */
const REQUESTS_PER_CREATE = 20
const DISKS = 20
/** Longer than what passes between two looks at `/readyz`, and what nginx takes to use other gateways only. */
const DRAIN_DELAY_MS = 3_000
const LOOK_MS = 250

const READ = '{ snapshots(first: 5) { totalCount nodes { id status disk { name } } } }'

/** What the next release may do to the database while gateways of this one go on. */
const NEXT_RELEASE = `ALTER TABLE "Snapshot" ADD COLUMN "nextRelease" TEXT;
  CREATE INDEX "Snapshot_nextRelease_idx" ON "Snapshot"("nextRelease")`

test.skipIf(!hasPostgres || !hasNginx)(
  `${GATEWAYS} gateways behind nginx are restarted one by one, across a migration: no request fails, no event is lost or comes twice (skipped without PostgreSQL or nginx)`,
  async () => {
    await using cluster = await startPostgres()
    const url = await cluster.migrated()
    await using several = await startGateways(GATEWAYS, url, {
      DRAIN_DELAY_MS: String(DRAIN_DELAY_MS),
      SNAPSHOT_QUOTA_MANUAL: '100000',
    })
    const addresses = several.ports.map((port) => `127.0.0.1:${port}`)
    await using balancer = await startBalancer(addresses)
    const endpoint = `${balancer.url}/graphql`
    const where = { endpoint, over: false }
    // A request of a client that keeps no connection.
    const headers = { ...(await headersOf('tenant')), connection: 'close' }
    const diskIds: string[] = []
    for (let disk = 0; disk < DISKS; disk++) diskIds.push(await several.disk(`disk-${disk}`, headers))
    const after = await several.cursor(headers)
    const seen = Array.from({ length: STREAMS }, (): Seen[] => [])
    const watching = seen.map((one) => watchAll(where, after, one, headers))

    const failures: unknown[] = []
    const acknowledged: string[] = []
    const requests: Promise<void>[] = []
    async function request(number: number): Promise<void> {
      try {
        if (number % REQUESTS_PER_CREATE > 0) {
          const { data, errors } = await postGraphql(endpoint, READ, {}, headers)
          if (!data?.snapshots) failures.push(errors)
          return
        }
        const diskId = diskIds[(number / REQUESTS_PER_CREATE) % DISKS]
        const variables = { input: { diskId, name: 's', clientToken: randomUUID() } }
        const { data, errors } = await postGraphql(endpoint, CREATE_SNAPSHOT, variables, headers)
        const id = data?.createSnapshot.snapshot?.id as string | undefined
        if (id !== undefined) acknowledged.push(id)
        else if (!data?.createSnapshot.code) failures.push(errors)
      } catch (error) {
        failures.push((error as Error).cause ?? error)
      }
    }
    const sending = setInterval(() => requests.push(request(requests.length)), 1000 / REQUESTS_PER_SECOND)

    // What a load balancer does: only those that say that they are ready get new connections.
    let used = addresses.join()
    const looking = setInterval(() => void look(), LOOK_MS)
    async function look(): Promise<void> {
      const ready = await Promise.all(
        addresses.map((address) =>
          fetch(`http://${address}/readyz`).then(
            ({ ok }) => ok,
            () => false,
          ),
        ),
      )
      const usable = addresses.filter((_, index) => ready[index])
      if (usable.length === 0 || usable.join() === used) return
      used = usable.join()
      await balancer.useOnly(usable)
    }

    try {
      await expect.poll(() => requests.length).toBeGreaterThan(REQUESTS_PER_SECOND)
      await migrateToNext(url)
      for (let index = 0; index < GATEWAYS; index++) {
        expect(await several.gateways[index]?.stop('SIGTERM')).toBe(0)
        await several.start(index)
        await expect.poll(() => used.split(',').length).toBe(GATEWAYS)
        await pause(DRAIN_DELAY_MS)
      }
    } finally {
      clearInterval(sending)
      clearInterval(looking)
    }
    await Promise.all(requests)
    expect(failures).toEqual([])

    const query = (sql: string) => cluster.query(nameOf(url), sql)
    await expect
      .poll(() => query(`SELECT 1 FROM "Snapshot" WHERE "status" = 'CREATING'`), { timeout: 60_000 })
      .toEqual([])
    const log = await query(
      'SELECT "sequence"::int, "snapshotId", "from", "to" FROM "SnapshotTransition" ORDER BY "sequence"',
    )
    await expect
      .poll(() => seen.map((one) => one.length), { timeout: 30_000 })
      .toEqual(seen.map(() => log.length))
    for (const one of seen)
      expect(one.map(({ sequence, snapshotId, from, to }) => ({ sequence, snapshotId, from, to }))).toEqual(
        log,
      )
    expect(new Set(log.map(({ snapshotId }) => snapshotId))).toEqual(new Set(acknowledged))
    console.log(`${requests.length} requests, ${acknowledged.length} creates, ${log.length} transitions`)
    where.over = true
    await Promise.all(several.gateways.map((gateway) => gateway.stop('SIGKILL')))
    await Promise.all(watching)
  },
  600_000,
)

/** Does to the database what the first gateway of the next release does when it starts. */
async function migrateToNext(url: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'snapgate-next-'))
  try {
    await cp(MIGRATIONS_FOLDER, folder, { recursive: true })
    await mkdir(join(folder, '9999_next'))
    await writeFile(join(folder, '9999_next', 'migration.sql'), NEXT_RELEASE)
    expect(await migrate(url, folder)).toEqual(['9999_next'])
  } finally {
    await rm(folder, { recursive: true })
  }
}
