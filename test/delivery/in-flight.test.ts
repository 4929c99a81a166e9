import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { TestApp } from '../support/app.ts'
import { startTestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { completed } from '../support/snapshots.ts'
import { subscriber, TRANSPORTS, type Subscriber } from '../support/subscribers.ts'
import { appendMany } from '../support/watch.ts'

const STATUS = 'subscription ($id: ID!, $after: String) { snapshotStatus(id: $id, after: $after) { to } }'
const DISK_STATUS = 'subscription ($id: ID!) { diskStatus(id: $id) { to } }'

const statuses = ({ answers }: Subscriber) =>
  answers.map(({ data }) => (data.snapshotStatus ?? data.diskStatus).to as string)

async function verify(app: TestApp, id: string): Promise<void> {
  const { errors } = await app.graphql(
    'mutation ($id: ID!) { verifySnapshot(input: { snapshotId: $id }) { __typename } }',
    { id },
  )
  expect(errors).toBeUndefined()
}

/** Streams over both transports, with and without a cursor. */
async function watchAll(app: TestApp, id: string): Promise<Subscriber[]> {
  const all = TRANSPORTS.flatMap((transport) => [
    subscriber(app, transport, STATUS, { id }),
    subscriber(app, transport, STATUS, { id, after: cursorAt(app, 2) }),
  ])
  await expect.poll(() => app.hub.listeners).toBe(4)
  return all
}

test('snapshotStatus of a snapshot that is being verified goes on until that has ended, and completes without a transition', async () => {
  await using app = await startTestApp({ LOG_POLL_MS: '60000' })
  const id = await completed(app, await app.disk())
  await verify(app, id)
  const all = await watchAll(app, id)
  // What happens to others completes nothing.
  await appendMany(app, 3)
  expect(all.map(({ isComplete }) => isComplete)).toEqual([false, false, false, false])

  await app.runner.tick()

  for (const one of all) await expect.poll(() => one.isComplete).toBe(true)
  expect(all.map(statuses)).toEqual([['CREATING', 'COMPLETED'], [], ['CREATING', 'COMPLETED'], []])
  await expect.poll(() => app.hub.listeners).toBe(0)
  for (const one of all) one.vanish()
})

test('snapshotStatus of a snapshot that is being verified shows that it became UNAVAILABLE', async () => {
  await using app = await startTestApp({ LOG_POLL_MS: '60000' })
  const id = await completed(app, await app.disk())
  await verify(app, id)
  const all = await watchAll(app, id)
  await using image = await open(join(app.dataDir, 'snapshots', id, 'image'), 'r+')
  await image.write('changed', 0)

  await app.runner.tick()

  for (const one of all) await expect.poll(() => one.isComplete).toBe(true)
  const [whole, rest] = [['CREATING', 'COMPLETED', 'UNAVAILABLE'], ['UNAVAILABLE']]
  expect(all.map(statuses)).toEqual([whole, rest, whole, rest])
  for (const one of all) one.vanish()
})

test.each([
  [
    'is being rolled back to',
    'rollBackDisk',
    (disk: string, snapshot: string) => ({ diskId: disk, snapshotId: snapshot }),
  ],
  [
    'is being made into a disk',
    'createDisk',
    (_disk: string, snapshot: string) => ({ name: 'clone', snapshotId: snapshot }),
  ],
])('snapshotStatus of a snapshot that %s goes on until that has ended', async (_what, mutation, inputOf) => {
  await using app = await startTestApp({ LOG_POLL_MS: '60000' })
  const disk = await app.disk()
  const id = await completed(app, disk)
  const name = mutation.charAt(0).toUpperCase() + mutation.slice(1)
  const { data, errors } = await app.graphql(
    `mutation ($input: ${name}Input!) { ${mutation}(input: $input) { __typename } }`,
    { input: inputOf(disk.id, id) },
  )
  expect([errors, data?.[mutation].__typename]).toEqual([undefined, `${name}Payload`])
  const all = await watchAll(app, id)

  await app.runner.tick()

  for (const one of all) await expect.poll(() => one.isComplete).toBe(true)
  for (const one of all) one.vanish()
})

test('diskStatus does not wait for the verification of its snapshots, but for every operation on the disk', async () => {
  await using app = await startTestApp({ LOG_POLL_MS: '60000' })
  const disk = await app.disk()
  await verify(app, await completed(app, disk))
  const idle = subscriber(app, 'WebSocket', DISK_STATUS, { id: disk.id })
  await expect.poll(() => idle.isComplete).toBe(true)

  const job = { accountId: disk.accountId, diskId: disk.id, createdAt: new Date(), instanceId: 'i-1' }
  const { id } = await app.db.job.create({ data: { ...job, kind: 'ATTACH_DISK' } })
  const busy = subscriber(app, 'WebSocket', DISK_STATUS, { id: disk.id })
  await expect.poll(() => app.diskHub.groups.counts.members).toBe(1)
  expect(busy.isComplete).toBe(false)
  await app.db.job.delete({ where: { id } })
  app.diskHub.wake()
  await expect.poll(() => busy.isComplete).toBe(true)
  for (const one of [idle, busy]) one.vanish()
})
