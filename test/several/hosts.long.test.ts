import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postGraphql } from '../support/clients.ts'
import { hasPostgres, startPostgres, type PostgresCluster } from '../support/postgresql.ts'
import { headersOf, startGateways } from './gateways.ts'

let cluster: PostgresCluster
beforeAll(async () => {
  if (hasPostgres) cluster = await startPostgres()
})
afterAll(async () => {
  if (hasPostgres) await cluster[Symbol.asyncDispose]()
})

const READ = `query ($diskId: ID!, $snapshotId: ID!) {
  disk(id: $diskId) { status statusReason }
  snapshot(id: $snapshotId) { status verifiedAt }
}`

test.skipIf(!hasPostgres)(
  'of two hosts, each works on its own disks only, whichever gateway is called (skipped without PostgreSQL)',
  async () => {
    const url = await cluster.migrated()
    const settings = { INVENTORY_INTERVAL_MS: '100' }
    await using here = await startGateways(1, url, { ...settings, HOST_LABEL: 'here' })
    await using there = await startGateways(1, url, { ...settings, HOST_LABEL: 'there' })
    const headers = await headersOf('hosts')
    const ask = (at: typeof here, query: string, variables: Record<string, unknown>) =>
      postGraphql(at.endpoints[0] ?? '', query, variables, headers)
    const read = async (at: typeof here, diskId: string, snapshotId = '') =>
      (await ask(at, READ, { diskId, snapshotId })).data

    const [near, far] = [await here.disk('near', headers), await there.disk('far', headers)]
    const taken = await ask(
      there,
      `mutation ($diskId: ID!) { createSnapshot(input: { diskId: $diskId, name: "taken" }) {
        ... on CreateSnapshotPayload { snapshot { id status } } } }`,
      { diskId: near },
    )
    const snapshotId = taken.data.createSnapshot.snapshot.id as string
    await expect.poll(async () => (await read(there, near, snapshotId)).snapshot.status).toBe('COMPLETED')
    expect(await readdir(join(here.dataDir, 'snapshots'))).toContain(snapshotId)
    expect(await readdir(join(there.dataDir, 'snapshots'))).not.toContain(snapshotId)

    await ask(there, 'mutation ($id: ID!) { verifySnapshot(input: { snapshotId: $id }) { __typename } }', {
      id: snapshotId,
    })
    await expect.poll(async () => (await read(there, near, snapshotId)).snapshot.verifiedAt).not.toBeNull()

    const cloned = await ask(
      there,
      `mutation ($id: ID!) { createDisk(input: { snapshotId: $id, name: "clone" }) {
        ... on CreateDiskPayload { disk { id } } } }`,
      { id: snapshotId },
    )
    const cloneId = cloned.data.createDisk.disk.id as string
    await expect.poll(async () => (await read(there, cloneId)).disk.status).toBe('UNMOUNTED')
    expect(await readdir(join(here.dataDir, 'disks'))).toContain(`${cloneId}.img`)

    // Each inventory has seen its own disk go, and still says nothing of the other's.
    await rm(join(there.dataDir, 'disks', 'far.img'))
    await expect.poll(async () => (await read(here, far)).disk.status).toBe('ERROR')
    expect((await read(there, near)).disk).toEqual({ status: 'UNMOUNTED', statusReason: null })
    await rm(join(here.dataDir, 'disks', 'near.img'))
    await expect.poll(async () => (await read(there, near)).disk.status).toBe('ERROR')

    await ask(there, 'mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }', {
      id: snapshotId,
    })
    await expect.poll(async () => (await read(here, near, snapshotId)).snapshot).toBeNull()
    expect(await readdir(join(here.dataDir, 'snapshots'))).not.toContain(snapshotId)
  },
)
