import { describe, expect, test } from 'vitest'
import { createBaiduCloud } from '../../../src/providers/baidu/baidu.ts'
import { createUpstream } from '../../../src/providers/cloud/upstream.ts'
import { BAIDU_KEY, baiduDialect } from '../../support/fake-cloud/baidu.ts'
import { FakeCloud } from '../../support/fake-cloud/engine.ts'
import { serve } from '../../support/fake-cloud/server.ts'
import { cloudContract, create, created, type Peer } from '../cloud/contract.ts'

const signal = new AbortController().signal

async function start(key: { accessKeyId: string; secretAccessKey: string } = BAIDU_KEY): Promise<Peer> {
  const cloud = new FakeCloud()
  const server = await serve(cloud, baiduDialect())
  const client = createBaiduCloud({
    endpoint: server.url,
    key: () => Promise.resolve(key),
    upstream: createUpstream({ domains: [], hosts: [server.url.host] }),
    now: () => new Date(cloud.now()),
  })
  return {
    cloud,
    client,
    attached: cloud.disk('v', 'InUse', { instanceId: 'i-1' }),
    detached: cloud.disk('v', 'Available'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe('baidu', () => {
  cloudContract(start)

  test('the same token makes one snapshot, and is refused for another request', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    const request = create(detached, 'once')
    expect(await created(client, request)).toBe(await created(client, request))
    expect(cloud.snapshotsOf(detached.id)).toHaveLength(1)
    expect(
      await client.submit({ ...create(detached, 'other'), token: 'token-once' } as never, signal),
    ).toMatchObject({
      outcome: 'refused',
      class: 'TOKEN',
      code: 'IdempotentParameterMismatch',
    })
  })

  test('with a clock that is wrong it signs again by the time of the cloud, once', async () => {
    await using peer = await start()
    const { cloud, client } = peer
    cloud.faults.clockAheadMs = 3_600_000
    expect((await client.listDisks(undefined, signal)).rows).toHaveLength(2)
    expect(cloud.calls).toHaveLength(2)
    await client.listDisks(undefined, signal)
    expect(cloud.calls).toHaveLength(3)
  })

  test('refused credentials are a fault of the connection, and name no secret', async () => {
    await using peer = await start({ accessKeyId: 'unknown', secretAccessKey: 'very-secret' })
    const fault = await peer.client.listDisks(undefined, signal).catch((error: unknown) => error)
    expect(fault).toMatchObject({ class: 'CREDENTIALS', code: 'InvalidAccessKeyId' })
    expect(JSON.stringify(fault) + String(fault)).not.toContain('very-secret')
  })

  test.each([
    ['Running', 'IN_USE'],
    ['Stopped', 'NORMAL'],
    ['Rebooting', 'UNKNOWN'],
  ])(
    'a system disk goes by its instance: %s is %s, and its snapshot is of the instance',
    async (instance, status) => {
      await using peer = await start()
      const { cloud, client } = peer
      const disk = cloud.disk('v', 'Running', { system: true, instanceId: 'i-9' })
      const snapshotId = await created(client, create(disk, 'system'))
      disk.status = instance
      expect(await client.readSnapshot(snapshotId, signal)).toMatchObject({ diskExternalId: disk.id })
      expect(await client.readDisk(disk.id, signal)).toMatchObject({
        kind: 'SYSTEM',
        instanceId: 'i-9',
        status,
      })
    },
  )

  test('policies are read over all pages, and again when the list has to be begun again; deleted ones are left out', async () => {
    await using peer = await start()
    const { cloud, client } = peer
    const policies = ['a', 'b', 'c'].map((name) => cloud.policy('asp', { name }))
    cloud.policy('asp', { status: 'deleted' })
    Object.assign(policies[0] ?? {}, { timePoints: ['18', 2, null, 'noon'], retentionDays: '30' })
    cloud.pageSize = 1
    Object.assign(cloud.faults, { messyLists: true, nextMarkerRefused: true })
    const read = await client.policies(signal)
    expect(read.map(({ id }) => id).toSorted()).toEqual(policies.map(({ id }) => id))
    expect(read.find(({ name }) => name === 'a')).toMatchObject({
      timePoints: [2, 18],
      retentionDays: 30,
      ranAt: null,
    })
    expect(read.find(({ name }) => name === 'b')).toMatchObject({ timePoints: [0], retentionDays: null })
  })

  test('a list that goes on and does not say where is a fault, and never taken for a whole one', async () => {
    await using peer = await start()
    const { cloud, client } = peer
    Object.assign(cloud, { pageSize: 1 })
    cloud.faults.nextMarkerMissing = true
    await expect(client.listDisks(undefined, signal)).rejects.toMatchObject({
      class: 'PASSING',
      code: 'MALFORMED_ANSWER',
    })
  })

  test('attach and detach are accepted', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    const attachment = { diskId: detached.id, instanceId: 'i-2' }
    await client.submit({ verb: 'attach', ...attachment }, signal)
    expect(await client.readDisk(detached.id, signal)).toMatchObject({ status: 'IN_USE', instanceId: 'i-2' })
    await client.submit({ verb: 'detach', ...attachment }, signal)
    expect(cloud.disks.get(detached.id)).toMatchObject({ status: 'Available' })
  })
})
