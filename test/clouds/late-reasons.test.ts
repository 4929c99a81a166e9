import { expect, test } from 'vitest'
import { startCloudGateway } from '../support/cloud-gateway.ts'

const REASON = 'create snapshot: the driver reported an error.'
const NO_REASON = 'The cloud reports error.'

/** A snapshot that Cinder accepts and then fails, and whose reason its messages have this long after that. */
async function start(messagesAfterMs: number) {
  const gateway = await startCloudGateway('cinder')
  const { app, cloud } = gateway
  Object.assign(cloud.faults, { createsFailLater: true, messagesAfterMs })
  const disk = gateway.disk()
  await gateway.poll(1_000)
  const id = await app.snapshot({ id: (await gateway.diskRow(disk.id))?.id ?? '' })
  return Object.assign(gateway, {
    id,
    row: () => app.db.snapshot.findUnique({ where: { id } }),
    steps: async () =>
      (await app.db.snapshotTransition.findMany({ where: { snapshotId: id } })).map(({ to, reason }) => [
        to,
        reason,
      ]),
    activity: () => app.db.activity.findFirst({ where: { action: 'CREATE_SNAPSHOT' } }),
    /** How often the reason was asked for since this was last asked. */
    asked: () => cloud.calls.splice(0).filter((call) => call.endsWith('/messages')).length,
  })
}

test('a failure whose reason comes a moment later is told with its reason, in one transition', async () => {
  await using gateway = await start(3_000)
  await gateway.poll(gateway.cloud.copyMs)
  expect(await gateway.row()).toMatchObject({ status: 'CREATING' })
  await gateway.poll(3_000)
  expect(await gateway.steps()).toEqual([
    ['CREATING', null],
    ['FAILED', REASON],
  ])
  expect(await gateway.row()).toMatchObject({ status: 'FAILED', failureReason: REASON })
  expect(await gateway.activity()).toMatchObject({ result: 'FAILED', reason: REASON })
})

test('a failure whose reason comes late is told without it, and the snapshot has it when it comes', async () => {
  await using gateway = await start(60_000)
  await gateway.poll(gateway.cloud.copyMs)
  await gateway.poll(6_000)
  expect(await gateway.row()).toMatchObject({ status: 'FAILED', failureReason: NO_REASON })
  await gateway.poll(60_000)
  expect(await gateway.row()).toMatchObject({ status: 'FAILED', failureReason: REASON })
  expect(await gateway.activity()).toMatchObject({ result: 'FAILED', reason: REASON })
  expect(await gateway.steps()).toEqual([
    ['CREATING', null],
    ['FAILED', NO_REASON],
  ])
  // From then on it is no longer asked for.
  gateway.asked()
  await gateway.poll(15_000)
  expect(gateway.asked()).toBe(0)
})

test('a reason that never comes is looked for during two minutes', async () => {
  await using gateway = await start(Infinity)
  await gateway.poll(gateway.cloud.copyMs)
  await gateway.poll(6_000)
  gateway.asked()
  await gateway.poll(60_000)
  expect(gateway.asked()).toBe(1)
  await gateway.poll(60_000)
  gateway.asked()
  await gateway.poll(15_000)
  expect(gateway.asked()).toBe(0)
  expect(await gateway.row()).toMatchObject({ status: 'FAILED', failureReason: NO_REASON })
})
