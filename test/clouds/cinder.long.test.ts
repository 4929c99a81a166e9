import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createCinderCloud } from '../../src/providers/cinder/cinder.ts'
import { CursorRefused } from '../../src/providers/cloud/faults.ts'
import { eachPage } from '../../src/providers/cloud/pages.ts'
import { createUpstream } from '../../src/providers/cloud/upstream.ts'
import { startTestApp } from '../support/app.ts'
import { connect, KEY } from '../support/cloud-gateway.ts'
import { CREDENTIAL_END } from '../support/openstack/keystone.ts'
import { hasOpenStack, startOpenStack, type OpenStack } from '../support/openstack/openstack.ts'
import { cloudContract, type CloudPeer } from './contract.ts'

/** Fast enough for a test: whole passes each second, and as many requests as they take. */
const SETTINGS = { CREDENTIALS_KEY: KEY, CLOUD_INVENTORY_INTERVAL_MS: '1000', CLOUD_CALLS_PER_SECOND: '50' }
const UNTIL = { timeout: 40_000, interval: 100 }

interface Row {
  id: string
  name: string
  status: string
}

/** A gateway that is connected to Cinder, and works by itself. */
async function cinderPeer(openstack: OpenStack): Promise<CloudPeer> {
  const { admin, credential, hosts, identity, member, project, proxy, region } = openstack
  let aheadMs = 0
  const app = await startTestApp(
    { ...SETTINGS, UPSTREAM_HOSTS: hosts.join(',') },
    { background: true, now: () => new Date(Date.now() + aheadMs), steadyMs: () => performance.now() },
  )
  app.keepSecret(credential.secret)
  const credentials = { applicationCredential: credential }
  const connectionId = await connect(app, { provider: 'CINDER', region, endpoint: identity, credentials })
  /** Asks until Cinder has done it. */
  const settled = async (path: string, key: string, status: string): Promise<void> =>
    vi.waitFor(async () => expect((await member('GET', path))[key].status).toBe(status), UNTIL)
  return {
    app,
    connectionId,
    async disk(name) {
      const { volume } = await member('POST', '/volumes', { volume: { name, size: 1 } })
      await settled(`/volumes/${volume.id}`, 'volume', 'available')
      return volume.id
    },
    async attach(diskId) {
      const attachment = { instance_uuid: crypto.randomUUID(), mountpoint: '/dev/vdb', mode: 'rw' }
      await admin('POST', `/volumes/${diskId}/action`, { 'os-attach': attachment })
      await settled(`/volumes/${diskId}`, 'volume', 'in-use')
    },
    failure: /Snapshot failed to create/,
    async snapshot(diskId, name) {
      const { snapshot } = await member('POST', '/snapshots', { snapshot: { volume_id: diskId, name } })
      await settled(`/snapshots/${snapshot.id}`, 'snapshot', 'available')
      return snapshot.id
    },
    rename: (id, name) => member('PUT', `/snapshots/${id}`, { snapshot: { name } }),
    async delete(id) {
      await member('DELETE', `/snapshots/${id}`)
      await vi.waitFor(() => expect(member('GET', `/snapshots/${id}`)).rejects.toThrow('404'), UNTIL)
    },
    async snapshotsOf(diskId) {
      const { snapshots } = await member('GET', `/snapshots/detail?volume_id=${diskId}`)
      return (snapshots as Row[]).map(({ id, name }) => ({ id, name }))
    },
    async setFull(isFull) {
      const path = `/os-quota-sets/${project}`
      const { quota_set: quotas } = await admin('GET', `${path}?usage=true`)
      await admin('PUT', path, { quota_set: { snapshots: isFull ? quotas.snapshots.in_use : -1 } })
    },
    loseNextAnswer: () =>
      proxy.watch((sent) => {
        const [line = ''] = sent.toString('latin1').split('\r\n')
        if (!/^POST \S+\/snapshots /.test(line)) return
        proxy.watch(undefined)
        proxy.drop()
        // The answer, which is lost, comes after Cinder has the snapshot in its database.
        void vi
          .waitFor(
            async () =>
              expect(await member('GET', '/snapshots/detail?name=lost')).not.toEqual({ snapshots: [] }),
            UNTIL,
          )
          .finally(() => proxy.restore())
      }),
    goDown: openstack.kill,
    comeBack: openstack.startAgain,
    later: (ms) => void (aheadMs += ms),
    until: (fact) => vi.waitFor(fact, UNTIL),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

describe.skipIf(!hasOpenStack)('real Cinder with Keystone (skipped where they are not installed)', () => {
  let openstack: OpenStack
  beforeAll(async () => {
    openstack = await startOpenStack()
    await openstack.admin('PUT', `/os-quota-sets/${openstack.project}`, {
      quota_set: { snapshots: -1, volumes: -1 },
    })
  }, 120_000)
  afterAll(() => openstack[Symbol.asyncDispose]())

  cloudContract(() => cinderPeer(openstack))

  test('lists are read page by page, and begun again when the snapshot at which a page ended was deleted; and the end of the credential is read', async () => {
    const { credential, hosts, identity, member, region } = openstack
    const client = createCinderCloud({
      authUrl: new URL(identity),
      region,
      credentials: () => Promise.resolve({ method: 'application_credential', ...credential }),
      upstream: createUpstream({ domains: [], hosts }),
      now: () => new Date(),
      rowsPerPage: 2,
    })
    await using peer = await cinderPeer(openstack)
    const disk = await peer.disk('paged')
    const ids = new Set<string>()
    for (const name of ['a', 'b', 'c', 'd', 'e']) ids.add(await peer.snapshot(disk, name))
    const { signal } = new AbortController()
    expect(await client.credentialsEnd(signal)).toEqual(new Date(`${CREDENTIAL_END}Z`))
    const list = (cursor: string | undefined) => client.listSnapshots(cursor, signal, disk)
    const sizes: number[] = []
    expect(await eachPage(list, (rows) => void sizes.push(rows.length))).toEqual(ids)
    expect(sizes).toEqual([2, 2, 1])

    const { rows, next } = await list(undefined)
    const marker = rows.at(-1)?.externalId ?? ''
    await peer.delete(marker)
    ids.delete(marker)
    await expect(list(next)).rejects.toBeInstanceOf(CursorRefused)
    let isFirst = true
    const left = await eachPage(
      (cursor) => {
        const refused = isFirst && cursor !== undefined
        if (refused) isFirst = false
        return list(refused ? next : cursor)
      },
      () => undefined,
    )
    expect(left).toEqual(ids)
    expect((await member('GET', `/snapshots/detail?volume_id=${disk}`)).snapshots).toHaveLength(4)
  })

  test('a snapshot in creation when Cinder is killed is CREATING until Cinder says otherwise, and then what it says', async () => {
    await using peer = await cinderPeer(openstack)
    const { app, connectionId } = peer
    const externalId = await peer.disk('data')
    const find = () => app.db.disk.findFirst({ where: { connectionId, externalId, status: 'UNMOUNTED' } })
    await peer.until(async () => expect(await find()).not.toBeNull())
    const id = await app.snapshot({ id: (await find())?.id ?? '' })
    await openstack.kill()
    const row = () => app.db.snapshot.findUnique({ where: { id } })
    expect(await row()).toMatchObject({ status: 'CREATING', externalId: expect.any(String) })
    await peer.until(async () =>
      expect(await app.db.connection.findFirst()).toMatchObject({ state: 'UNREACHABLE' }),
    )
    expect(await app.db.job.findFirst({ where: { snapshotId: id } })).toMatchObject({
      stalledSince: expect.any(Date),
      stallReason: expect.stringContaining('It is retried automatically.'),
    })
    await openstack.startAgain()
    // When Cinder makes disks again, it has looked at what it was doing before.
    await peer.disk('after')
    await app.graphql(
      'mutation ($id: ID!) { refreshConnection(input: { connectionId: $id }) { __typename } }',
      {
        id: connectionId,
      },
    )
    const statuses = { error: 'FAILED', available: 'COMPLETED', creating: 'CREATING' }
    await peer.until(async () => {
      const { snapshot } = await openstack.member('GET', `/snapshots/${(await row())?.externalId}`)
      const { status: rawStatus } = snapshot as { status: keyof typeof statuses }
      expect(await row()).toMatchObject({ rawStatus, status: statuses[rawStatus] })
    })
    expect(await app.db.connection.findFirst()).toMatchObject({ state: 'OK' })
  })
})
