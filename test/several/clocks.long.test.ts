import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { writeImage } from '../support/app.ts'
import { CREATE_SNAPSHOT, postGraphql } from '../support/clients.ts'
import { hasPostgres, startPostgres } from '../support/postgresql.ts'
import { headersOf, startGateways } from './gateways.ts'

const MINUTE_AHEAD = `--import ${fileURLToPath(new URL('minute-ahead.ts', import.meta.url))}`

/** Large enough that its copy outlasts its first lease. */
const IMAGE_MIB = 512

test.skipIf(!hasPostgres)(
  'a gateway whose clock is a minute ahead leaves copies alone that others are making (skipped without PostgreSQL)',
  async () => {
    await using cluster = await startPostgres()
    const url = await cluster.migrated()
    await using behind = await startGateways(1, url)
    const settings = { NODE_OPTIONS: MINUTE_AHEAD, DATA_DIR: behind.dataDir }
    await using ahead = await startGateways(1, url, settings)
    const headers = await headersOf('tenant')
    const ask = (at: typeof behind, query: string, variables: Record<string, unknown> = {}) =>
      postGraphql(at.endpoints[0] ?? '', query, variables, headers)

    const diskId = await behind.disk('large', headers)
    await writeImage(join(behind.dataDir, 'disks', 'large.img'), IMAGE_MIB, IMAGE_MIB)
    const read = async () =>
      (await ask(behind, '{ snapshots { nodes { status createdAt } } }')).data.snapshots.nodes
    await ask(behind, CREATE_SNAPSHOT, { input: { diskId, name: 'a' } })
    await expect.poll(async () => (await read())[0].status, { timeout: 60_000 }).toBe('COMPLETED')
    for (const { gateways } of [behind, ahead]) expect(gateways[0]?.stdout()).not.toContain('fenced')

    // It is ahead indeed.
    await ask(ahead, CREATE_SNAPSHOT, { input: { diskId, name: 'b' } })
    const [b, a] = (await read()) as { createdAt: string }[]
    expect(Date.parse(b?.createdAt ?? '') - Date.parse(a?.createdAt ?? '')).toBeGreaterThan(60_000)
  },
)
