import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startTestApp, type TestApp } from '../support/app.ts'
import { copyDatabase } from '../support/copy-database.ts'
import { onServer } from '../support/new-database.ts'
import { announce, sequences, subscriber, type Subscriber } from '../support/subscribers.ts'
import { appendMany, range, TRANSPORTS } from '../support/watch.ts'

const WATCH =
  'subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor snapshotId } }'

const cursorOf = async (app: Pick<TestApp, 'graphql'>) =>
  (await app.graphql('{ snapshots(first: 0) { streamCursor } }')).data.snapshots.streamCursor as string

const fileOf = (app: TestApp) => join(app.dataDir, 'snapgate.db')

async function backUp(app: TestApp): Promise<string> {
  const to = join(app.dataDir, 'backup.db')
  await copyDatabase(fileOf(app), to)
  return to
}

const restoreInto = (app: TestApp, from: string) => copyDatabase(from, fileOf(app))

/** What ended a stream: an `error` message, or the errors of its last answer. */
const errorsOf = ({ answers, error }: Subscriber): { extensions: { code: string } }[] =>
  error ?? answers.at(-1)?.errors ?? []

/** What a watch from a cursor is told first: numbers, or the code of an error. */
async function firstOf(app: TestApp, after: string, count: number): Promise<unknown[]> {
  const got: unknown[] = []
  for await (const { data, errors } of app.sse(WATCH, { after })) {
    got.push(errors?.[0]?.extensions.code ?? data.snapshotTransitions.sequence)
    if (got.length === count) break
  }
  return got
}

// PostgreSQL is backed up and restored by its own tools, which test/database/postgresql covers.
test.skipIf(onServer).each([0, 20, 60])(
  'cursors from after a backup expire when it has been restored and %i more transitions were written; those from before go on',
  async (more) => {
    await using app = await startTestApp({ LOG_POLL_MS: '60000' })
    await appendMany(app, 90)
    const before = await cursorOf(app)
    await appendMany(app, 10)
    const moment = await cursorOf(app)
    const backup = await backUp(app)
    await appendMany(app, 1)
    const next = await cursorOf(app)
    await appendMany(app, 39)
    const lost = await cursorOf(app)

    await restoreInto(app, backup)
    app.hub.wake()
    if (more > 0) await appendMany(app, more)
    await expect.poll(() => cursorOf(app)).not.toBe(lost)

    expect(await firstOf(app, next, 1)).toEqual(['CURSOR_EXPIRED'])
    expect(await firstOf(app, lost, 1)).toEqual(['CURSOR_EXPIRED'])
    await appendMany(app, 1)
    expect(await firstOf(app, before, 11 + more)).toEqual(range(91, 101 + more))
    expect(await firstOf(app, moment, 1 + more)).toEqual(range(101, 101 + more))
  },
)

test.skipIf(onServer).each(TRANSPORTS)(
  'live streams over %s end with CURSOR_EXPIRED when the database is restored under them, whether the log goes back or is rewritten',
  async (transport) => {
    for (const more of [0, 12]) {
      await using app = await startTestApp({ LOG_POLL_MS: '60000' })
      await announce(app, 5)
      const backup = await backUp(app)
      const one = subscriber(app, transport, WATCH)
      const status = subscriber(
        app,
        transport,
        'subscription { snapshotTransitions { sequence snapshot { id } } }',
      )
      await expect.poll(() => app.hub.groups.counts.members).toBe(2)
      await announce(app, 3)
      await expect.poll(() => [sequences(one), sequences(status)]).toEqual([range(6, 8), range(6, 8)])

      await restoreInto(app, backup)
      if (more > 0) await announce(app, more)
      app.hub.wake()

      for (const stream of [one, status]) {
        await expect
          .poll(() => errorsOf(stream).map(({ extensions }) => extensions.code))
          .toEqual(['CURSOR_EXPIRED'])
        expect(sequences(stream)).toEqual(range(6, 8))
        stream.vanish()
      }
      await expect.poll(() => app.hub.listeners).toBe(0)

      // Who lists again misses nothing.
      const resumed = subscriber(app, transport, WATCH, { after: await cursorOf(app) })
      await expect.poll(() => app.hub.groups.counts.members).toBe(1)
      await announce(app, 2)
      await expect.poll(() => sequences(resumed)).toEqual(range(6 + more, 7 + more))
      resumed.vanish()
    }
  },
)

test.skipIf(onServer).each(TRANSPORTS)(
  'a stream over %s goes on over an equal database, and ends with CURSOR_EXPIRED over an older one',
  async (transport) => {
    await using app = await startTestApp({ LOG_POLL_MS: '60000' })
    await appendMany(app, 5)
    const stream = subscriber(app, transport, WATCH)
    await expect.poll(() => app.hub.groups.counts.members).toBe(1)
    const backup = await backUp(app)
    await restoreInto(app, backup)
    await appendMany(app, 1)
    await expect.poll(() => sequences(stream)).toEqual([6])

    await restoreInto(app, backup)
    app.hub.wake()
    await expect
      .poll(() => errorsOf(stream).map(({ extensions }) => extensions.code))
      .toEqual(['CURSOR_EXPIRED'])
    expect(app.hub.listeners).toBe(0)
    stream.vanish()
  },
)

test.skipIf(onServer)(
  'who catches up from before a backup while it is restored gets the log as it is now, or an end that says so',
  async () => {
    await using app = await startTestApp({ LOG_POLL_MS: '60000' })
    await appendMany(app, 1_000)
    const after = app.transitions.cursorOf(null)
    // Pages of the log are kept in memory from here on.
    expect(await firstOf(app, after, 1_000)).toEqual(range(1, 1_000))
    const backup = await backUp(app)
    await appendMany(app, 1_000, 'lost')
    expect(await firstOf(app, after, 2_000)).toEqual(range(1, 2_000))

    await restoreInto(app, backup)
    app.hub.wake()
    await appendMany(app, 1_000, 'written anew')
    const reasons = new Set<string | null>()
    const document =
      'subscription ($after: String) { snapshotTransitions(after: $after) { sequence reason } }'
    for await (const { data } of app.sse(document, { after })) {
      reasons.add(data.snapshotTransitions.reason as string | null)
      if (data.snapshotTransitions.sequence === 2_000) break
    }
    expect(reasons).toEqual(new Set([null, 'written anew']))
  },
)
