import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { announce, range, sequences, subscriber, TRANSPORTS } from '../support/subscribers.ts'

const DOCUMENT = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }`
const LIGHT = `subscription { snapshotTransitions { sequence } }`
const MIB = 1024 ** 2
const BIG = 'x'.repeat(16 * 1024)
const FLOODED = 64 * MIB

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use, garbage left out. */
function memory(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('two clients that stop reading are ended with SLOW_CONSUMER or cut, and 200 healthy ones get everything at once', async () => {
  await using app = await startTestApp({ STREAM_BUFFER_EVENTS: '100000', STREAM_BUFFER_BYTES: String(MIB) })
  const stalled = TRANSPORTS.map((transport) => subscriber(app, transport, DOCUMENT))
  const healthy = range(1, 200).map((index) =>
    subscriber(app, TRANSPORTS[index % 2] ?? 'WebSocket', index > 10 ? LIGHT : DOCUMENT),
  )
  await expect.poll(() => app.hub.groups.counts.members).toBe(202)
  await announce(app, 1)
  for (const one of stalled) await expect.poll(() => sequences(one)).toEqual([1])
  const [webSocket, events] = stalled
  if (!webSocket || !events) throw new Error('There are two.')

  let written = 1
  let last = 0
  const delays: number[] = []
  /** Goes on when every healthy one has everything, and forgets it. */
  async function flood(count: number): Promise<void> {
    const start = performance.now()
    await announce(app, count, { reason: BIG })
    written += count
    while (healthy.some((one) => sequences(one).at(-1) !== written)) {
      if (performance.now() - start > 20_000) throw new Error('A healthy client waits for 20 s.')
      await sleep(2)
    }
    const wanted = range(last + 1, written).join()
    if (healthy.some((one) => sequences(one).join() !== wanted)) throw new Error(`Not ${wanted}.`)
    for (const one of healthy) one.answers = []
    last = written
    delays.push(performance.now() - start)
  }
  await flood(20)
  for (const one of stalled) one.stall()
  const before = memory()
  while (app.hub.groups.counts.members > 200) await flood(20)

  const endedAt = written
  while (written * BIG.length < FLOODED) await flood(20)
  // Without a bound, each would have all of it waiting, for good; what the healthy ones have just read goes in a moment.
  await expect.poll(() => memory() - before, { timeout: 10_000, interval: 200 }).toBeLessThan(FLOODED / 2)
  expect(Math.max(...delays)).toBeLessThan(5_000)

  webSocket.resume()
  await expect.poll(() => webSocket.error ?? webSocket.isClosed, { timeout: 10_000 }).toBeTruthy()
  if (webSocket.error) {
    expect(webSocket.error).toMatchObject([
      { extensions: { code: 'SLOW_CONSUMER', requestId: expect.any(String) } },
    ])
  }
  const got = sequences(webSocket)
  expect(got.length).toBeGreaterThan(1)
  expect(got).toEqual(range(1, got.length))

  // The other one has had its time: it was cut, without `complete`.
  await sleep(5_500)
  events.resume()
  await expect.poll(() => events.isClosed, { timeout: 10_000 }).toBe(true)
  expect(events.isComplete).toBe(false)
  const seen = sequences(events)
  expect(seen).toEqual(range(1, seen.length))
  expect(seen.length).toBeLessThan(endedAt)

  const resumed = subscriber(app, 'WebSocket', DOCUMENT, {
    after: webSocket.answers.findLast(({ data }) => data)?.data.snapshotTransitions.cursor,
  })
  await expect.poll(() => sequences(resumed).length, { timeout: 10_000 }).toBe(written - got.length)
  expect([...got, ...sequences(resumed)]).toEqual(range(1, written))
  for (const one of [...stalled, ...healthy, resumed]) one.vanish()
  await expect.poll(() => app.hub.listeners).toBe(0)
}, 120_000)
