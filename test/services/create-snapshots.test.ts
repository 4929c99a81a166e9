import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { mutate } from '../support/snapshots.ts'

const ITEMS = 'items { diskId snapshot { name status disk { id } } warnings { code } refusal { code } }'

const accepted = (diskId: string, name = 'together', status = 'CREATING') => ({
  diskId,
  snapshot: { name, status, disk: { id: diskId } },
  warnings: [],
  refusal: null,
})
const refused = (diskId: string, code: string) => ({
  diskId,
  snapshot: null,
  warnings: [],
  refusal: { code },
})

interface Item {
  diskId: string
  snapshot: object | null
}

async function create(app: TestApp, diskIds: string[], more: object = {}): Promise<any> {
  const answer = await mutate(app, 'createSnapshots', { diskIds, name: 'together', ...more }, ITEMS)
  return answer.items ?? answer
}

test('createSnapshots answers each disk by itself, in order', async () => {
  await using app = await startTestApp()
  const [one, busy, attached] = [
    await app.disk(),
    await app.disk({ status: 'SCALING' }),
    await app.disk({ attachedTo: 'i-1' }),
  ]

  expect(await create(app, [busy.id, one.id, 'v-nothere0', attached.id])).toEqual([
    refused(busy.id, 'DISK_STATUS_FORBIDS_SNAPSHOT'),
    accepted(one.id),
    refused('v-nothere0', 'DISK_NOT_FOUND'),
    { ...accepted(attached.id), warnings: [{ code: 'DISK_IN_USE' }] },
  ])
  await app.runner.tick()
  expect(await app.db.snapshot.count({ where: { status: 'COMPLETED' } })).toBe(2)
})

test('with consistent, one refusal refuses all, each says why, and nothing is written', async () => {
  await using app = await startTestApp({ SNAPSHOT_QUOTA_MANUAL: '2' })
  const [one, full, busy] = [await app.disk(), await app.disk(), await app.disk({ status: 'EXPIRED' })]
  await app.heldSnapshots(full, 2)
  const logged = await app.db.diskTransition.count()

  expect(await create(app, [one.id, full.id, busy.id], { consistent: true, clientToken: 't' })).toEqual([
    refused(one.id, 'OTHER_SNAPSHOT_REFUSED'),
    refused(full.id, 'SNAPSHOT_QUOTA_EXCEEDED'),
    refused(busy.id, 'DISK_STATUS_FORBIDS_SNAPSHOT'),
  ])
  expect(await app.db.snapshot.count({ where: { status: 'CREATING' } })).toBe(0)
  expect(await app.db.disk.count({ where: { status: 'SNAPSHOTTING' } })).toBe(0)
  const rows = [app.db.job.count(), app.db.snapshotTransition.count(), app.db.idempotencyKey.count()]
  expect(await Promise.all(rows)).toEqual([0, 0, 0])
  expect(await app.db.diskTransition.count()).toBe(logged)
})

test('with consistent, when nothing speaks against any, all are accepted at one moment', async () => {
  await using app = await startTestApp()
  const ids = [(await app.disk()).id, (await app.disk()).id, (await app.disk()).id]
  expect(await create(app, ids, { consistent: true })).toEqual(ids.map((id) => accepted(id)))
  const log = await app.db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })
  expect(log.map(({ diskId }) => diskId)).toEqual(ids)
})

test('of many that ask at once for overlapping disks, all or none, no disk is taken twice or half', async () => {
  await using app = await startTestApp()
  const ids = await Promise.all(Array.from({ length: 6 }, async () => (await app.disk()).id))
  const pairs = ids.map((id, index) => [id, ids[(index + 1) % ids.length] ?? ''])
  const answers = await Promise.all(
    [...pairs, ...pairs].map((pair) => create(app, pair, { consistent: true })),
  )
  for (const items of answers as Item[][]) {
    expect(new Set(items.map(({ snapshot }) => snapshot === null)).size).toBe(1)
  }
  const taken = (answers as Item[][]).flat().filter(({ snapshot }) => snapshot)
  expect(taken.length).toBeGreaterThan(0)
  expect(new Set(taken.map(({ diskId }) => diskId)).size).toBe(taken.length)
  expect(await app.db.snapshot.count()).toBe(taken.length)
})

test('repeated with its client token it gives what was accepted, and tries again what was refused', async () => {
  await using app = await startTestApp()
  const [one, busy] = [await app.disk(), await app.disk({ status: 'SCALING' })]
  const again = () => create(app, [one.id, busy.id], { clientToken: 't' })
  const ids = async () => (await app.db.snapshot.findMany()).map(({ id }) => id)

  expect(await again()).toEqual([accepted(one.id), refused(busy.id, 'DISK_STATUS_FORBIDS_SNAPSHOT')])
  const [first] = await ids()
  await app.db.disk.update({ where: { id: busy.id }, data: { status: 'UNMOUNTED' } })
  expect(await again()).toEqual([accepted(one.id), accepted(busy.id)])
  expect(await again()).toEqual([accepted(one.id), accepted(busy.id)])
  expect(await ids()).toHaveLength(2)
  expect(await ids()).toContain(first)
})

test('a client token with other input is refused as a whole', async () => {
  await using app = await startTestApp()
  const [one, two] = [await app.disk(), await app.disk()]
  await create(app, [one.id], { clientToken: 't' })
  for (const [diskIds, more] of [
    [[one.id, two.id], {}],
    [[two.id], {}],
    [[one.id], { name: 'other' }],
    [[one.id], { consistent: true }],
  ] as const) {
    expect(await create(app, [...diskIds], { clientToken: 't', ...more })).toEqual({
      __typename: 'ClientTokenReused',
      code: 'CLIENT_TOKEN_REUSED',
    })
  }
  expect(await app.db.snapshot.count()).toBe(1)
})

test('a client token of one mutation is refused by the others, whichever came first', async () => {
  await using app = await startTestApp()
  const [one, two] = [await app.disk(), await app.disk()]
  const createOne = async (clientToken: string) =>
    (
      await app.graphql(
        'mutation ($input: CreateSnapshotInput!) { createSnapshot(input: $input) { ... on UserError { code } ... on ClientTokenReused { createdId } } }',
        { input: { diskId: two.id, name: 'a', clientToken } },
      )
    ).data.createSnapshot
  await create(app, [one.id], { clientToken: 'many first' })
  expect(await createOne('many first')).toEqual({ code: 'CLIENT_TOKEN_REUSED', createdId: null })
  expect(await createOne('one first')).toEqual({})
  await app.runner.tick()

  expect(await create(app, [one.id], { clientToken: 'one first' })).toEqual({
    __typename: 'ClientTokenReused',
    code: 'CLIENT_TOKEN_REUSED',
  })
  expect(await app.db.snapshot.count()).toBe(2)
})

test.each([false, true])(
  'repeated after some of its snapshots were deleted it says so for those, and gives the others (consistent: %s)',
  async (consistent) => {
    await using app = await startTestApp()
    const [one, two] = [await app.disk(), await app.disk()]
    const again = () => create(app, [one.id, two.id], { clientToken: 't', consistent })
    await again()
    await app.runner.tick()
    await app.db.snapshot.deleteMany({ where: { diskId: two.id } })

    expect(await again()).toEqual([
      accepted(one.id, 'together', 'COMPLETED'),
      refused(two.id, 'CLIENT_TOKEN_REUSED'),
    ])
    await app.db.snapshot.deleteMany()
    expect(await again()).toEqual([
      refused(one.id, 'CLIENT_TOKEN_REUSED'),
      refused(two.id, 'CLIENT_TOKEN_REUSED'),
    ])
    expect(await app.db.snapshot.count()).toBe(0)
  },
)

test('a bad name refuses the call, and 1 to 50 disks may be named, each once', async () => {
  await using app = await startTestApp()
  const { id } = await app.disk()
  expect(await create(app, [id], { name: '1' })).toMatchObject({ __typename: 'InvalidName' })
  for (const ids of [[], [id, id], Array.from({ length: 51 }, (_, index) => `v-${index}aaaaaaaa`)]) {
    await expect(create(app, ids)).rejects.toThrow('BAD_USER_INPUT')
  }
})
