import { describe, expect, test } from 'vitest'
import { CLOUD_NAMES, startCloudGateway } from '../support/cloud-gateway.ts'

const DISKS = `{ disks { nodes {
  name kind status sizeGiB provider connection { name state } upstream { id status createdAt } snapshotQuota { manual { used } }
} } }`
const SNAPSHOTS = `{ snapshots { nodes {
  name type status origin provider progress createdAt completedAt disk { name } connection { name }
  upstream { id diskId status createdAt seenAt } transitions { from to reason }
} } }`

describe.each(CLOUD_NAMES)('%s', (name) => {
  test('the disks and snapshots of a connection appear, as the cloud shows them', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud } = gateway
    const disk = gateway.disk({ name: 'data' })
    cloud.advance(60_000)
    const made = gateway.outside(disk.id, { name: 'by hand' })
    cloud.advance(60_000)
    await gateway.poll()

    const row = { name: 'data', kind: 'DATA', status: 'UNMOUNTED', sizeGiB: 20 }
    const provider = name.toUpperCase()
    expect((await app.graphql(DISKS)).data.disks.nodes).toEqual([
      {
        ...row,
        provider,
        connection: { name: 'production', state: 'OK' },
        upstream: { id: disk.id, status: gateway.words.free, createdAt: '2026-11-26T00:00:00.000Z' },
        snapshotQuota: { manual: { used: 1 } },
      },
    ])
    expect((await app.graphql(SNAPSHOTS)).data.snapshots.nodes).toEqual([
      {
        ...{
          name: 'by hand',
          type: 'MANUAL',
          status: 'COMPLETED',
          origin: 'OUTSIDE',
          provider,
          progress: 100,
        },
        createdAt: '2026-11-26T00:01:00.000Z',
        completedAt: '2026-11-26T00:02:00.000Z',
        disk: { name: 'data' },
        connection: { name: 'production' },
        upstream: {
          id: made.id,
          diskId: disk.id,
          status: expect.stringMatching(/^available$/i),
          createdAt: '2026-11-26T00:01:00.000Z',
          seenAt: '2026-11-26T00:02:00.000Z',
        },
        transitions: [{ from: null, to: 'COMPLETED', reason: null }],
      },
    ])
  })

  test('the quotas of the cloud are shown as they were at the last comparison', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud } = gateway
    const QUOTAS = '{ connections { nodes { upstreamQuotas { kind used limit } } } }'
    const shown = async () => (await app.graphql(QUOTAS)).data.connections.nodes[0].upstreamQuotas
    expect(await shown()).toEqual([])
    const disks = [gateway.disk(), gateway.disk()]
    for (const disk of disks) gateway.outside(disk.id, { doneAt: 0 })
    gateway.outside(disks[0]?.id ?? '', { doneAt: 0, automatic: true })
    cloud.snapshotLimit = 10
    await gateway.poll(1_000)
    const quotas = await shown()
    expect(quotas).toEqual(
      name === 'cinder'
        ? [
            { kind: 'SNAPSHOTS', used: 3, limit: 10 },
            { kind: 'GIBIBYTES', used: 20, limit: null },
          ]
        : [
            { kind: 'MANUAL_SNAPSHOTS', used: 2, limit: null },
            { kind: 'AUTOMATIC_SNAPSHOTS', used: 1, limit: null },
          ],
    )
    // They stay when they cannot be read, and the connection is as good as before.
    cloud.faults.quotasForbidden = true
    gateway.outside(disks[0]?.id ?? '', { doneAt: 0 })
    await gateway.poll(1_000)
    expect(await shown()).toEqual(quotas)
    expect(await app.db.connection.findFirst()).toMatchObject({
      state: 'OK',
      syncedAt: new Date(cloud.now()),
    })
  })

  test('transitions have the time of the cloud, where it says one, beside that at which they were seen', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud } = gateway
    const disk = gateway.disk()
    cloud.copyMs = 120_000
    gateway.outside(disk.id)
    await gateway.poll(60_000)
    await gateway.poll(90_000)
    const TIMES = '{ snapshots { nodes { transitions { to at upstreamAt } } } }'
    const [snapshot] = (await app.graphql(TIMES)).data.snapshots.nodes
    const completed = name === 'cinder' ? '2026-11-26T00:02:00.000Z' : null
    expect(snapshot.transitions).toEqual([
      { to: 'CREATING', at: '2026-11-26T00:01:00.000Z', upstreamAt: '2026-11-26T00:00:00.000Z' },
      { to: 'COMPLETED', at: '2026-11-26T00:02:30.000Z', upstreamAt: completed },
    ])
  })

  test('a pass that finds no change writes nothing but its time', async () => {
    const written: string[] = []
    await using gateway = await startCloudGateway(
      name,
      {},
      {
        onStatement: (sql) => /^\s*(INSERT|UPDATE|DELETE)/i.test(sql) && written.push(sql),
      },
    )
    const disk = gateway.disk()
    for (let count = 0; count < 3; count++) gateway.outside(disk.id, { doneAt: 0 })
    await gateway.poll(1_000)
    written.length = 0
    const asked = gateway.cloud.calls.length
    await gateway.poll(1_000)
    expect(gateway.cloud.calls.length).toBeGreaterThan(asked)
    expect(written.filter((sql) => !sql.includes('"syncedAt"'))).toEqual([])
  })

  test('what was changed elsewhere is changed here, with its transition', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud, words } = gateway
    const disk = gateway.disk()
    const snapshot = gateway.outside(disk.id, { name: 'before', doneAt: 0 })
    await gateway.poll(1_000)
    snapshot.name = 'after'
    disk.status = words.inUse
    disk.sizeGiB = 40
    await gateway.poll(1_000)
    expect(await gateway.diskRow(disk.id)).toMatchObject({ status: 'IN_USE', sizeBytes: 40n * 2n ** 30n })
    expect(await gateway.snapshotRow(snapshot.id)).toMatchObject({ name: 'after', status: 'COMPLETED' })
    disk.status = 'what is this?'
    await gateway.poll(1_000)
    expect(await gateway.diskRow(disk.id)).toMatchObject({ status: 'UNKNOWN', rawStatus: 'what is this?' })

    const id = (await gateway.snapshotRow(snapshot.id))?.id ?? ''
    snapshot.deleted = true
    await gateway.poll(120_000)
    expect(await gateway.snapshotRow(snapshot.id)).toBeNull()
    cloud.disks.delete(disk.id)
    await gateway.poll(1_000)
    expect(await gateway.diskRow(disk.id)).toBeNull()
    const HISTORY = 'query ($id: ID!) { snapshotHistory(id: $id) { from to reason } }'
    expect((await app.graphql(HISTORY, { id })).data.snapshotHistory).toEqual([
      { from: null, to: 'COMPLETED', reason: null },
      { from: 'COMPLETED', to: 'DELETED', reason: 'Deleted outside of this gateway.' },
    ])
  })

  test('a list that lacks rows, or is empty, takes nothing away', async () => {
    await using gateway = await startCloudGateway(name)
    const { cloud } = gateway
    const disk = gateway.disk()
    const snapshots = [1, 2, 3].map(() => gateway.outside(disk.id, { doneAt: 0 }))
    await gateway.poll(1_000)
    cloud.faults.emptyLists = true
    await gateway.poll(120_000)
    await gateway.poll(120_000)
    expect(await gateway.diskRow(disk.id)).not.toBeNull()
    for (const { id } of snapshots) expect(await gateway.snapshotRow(id)).not.toBeNull()
  })

  test('snapshots whose disk is gone are shown without it, and keep the id that the cloud has for it', async () => {
    await using gateway = await startCloudGateway(name)
    const disk = gateway.disk()
    const snapshot = gateway.outside(disk.id, { doneAt: 0 })
    gateway.cloud.disks.delete(disk.id)
    await gateway.poll(1_000)
    expect(await gateway.snapshotRow(snapshot.id)).toMatchObject({ diskId: null, upstreamDiskId: disk.id })
  })

  test('lists are filtered by connection, provider and origin, and other accounts see none of it', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, connectionId } = gateway
    const here = await app.disk({ name: 'here' })
    await app.snapshot(here)
    const disk = gateway.disk({ name: 'there' })
    gateway.outside(disk.id, { name: 'there', doneAt: 0 })
    await gateway.poll(1_000)
    const FILTERED = `query ($disks: DiskFilter, $snapshots: SnapshotFilter) {
      disks(filter: $disks) { totalCount nodes { name } } snapshots(filter: $snapshots) { totalCount nodes { origin } }
    }`
    const ask = async (disks: object, snapshots: object, by = app.graphql) => {
      const { data } = await by(FILTERED, { disks, snapshots })
      expect([data.disks.totalCount, data.snapshots.totalCount]).toEqual([
        data.disks.nodes.length,
        data.snapshots.nodes.length,
      ])
      return [
        (data.disks.nodes as { name: string }[]).map((one) => one.name),
        (data.snapshots.nodes as { origin: string }[]).map((one) => one.origin),
      ]
    }
    const provider = { eq: name.toUpperCase() }
    const there = [['there'], ['OUTSIDE']]
    expect(await ask({ connectionId: { eq: connectionId } }, { connectionId: { eq: connectionId } })).toEqual(
      there,
    )
    expect(await ask({ provider }, { provider })).toEqual(there)
    expect(await ask({ provider: { eq: 'LOCAL' } }, { origin: { eq: 'GATEWAY' } })).toEqual([
      ['here'],
      ['GATEWAY'],
    ])
    expect(await ask({}, { origin: { in: ['OUTSIDE', 'UPSTREAM_POLICY'] } })).toEqual([
      ['here', 'there'],
      ['OUTSIDE'],
    ])
    const other = await app.token('ADMIN', 'other')
    expect(await ask({}, {}, other.graphql)).toEqual([[], []])
  })

  test('no query and no subscription asks the cloud for anything', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud } = gateway
    const disk = gateway.disk()
    gateway.outside(disk.id, { doneAt: 0 })
    await gateway.poll(1_000)
    const asked = cloud.calls.length
    await app.graphql(DISKS)
    await app.graphql(SNAPSHOTS)
    await app.graphql(
      '{ disks { nodes { snapshotEligibility { allowed } releaseEligibility { allowed } } } }',
    )
    const { data } = await app.graphql('{ disks { streamCursor } }')
    const watch = 'subscription ($after: String) { diskTransitions(after: $after) { from to } }'
    const events = app.sse(watch, { after: data.disks.streamCursor })
    const first = events.next()
    expect(cloud.calls.length).toBe(asked)
    disk.status = gateway.words.inUse
    await gateway.poll(1_000)
    expect(((await first).value as any).data.diskTransitions).toEqual({ from: 'UNMOUNTED', to: 'IN_USE' })
    await events.return(undefined)
  })

  test('deleting a connection takes its disks and snapshots out of the gateway, and changes nothing in the cloud', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, cloud, connectionId } = gateway
    const disk = gateway.disk()
    const snapshot = gateway.outside(disk.id, { doneAt: 0 })
    await gateway.poll(1_000)
    const asked = cloud.calls.length
    const DELETE = `mutation ($id: ID!) { deleteConnection(input: { connectionId: $id }) { __typename } }`
    await app.graphql(DELETE, { id: connectionId })
    expect([await app.db.disk.count(), await app.db.snapshot.count()]).toEqual([0, 0])
    await gateway.poll(1_000)
    expect(cloud.calls.length).toBe(asked)
    expect(snapshot.deleted).toBe(false)
  })

  test('what a connection had is taken out also when its deletion was cut off', async () => {
    await using gateway = await startCloudGateway(name)
    const { app, connectionId } = gateway
    const disk = gateway.disk()
    gateway.outside(disk.id, { doneAt: 0 })
    await gateway.poll(1_000)
    // As if the gateway had died right after the first transaction of the deletion.
    await app.db.connection.delete({ where: { id: connectionId } })
    await gateway.poll(1_000)
    expect([await app.db.disk.count(), await app.db.snapshot.count()]).toEqual([0, 0])
    const gone = {
      to: 'DELETED',
      reason: 'Its connection was deleted here. Nothing has changed in the cloud.',
    }
    const last = { orderBy: { position: 'desc' } } as const
    expect(await app.db.snapshotTransition.findFirst(last)).toMatchObject(gone)
    expect(await app.db.diskTransition.findFirst(last)).toMatchObject(gone)
  })

  test('what clouds do not offer here is refused by name', async () => {
    await using gateway = await startCloudGateway(name)
    const { app } = gateway
    const disk = gateway.disk()
    const snapshot = gateway.outside(disk.id, { doneAt: 0 })
    await gateway.poll(1_000)
    const [v, s] = [(await gateway.diskRow(disk.id))?.id, (await gateway.snapshotRow(snapshot.id))?.id]
    const not = '{ ... on OperationNotOffered { code provider } ... on UserError { code } }'
    const { data } = await app.graphql(`mutation {
      attach: attachDisk(input: { diskId: "${v}", instanceId: "i" }) ${not}
      detach: detachDisk(input: { diskId: "${v}" }) ${not}
      resize: resizeDisk(input: { diskId: "${v}", sizeGiB: 100 }) ${not}
      rollBack: rollBackDisk(input: { diskId: "${v}", snapshotId: "${s}" }) ${not}
      release: releaseDisk(input: { diskId: "${v}" }) ${not}
      rename: updateDisk(input: { diskId: "${v}", name: "other" }) ${not}
      verify: verifySnapshot(input: { snapshotId: "${s}" }) ${not}
      clone: createDisk(input: { snapshotId: "${s}", name: "clone" }) ${not}
    }`)
    for (const answer of Object.values(data))
      expect(answer).toEqual({ code: 'OPERATION_NOT_OFFERED', provider: name.toUpperCase() })
    expect(Object.keys(data)).toHaveLength(8)
  })
})
