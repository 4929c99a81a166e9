import { describe, expect, test } from 'vitest'
import { createCinderCloud } from '../../../src/providers/cinder/cinder.ts'
import { createUpstream } from '../../../src/providers/cloud/upstream.ts'
import { APPLICATION_CREDENTIAL, cinderDialect, type CinderWire } from '../../support/fake-cloud/cinder.ts'
import { FakeCloud } from '../../support/fake-cloud/engine.ts'
import { serve } from '../../support/fake-cloud/server.ts'
import { cloudContract, create, created, type Peer } from '../cloud/contract.ts'

const signal = new AbortController().signal

async function start(wire: CinderWire & { secret?: string } = {}): Promise<Peer> {
  const cloud = new FakeCloud()
  const server = await serve(cloud, cinderDialect(wire))
  const client = createCinderCloud({
    authUrl: new URL('/identity', server.url),
    region: 'RegionOne',
    credentials: () =>
      Promise.resolve({
        ...APPLICATION_CREDENTIAL,
        ...(wire.secret !== undefined && { secret: wire.secret }),
      }),
    upstream: createUpstream({ domains: [], hosts: [server.url.host] }),
    now: () => new Date(cloud.now()),
  })
  return {
    cloud,
    client,
    attached: cloud.disk('', 'in-use', { instanceId: 'server-1' }),
    detached: cloud.disk('', 'available'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const logins = ({ cloud }: Peer) => cloud.calls.filter((call) => call.endsWith('/auth/tokens')).length

describe('cinder', () => {
  cloudContract(() => start())

  test('before 3.66 a disk in use needs force, and gets it', async () => {
    await using peer = await start({ minor: 50 })
    await created(peer.client, create(peer.attached, 'forced'))
    expect(peer.cloud.snapshotsOf(peer.attached.id)).toHaveLength(1)
  })

  test('a Keystone that asks for fewer calls is a cloud that does', async () => {
    await using peer = await start()
    peer.cloud.faults.everything = { status: 429, body: '', headers: { 'retry-after': '7' } }
    await expect(peer.client.listDisks(undefined, signal)).rejects.toMatchObject({
      class: 'THROTTLED',
      retryAfterMs: 7_000,
    })
  })

  test('why a snapshot failed is taken from the messages', async () => {
    await using peer = await start()
    const { cloud, client, detached } = peer
    cloud.faults.createsFailLater = true
    const id = await created(client, create(detached, 'doomed'))
    cloud.advance(cloud.copyMs)
    expect(await client.readSnapshot(id, signal)).toMatchObject({
      reason: 'create snapshot: the driver reported an error.',
    })
  })

  test('many calls at once log in once, and again ahead of the end of the token', async () => {
    await using peer = await start({ tokenMs: 600_000 })
    const { cloud, client } = peer
    await Promise.all(Array.from({ length: 20 }, () => client.listDisks(undefined, signal)))
    expect(logins(peer)).toBe(1)
    cloud.advance(545_000)
    await client.listDisks(undefined, signal)
    expect(logins(peer)).toBe(2)
  })

  test('a token that is no longer taken is replaced once', async () => {
    await using peer = await start()
    await peer.client.listDisks(undefined, signal)
    peer.cloud.faults.everything = { status: 401, body: '' }
    await expect(peer.client.listDisks(undefined, signal)).rejects.toMatchObject({ class: 'CREDENTIALS' })
    peer.cloud.faults.everything = undefined
    expect((await peer.client.listDisks(undefined, signal)).rows).toHaveLength(2)
  })

  test('refused credentials are a fault of the connection, and name no secret', async () => {
    await using peer = await start({ secret: 'very-secret' })
    const fault = await peer.client.listDisks(undefined, signal).catch((error: unknown) => error)
    expect(fault).toMatchObject({
      class: 'CREDENTIALS',
      message: expect.stringContaining('Keystone answered 401'),
    })
    expect(JSON.stringify(fault) + String(fault)).not.toContain('very-secret')
  })

  test('attach and detach are not offered, and nothing is asked for them', async () => {
    await using peer = await start()
    await peer.client.listDisks(undefined, signal)
    const before = peer.cloud.calls.length
    const attach = { verb: 'attach', diskId: peer.detached.id, instanceId: 'server-2' } as const
    expect(await peer.client.submit(attach, signal)).toMatchObject({ class: 'NOT_OFFERED' })
    expect(peer.cloud.calls.length).toBe(before)
  })

  test('a link to the next page on another host gives its marker, and no call to that host', async () => {
    await using peer = await start()
    peer.cloud.pageSize = 1
    const { next } = await peer.client.listDisks(undefined, signal)
    expect(next).toBe(peer.detached.id)
    expect((await peer.client.listDisks(next, signal)).rows).toMatchObject([{ externalId: peer.detached.id }])
  })
})
