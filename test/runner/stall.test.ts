import { expect, test } from 'vitest'
import { createMemoryProvider } from '../support/memory-provider.ts'
import { runnerOf } from '../support/runner.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

async function createdSnapshot(app: TestApp): Promise<string> {
  const disk = await app.disk()
  return app.snapshot(disk)
}

const shown = async (app: TestApp, id: string) =>
  (
    await app.graphql(
      'query ($id: ID!) { snapshot(id: $id) { status stalledSince stallReason disk { status } transitions { to } } }',
      { id },
    )
  ).data.snapshot

test('a snapshot whose provider stays unreachable is stalled, says since when and why, and completes when it is back', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const clock = () => now
  await using app = await startTestApp({}, { now: clock })
  const provider = createMemoryProvider()
  await using runner = runnerOf(app, provider, { now: clock })
  const id = await createdSnapshot(app)
  const common = { status: 'CREATING', disk: { status: 'SNAPSHOTTING' }, transitions: [{ to: 'CREATING' }] }

  for (const [attempt, code] of [
    [1, 'ECONNREFUSED'],
    [2, 'ETIMEDOUT'],
  ] as const) {
    const step = runner.tick()
    const copy = await provider.next()
    copy.fail(Object.assign(new Error('connect /secret/path'), { code }))
    await step
    expect(await shown(app, id)).toEqual({
      ...common,
      stalledSince: '2026-01-01T00:00:00.000Z',
      stallReason: `Attempt ${attempt} to copy the disk failed with a transient fault (${code}). It is retried automatically.`,
    })
    // Before its time, nothing is tried.
    await runner.tick()
    expect(provider.asked).toBe(attempt)
    now = new Date(now.getTime() + 60_000)
  }

  const step = runner.tick()
  const copy = await provider.next()
  copy.complete()
  await step
  expect(await shown(app, id)).toEqual({
    status: 'COMPLETED',
    stalledSince: null,
    stallReason: null,
    disk: { status: 'UNMOUNTED' },
    transitions: [{ to: 'CREATING' }, { to: 'COMPLETED' }],
  })
})

test('when the clock is set back an hour, a snapshot that was leased or waiting is not left for an hour', async () => {
  let now = new Date('2026-01-01T12:00:00Z')
  const clock = () => now
  await using app = await startTestApp({}, { now: clock })
  const leased = await createdSnapshot(app)
  const waiting = await createdSnapshot(app)
  await app.db.job.updateMany({
    where: { snapshotId: leased },
    data: { leaseOwner: 'a runner that died', leaseUntil: new Date('2026-01-01T12:00:15Z') },
  })
  await app.db.job.updateMany({
    where: { snapshotId: waiting },
    data: { retryAt: new Date('2026-01-01T12:01:00Z') },
  })
  await using runner = runnerOf(app, createMemoryProvider({ immediate: true }), { now: clock })

  await runner.tick()
  expect([(await shown(app, leased)).status, (await shown(app, waiting)).status]).toEqual([
    'CREATING',
    'CREATING',
  ])

  now = new Date('2026-01-01T11:00:00Z')
  await runner.tick()
  expect([(await shown(app, leased)).status, (await shown(app, waiting)).status]).toEqual([
    'COMPLETED',
    'COMPLETED',
  ])
})
