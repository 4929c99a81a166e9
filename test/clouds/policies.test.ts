import { expect, test } from 'vitest'
import { startCloudGateway, type CloudGateway } from '../support/cloud-gateway.ts'

const POLICIES = `{ connections(first: 1) { nodes { upstreamPolicies {
  id name status timePoints repeatWeekdays retentionDays createdAt changedAt ranAt disks { totalCount nodes { name } }
} } } }`
const OF_DISKS = '{ disks { nodes { name autoSnapshotPolicy { id } upstreamPolicies { name } } } }'

const policiesOf = async ({ app }: CloudGateway) =>
  (await app.graphql(POLICIES)).data.connections.nodes[0].upstreamPolicies

interface Linked {
  name: string
  upstreamPolicies: { name: string }[]
}

/** The names of the policies of each disk. */
async function ofDisks({ app }: CloudGateway): Promise<Record<string, string[]>> {
  const { nodes } = (await app.graphql(OF_DISKS)).data.disks as { nodes: Linked[] }
  return Object.fromEntries(nodes.map((disk) => [disk.name, disk.upstreamPolicies.map(({ name }) => name)]))
}

/** A region with two policies: one disk is linked to both, one to the first, one to none. */
async function start() {
  const gateway = await startCloudGateway('baidu')
  const { cloud } = gateway
  const [both, one] = [gateway.disk({ name: 'both' }), gateway.disk({ name: 'one' })]
  gateway.disk({ name: 'none' })
  const nightly = cloud.policy('asp', {
    name: 'nightly',
    timePoints: [18, 2],
    diskIds: new Set([both.id, one.id]),
  })
  const weekly = cloud.policy('asp', {
    ...{ name: 'weekly', timePoints: [3], repeatWeekdays: [7], retentionDays: 30, status: 'paused' },
    diskIds: new Set([both.id]),
  })
  await gateway.poll(1_000)
  return Object.assign(gateway, { both, one, nightly, weekly })
}

test('the policies of the cloud are shown with their connection, as the cloud says them, with the disks that it links', async () => {
  await using gateway = await start()
  const { nightly, weekly } = gateway
  const at = '2026-11-26T00:00:00.000Z'
  const times = { createdAt: at, changedAt: at, ranAt: null }
  expect(await policiesOf(gateway)).toEqual([
    {
      ...{ id: nightly.id, name: 'nightly', status: 'active', timePoints: [2, 18], retentionDays: null },
      ...{ repeatWeekdays: [0, 1, 2, 3, 4, 5, 6], ...times },
      disks: { totalCount: 2, nodes: [{ name: 'both' }, { name: 'one' }] },
    },
    {
      ...{ id: weekly.id, name: 'weekly', status: 'paused', timePoints: [3], retentionDays: 30 },
      ...{ repeatWeekdays: [7], ...times },
      disks: { totalCount: 1, nodes: [{ name: 'both' }] },
    },
  ])
  expect(await ofDisks(gateway)).toEqual({ both: ['nightly', 'weekly'], none: [], one: ['nightly'] })
  expect((await gateway.app.graphql('{ autoSnapshotPolicies { totalCount } }')).data).toEqual({
    autoSnapshotPolicies: { totalCount: 0 },
  })
})

test('policies that are changed, linked, unlinked and deleted in the cloud follow it, and stay while they cannot be read', async () => {
  await using gateway = await start()
  const { cloud, nightly, weekly, one } = gateway
  nightly.name = 'each night'
  nightly.diskIds.delete(one.id)
  weekly.diskIds.add(one.id)
  await gateway.poll(1_000)
  expect(await ofDisks(gateway)).toEqual({ both: ['each night', 'weekly'], none: [], one: ['weekly'] })
  cloud.faults.quotasForbidden = true
  await gateway.poll(1_000)
  expect(await policiesOf(gateway)).toMatchObject([{ name: 'each night' }, { name: 'weekly' }])
  expect(await gateway.app.db.connection.findFirst()).toMatchObject({ state: 'OK' })
  cloud.faults.quotasForbidden = false
  cloud.policies.clear()
  await gateway.poll(1_000)
  expect(await policiesOf(gateway)).toEqual([])
  expect(await ofDisks(gateway)).toEqual({ both: [], none: [], one: [] })
})

test('a policy of the cloud is run by the cloud alone, and its snapshots say so', async () => {
  await using gateway = await start()
  const { app, cloud, nightly, both } = gateway
  const asked = cloud.calls.length
  cloud.advance(2 * 3_600_000)
  cloud.run(nightly)
  await app.scheduler.tick()
  await gateway.poll(60_000)
  await app.scheduler.tick()
  expect(cloud.calls.slice(asked).filter((call) => !call.startsWith('GET'))).toEqual([])
  expect(await app.db.autoSnapshotRun.count()).toBe(0)
  expect(cloud.snapshotsOf(both.id)).toHaveLength(1)
  const SNAPSHOTS = '{ snapshots { nodes { origin type disk { name } } } }'
  expect((await app.graphql(SNAPSHOTS)).data.snapshots.nodes).toEqual(
    expect.arrayContaining([
      { origin: 'UPSTREAM_POLICY', type: 'AUTOMATIC', disk: { name: 'both' } },
      { origin: 'UPSTREAM_POLICY', type: 'AUTOMATIC', disk: { name: 'one' } },
    ]),
  )
  expect(await policiesOf(gateway)).toMatchObject([{ ranAt: '2026-11-26T02:00:01.000Z' }, { ranAt: null }])
})

test('a pass in which no policy has changed writes nothing but its time', async () => {
  const written: string[] = []
  await using gateway = await startCloudGateway(
    'baidu',
    {},
    { onStatement: (sql) => /^\s*(INSERT|UPDATE|DELETE)/i.test(sql) && written.push(sql) },
  )
  const disk = gateway.disk()
  gateway.cloud.policy('asp', { diskIds: new Set([disk.id]) })
  await gateway.poll(1_000)
  written.length = 0
  await gateway.poll(1_000)
  expect(written.filter((sql) => !sql.includes('"syncedAt"'))).toEqual([])
})

test('a cloud without policies is asked for none', async () => {
  await using gateway = await startCloudGateway('cinder')
  gateway.disk({ name: 'data' })
  await gateway.poll(1_000)
  expect(await policiesOf(gateway)).toEqual([])
  expect(await ofDisks(gateway)).toEqual({ data: [] })
})
