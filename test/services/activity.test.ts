import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ACTIVITY_ACTIONS } from '../../src/domain/activity.ts'
import { schema } from '../../src/graphql/schema.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { postGraphql } from '../support/clients.ts'
import { startIssuer } from '../support/issuer.ts'
import { EVERY_NIGHT } from '../support/policies.ts'

type Client = Pick<TestApp, 'graphql'>

const ACTIVITY = `query ($filter: ActivityFilter, $first: Int, $after: String) {
  activity(filter: $filter, first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      operation { kind } at action result reason endedAt subjectId subjectName diskId snapshotId
      actor { kind actorId name requestId } clientAddress
    }
  }
}`

interface Entry {
  action: string
  result: string
  reason: string | null
  endedAt: string | null
  subjectId: string
  subjectName: string | null
  diskId: string | null
  snapshotId: string | null
  actor: { kind: string; actorId: string | null; name: string | null; requestId: string | null }
  clientAddress: string | null
}

interface Page {
  totalCount: number
  pageInfo: { hasNextPage: boolean; endCursor: string }
  nodes: Entry[]
}

async function activityOf({ graphql }: Client, variables: object = {}): Promise<Page> {
  const { data, errors } = await graphql(ACTIVITY, { ...variables })
  expect(errors).toBeUndefined()
  return (data as { activity: Page }).activity
}

const actionsOf = ({ nodes }: Page) => nodes.map(({ action, result }) => `${action} ${result}`)

async function call({ graphql }: Client, mutation: string, input: object): Promise<void> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input!`
  const answer = await graphql(`mutation ($input: ${type}) { ${mutation}(input: $input) { __typename } }`, {
    input,
  })
  expect(JSON.stringify(answer)).toContain('Payload')
}

test('a snapshot is recorded with its API token, request and client address, while it is made and when that has ended', async () => {
  await using app = await startTestApp()
  const token = await app.token('OPERATOR')
  const disk = await app.disk({ name: 'data-1' })
  const id = await token.snapshot(disk, { name: 'nightly' })
  const filter = { snapshotId: { eq: id } }
  const begun = {
    action: 'CREATE_SNAPSHOT',
    result: 'IN_PROGRESS',
    reason: null,
    at: expect.any(String) as string,
    endedAt: null,
    operation: { kind: 'COPY_SNAPSHOT' } as object | null,
    subjectId: id,
    subjectName: 'nightly',
    diskId: disk.id,
    snapshotId: id,
    actor: { kind: 'API_TOKEN', actorId: token.id, name: 'test', requestId: expect.any(String) as string },
    clientAddress: '127.0.0.1',
  }
  expect((await activityOf(token, { filter })).nodes).toEqual([begun])
  await app.runner.tick()
  expect((await activityOf(token, { filter })).nodes).toEqual([
    { ...begun, operation: null, result: 'SUCCEEDED', endedAt: expect.any(String) as string },
  ])
})

test('every transition of a snapshot and its disk names the token that asked for it, also those that the job makes', async () => {
  await using app = await startTestApp()
  const token = await app.token('OPERATOR')
  const disk = await app.disk()
  const snapshotId = await token.snapshot(disk)
  await app.runner.tick()
  const query = `query ($id: ID!) { disk(id: $id) { history(last: 10) { nodes {
    ... on SnapshotTransition { snapshotId to actor { kind actorId } }
    ... on DiskTransition { diskTo: to actor { kind actorId } } } } } }`
  const { data } = await token.graphql(query, { id: disk.id })
  const actor = { kind: 'API_TOKEN', actorId: token.id }
  const { nodes } = (data as { disk: { history: { nodes: object[] } } }).disk.history
  expect(nodes.toReversed().slice(1)).toEqual(
    [
      { diskTo: 'SNAPSHOTTING', actor },
      { snapshotId, to: 'CREATING', actor },
      { diskTo: 'UNMOUNTED', actor },
      { snapshotId, to: 'COMPLETED', actor },
    ].sort((a, b) => order(a) - order(b)),
  )
  // The registration, which no client asked for.
  expect(nodes.at(-1)).toEqual({ diskTo: 'UNMOUNTED', actor: null })
  function order(one: object) {
    return nodes.toReversed().findIndex((node) => JSON.stringify(node) === JSON.stringify(one))
  }
})

test('a failed operation is recorded with its reason, and a cancelled one as cancelled', async () => {
  await using app = await startTestApp()
  const token = await app.token('ADMIN')
  const disk = await app.disk()
  const id = await token.snapshot(disk)
  await app.runner.tick()
  await writeFile(join(app.config.snapshotsDir, id, 'image'), 'damaged')
  await call(token, 'rollBackDisk', { diskId: disk.id, snapshotId: id })
  await app.runner.tick()
  const cancelled = await token.snapshot(disk)
  await call(token, 'cancelOperation', { id: cancelled })
  await app.runner.tick()
  const { reason } = await app.db.diskTransition.findFirstOrThrow({ where: { from: 'ROLLING_BACK' } })
  const { nodes } = await activityOf(token, { filter: { diskId: { eq: disk.id } } })
  expect(nodes.map(({ action, result, reason: why }) => [action, result, why])).toEqual([
    ['CANCEL_OPERATION', 'SUCCEEDED', null],
    ['CREATE_SNAPSHOT', 'CANCELLED', 'Cancelled on request.'],
    ['ROLL_BACK_DISK', 'FAILED', reason],
    ['CREATE_SNAPSHOT', 'SUCCEEDED', null],
    ['REGISTER_DISK', 'SUCCEEDED', null],
  ])
})

test('a policy and a retention are the actors of what they cause, from no address', async () => {
  const clock = { now: new Date('2026-11-01T00:00:00Z') }
  await using app = await startTestApp({}, { now: () => clock.now })
  const disk = await app.disk({ attachedTo: 'i-1' })
  const policy = await app.policies.create(app.viewer, { ...EVERY_NIGHT, retentionDays: 1, name: 'nightly' })
  await app.policies.link(app.viewer, policy.id, [disk.id])
  clock.now = new Date('2026-11-01T02:00:01Z')
  await app.scheduler.tick()
  await app.runner.tick()
  await app.policies.unlink(app.viewer, policy.id, [disk.id])
  clock.now = new Date('2026-11-01T20:00:00Z')
  await app.housekeeping.tick()
  clock.now = new Date('2026-11-02T12:00:00Z')
  await app.housekeeping.tick()
  await app.runner.tick()
  const nobody = { name: null, requestId: null }
  const { nodes } = await activityOf(app, {
    filter: { action: { in: ['CREATE_SNAPSHOT', 'DELETE_SNAPSHOT'] } },
  })
  expect(nodes.map(({ clientAddress }) => clientAddress)).toEqual([null, null])
  expect(nodes.map(({ action, result, actor }) => ({ action, result, actor }))).toEqual([
    {
      action: 'DELETE_SNAPSHOT',
      result: 'SUCCEEDED',
      actor: { ...nobody, kind: 'RETENTION', actorId: null },
    },
    {
      action: 'CREATE_SNAPSHOT',
      result: 'SUCCEEDED',
      actor: { kind: 'POLICY', actorId: policy.id, name: 'nightly', requestId: null },
    },
  ])
  expect(actionsOf(await activityOf(app, { filter: { actorId: { eq: policy.id } } }))).toEqual([
    'CREATE_SNAPSHOT SUCCEEDED',
  ])
})

test('every kind of change is recorded, and a refused one is not', async () => {
  await using app = await startTestApp({ CREDENTIALS_KEY: Buffer.alloc(32).toString('base64') })
  const token = await app.token('ADMIN')
  const disk = await app.disk({ name: 'data-1' })
  const snapshotId = await token.snapshot(disk)
  await app.runner.tick()
  const done = async (mutation: string, input: object) => {
    await call(token, mutation, input)
    await app.runner.tick()
  }
  await done('updateSnapshot', { snapshotId, name: 'renamed' })
  await done('verifySnapshot', { snapshotId })
  await done('updateDisk', { diskId: disk.id, name: 'data-2' })
  await done('attachDisk', { diskId: disk.id, instanceId: 'i-1' })
  const policy = { name: 'p', timePoints: [2], repeatWeekdays: [1], retentionDays: 7, timeZone: 'UTC' }
  await done('createAutoSnapshotPolicy', policy)
  const { id: policyId } = await app.db.autoSnapshotPolicy.findFirstOrThrow()
  await done('updateAutoSnapshotPolicy', { policyId, name: 'q' })
  await done('linkAutoSnapshotPolicy', { policyId, diskIds: [disk.id] })
  await done('linkAutoSnapshotPolicy', { policyId, diskIds: [disk.id] })
  await done('unlinkAutoSnapshotPolicy', { policyId, diskIds: [disk.id] })
  await done('deleteAutoSnapshotPolicy', { policyId })
  await done('detachDisk', { diskId: disk.id })
  await done('resizeDisk', { diskId: disk.id, sizeGiB: 50 })
  await done('rollBackDisk', { diskId: disk.id, snapshotId })
  await done('createDisk', { snapshotId, name: 'clone' })
  await done('createApiToken', { name: 'ci', role: 'VIEWER' })
  const { id: tokenId } = await app.db.apiToken.findFirstOrThrow({ where: { name: 'ci' } })
  await done('revokeApiToken', { id: tokenId })
  await done('revokeApiToken', { id: tokenId })
  const baiduKey = { accessKeyId: 'a'.repeat(32), secretAccessKey: 'b'.repeat(32) }
  await done('createConnection', { name: 'c', provider: 'BAIDU', region: 'bj', credentials: { baiduKey } })
  const { id: connectionId } = await app.db.connection.findFirstOrThrow()
  await done('updateConnection', { connectionId, name: 'd' })
  await done('deleteConnection', { connectionId })
  await done('deleteSnapshot', { snapshotId })
  await done('releaseDisk', { diskId: disk.id })
  const refused = await token.graphql(
    'mutation ($input: ReleaseDiskInput!) { releaseDisk(input: $input) { __typename } }',
    { input: { diskId: disk.id } },
  )
  expect(JSON.stringify(refused)).toContain('DiskNotFound')
  expect(actionsOf(await activityOf(token, { first: 50 })).toReversed()).toEqual(
    [
      'CREATE_API_TOKEN',
      'REGISTER_DISK',
      'CREATE_SNAPSHOT',
      'UPDATE_SNAPSHOT',
      'VERIFY_SNAPSHOT',
      'UPDATE_DISK',
      'ATTACH_DISK',
      'CREATE_AUTO_SNAPSHOT_POLICY',
      'UPDATE_AUTO_SNAPSHOT_POLICY',
      'LINK_AUTO_SNAPSHOT_POLICY',
      'UNLINK_AUTO_SNAPSHOT_POLICY',
      'DELETE_AUTO_SNAPSHOT_POLICY',
      'DETACH_DISK',
      'RESIZE_DISK',
      'ROLL_BACK_DISK',
      'CREATE_DISK',
      'CREATE_API_TOKEN',
      'REVOKE_API_TOKEN',
      'CREATE_CONNECTION',
      'UPDATE_CONNECTION',
      'DELETE_CONNECTION',
      'DELETE_SNAPSHOT',
      'RELEASE_DISK',
    ].map((action) => `${action} SUCCEEDED`),
  )
})

test('activity is read page by page, newest first, by any filter, and never that of another account', async () => {
  await using app = await startTestApp()
  const [own, other] = [await app.token('ADMIN', 'acme'), await app.token('ADMIN', 'rival')]
  const disks = [
    await app.disk({ name: 'a', accountId: own.accountId }),
    await app.disk({ name: 'b', accountId: own.accountId }),
  ]
  for (const { id, name } of disks) await call(own, 'updateDisk', { diskId: id, name: `${name}2` })
  const first = await activityOf(own, { first: 2 })
  expect([first.totalCount, first.pageInfo.hasNextPage]).toEqual([5, true])
  expect(first.nodes.map(({ subjectName }) => subjectName)).toEqual(['b', 'a'])
  const rest = await activityOf(own, { after: first.pageInfo.endCursor })
  expect(rest.nodes.map(({ subjectName }) => subjectName)).toEqual(['b', 'a', 'test'])
  const found = async (filter: object) => (await activityOf(own, { filter })).totalCount
  expect(await found({ diskId: { eq: disks[0]?.id } })).toBe(2)
  expect(await found({ actorId: { eq: own.id } })).toBe(2)
  expect(await found({ actorKind: { eq: 'API_TOKEN' }, action: { eq: 'UPDATE_DISK' } })).toBe(2)
  expect(await found({ result: { eq: 'FAILED' } })).toBe(0)
  expect(await found({ at: { gte: '2000-01-01T00:00:00Z', lt: '2001-01-01T00:00:00Z' } })).toBe(0)
  expect(actionsOf(await activityOf(other))).toEqual(['CREATE_API_TOKEN SUCCEEDED'])
  expect(actionsOf(await activityOf(other, { filter: { diskId: { eq: disks[0]?.id } } }))).toEqual([])
})

test('activity is kept for ACTIVITY_RETENTION_DAYS, and while its operation is in progress', async () => {
  const clock = { now: new Date('2026-11-01T00:00:00Z') }
  await using app = await startTestApp({ ACTIVITY_RETENTION_DAYS: '2' }, { now: () => clock.now })
  const disk = await app.disk()
  await app.snapshot(disk)
  for (const hours of [20, 40, 49]) {
    clock.now = new Date(Date.UTC(2026, 10, 1, hours))
    await app.housekeeping.tick()
  }
  expect(actionsOf(await activityOf(app))).toEqual(['CREATE_SNAPSHOT IN_PROGRESS'])
  await app.runner.tick()
  await app.housekeeping.tick()
  expect(actionsOf(await activityOf(app))).toEqual([])
})

test('every mutation has an action, except those that only ask a cloud', () => {
  const actions = Object.keys(schema.getMutationType()?.getFields() ?? {}).map((name) =>
    name
      .replace(/Snapshots$/, 'Snapshot')
      .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
      .toUpperCase(),
  )
  expect(new Set(actions)).toEqual(
    new Set([...Object.keys(ACTIVITY_ACTIONS), 'REFRESH_CONNECTION', 'TEST_CONNECTION']),
  )
})

test('the sub of a JWT is its actor', async () => {
  await using issuer = await startIssuer()
  await using app = await startTestApp(issuer.environment)
  await issuer.addKey('key-1')
  const jwt = await issuer.sign('key-1', { sub: 'ada@example.com', role: 'admin' })
  const client = app.client(`Bearer ${jwt}`)
  await call(client, 'createApiToken', { name: 'ci', role: 'VIEWER' })
  const { nodes } = await activityOf(client)
  expect(
    nodes.map(({ action, actor: { kind, actorId, name } }) => ({ action, kind, actorId, name })),
  ).toEqual([{ action: 'CREATE_API_TOKEN', kind: 'JWT', actorId: 'ada@example.com', name: null }])
})

test('the client address is recorded on a WebSocket as over HTTP, and no header decides it', async () => {
  await using app = await startTestApp()
  const token = await app.token('ADMIN')
  const document = `mutation ($name: String!) {
    createApiToken(input: { name: $name, role: VIEWER }) { __typename } }`
  await using webSocket = token.webSocket()
  await Array.fromAsync(webSocket.iterate({ query: document, variables: { name: 'by-socket' } }))
  const headers = { authorization: `Bearer ${token.token}`, 'x-forwarded-for': '192.0.2.7' }
  await postGraphql(app.endpoint, document, { name: 'by-proxy' }, headers)
  const { nodes } = await activityOf(token)
  expect(nodes.map(({ subjectName, clientAddress }) => [subjectName, clientAddress])).toEqual([
    ['by-proxy', '127.0.0.1'],
    ['by-socket', '127.0.0.1'],
    ['test', null],
  ])
})
