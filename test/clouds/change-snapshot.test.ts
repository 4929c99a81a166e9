import { describe, expect, test } from 'vitest'
import { CLOUD_NAMES, startCloudGateway, type CloudGateway } from '../support/cloud-gateway.ts'
import { EVERY_NIGHT, policyOf, runsOf } from '../support/policies.ts'

const REFUSAL = '... on UserError { code message }'
const UPDATE = `mutation ($input: UpdateSnapshotInput!) { answer: updateSnapshot(input: $input) {
  ... on UpdateSnapshotPayload { snapshot { name description tags { key } } } ${REFUSAL}
} }`
const DELETE = `mutation ($id: ID!) { answer: deleteSnapshot(input: { snapshotId: $id }) {
  ... on DeleteSnapshotPayload { snapshot { status } } ${REFUSAL}
} }`
const HISTORY = 'query ($id: ID!) { snapshotHistory(id: $id) { from to reason } }'

const ask = async ({ app }: CloudGateway, text: string, variables: object) => {
  const { data, errors } = await app.graphql(text, { ...variables })
  return errors ?? data.answer
}

describe.each(CLOUD_NAMES)('%s', (name) => {
  /** A gateway that knows a disk and a snapshot of its cloud that somebody else has made. */
  async function start() {
    const gateway = await startCloudGateway(name)
    const disk = gateway.disk()
    const made = gateway.outside(disk.id, { name: 'before', description: 'kept', doneAt: 0 })
    await gateway.poll(1_000)
    const id = (await gateway.snapshotRow(made.id))?.id ?? ''
    return Object.assign(gateway, { data: disk, made, id })
  }

  test('a snapshot is renamed in the cloud and then here, and its description stays', async () => {
    await using gateway = await start()
    const { id, made } = gateway
    const input = { snapshotId: id, name: 'after', tags: [{ key: 'team', value: 'a' }] }
    expect(await ask(gateway, UPDATE, { input })).toEqual({
      snapshot: { name: 'after', description: '', tags: [{ key: 'team' }] },
    })
    expect([made.name, made.description]).toEqual(['after', 'kept'])
    await gateway.poll(1_000)
    expect(await gateway.snapshotRow(made.id)).toMatchObject({ name: 'after', status: 'COMPLETED' })
  })

  test('what the cloud does not change is not changed here', async () => {
    await using gateway = await start()
    const { id, made, cloud } = gateway
    cloud.faults.everything = { status: 503, body: '' }
    expect(await ask(gateway, UPDATE, { input: { snapshotId: id, name: 'after' } })).toMatchObject({
      code: 'CONNECTION_UNAVAILABLE',
    })
    cloud.faults.everything = undefined
    made.deleted = true
    expect(await ask(gateway, UPDATE, { input: { snapshotId: id, name: 'after' } })).toMatchObject({
      code: 'UPSTREAM_REFUSED',
    })
    expect(await gateway.snapshotRow(made.id)).toMatchObject({ name: 'before' })
    const asked = cloud.calls.length
    expect(await ask(gateway, UPDATE, { input: { snapshotId: id, tags: [] } })).toMatchObject({
      snapshot: {},
    })
    expect(cloud.calls.length).toBe(asked)
  })

  test('a snapshot is deleted in the cloud, and gone here when the cloud no longer shows it', async () => {
    await using gateway = await start()
    const { app, id, made } = gateway
    expect(await ask(gateway, DELETE, { id })).toEqual({ snapshot: { status: 'DELETING' } })
    await gateway.poll(1_000)
    expect(made.deleted).toBe(true)
    await gateway.poll(1_000)
    expect(await app.db.snapshot.count()).toBe(0)
    expect(await app.db.job.count()).toBe(0)
    expect(await app.db.activity.findMany({ where: { action: 'DELETE_SNAPSHOT' } })).toMatchObject([
      { result: 'SUCCEEDED', snapshotId: id },
    ])
    expect((await app.graphql(HISTORY, { id })).data.snapshotHistory).toEqual([
      { from: null, to: 'COMPLETED', reason: null },
      { from: 'COMPLETED', to: 'DELETING', reason: null },
      { from: 'DELETING', to: 'DELETED', reason: null },
    ])
  })

  test.each(['CUT', '500'] as const)(
    'a deletion whose answer is lost is found to be done (%s)',
    async (how) => {
      await using gateway = await start()
      gateway.cloud.faults.nextWriteLost = how
      await ask(gateway, DELETE, { id: gateway.id })
      await gateway.poll(1_000)
      await gateway.poll(1_000)
      expect(await gateway.app.db.snapshot.count()).toBe(0)
    },
  )

  test('a deletion that the cloud refuses is taken back, with the reason', async () => {
    await using gateway = await start()
    const { app, id, made, cloud } = gateway
    await ask(gateway, DELETE, { id })
    // Somebody uses it.
    made.doneAt = cloud.now() + 3_600_000
    await gateway.poll(1_000)
    expect((await app.graphql(HISTORY, { id })).data.snapshotHistory as unknown[]).toContainEqual({
      from: 'DELETING',
      to: 'COMPLETED',
      reason: expect.stringContaining('The cloud refused: '),
    })
    expect(await app.db.job.count()).toBe(0)
    expect(await app.db.activity.findMany({ where: { action: 'DELETE_SNAPSHOT' } })).toMatchObject([
      { result: 'FAILED' },
    ])
  })

  test('a deletion that the cloud accepts and does not do is taken back after ten minutes, and says so', async () => {
    await using gateway = await start()
    const { app, id, made, cloud } = gateway
    cloud.faults.deletesIgnored = true
    await ask(gateway, DELETE, { id })
    await gateway.poll(1_000)
    await gateway.poll(5 * 60_000)
    expect(await gateway.snapshotRow(made.id)).toMatchObject({ status: 'DELETING' })
    await gateway.poll(6 * 60_000)
    expect(await gateway.snapshotRow(made.id)).toMatchObject({ status: 'COMPLETED' })
    expect((await app.graphql(HISTORY, { id })).data.snapshotHistory).toEqual([
      { from: null, to: 'COMPLETED', reason: null },
      { from: 'COMPLETED', to: 'DELETING', reason: null },
      { from: 'DELETING', to: 'COMPLETED', reason: 'The cloud has not deleted it.' },
    ])
    expect(await app.db.job.count()).toBe(0)
  })

  test('a pass is made soon after somebody asks for it', async () => {
    await using gateway = await startCloudGateway(name, {}, { background: true })
    const { app, connectionId } = gateway
    await expect.poll(() => app.db.connection.findFirst()).toMatchObject({ syncedAt: expect.any(Date) })
    gateway.disk({ name: 'new' })
    gateway.cloud.advance(1_000)
    const REFRESH = `mutation ($id: ID!) { answer: refreshConnection(input: { connectionId: $id }) {
      ... on RefreshConnectionPayload { connection { state } } ${REFUSAL} } }`
    expect(await ask(gateway, REFRESH, { id: connectionId })).toEqual({ connection: { state: 'OK' } })
    const list = async () => (await app.graphql('{ disks { nodes { name } } }')).data.disks.nodes
    await expect.poll(list, { timeout: 10_000 }).toEqual([{ name: 'new' }])
  })

  test('a policy makes snapshots in the cloud, and makes room by deleting those that it made', async () => {
    await using gateway = await startCloudGateway(name, { SNAPSHOT_QUOTA_AUTOMATIC: '1' })
    const { app, cloud } = gateway
    const disk = gateway.disk()
    await gateway.poll(1_000)
    const row = await gateway.diskRow(disk.id)
    if (!row) throw new Error('The disk is not there.')
    await policyOf(app, EVERY_NIGHT, row)
    const names: string[][] = []
    for (let night = 0; night < 2; night++) {
      cloud.advance((night === 0 ? 2 : 24) * 3_600_000)
      await app.scheduler.tick()
      await gateway.poll(1_000)
      await gateway.poll(60_000)
      await gateway.poll(1_000)
      names.push(cloud.snapshotsOf(disk.id).map((one) => one.name))
    }
    expect(names).toEqual([['auto-2026-11-26-02.00'], ['auto-2026-11-27-02.00']])
    expect(await runsOf(app)).toEqual([
      '2026-11-26T02:00[UTC] | RUN | CREATED',
      '2026-11-27T02:00[UTC] | RUN | CREATED',
    ])
    expect(await app.db.snapshot.findMany()).toMatchObject([{ type: 'AUTOMATIC', status: 'COMPLETED' }])
  })
})
