import { expect, test } from 'vitest'
import { startTestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { onServer } from '../support/new-database.ts'
import { announce, range, sequences, subscriber, EVERY_TRANSPORT } from '../support/subscribers.ts'

const DOCUMENT = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }`
const MIB = 1024 ** 2
const BIG = 'x'.repeat(16 * 1024)
/** A few hundred are more than the systems on both sides hold. */
const HUGE = 'x'.repeat(64 * 1024)

const LIGHT = 'subscription { snapshotTransitions { sequence } }'

test.each(EVERY_TRANSPORT)(
  'a stream over %s that nobody reads ends with SLOW_CONSUMER when its buffer of events is full, and a healthy one loses nothing',
  async (transport) => {
    await using app = await startTestApp({
      STREAM_BUFFER_EVENTS: '50',
      STREAM_BUFFER_BYTES: String(1024 * MIB),
    })
    const one = subscriber(app, transport, DOCUMENT)
    const healthy = subscriber(app, transport, LIGHT)
    await expect.poll(() => app.hub.groups.counts.members).toBe(2)
    one.stall()
    let written = 0
    while (app.hub.listeners > 1) {
      await announce(app, 20, { reason: BIG })
      written += 20
      // Nobody waits for the stalled one.
      await expect.poll(() => sequences(healthy).at(-1), { interval: 5 }).toBe(written)
      expect(written).toBeLessThan(2_000)
    }
    expect(sequences(healthy)).toEqual(range(1, written))

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

    const after = one.answers.findLast(({ data }) => data)?.data.snapshotTransitions.cursor as string
    const resumed = subscriber(app, transport, DOCUMENT, { after })
    await expect.poll(() => [...got, ...sequences(resumed)]).toEqual(range(1, written))
    for (const each of [one, healthy, resumed]) each.vanish()
    await expect.poll(() => app.hub.listeners).toBe(0)
  },
)

test.skipIf(onServer).each(EVERY_TRANSPORT)(
  'catching up over %s is never too slow: however much is written meanwhile, the stream goes on after its last event (skipped on PostgreSQL, where it would stall before it begins)',
  async (transport) => {
    await using app = await startTestApp({ STREAM_BUFFER_EVENTS: '40' })
    await announce(app, 600, { reason: HUGE })
    const one = subscriber(app, transport, DOCUMENT, { after: cursorAt(app, 0) })
    one.stall()
    await expect.poll(() => app.hub.groups.counts.replayed).toBe(500)
    for (let i = 0; i < 5; i++) await announce(app, 20)
    expect(app.hub.groups.counts).toMatchObject({ newcomers: 1, members: 0 })

    one.resume()
    await expect.poll(() => app.hub.groups.counts, { timeout: 10_000 }).toMatchObject({ members: 1 })
    await announce(app, 1)
    await expect.poll(() => sequences(one).length).toBe(701)
    expect(sequences(one)).toEqual(range(1, 701))
    expect(one.answers.filter(({ errors }) => errors)).toEqual([])
    one.vanish()
  },
)

test.each(EVERY_TRANSPORT)(
  'a stream over %s that completes while its client does not read still delivers everything, then completes',
  async (transport) => {
    await using app = await startTestApp({ STREAM_BUFFER_BYTES: String(100 * MIB) })
    await announce(app, 1)
    const one = subscriber(
      app,
      transport,
      'subscription { snapshotStatus(id: "s-00000001") { sequence reason } }',
    )
    await expect.poll(() => app.hub.groups.counts.members).toBe(1)
    one.stall()
    for (let i = 0; i < 10; i++) await announce(app, 10, { reason: HUGE })
    await announce(app, 1, { from: 'CREATING', to: 'COMPLETED' })
    await expect.poll(() => app.hub.listeners).toBe(0)
    expect(one.isComplete).toBe(false)

    one.resume()
    await expect.poll(() => one.isComplete).toBe(true)
    expect(sequences(one)).toEqual(range(1, 102))
    one.vanish()
  },
)
