import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { EVERY_NIGHT } from '../support/policies.ts'
import { completed, mutate } from '../support/snapshots.ts'

const protect = (app: TestApp, snapshotId: string, deletionProtection = true) =>
  mutate(app, 'updateSnapshot', { snapshotId, deletionProtection }, 'snapshot { deletionProtection }')

test('a protected snapshot is deleted by no mutation, and says so beforehand, until its protection is off', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const snapshotId = await completed(app, disk)
  expect(await protect(app, snapshotId)).toMatchObject({ snapshot: { deletionProtection: true } })
  const refused = { __typename: 'SnapshotProtected', code: 'SNAPSHOT_PROTECTED' }
  expect(await mutate(app, 'deleteSnapshot', { snapshotId })).toEqual(refused)
  const { items } = await mutate(
    app,
    'deleteSnapshots',
    { snapshotIds: [snapshotId] },
    'items { refusal { code } }',
  )
  expect(items).toEqual([{ refusal: { code: 'SNAPSHOT_PROTECTED' } }])
  expect(await mutate(app, 'releaseDisk', { diskId: disk.id, withSnapshots: true })).toEqual(refused)
  const beforehand = await app.graphql(
    'query ($id: ID!) { snapshot(id: $id) { deleteEligibility { allowed refusals { code } } } }',
    { id: snapshotId },
  )
  expect(beforehand.data).toEqual({
    snapshot: { deleteEligibility: { allowed: false, refusals: [{ code: 'SNAPSHOT_PROTECTED' }] } },
  })
  await protect(app, snapshotId, false)
  await mutate(app, 'deleteSnapshot', { snapshotId })
  await app.runner.tick()
  expect(await app.db.snapshot.count()).toBe(0)
})

test('a protected snapshot outlives its retention, and is deleted when its protection is off', async () => {
  const clock = { now: new Date('2026-11-01T00:00:00Z') }
  await using app = await startTestApp({}, { now: () => clock.now })
  const snapshotId = await completed(app, await app.disk(), { retentionDays: 1 })
  await protect(app, snapshotId)
  clock.now = new Date('2026-11-02T01:00:00Z')
  expect(await app.snapshots.expire()).toBe(0)
  await protect(app, snapshotId, false)
  expect(await app.snapshots.expire()).toBe(1)
})

test('a policy neither evicts a protected snapshot nor deletes it when it is unlinked', async () => {
  const clock = { now: new Date('2026-11-01T00:00:00Z') }
  await using app = await startTestApp({ SNAPSHOT_QUOTA_AUTOMATIC: '2' }, { now: () => clock.now })
  const disk = await app.disk({ attachedTo: 'i-1' })
  const policy = await app.policies.create(app.viewer, EVERY_NIGHT)
  await app.policies.link(app.viewer, policy.id, [disk.id])
  for (const day of [1, 2, 3]) {
    clock.now = new Date(Date.UTC(2026, 10, day, 2, 0, 1))
    await app.scheduler.tick()
    await app.runner.tick()
    if (day > 1) continue
    const { id } = await app.db.snapshot.findFirstOrThrow()
    await protect(app, id)
  }
  const names = async () =>
    (await app.db.snapshot.findMany({ orderBy: { createdAt: 'asc' } })).map(({ name }) => name)
  expect(await names()).toEqual(['auto-2026-11-01-02.00', 'auto-2026-11-03-02.00'])
  await app.policies.unlink(app.viewer, policy.id, [disk.id], { deleteSnapshots: true })
  await app.runner.tick()
  expect(await names()).toEqual(['auto-2026-11-01-02.00'])
})

test('snapshots are protected from their creation where that is asked for, and a client token remembers it', async () => {
  await using app = await startTestApp()
  const [disk, other] = [await app.disk(), await app.disk()]
  const input = { diskId: disk.id, name: 'kept', clientToken: 'kept-token' }
  const ask = (deletionProtection?: boolean) =>
    mutate(app, 'createSnapshot', { ...input, deletionProtection }, 'snapshot { id deletionProtection }')
  const first = await ask(true)
  expect(first).toMatchObject({ snapshot: { deletionProtection: true } })
  expect(await ask(true)).toEqual(first)
  expect(await ask()).toEqual({ __typename: 'ClientTokenReused', code: 'CLIENT_TOKEN_REUSED' })
  const { items } = await mutate(
    app,
    'createSnapshots',
    { diskIds: [other.id], name: 'kept', deletionProtection: true },
    'items { snapshot { deletionProtection } }',
  )
  expect(items).toEqual([{ snapshot: { deletionProtection: true } }])
})
