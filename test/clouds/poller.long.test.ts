import { describe, expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { CLOUD_NAMES, startCloudGateway } from '../support/cloud-gateway.ts'

describe.each(CLOUD_NAMES)('%s', (name) => {
  test('one of two gateways asks the cloud, and the other takes over when that one stops', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    const { dataDir, settings } = gateway
    await gateway.poll()
    await using other = await startTestApp(
      { ...settings, DATA_DIR: dataDir },
      { now: () => new Date(cloud.now()) },
    )
    const asked = cloud.calls.length
    disk.status = gateway.words.inUse
    await other.poller.tick()
    expect(cloud.calls.length).toBe(asked)

    await app.poller[Symbol.asyncDispose]()
    cloud.advance(1_000)
    await other.poller.tick()
    // It had learned when the lease would end, which was given back before.
    cloud.advance(60_000)
    await other.poller.tick()
    expect(cloud.calls.length).toBeGreaterThan(asked)
    expect(await gateway.diskRow(disk.id)).toMatchObject({ status: 'IN_USE' })
    expect(await other.db.connection.findUnique({ where: { id: connectionId } })).toMatchObject({
      state: 'OK',
    })
  })

  test('a gateway that has lost a connection to another one writes nothing more for it', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    await gateway.poll()
    const pollUntil = new Date(cloud.now() + 60_000)
    await app.db.connection.update({ where: { id: connectionId }, data: { pollOwner: 'another', pollUntil } })
    disk.status = gateway.words.inUse
    await gateway.poll(1_000)
    expect(await gateway.diskRow(disk.id)).toMatchObject({ status: 'UNMOUNTED' })
    const asked = cloud.calls.length
    await gateway.poll(1_000)
    expect(cloud.calls.length).toBe(asked)
    await gateway.poll(61_000)
    expect(await gateway.diskRow(disk.id)).toMatchObject({ status: 'IN_USE' })
  })

  test('a snapshot in progress is looked at again and again by itself, and its end is pushed', async () => {
    await using gateway = await startCloudGateway(name, {}, { background: true })
    const { app, cloud } = gateway
    const disk = gateway.disk()
    await expect.poll(() => gateway.diskRow(disk.id)).not.toBeNull()
    const diskId = (await gateway.diskRow(disk.id))?.id
    const { data } = await app.graphql(
      `mutation { createSnapshot(input: { diskId: "${diskId}", name: "mine" }) { ... on CreateSnapshotPayload { snapshot { id } } } }`,
    )
    const watch = 'subscription ($id: ID!) { snapshotStatus(id: $id) { from to } }'
    const steps: unknown[] = []
    const watching = (async () => {
      for await (const event of app.sse(watch, { id: data.createSnapshot.snapshot.id }))
        steps.push(event.data.snapshotStatus.to)
    })()
    cloud.advance(60_000)
    await watching
    expect(steps).toEqual(['CREATING', 'COMPLETED'])
  })

  test('the end of a snapshot is pushed while everything is compared with the cloud, which takes long', async () => {
    const budget = { CLOUD_CALLS_PER_SECOND: '10' }
    await using gateway = await startCloudGateway(name, budget, { background: true })
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    const syncedAt = async () => (await app.db.connection.findFirst())?.syncedAt
    await expect.poll(() => gateway.diskRow(disk.id)).not.toBeNull()
    await expect.poll(syncedAt).toEqual(expect.any(Date))
    const before = await syncedAt()
    for (let count = 0; count < 100; count++) gateway.outside(disk.id, { doneAt: 0 })
    cloud.pageSize = 1
    cloud.advance(1_000)
    const { data } = await app.graphql(
      `mutation ($disk: ID!, $connection: ID!) {
        refreshConnection(input: { connectionId: $connection }) { __typename }
        createSnapshot(input: { diskId: $disk, name: "mine" }) { ... on CreateSnapshotPayload { snapshot { id } } }
      }`,
      { disk: (await gateway.diskRow(disk.id))?.id, connection: connectionId },
    )
    await expect.poll(() => app.db.snapshot.count()).toBeGreaterThan(10)
    const row = await app.db.snapshot.findUnique({ where: { id: data.createSnapshot.snapshot.id } })
    Object.assign(cloud.snapshots.get(row?.externalId ?? '') ?? {}, { doneAt: 0 })
    const watch = 'subscription ($id: ID!) { snapshotStatus(id: $id) { to } }'
    for await (const event of app.sse(watch, { id: row?.id }))
      if (event.data.snapshotStatus.to === 'COMPLETED') break
    // The list, which has it last, is not read to its end yet.
    expect(await app.db.snapshot.count()).toBeLessThan(90)
    expect(await syncedAt()).toEqual(before)
    await expect.poll(syncedAt, { timeout: 30_000 }).not.toEqual(before)
    expect(await app.db.snapshot.count()).toBe(101)
  })

  test('a list that was asked for before a snapshot was deleted does not bring it back', async () => {
    await using gateway = await startCloudGateway(name, {}, { background: true })
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    const { id: externalId } = gateway.outside(disk.id, { doneAt: 0 })
    await expect.poll(() => gateway.snapshotRow(externalId)).not.toBeNull()
    const syncedAt = async () => (await app.db.connection.findFirst())?.syncedAt
    await expect.poll(syncedAt).toEqual(expect.any(Date))
    const before = await syncedAt()
    const held = Promise.withResolvers<undefined>()
    cloud.faults.listsHeld = held.promise
    cloud.advance(1_000)
    const isList = (call: string) => /GET .*\/(snapshot|snapshots\/detail)$/.test(call)
    const lists = cloud.calls.filter(isList).length
    await app.graphql(
      'mutation ($id: ID!) { refreshConnection(input: { connectionId: $id }) { __typename } }',
      {
        id: connectionId,
      },
    )
    await expect.poll(() => cloud.calls.filter(isList).length).toBe(lists + 1)
    await app.graphql('mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }', {
      id: (await gateway.snapshotRow(externalId))?.id,
    })
    await expect.poll(() => app.db.snapshot.count()).toBe(0)
    held.resolve(undefined)
    await expect.poll(syncedAt).not.toEqual(before)
    expect(await app.db.snapshot.count()).toBe(0)
  })

  test('requests keep to the budget of the connection', async () => {
    await using gateway = await startCloudGateway(name, { CLOUD_CALLS_PER_SECOND: '10' })
    const { cloud } = gateway
    const disk = gateway.disk()
    for (let count = 0; count < 30; count++) gateway.outside(disk.id, { doneAt: 0 })
    cloud.pageSize = 1
    const began = performance.now()
    const asked = cloud.calls.length
    await gateway.poll()
    const seconds = (performance.now() - began) / 1_000
    const made = cloud.calls.slice(asked).filter((call) => !call.includes('auth/tokens')).length
    expect(made).toBeGreaterThan(30)
    expect(made).toBeLessThanOrEqual(20 + 10 * seconds + 1)
    expect(await gateway.app.db.snapshot.count()).toBe(30)
  })

  test('the refusal of the cloud is the answer also while the connection is watched', async () => {
    await using gateway = await startCloudGateway(name, {}, { background: true })
    const { app, cloud } = gateway
    const disk = gateway.disk()
    await expect.poll(() => gateway.diskRow(disk.id)).not.toBeNull()
    const diskId = (await gateway.diskRow(disk.id))?.id
    cloud.snapshotLimit = 0
    const create = `mutation { createSnapshot(input: { diskId: "${diskId}", name: "mine" }) { ... on UserError { code } } }`
    expect((await app.graphql(create)).data).toEqual({ createSnapshot: { code: 'UPSTREAM_REFUSED' } })
  })

  test('a snapshot whose gateway died before it asked the cloud is asked for by the one that watches', async () => {
    await using gateway = await startCloudGateway(name, { CLOUD_ANSWER_MS: '0' })
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    await gateway.poll()
    const diskId = (await gateway.diskRow(disk.id))?.id
    await app.graphql(
      `mutation { createSnapshot(input: { diskId: "${diskId}", name: "mine" }) { __typename } }`,
    )
    await expect.poll(() => app.db.snapshot.count({ where: { externalId: { not: null } } })).toBe(1)
    // As if none of that had happened.
    cloud.snapshots.clear()
    cloud.faults.tokensForgotten = true
    await app.db.snapshot.updateMany({ where: { connectionId }, data: { externalId: null } })
    const unclaimed = { leaseOwner: null, leaseUntil: null, sentAt: null, attempts: 0 }
    await app.db.job.updateMany({ data: { ...unclaimed, retryAt: new Date(cloud.now() + 10_000) } })
    await gateway.poll(1_000)
    expect(cloud.snapshots.size).toBe(0)
    await gateway.poll(10_000)
    expect(cloud.snapshots.size).toBe(1)
  })
})
