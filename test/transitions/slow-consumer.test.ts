import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { announce, range, sequences, subscriber, TRANSPORTS } from '../support/subscribers.ts'

const DOCUMENT = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }`
const MIB = 1024 ** 2
const BIG = 'x'.repeat(16 * 1024)

test.each(TRANSPORTS)('the buffer of a stream over %s is bounded in events too', async (transport) => {
  await using app = await startTestApp({
    STREAM_BUFFER_EVENTS: '50',
    STREAM_BUFFER_BYTES: String(1024 * MIB),
  })
  const one = subscriber(app, transport, DOCUMENT)
  await expect.poll(() => app.hub.groups.counts.members).toBe(1)
  one.stall()
  for (let i = 0; i < 100 && app.hub.listeners > 0; i++) {
    await announce(app, 20, { reason: BIG })
    await sleep(10)
  }
  expect(app.hub.listeners).toBe(0)
  one.resume()
  await expect
    .poll(() => one.error ?? one.answers.at(-1)?.errors)
    .toMatchObject([
      {
        message:
          'The stream fell more than 50 events behind and was ended. Resume from the last cursor you have seen.',
        extensions: { code: 'SLOW_CONSUMER', requestId: expect.any(String) },
      },
    ])
  const got = sequences(one)
  expect(got).toEqual(range(1, got.length))
  one.vanish()
})
