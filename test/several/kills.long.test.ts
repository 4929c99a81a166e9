import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CREATE_SNAPSHOT } from '../support/clients.ts'
import { outlast, watchAll, type Seen } from '../support/outlasting.ts'
import { hasPostgres, nameOf, startPostgres } from '../support/postgresql.ts'
import { headersOf, startGateways } from './gateways.ts'

const GATEWAYS = 4
const ACCOUNTS = 8
const WRITERS_PER_ACCOUNT = 2
const DISKS_PER_WRITER = 4
const STREAMS_PER_ACCOUNT = 25
/** More of both can be asked for; `KILLS=50 TRANSITIONS=3000` takes five minutes on two cores. */
const KILLS = Number(process.env.KILLS ?? 8)
/** Of ten kills of gateways, one is of the server, too. */
const isOfServer = (kill: number) => kill % 10 === 5
const TRANSITIONS = Number(process.env.TRANSITIONS ?? 600)

const RETRY_MS = 30

test.skipIf(!hasPostgres)(
  `with ${GATEWAYS} gateways, ${KILLS} kills, and the server killed now and then, nothing acknowledged is lost and no stream misses or repeats an event (skipped without PostgreSQL)`,
  async () => {
    await using cluster = await startPostgres()
    const url = await cluster.migrated()
    await using several = await startGateways(GATEWAYS, url, { SNAPSHOT_QUOTA_MANUAL: '100000' })
    const where = several.anywhere()
    const query = (sql: string) => cluster.query(nameOf(url), sql)

    const accounts = await Promise.all(
      Array.from({ length: ACCOUNTS }, async (_, index) => {
        const headers = await headersOf(`account-${index}`)
        const disks: string[] = []
        for (let disk = 0; disk < WRITERS_PER_ACCOUNT * DISKS_PER_WRITER; disk++)
          disks.push(await several.disk(`disk-${index}-${disk}`, headers))
        const after = await several.cursor(headers)
        const seen = Array.from({ length: STREAMS_PER_ACCOUNT }, (): Seen[] => [])
        const watching = seen.map((one) => watchAll(where, after, one, headers))
        return { headers, disks, seen, watching, acknowledged: [] as string[] }
      }),
    )

    let creating = true
    const faults: unknown[] = []
    const writers = accounts.flatMap(({ headers, disks, acknowledged }) =>
      Array.from({ length: WRITERS_PER_ACCOUNT }, async (_, writer) => {
        for (let turn = 0; creating; turn++) {
          const diskId = disks[writer * DISKS_PER_WRITER + (turn % DISKS_PER_WRITER)] ?? ''
          acknowledged.push(...(await created(diskId, headers)))
        }
      }),
    )

    /** Repeats a create with its token until it is accepted, or refused because the disk is busy. */
    async function created(diskId: string, headers: Record<string, string>): Promise<string[]> {
      const input = { diskId, name: 's', clientToken: randomUUID() }
      for (;;) {
        const answer = await outlast(where, CREATE_SNAPSHOT, { input }, headers)
        const id = answer?.data?.createSnapshot?.snapshot?.id as string | undefined
        if (id !== undefined) return [id]
        await pause(RETRY_MS)
        if (answer?.data?.createSnapshot) return []
        const [error] = answer?.errors ?? []
        if (error?.extensions.code !== 'SERVICE_UNAVAILABLE') faults.push(error)
      }
    }

    const written = async () =>
      Number((await query('SELECT count(*) AS "count" FROM "SnapshotTransition"'))[0]?.count)
    const started = performance.now()
    for (let kill = 1; kill <= KILLS; kill++) {
      await expect
        .poll(written, { timeout: 300_000, interval: 250 })
        .toBeGreaterThanOrEqual((kill * TRANSITIONS) / (KILLS + 1))
      const index = randomInt(GATEWAYS)
      expect(await several.gateways[index]?.stop('SIGKILL')).toBeNull()
      if (isOfServer(kill)) {
        await cluster.killAll()
        await cluster.startAgain()
      }
      await several.start(index)
    }
    await expect.poll(written, { timeout: 300_000, interval: 250 }).toBeGreaterThanOrEqual(TRANSITIONS)
    creating = false
    await Promise.all(writers)
    expect(faults).toEqual([])
    const seconds = (performance.now() - started) / 1000
    await expect
      .poll(() => query(`SELECT 1 FROM "Snapshot" WHERE "status" = 'CREATING'`), { timeout: 60_000 })
      .toEqual([])

    for (const { disks, seen, acknowledged } of accounts) {
      const id = String(
        (await query(`SELECT "accountId" AS "id" FROM "Disk" WHERE "id" = '${disks[0] ?? ''}'`))[0]?.id,
      )
      const log = (
        await query(
          `SELECT "sequence"::int, "snapshotId", "from", "to" FROM "SnapshotTransition" WHERE "accountId" = '${id}' ORDER BY "sequence"`,
        )
      ).map(({ sequence, snapshotId, from, to }) => [sequence, snapshotId, from, to])
      expect(log.map(([sequence]) => sequence)).toEqual(log.map((_, index) => index + 1))
      await expect
        .poll(() => seen.map((one) => one.length), { timeout: 30_000 })
        .toEqual(seen.map(() => log.length))
      for (const one of seen)
        expect(one.map(({ sequence, snapshotId, from, to }) => [sequence, snapshotId, from, to])).toEqual(log)

      const snapshots = await query(`SELECT "id", "status" FROM "Snapshot" WHERE "accountId" = '${id}'`)
      expect(snapshots.map((one) => one.id).toSorted()).toEqual(acknowledged.toSorted())
      expect(new Set(snapshots.map(({ status }) => status))).toEqual(new Set(['COMPLETED']))
    }
    where.over = true
    const total = await written()
    console.log(
      `${total} transitions in ${seconds.toFixed(0)} s, ${ACCOUNTS * STREAMS_PER_ACCOUNT} streams: 0 lost, 0 doubled`,
    )
    await Promise.all(several.gateways.map((gateway) => gateway.stop('SIGKILL')))
    await Promise.all(accounts.flatMap(({ watching }) => watching))
  },
  1_800_000,
)
