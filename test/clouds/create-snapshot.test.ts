import { describe, expect, test } from 'vitest'
import { CLOUD_NAMES, startCloudGateway, type CloudGateway } from '../support/cloud-gateway.ts'

const CREATE = `mutation ($input: CreateSnapshotInput!) { answer: createSnapshot(input: $input) {
  ... on CreateSnapshotPayload { snapshot { id status stalledSince upstream { id } } }
  ... on UserError { code message }
  ... on UpstreamRefused { class upstreamCode snapshotId }
  ... on DiskStatusForbidsSnapshot { actual }
  ... on ConnectionUnavailable { state }
} }`

/** Creates a snapshot of a disk of the cloud. */
async function create({ app, diskRow }: CloudGateway, externalId: string, more: object = {}) {
  const diskId = (await diskRow(externalId))?.id
  const { data, errors } = await app.graphql(CREATE, { input: { diskId, name: 'mine', ...more } })
  return errors ?? data.answer
}

const SNAPSHOT = `query ($id: ID!) { snapshot(id: $id) {
  name status origin progress failureReason stalledSince stallReason upstream { id status } transitions { from to reason }
  operation { kind } cancelEligibility { allowed }
} }`

const snapshotOf = async ({ app }: CloudGateway, id: string) =>
  (await app.graphql(SNAPSHOT, { id })).data.snapshot

/** How many manual snapshots count against the quota of the only disk. */
async function quotaOf({ app }: CloudGateway): Promise<number> {
  const { data } = await app.graphql('{ disks { nodes { snapshotQuota { manual { used } } } } }')
  return data.disks.nodes[0].snapshotQuota.manual.used as number
}

describe.each(CLOUD_NAMES)('%s', (name) => {
  /** A gateway that knows one disk of its cloud. */
  async function start(environment: Record<string, string> = {}) {
    const gateway = await startCloudGateway(name, environment)
    const disk = gateway.disk({ name: 'data' })
    await gateway.poll()
    return Object.assign(gateway, { data: disk })
  }
  const live = ({ cloud }: CloudGateway) => [...cloud.snapshots.values()].filter(({ deleted }) => !deleted)

  test('a snapshot is created in the cloud, watched, and complete when the cloud says so', async () => {
    await using gateway = await start()
    const { snapshot } = await create(gateway, gateway.data.id)
    const [made, ...others] = live(gateway)
    expect(others).toEqual([])
    expect(snapshot).toEqual({
      id: expect.stringMatching(/^s-/),
      status: 'CREATING',
      stalledSince: null,
      upstream: { id: made?.id },
    })
    await gateway.poll(1_000)
    expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
      status: 'CREATING',
      origin: 'GATEWAY',
      operation: { kind: 'COPY_SNAPSHOT' },
      cancelEligibility: { allowed: false },
    })
    await gateway.poll(60_000)
    expect(await snapshotOf(gateway, snapshot.id)).toEqual({
      name: 'mine',
      status: 'COMPLETED',
      origin: 'GATEWAY',
      progress: 100,
      failureReason: null,
      stalledSince: null,
      stallReason: null,
      upstream: { id: made?.id, status: expect.stringMatching(/^available$/i) },
      transitions: [
        { from: null, to: 'CREATING', reason: null },
        { from: 'CREATING', to: 'COMPLETED', reason: null },
      ],
      operation: null,
      cancelEligibility: { allowed: false },
    })
    expect(await gateway.app.db.snapshot.count()).toBe(1)
    expect(await gateway.diskRow(gateway.data.id)).toMatchObject({ status: 'UNMOUNTED' })
    expect(await gateway.app.db.job.count()).toBe(0)
    expect(await gateway.app.db.activity.findMany({ where: { action: 'CREATE_SNAPSHOT' } })).toMatchObject([
      { result: 'SUCCEEDED', snapshotId: snapshot.id },
    ])
  })

  test('the refusal of the cloud is the answer, and the snapshot FAILED', async () => {
    await using gateway = await start()
    gateway.cloud.snapshotLimit = 0
    const answer = await create(gateway, gateway.data.id)
    expect(answer).toEqual({
      code: 'UPSTREAM_REFUSED',
      message: expect.stringContaining('The cloud refused: '),
      class: 'QUOTA',
      upstreamCode: expect.any(String),
      snapshotId: expect.stringMatching(/^s-/),
    })
    expect(await snapshotOf(gateway, answer.snapshotId)).toMatchObject({
      status: 'FAILED',
      failureReason: answer.message,
      operation: null,
      upstream: { id: null },
    })
    expect(await gateway.app.db.activity.findMany({ where: { action: 'CREATE_SNAPSHOT' } })).toMatchObject([
      { result: 'FAILED', reason: answer.message },
    ])
    gateway.cloud.snapshotLimit = 9
    await gateway.poll(60_000)
    expect(await gateway.diskRow(gateway.data.id)).toMatchObject({ status: 'UNMOUNTED' })
    expect((await create(gateway, gateway.data.id)).snapshot.status).toBe('CREATING')
  })

  test('the status of the disk is read before, by one call, and decides', async () => {
    await using gateway = await start()
    const { cloud, words, data } = gateway
    data.status = words.busy
    const asked = cloud.calls.length
    expect(await create(gateway, data.id)).toMatchObject({ code: 'DISK_STATUS_FORBIDS_SNAPSHOT' })
    expect(cloud.calls.slice(asked).filter((call) => call.endsWith(data.id))).toHaveLength(1)
    expect(live(gateway)).toEqual([])
    expect(await gateway.app.db.snapshot.count()).toBe(0)
  })

  test.each(['CUT', '500'] as const)(
    'one snapshot is made when the answer to its request is lost (%s)',
    async (how) => {
      await using gateway = await start()
      gateway.cloud.faults.nextWriteLost = how
      const { snapshot } = await create(gateway, gateway.data.id)
      expect(snapshot).toMatchObject({ status: 'CREATING', upstream: { id: null } })
      expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
        stallReason: expect.stringContaining('answer was lost'),
      })
      await gateway.poll(6_000)
      await gateway.poll(1_000)
      const [made, ...others] = live(gateway)
      expect(others).toEqual([])
      expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
        status: 'COMPLETED',
        stallReason: null,
        upstream: { id: made?.id },
      })
      expect(await gateway.app.db.snapshot.count()).toBe(1)
    },
  )

  test('of two snapshots that carry the mark of a request, the older one is adopted, and the other is drift that counts and stays', async () => {
    await using gateway = await start()
    const { app, cloud, data } = gateway
    cloud.faults.nextWriteLost = 'CUT'
    const { snapshot } = await create(gateway, data.id)
    const [made] = live(gateway)
    cloud.advance(1_000)
    // As a proxy does that repeats a request, or somebody who copies all there is of it.
    const { name: called, description, metadata } = made ?? { name: '', description: '', metadata: {} }
    const again = gateway.outside(data.id, { name: called, description, metadata })
    await gateway.poll(6_000)
    await gateway.poll(60_000)
    await gateway.poll(60_000)
    expect(live(gateway)).toHaveLength(2)
    const rows = await app.db.snapshot.findMany({ orderBy: { createdAt: 'asc' } })
    expect(rows).toMatchObject([
      { id: snapshot.id, externalId: made?.id, origin: 'GATEWAY', status: 'COMPLETED' },
      { externalId: again.id, origin: 'OUTSIDE', status: 'COMPLETED' },
    ])
    expect(await quotaOf(gateway)).toBe(2)
  })

  test('a snapshot that its cloud hid for more than a minute is drift beside the one that was made in its place', async () => {
    await using gateway = await start()
    const { app, cloud, data } = gateway
    Object.assign(cloud.faults, { nextWriteLost: 'CUT', visibleAfterMs: 90_000, tokensForgotten: true })
    const { snapshot } = await create(gateway, data.id)
    const [hidden] = live(gateway)
    cloud.faults.visibleAfterMs = 0
    for (const ms of [6_000, 60_000, 1_000]) await gateway.poll(ms)
    const adopted = (await app.db.snapshot.findUnique({ where: { id: snapshot.id } }))?.externalId
    expect(live(gateway).map(({ id }) => id)).toEqual([hidden?.id, adopted])
    await gateway.poll(60_000)
    await gateway.poll(60_000)
    expect(await gateway.snapshotRow(hidden?.id ?? '')).toMatchObject({
      origin: 'OUTSIDE',
      status: 'COMPLETED',
    })
    expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
      status: 'COMPLETED',
      upstream: { id: adopted },
    })
    expect(await quotaOf(gateway)).toBe(2)
    expect(live(gateway)).toHaveLength(2)
  })

  test('a cloud that cannot be asked delays a snapshot, says why, and fails none', async () => {
    await using gateway = await start()
    const { cloud } = gateway
    cloud.faults.everything = { status: 429, body: '', headers: { 'retry-after': '0' } }
    const { snapshot } = await create(gateway, gateway.data.id)
    expect(snapshot).toMatchObject({ status: 'CREATING', stalledSince: expect.any(String) })
    const connection = await gateway.app.db.connection.findFirst()
    expect(connection).toMatchObject({ state: 'THROTTLED' })
    cloud.faults.everything = undefined
    await gateway.poll(120_000)
    await gateway.poll(60_000)
    expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({ status: 'COMPLETED', stalledSince: null })
    expect(live(gateway)).toHaveLength(1)
    expect(await gateway.app.db.connection.findFirst()).toMatchObject({ state: 'OK', stateReason: null })
  })

  test('a connection whose credentials are refused refuses at once, and asks the cloud for nothing', async () => {
    await using gateway = await start()
    const { app, cloud, connectionId } = gateway
    await app.db.connection.update({ where: { id: connectionId }, data: { state: 'CREDENTIALS_REFUSED' } })
    const asked = cloud.calls.length
    expect(await create(gateway, gateway.data.id)).toMatchObject({
      code: 'CONNECTION_UNAVAILABLE',
      state: 'CREDENTIALS_REFUSED',
    })
    expect(cloud.calls.length).toBe(asked)
  })

  test('a snapshot that the cloud accepts and then fails is FAILED, with the reason', async () => {
    await using gateway = await start()
    gateway.cloud.faults.createsFailLater = true
    const { snapshot } = await create(gateway, gateway.data.id)
    await gateway.poll(60_000)
    expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
      status: 'FAILED',
      failureReason: expect.any(String),
      transitions: [{ to: 'CREATING' }, { from: 'CREATING', to: 'FAILED' }],
    })
  })

  test('a snapshot that the cloud does not show yet is not taken for deleted', async () => {
    await using gateway = await start()
    gateway.cloud.faults.visibleAfterMs = 40_000
    const { snapshot } = await create(gateway, gateway.data.id)
    await gateway.poll(10_000)
    await gateway.poll(10_000)
    expect((await snapshotOf(gateway, snapshot.id)).status).toBe('CREATING')
    await gateway.poll(30_000)
    expect((await snapshotOf(gateway, snapshot.id)).status).toBe('COMPLETED')
  })

  test('a repeated call with the same token makes nothing more, also after a refusal of the cloud', async () => {
    await using gateway = await start()
    const first = await create(gateway, gateway.data.id, { clientToken: 'once' })
    expect((await create(gateway, gateway.data.id, { clientToken: 'once' })).snapshot.id).toBe(
      first.snapshot.id,
    )
    expect(live(gateway)).toHaveLength(1)
  })

  test('snapshots of disks here and in a cloud are created in one call; together or not at all only those here', async () => {
    await using gateway = await start()
    const here = await gateway.app.disk()
    const there = (await gateway.diskRow(gateway.data.id))?.id
    const MANY = `mutation ($input: CreateSnapshotsInput!) { createSnapshots(input: $input) {
      ... on CreateSnapshotsPayload { items { snapshot { provider } refusal { code } } } } }`
    const ask = async (consistent: boolean) => {
      const input = { diskIds: [here.id, there], name: 'many', consistent }
      return (await gateway.app.graphql(MANY, { input })).data.createSnapshots.items
    }
    expect(await ask(true)).toEqual([
      { snapshot: null, refusal: { code: 'OTHER_SNAPSHOT_REFUSED' } },
      { snapshot: null, refusal: { code: 'OPERATION_NOT_OFFERED' } },
    ])
    expect(await ask(false)).toEqual([
      { snapshot: { provider: 'LOCAL' }, refusal: null },
      { snapshot: { provider: name.toUpperCase() }, refusal: null },
    ])
    expect(live(gateway)).toHaveLength(1)
  })

  test('the runner of this machine leaves the work of clouds alone', async () => {
    await using gateway = await start()
    gateway.cloud.faults.stuck = true
    const { snapshot } = await create(gateway, gateway.data.id)
    await gateway.app.runner.tick()
    expect((await snapshotOf(gateway, snapshot.id)).status).toBe('CREATING')
    await gateway.poll(31 * 60_000)
    expect(await snapshotOf(gateway, snapshot.id)).toMatchObject({
      status: 'CREATING',
      stallReason: expect.stringContaining('more than 30 minutes'),
    })
  })
})
