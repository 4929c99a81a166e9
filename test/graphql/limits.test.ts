import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { EVERY_NIGHT, policyOf } from '../support/policies.ts'
import { completed, mutate } from '../support/snapshots.ts'

const GIB = 1024n ** 3n

test('what limits says of retention holds for snapshots and policies alike, and what a policy gave is accepted again', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ attachedTo: 'i-1' })
  const { data } = await app.graphql('{ limits { retentionDays { min max } } }')
  const { min, max } = data.limits.retentionDays as { min: number; max: number }
  expect([min, max]).toEqual([1, 65_536])

  const policyId = await policyOf(app, { ...EVERY_NIGHT, retentionDays: max }, disk)
  const snapshotId = await completed(app, disk, { retentionDays: max })
  for (const retentionDays of [min, max]) {
    const input = { snapshotId, retentionDays }
    expect(await mutate(app, 'updateSnapshot', input, 'snapshot { retentionDays }')).toMatchObject({
      snapshot: { retentionDays },
    })
    const policy = { policyId, retentionDays }
    expect(await mutate(app, 'updateAutoSnapshotPolicy', policy, 'policy { retentionDays }')).toMatchObject({
      policy: { retentionDays },
    })
  }
  for (const retentionDays of [min - 1, max + 1]) {
    const { errors } = await app.graphql(
      'mutation ($input: UpdateSnapshotInput!) { updateSnapshot(input: $input) { __typename } }',
      { input: { snapshotId, retentionDays } },
    )
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
    const refused = await app.graphql(
      'mutation ($input: UpdateAutoSnapshotPolicyInput!) { updateAutoSnapshotPolicy(input: $input) { ... on InvalidPolicy { brokenRules } } }',
      { input: { policyId, retentionDays } },
    )
    expect(refused.data.updateAutoSnapshotPolicy).toEqual({ brokenRules: ['RETENTION_DAYS'] })
  }
})

test.each([
  ['64 MiB', 64n * 1024n ** 2n, 5],
  ['5 GiB', 5n * GIB, 5],
  ['5 GiB and a byte', 5n * GIB + 1n, 6],
])(
  'a snapshot of %s says which sizes createDisk accepts, and both bounds are accepted',
  async (_name, sizeBytes, min) => {
    await using app = await startTestApp()
    const disk = await app.disk()
    await app.heldSnapshots({ ...disk, sizeBytes }, 1)
    const { data } = await app.graphql('{ snapshots { nodes { id createDiskSizeGiB { min max } } } }')
    const [snapshot] = data.snapshots.nodes
    expect(snapshot.createDiskSizeGiB).toEqual({ min, max: 32_765 })

    const create = (sizeGiB: number) =>
      mutate(app, 'createDisk', { name: 'made', snapshotId: snapshot.id, sizeGiB }, 'disk { sizeGiB }')
    for (const sizeGiB of [min, 32_765]) expect(await create(sizeGiB)).toMatchObject({ disk: { sizeGiB } })
    for (const sizeGiB of [min - 1, 32_766]) {
      expect(await create(sizeGiB)).toMatchObject({ sizeGiB, minGiB: min, maxGiB: 32_765 })
    }
  },
)

test('every time zone that limits lists is accepted, other names of zones too, and others are known beforehand', async () => {
  await using app = await startTestApp()
  const query = 'query ($name: String!) { limits { timeZones acceptsTimeZone(name: $name) } }'
  const { data } = await app.graphql(query, { name: 'UTC' })
  const zones = data.limits.timeZones as string[]
  expect(zones).toEqual(zones.toSorted())
  expect(zones).toEqual(expect.arrayContaining(['UTC', 'Asia/Shanghai', 'Europe/Berlin']))
  expect(zones).not.toContain('Etc/Unknown')
  expect(zones.length).toBeGreaterThan(300)

  for (const [name, accepted] of [
    [zones.at(-1) ?? '', true],
    ['Asia/Kolkata', true],
    ['Asia/Calcutta', true],
    ['Etc/Unknown', false],
    ['+08:00', false],
    ['', false],
    ['Nowhere/City', false],
  ] as const) {
    const said = await app.graphql(query, { name })
    expect([name, said.data.limits.acceptsTimeZone]).toEqual([name, accepted])
    const { data } = await app.graphql(
      'mutation ($input: CreateAutoSnapshotPolicyInput!) { createAutoSnapshotPolicy(input: $input) { __typename } }',
      { input: { ...EVERY_NIGHT, timeZone: name } },
    )
    const made = data.createAutoSnapshotPolicy.__typename === 'CreateAutoSnapshotPolicyPayload'
    expect([name, made]).toEqual([name, accepted])
  }
})

test('what limits says of batches and pages is accepted, and one more is not', async () => {
  await using app = await startTestApp()
  const { data } = await app.graphql('{ limits { snapshotsPerRequest pageSize } }')
  const { snapshotsPerRequest, pageSize } = data.limits as Record<string, number>
  const ids = (count = 0) => Array.from({ length: count }, (_, at) => `s-${String(at).padStart(8, '0')}`)
  const codes = async (query: string, variables: object) =>
    (await app.graphql(query, { ...variables })).errors?.map(({ extensions }) => extensions.code)
  const remove =
    'mutation ($ids: [ID!]!) { deleteSnapshots(input: { snapshotIds: $ids }) { ... on DeleteSnapshotsPayload { items { refusal { code } } } } }'
  expect(await codes(remove, { ids: ids(snapshotsPerRequest) })).toBeUndefined()
  expect(await codes(remove, { ids: ids((snapshotsPerRequest ?? 0) + 1) })).toEqual(['BAD_USER_INPUT'])
  const page = 'query ($first: Int) { snapshots(first: $first) { totalCount } }'
  expect(await codes(page, { first: pageSize })).toBeUndefined()
  expect(await codes(page, { first: (pageSize ?? 0) + 1 })).toEqual(['BAD_USER_INPUT'])
})

test('what limits says of connections holds: the longest region, and how many there can be', async () => {
  await using app = await startTestApp({ CREDENTIALS_KEY: Buffer.alloc(32, 1).toString('base64') })
  const { data } = await app.graphql('{ limits { connections regionLength } }')
  const { connections, regionLength } = data.limits as { connections: number; regionLength: number }
  const credentials = { baiduKey: { accessKeyId: 'a', secretAccessKey: 'b' } }
  const create = async (region: string) => {
    const { data: answer, errors } = await app.graphql(
      `mutation ($input: CreateConnectionInput!) {
        createConnection(input: $input) { __typename ... on ConnectionLimitExceeded { limit } }
      }`,
      { input: { name: 'production', provider: 'BAIDU', region, credentials } },
    )
    return errors?.[0]?.extensions.code ?? answer?.createConnection
  }
  for (let made = 0; made < connections; made++)
    expect(await create('r'.repeat(regionLength))).toEqual({ __typename: 'CreateConnectionPayload' })
  expect(await create('r')).toEqual({ __typename: 'ConnectionLimitExceeded', limit: connections })
  expect(await create('r'.repeat(regionLength + 1))).toBe('BAD_USER_INPUT')
})
