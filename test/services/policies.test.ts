import { setImmediate as nextRound } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { POLICIES_MAX } from '../../src/domain/policy-input.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { linkMany, runMany } from '../support/policies.ts'

const REFUSAL = /* GraphQL */ `
  fragment Refusal on UserError {
    __typename
    code
    ... on InvalidPolicy {
      brokenRules
    }
    ... on PolicyQuotaExceeded {
      limit
    }
    ... on PolicyNotFound {
      policyId
    }
    ... on DiskStatusForbidsPolicy {
      actual
      allowed
    }
    ... on DiskLinkedElsewhere {
      policyId
    }
    ... on DiskNotFound {
      diskId
    }
  }
`
const POLICY = 'policy { id name timePoints repeatWeekdays timeZone retentionDays nextRuns lastRun { id } }'
const LINKS = 'results { diskId disk { autoSnapshotPolicy { id } } refusal { ...Refusal } }'

/** What a mutation answered; top-level errors where there are any. */
async function call(app: TestApp, verb: 'Create' | 'Update' | 'Delete' | 'Link' | 'Unlink', input: object) {
  const noun = `${verb}AutoSnapshotPolicy`
  const field = noun.charAt(0).toLowerCase() + noun.slice(1)
  const selected = { Create: POLICY, Update: POLICY, Delete: 'policyId', Link: LINKS, Unlink: LINKS }[verb]
  const { data, errors } = await app.graphql(
    `${REFUSAL} mutation ($input: ${noun}Input!) {
      answer: ${field}(input: $input) { ... on ${noun}Payload { ${selected} } ...Refusal }
    }`,
    { input },
  )
  return errors ?? data.answer
}

const NIGHTLY = {
  name: 'nightly',
  timePoints: [2],
  repeatWeekdays: [1, 2, 3, 4, 5],
  timeZone: 'Asia/Shanghai',
}

const policyOf = async (app: TestApp, input: object = {}): Promise<string> =>
  (await call(app, 'Create', { ...NIGHTLY, ...input })).policy.id

const FRIDAY = () => new Date('2026-05-01T12:00Z')

test('a policy is created, and shows when it runs next', async () => {
  await using app = await startTestApp({}, { now: FRIDAY })

  const { policy } = await call(app, 'Create', { ...NIGHTLY, timePoints: [14, 2, 2] })
  expect(policy).toEqual({
    ...NIGHTLY,
    id: expect.stringMatching(/^asp-/),
    timePoints: [2, 14],
    retentionDays: -1,
    lastRun: null,
    nextRuns: [
      '2026-05-03T18:00:00.000Z',
      '2026-05-04T06:00:00.000Z',
      '2026-05-04T18:00:00.000Z',
      '2026-05-05T06:00:00.000Z',
      '2026-05-05T18:00:00.000Z',
    ],
  })

  const { data } = await app.graphql(
    `{ autoSnapshotPolicies { totalCount nodes { id } } node(id: "${policy.id as string}") { __typename } }`,
  )
  expect(data).toEqual({
    autoSnapshotPolicies: { totalCount: 1, nodes: [{ id: policy.id }] },
    node: { __typename: 'AutoSnapshotPolicy' },
  })
})

test('a policy that breaks a rule is refused, and nothing is stored', async () => {
  await using app = await startTestApp()

  expect(await call(app, 'Create', { ...NIGHTLY, timePoints: [24], timeZone: 'Moon' })).toMatchObject({
    __typename: 'InvalidPolicy',
    brokenRules: ['TIME_POINTS', 'TIME_ZONE'],
  })
  expect(await call(app, 'Create', { ...NIGHTLY, name: '1st' })).toMatchObject({
    __typename: 'InvalidName',
  })
  expect(await app.db.autoSnapshotPolicy.count()).toBe(0)
})

test('an account has a hundred policies at most, however many are asked for at once', async () => {
  await using app = await startTestApp()
  const answers = await Promise.all(
    Array.from({ length: POLICIES_MAX + 5 }, () => call(app, 'Create', NIGHTLY)),
  )
  expect(answers.filter(({ policy }) => policy)).toHaveLength(POLICIES_MAX)
  expect(answers.filter(({ code }) => code === 'POLICY_QUOTA_EXCEEDED')).toHaveLength(5)
})

test('what is left out of a change stays', async () => {
  await using app = await startTestApp({}, { now: FRIDAY })
  const policyId = await policyOf(app)

  const { policy } = await call(app, 'Update', { policyId, retentionDays: 7, timePoints: [3], name: null })
  expect(policy).toMatchObject({ ...NIGHTLY, timePoints: [3], retentionDays: 7 })
  expect(policy.nextRuns[0]).toBe('2026-05-03T19:00:00.000Z')
  expect(await call(app, 'Update', { policyId, repeatWeekdays: [] })).toMatchObject({
    __typename: 'InvalidPolicy',
    brokenRules: ['REPEAT_WEEKDAYS'],
  })
})

test('a policy that is not there is refused by every verb', async () => {
  await using app = await startTestApp()
  const disk = await app.disk({ attachedTo: 'i-1' })
  const policyId = 'asp-nothinghere'
  const refused = { __typename: 'PolicyNotFound', policyId }

  expect(await call(app, 'Update', { policyId })).toMatchObject(refused)
  expect(await call(app, 'Delete', { policyId })).toMatchObject(refused)
  expect(await call(app, 'Link', { policyId, diskIds: [disk.id] })).toMatchObject(refused)
  expect(await call(app, 'Unlink', { policyId, diskIds: [disk.id] })).toMatchObject(refused)
})

test('disks are linked each for itself, and beforehand each says whether it could be', async () => {
  await using app = await startTestApp()
  const [policyId, other] = [await policyOf(app), await policyOf(app)]
  const inUse = await app.disk({ attachedTo: 'i-1' })
  const taken = await app.disk({ attachedTo: 'i-1' })
  const free = await app.disk()
  const missing = 'v-nothinghere'
  await call(app, 'Link', { policyId: other, diskIds: [taken.id] })

  const eligibility = async (id: string, wanted: string | null = policyId) =>
    (
      await app.graphql(
        `query ($id: ID!, $wanted: ID) {
          disk(id: $id) { autoSnapshotPolicyEligibility(policyId: $wanted) { allowed refusals { code } } }
        }`,
        { id, wanted },
      )
    ).data.disk.autoSnapshotPolicyEligibility
  expect(await eligibility(inUse.id)).toEqual({ allowed: true, refusals: [] })
  expect(await eligibility(taken.id)).toEqual({
    allowed: false,
    refusals: [{ code: 'DISK_LINKED_ELSEWHERE' }],
  })
  expect(await eligibility(free.id)).toEqual({
    allowed: false,
    refusals: [{ code: 'DISK_STATUS_FORBIDS_POLICY' }],
  })

  for (const { id } of [inUse, taken, free])
    expect(await eligibility(id, null)).toEqual(await eligibility(id))
  expect((await eligibility(taken.id, other)).allowed).toBe(true)

  const diskIds = [inUse.id, taken.id, free.id, missing]
  const linked = { diskId: inUse.id, disk: { autoSnapshotPolicy: { id: policyId } }, refusal: null }
  const answer = await call(app, 'Link', { policyId, diskIds })
  expect(answer.results).toEqual([
    linked,
    {
      diskId: taken.id,
      disk: null,
      refusal: { __typename: 'DiskLinkedElsewhere', code: 'DISK_LINKED_ELSEWHERE', policyId: other },
    },
    {
      diskId: free.id,
      disk: null,
      refusal: {
        __typename: 'DiskStatusForbidsPolicy',
        code: 'DISK_STATUS_FORBIDS_POLICY',
        actual: 'UNMOUNTED',
        allowed: ['IN_USE'],
      },
    },
    {
      diskId: missing,
      disk: null,
      refusal: { __typename: 'DiskNotFound', code: 'DISK_NOT_FOUND', diskId: missing },
    },
  ])
  expect((await call(app, 'Link', { policyId, diskIds: [inUse.id] })).results).toEqual([linked])
})

test('unlinked, a disk has no policy, unless it is that of another', async () => {
  await using app = await startTestApp()
  const [policyId, other] = [await policyOf(app), await policyOf(app)]
  const [mine, theirs] = [await app.disk({ attachedTo: 'i-1' }), await app.disk({ attachedTo: 'i-1' })]
  await call(app, 'Link', { policyId, diskIds: [mine.id] })
  await call(app, 'Link', { policyId: other, diskIds: [theirs.id] })

  const { results } = await call(app, 'Unlink', { policyId, diskIds: [mine.id, theirs.id] })
  expect(results).toEqual([
    { diskId: mine.id, disk: { autoSnapshotPolicy: null }, refusal: null },
    { diskId: theirs.id, disk: { autoSnapshotPolicy: { id: other } }, refusal: null },
  ])
})

test('unlinked with its snapshots, a disk loses the automatic ones that can be deleted, and no others', async () => {
  await using app = await startTestApp()
  const policyId = await policyOf(app)
  const disk = await app.disk({ attachedTo: 'i-1' })
  await call(app, 'Link', { policyId, diskIds: [disk.id] })
  await app.heldSnapshots(disk, 3, 'AUTOMATIC')
  await app.heldSnapshots(disk, 2, 'MANUAL')
  const [read] = await app.db.snapshot.findMany({
    where: { type: 'AUTOMATIC' },
    orderBy: { createdAt: 'asc' },
  })
  await app.snapshots.verify(app.viewer, read?.id ?? '')

  await call(app, 'Unlink', { policyId, diskIds: [disk.id], deleteSnapshots: true })

  const left = await app.db.snapshot.groupBy({
    by: ['type', 'status'],
    _count: true,
    orderBy: { status: 'asc' },
  })
  expect(left.map(({ type, status, _count }) => `${_count} ${type} ${status}`).sort()).toEqual([
    '1 AUTOMATIC COMPLETED',
    '2 AUTOMATIC DELETING',
    '2 MANUAL COMPLETED',
  ])
  expect(await app.db.job.count({ where: { kind: 'DELETE_SNAPSHOT' } })).toBe(2)
  // Once more, it is not linked any more: nothing happens.
  await call(app, 'Unlink', { policyId, diskIds: [disk.id], deleteSnapshots: true })
  expect(await app.db.job.count({ where: { kind: 'DELETE_SNAPSHOT' } })).toBe(2)
})

test('unlinked with its snapshots, a disk that has many loses them in parts, and the link with the last', async () => {
  await using app = await startTestApp()
  const policyId = await policyOf(app)
  const disk = await app.disk({ attachedTo: 'i-1' })
  await call(app, 'Link', { policyId, diskIds: [disk.id] })
  await app.heldSnapshots(disk, 120, 'AUTOMATIC')
  const deleted = () => app.db.job.count({ where: { kind: 'DELETE_SNAPSHOT' } })
  const isLinked = async () =>
    (await app.db.disk.findFirst({ where: { id: disk.id } }))?.policyId === policyId

  const state = { isDone: false }
  const unlinked = call(app, 'Unlink', { policyId, diskIds: [disk.id], deleteSnapshots: true }).finally(
    () => (state.isDone = true),
  )
  const counts = new Set<number>()
  while (!state.isDone) {
    await nextRound()
    // Asked first: what is unlinked has lost all of them.
    const wasLinked = await isLinked()
    const count = await deleted()
    counts.add(count)
    if (!wasLinked) expect(count).toBe(120)
  }
  await unlinked

  expect(counts).toContain(50)
  expect(await deleted()).toBe(120)
  expect(await isLinked()).toBe(false)
})

test('a deleted policy is gone with its runs and links, and leaves disks and snapshots', async () => {
  let now = FRIDAY()
  await using app = await startTestApp({}, { now: () => now })
  const policyId = await policyOf(app)
  const disk = await app.disk({ attachedTo: 'i-1' })
  await call(app, 'Link', { policyId, diskIds: [disk.id] })
  now = new Date('2026-05-04T00:00Z')
  await app.scheduler.tick()

  expect(await call(app, 'Delete', { policyId })).toEqual({ policyId })
  const { data } = await app.graphql(
    `{ autoSnapshotPolicy(id: "${policyId}") { id } disk(id: "${disk.id}") { autoSnapshotPolicy { id } snapshots { totalCount } } }`,
  )
  expect(data).toEqual({
    autoSnapshotPolicy: null,
    disk: { autoSnapshotPolicy: null, snapshots: { totalCount: 1 } },
  })
  expect([await app.db.autoSnapshotRun.count(), await app.db.autoSnapshotRunDisk.count()]).toEqual([0, 0])
})

describe('a policy of very many disks that was deleted', () => {
  const COUNT = 1_200

  async function deleted(app: TestApp) {
    const policyId = await policyOf(app)
    const own = { accountId: app.viewer.accountId, policyId }
    const diskId = (await linkMany(app.db, { ...own, count: COUNT })).at(-1) ?? ''
    await app.db.disk.update({ where: { id: diskId }, data: { status: 'IN_USE' } })
    const runId = await runMany(app.db, { ...own, outcome: 'PENDING' })
    expect(await call(app, 'Delete', { policyId })).toEqual({ policyId })
    return { policyId, runId, diskId }
  }

  const left = async ({ db }: TestApp) => [
    await db.autoSnapshotPolicy.count(),
    await db.disk.count({ where: { policyId: { not: null } } }),
    await db.autoSnapshotRun.count(),
    await db.autoSnapshotRunDisk.count(),
  ]

  test('goes in parts, and with it every link and run', async () => {
    await using app = await startTestApp()
    await deleted(app)
    const [policies, links, runs, runDisks] = await left(app)
    expect([policies, runs]).toEqual([1, 1])
    expect((links ?? 0) + (runDisks ?? 0)).toBe(2 * COUNT - 500)
    await app.housekeeping.tick()
    expect(await left(app)).toEqual([0, 0, 0, 0])
  })

  test('is not there any more for its account while it goes', async () => {
    await using app = await startTestApp()
    const { policyId, runId, diskId } = await deleted(app)
    expect((await left(app))[0]).toBe(1)
    const { data } = await app.graphql(
      `query ($policyId: ID!, $runId: ID!, $diskId: ID!) {
        autoSnapshotPolicies { totalCount nodes { id } }
        autoSnapshotPolicy(id: $policyId) { id }
        nodes(ids: [$policyId, $runId]) { id }
        disk(id: $diskId) {
          autoSnapshotPolicy { id }
          any: autoSnapshotPolicyEligibility { allowed }
          this: autoSnapshotPolicyEligibility(policyId: $policyId) { refusals { ... on UserError { code } } }
        }
      }`,
      { policyId, runId, diskId },
    )
    expect(data).toEqual({
      autoSnapshotPolicies: { totalCount: 0, nodes: [] },
      autoSnapshotPolicy: null,
      nodes: [null, null],
      disk: {
        autoSnapshotPolicy: null,
        any: { allowed: true },
        this: { refusals: [{ code: 'POLICY_NOT_FOUND' }] },
      },
    })
    for (const [verb, input] of [
      ['Delete', { policyId }],
      ['Update', { policyId, name: 'other' }],
      ['Link', { policyId, diskIds: [diskId] }],
      ['Unlink', { policyId, diskIds: [diskId] }],
    ] as const) {
      expect(await call(app, verb, input)).toMatchObject({ code: 'POLICY_NOT_FOUND' })
    }
  })

  test('leaves its place in the quota, and its disks to other policies', async () => {
    await using app = await startTestApp()
    const { diskId } = await deleted(app)
    const others: string[] = []
    for (let i = 0; i < POLICIES_MAX; i++) others.push(await policyOf(app))
    const [other] = others
    await call(app, 'Link', { policyId: other, diskIds: [diskId] })
    await app.housekeeping.tick()
    expect((await app.db.disk.findUniqueOrThrow({ where: { id: diskId } })).policyId).toBe(other)
    expect(await left(app)).toEqual([POLICIES_MAX, 1, 0, 0])
  })

  test('runs nothing any more, neither what is due nor what had begun', async () => {
    let now = FRIDAY()
    await using app = await startTestApp({}, { now: () => now })
    await deleted(app)
    now = new Date('2026-05-08T00:00Z')
    await app.scheduler.tick()
    expect(await app.db.snapshot.count()).toBe(0)
    expect((await left(app))[2]).toBe(1)
    expect(await app.db.autoSnapshotRunDisk.count({ where: { outcome: { not: 'PENDING' } } })).toBe(0)
  })
})

test.each([
  [[], 'diskIds must have at least 1 entry.'],
  [['v-aaaaaaaa', 'v-aaaaaaaa'], 'diskIds must not contain a disk twice.'],
  [Array.from({ length: 101 }, (_, i) => `v-${10_000_000 + i}`), 'diskIds must have at most 100 entries.'],
])('%j is no list of disks', async (diskIds, message) => {
  await using app = await startTestApp()
  const [error] = await call(app, 'Link', { policyId: 'asp-nothinghere', diskIds })
  expect(error).toMatchObject({ message, extensions: { code: 'BAD_USER_INPUT' } })
})
