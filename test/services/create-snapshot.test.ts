import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { runnerOf } from '../support/runner.ts'

const CREATE = /* GraphQL */ `
  mutation ($input: CreateSnapshotInput!) {
    createSnapshot(input: $input) {
      __typename
      ... on CreateSnapshotPayload {
        snapshot {
          id
          name
          status
          consistency
        }
        warnings {
          code
        }
      }
      ... on UserError {
        code
        message
      }
      ... on DiskStatusForbidsSnapshot {
        kind
        actual
        allowed
      }
      ... on SnapshotQuotaExceeded {
        type
        used
        limit
      }
    }
  }
`

/** The member of the result union that one call answered; top-level errors where there are any. */
async function create(app: TestApp, input: Record<string, unknown>): Promise<any> {
  const { data, errors } = await app.graphql(CREATE, { input })
  return errors ?? data.createSnapshot
}

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

const accepted = (name: string, consistency = 'CLEAN') => ({
  __typename: 'CreateSnapshotPayload',
  snapshot: { id: expect.stringMatching(/^s-/), name, status: 'CREATING', consistency },
  warnings: consistency === 'CLEAN' ? [] : [{ code: 'DISK_IN_USE' }],
})

const SNAPSHOT_UNDER_WAY = {
  __typename: 'DiskStatusForbidsSnapshot',
  code: 'DISK_STATUS_FORBIDS_SNAPSHOT',
  message: 'A snapshot of this disk is already being created. Wait until it ends.',
  kind: 'DATA',
  actual: 'SNAPSHOTTING',
  allowed: ['IN_USE', 'UNMOUNTED'],
}

const quotaExceeded = (used: number, limit: number) => ({
  __typename: 'SnapshotQuotaExceeded',
  code: 'SNAPSHOT_QUOTA_EXCEEDED',
  message: `The disk holds ${used} of ${limit} MANUAL snapshots. Delete one first.`,
  type: 'MANUAL',
  used,
  limit,
})

async function diskNow(app: TestApp, id: string): Promise<any> {
  const query = `query ($id: ID!) { disk(id: $id) { status snapshotQuota { manual { used limit remaining } automatic { used } } } }`
  return (await app.graphql(query, { id })).data.disk
}

test('of 600 calls at once for one disk one is accepted, and each of the others is told that a snapshot is in progress', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()

  const answers = await Promise.all(times(600, (i) => create(app, { diskId: disk.id, name: `call-${i}` })))

  const isAccepted = (answer: any) => answer.__typename === 'CreateSnapshotPayload'
  expect(answers.filter(isAccepted)).toEqual([accepted(answers.find(isAccepted).snapshot.name)])
  expect(answers.filter((answer) => !isAccepted(answer))).toEqual(times(599, () => SNAPSHOT_UNDER_WAY))
  expect(await app.db.snapshot.count()).toBe(1)
  await app.runner.tick()
  expect(await diskNow(app, disk.id)).toEqual({
    status: 'UNMOUNTED',
    snapshotQuota: { manual: { used: 1, limit: 256, remaining: 255 }, automatic: { used: 0 } },
  })
})

test('of 600 calls at once for a disk with room for one, never more than one is accepted, while copies end in between', async () => {
  await using app = await startTestApp({}, { background: true })
  const disk = await app.disk()
  await app.heldSnapshots(disk, 255)

  const answers = await Promise.all(times(600, (i) => create(app, { diskId: disk.id, name: `call-${i}` })))

  const counts = Object.groupBy(answers, (answer) => answer.code ?? answer.__typename)
  expect(counts['CreateSnapshotPayload']).toHaveLength(1)
  // How many come while the copy is in progress, and how many after it, is a matter of time.
  expect(['CreateSnapshotPayload', 'DISK_STATUS_FORBIDS_SNAPSHOT', 'SNAPSHOT_QUOTA_EXCEEDED']).toEqual(
    expect.arrayContaining(Object.keys(counts)),
  )
  await expect.poll(async () => (await diskNow(app, disk.id)).status).toBe('UNMOUNTED')
  expect(await create(app, { diskId: disk.id, name: 'afterwards' })).toEqual(quotaExceeded(256, 256))
  expect(await app.db.snapshot.count({ where: { diskId: disk.id } })).toBe(256)
})

test('calls at once for 50 disks are all accepted, and the log tells the life of each snapshot in order', async () => {
  await using app = await startTestApp()
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }))
  const disks = []
  for (let i = 0; i < 50; i++) disks.push(await app.disk({ sizeMiB: 1 }))

  const answers = await Promise.all(disks.map(({ id, name }) => create(app, { diskId: id, name })))

  expect(answers).toEqual(disks.map(({ name }) => accepted(name)))
  await runner.tick()
  const query = `{ snapshots(first: 50) { nodes { disk { status } transitions { sequence from to } } } }`
  const nodes = (await app.graphql(query)).data.snapshots.nodes as { transitions: { sequence: number }[] }[]
  expect(nodes).toEqual(
    times(50, () => ({
      disk: { status: 'UNMOUNTED' },
      transitions: [
        { sequence: expect.any(Number), from: null, to: 'CREATING' },
        { sequence: expect.any(Number), from: 'CREATING', to: 'COMPLETED' },
      ],
    })),
  )
  const lives = nodes.map(({ transitions }) => transitions.map(({ sequence }) => sequence))
  expect(lives).toEqual(lives.map((life) => life.toSorted((a, b) => a - b)))
  expect(lives.flat().toSorted((a, b) => a - b)).toEqual(times(100, (i) => i + 1))
})

test('the 256th manual snapshot of a disk is accepted and the 257th refused', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.heldSnapshots(disk, 255)

  expect(await create(app, { diskId: disk.id, name: 'the-256th' })).toEqual(accepted('the-256th'))
  await app.runner.tick()
  expect(await create(app, { diskId: disk.id, name: 'the-257th' })).toEqual(quotaExceeded(256, 256))
})

test('a full disk that is not fit either is told about its status first', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ status: 'SNAPSHOTTING' })
  await app.heldSnapshots(disk, 256)

  expect(await create(app, { diskId: disk.id, name: 'one-more' })).toEqual(SNAPSHOT_UNDER_WAY)
})

test('a snapshot that FAILED leaves its place in the quota free', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.heldSnapshots(disk, 256)
  expect(await create(app, { diskId: disk.id, name: 'too-many' })).toEqual(quotaExceeded(256, 256))

  const one = await app.db.snapshot.findFirstOrThrow()
  await app.db.snapshot.update({ where: { id: one.id }, data: { status: 'FAILED' } })

  expect(await create(app, { diskId: disk.id, name: 'in-its-place' })).toEqual(accepted('in-its-place'))
})

test('automatic snapshots do not count against the manual quota', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.heldSnapshots(disk, 256, 'AUTOMATIC')

  expect(await create(app, { diskId: disk.id, name: 'by-hand' })).toEqual(accepted('by-hand'))
  expect((await diskNow(app, disk.id)).snapshotQuota).toEqual({
    manual: { used: 1, limit: 256, remaining: 255 },
    automatic: { used: 256 },
  })
})

test('the quota of each disk is its own', async () => {
  await using app = await startTestApp()
  const [full, empty] = [await app.disk(), await app.disk()]
  await app.heldSnapshots(full, 256)

  expect(await create(app, { diskId: empty.id, name: 'elsewhere' })).toEqual(accepted('elsewhere'))
})

test('SNAPSHOT_QUOTA_MANUAL sets the quota', async () => {
  await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '1' })
  const disk = await app.disk()

  expect(await create(app, { diskId: disk.id, name: 'first' })).toEqual(accepted('first'))
  await app.runner.tick()
  expect(await create(app, { diskId: disk.id, name: 'second' })).toEqual(quotaExceeded(1, 1))
})

test('100 calls at once with one client token make one snapshot, and all are answered with it', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const input = { diskId: disk.id, name: 'once', clientToken: 'token-1' }

  const answers = await Promise.all(times(100, () => create(app, input)))

  expect(answers[0]).toEqual(accepted('once'))
  expect(answers).toEqual(times(100, () => answers[0]))
  expect(await app.db.snapshotTransition.count()).toBe(1)
  expect((await diskNow(app, disk.id)).snapshotQuota.manual).toEqual({ used: 1, limit: 256, remaining: 255 })
})

test('a call repeated with its client token gives the same snapshot, also when that has completed and the disk is unfit', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const input = { diskId: disk.id, name: 'once', clientToken: 'token-1' }
  const first = await create(app, input)
  await app.runner.tick()
  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'SCALING' } })

  expect(await create(app, input)).toEqual({ ...first, snapshot: { ...first.snapshot, status: 'COMPLETED' } })
  expect(await app.db.snapshot.count()).toBe(1)
})

test.each([
  ['name', { name: 'other' }],
  ['description', { description: 'other' }],
  ['tags', { tags: [{ key: 'env', value: 'other' }] }],
  ['retentionDays', { retentionDays: 8 }],
  ['diskId', { diskId: 'v-otherdisk' }],
])('a client token with another %s is refused', async (_field, other) => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const tags = [{ key: 'env', value: 'test' }]
  const input = {
    diskId: disk.id,
    name: 'once',
    description: 'a',
    tags,
    retentionDays: 7,
    clientToken: 'token-1',
  }
  await create(app, input)

  expect(await create(app, { ...input, ...other })).toEqual({
    __typename: 'ClientTokenReused',
    code: 'CLIENT_TOKEN_REUSED',
    message:
      'This client token was already used with different input. Use a new token, or repeat the original call.',
  })
})

test('a client token tells what its call created and that it no longer exists, until it is forgotten after 24 hours', async () => {
  let now = new Date('2026-03-01T12:00:00Z')
  await using app = await startTestApp({}, { now: () => now })
  const disk = await app.disk()
  const input = { diskId: disk.id, name: 'once', clientToken: 'token-1' }
  const again = async () =>
    (
      await app.graphql(
        `mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) {
          __typename
          ... on CreateSnapshotPayload { snapshot { id } }
          ... on ClientTokenReused { code message createdId }
        } }`,
        { input },
      )
    ).data.createSnapshot
  const id = (await again()).snapshot.id as string
  await app.runner.tick()
  await app.graphql('mutation ($id: ID!) { deleteSnapshot(input: { snapshotId: $id }) { __typename } }', {
    id,
  })
  expect(await again()).toMatchObject({ snapshot: { id } })
  await app.runner.tick()
  const gone = {
    __typename: 'ClientTokenReused',
    code: 'CLIENT_TOKEN_REUSED',
    message: `This call already created ${id}, which has been deleted. Use a new token to create another one.`,
    createdId: id,
  }

  expect(await again()).toEqual(gone)
  now = new Date('2026-03-02T12:00:00Z')
  await app.housekeeping.tick()
  expect(await again()).toEqual(gone)
  now = new Date('2026-03-02T12:00:00.001Z')
  await app.housekeeping.tick()
  expect(await again()).toEqual({
    __typename: 'CreateSnapshotPayload',
    snapshot: { id: expect.not.stringMatching(id) },
  })
})

test('a call repeated with its client token gives the snapshot when that failed, and when its disk was released', async () => {
  await using app = await startTestApp()
  const [disk, other] = [await app.disk(), await app.disk()]
  const released = { diskId: disk.id, name: 'kept', clientToken: 'token-1' }
  const failed = { diskId: other.id, name: 'failed', clientToken: 'token-2' }
  const first = [await create(app, released), await create(app, failed)]
  await app.runner.tick()
  await app.db.snapshot.updateMany({
    where: { diskId: other.id },
    data: { status: 'FAILED', failureReason: 'x' },
  })
  await app.graphql(
    'mutation ($id: ID!) { releaseDisk(input: { diskId: $id }) { __typename ... on UserError { message } } }',
    { id: disk.id },
  )
  await app.runner.tick()
  expect(await app.db.disk.count({ where: { id: disk.id } })).toBe(0)

  expect((await create(app, released)).snapshot?.id).toBe(first[0]?.snapshot?.id)
  expect((await create(app, failed)).snapshot?.id).toBe(first[1]?.snapshot?.id)
})

test('for a client token the order of tags makes no difference, nor does writing out a default', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const [one, two] = [
    { key: 'env', value: 'test' },
    { key: 'app', value: 'shop' },
  ]
  const input = { diskId: disk.id, name: 'once', clientToken: 'token-1' }

  const first = await create(app, { ...input, tags: [one, two] })

  expect(first).toEqual(accepted('once'))
  expect(await create(app, { ...input, tags: [two, one], description: '', retentionDays: -1 })).toEqual(first)
})

test('the client token of a refused call can be used again, and then succeeds', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ status: 'SNAPSHOTTING' })
  const input = { diskId: disk.id, name: 'later', clientToken: 'token-1' }
  expect(await create(app, input)).toEqual(SNAPSHOT_UNDER_WAY)

  await app.db.disk.update({ where: { id: disk.id }, data: { status: 'UNMOUNTED' } })

  expect(await create(app, input)).toEqual(accepted('later'))
})

test('a snapshot shows the description, tags and retention it was created with, and until when it is kept', async () => {
  await using app = await startTestApp({}, { now: () => new Date('2026-03-01T12:00:00Z') })
  const disk = await app.disk()
  const tags = [
    { key: 'env', value: 'test' },
    { key: 'app', value: '' },
  ]

  const input = { diskId: disk.id, name: 'kept', description: 'before the move', tags, retentionDays: 30 }
  const { snapshot } = await create(app, input)

  const query = `query ($id: ID!) { snapshot(id: $id) { description tags { key value } retentionDays createdAt expiresAt } }`
  expect((await app.graphql(query, { id: snapshot.id })).data.snapshot).toEqual({
    description: 'before the move',
    tags: [
      { key: 'app', value: '' },
      { key: 'env', value: 'test' },
    ],
    retentionDays: 30,
    createdAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2026-03-31T12:00:00.000Z',
  })
})

test('a snapshot is kept forever when nothing, null or -1 is given', async () => {
  await using app = await startTestApp()
  for (const retention of [{}, { retentionDays: null }, { retentionDays: -1 }]) {
    const disk = await app.disk()
    await create(app, { diskId: disk.id, name: 'for-ever', ...retention })
  }

  const { data } = await app.graphql(`{ snapshots { nodes { retentionDays expiresAt } } }`)
  expect(data.snapshots.nodes).toEqual(times(3, () => ({ retentionDays: null, expiresAt: null })))
})

test('a snapshot of an attached disk is accepted with the warning that it is in use, and is crash consistent', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ attachedTo: 'i-web00001' })

  const answer = await create(app, { diskId: disk.id, name: 'attached' })

  expect(answer).toEqual(accepted('attached', 'CRASH_CONSISTENT'))
  await app.runner.tick()
  const query = `query ($id: ID!) { snapshot(id: $id) { status consistency disk { status } } }`
  expect((await app.graphql(query, { id: answer.snapshot.id })).data.snapshot).toEqual({
    status: 'COMPLETED',
    consistency: 'CRASH_CONSISTENT',
    disk: { status: 'IN_USE' },
  })
})

test('a snapshot of a disk that does not exist is refused, and names the disk', async () => {
  await using app = await startTestApp()
  expect(await create(app, { diskId: 'v-nosuchdisk', name: 'of-nothing' })).toEqual({
    __typename: 'DiskNotFound',
    code: 'DISK_NOT_FOUND',
    message: 'Disk "v-nosuchdisk" not found.',
  })
})
