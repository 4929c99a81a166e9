import { expect, test } from 'vitest'
import { CursorExpired } from '../../src/transitions/cursor.ts'
import { startTestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { onServer } from '../support/new-database.ts'
import { announce, range, sequences, subscriber, TRANSPORTS } from '../support/subscribers.ts'

const AFTER = `subscription ($after: String) { snapshotTransitions(after: $after) { sequence cursor reason } }`
const WITH_SNAPSHOT = `subscription ($after: String) {
  snapshotTransitions(after: $after) { sequence snapshot { name } }
}`
const STATUS = `subscription ($id: ID!) { snapshotStatus(id: $id) { sequence to } }`
/** More than a page, whatever the systems on both sides hold of it. */
const BIG = 'x'.repeat(64 * 1024)
const EVERYTHING = { before: new Date(1), keep: 0 }

test('those who catch up with stored values share what is read and what is made of it, wherever they begin', async () => {
  const statements: string[] = []
  await using app = await startTestApp(
    { LOG_POLL_MS: '60000' },
    { onStatement: (sql) => statements.push(sql) },
  )
  await announce(app, 2_000)
  const pagesRead = () => statements.filter((sql) => sql.includes('"position" <= ')).length
  await expect.poll(() => app.hub.groups.counts.indexed).toBe(0)
  const [read, { replayed }] = [pagesRead(), app.hub.groups.counts]

  const begins = range(0, 29).map((index) => index * 7)
  const all = begins.map((after, index) =>
    subscriber(app, TRANSPORTS[index % 2] ?? 'WebSocket', AFTER, { after: cursorAt(app, after) }),
  )
  for (const [index, one] of all.entries())
    await expect.poll(() => sequences(one)).toEqual(range((begins[index] ?? 0) + 1, 2_000))

  // Alone, each would have made more than 1,797 answers, of five pages.
  expect(app.hub.groups.counts.replayed - replayed).toBeLessThan(30 * 500 + 1_500)
  expect(pagesRead() - read).toBeGreaterThan(30)
  expect(pagesRead() - read).toBeLessThan(30 + 10)
  for (const one of all) one.vanish()
})

test('what holds now is asked for anew by each who catches up: nobody is told what held for another', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  await app.heldSnapshots(disk, 1)
  const { id } = await app.db.snapshot.findFirstOrThrow()
  await announce(app, 600, { snapshotId: id })
  const names = async () => {
    const one = subscriber(app, 'WebSocket', WITH_SNAPSHOT, { after: cursorAt(app, 0) })
    await expect.poll(() => sequences(one).length).toBe(600)
    one.vanish()
    return new Set(one.answers.map(({ data }) => data.snapshotTransitions.snapshot.name as string))
  }
  expect(await names()).toEqual(new Set(['held-0']))
  await app.db.snapshot.update({ where: { id }, data: { name: 'renamed' } })
  expect(await names()).toEqual(new Set(['renamed']))
})

test.skipIf(onServer).each(TRANSPORTS)(
  'a stream over %s that is still catching up when its part of the log is pruned ends with CURSOR_EXPIRED (skipped on PostgreSQL, where it would stall before it begins)',
  async (transport) => {
    await using app = await startTestApp()
    await announce(app, 600, { reason: BIG })
    const one = subscriber(app, transport, AFTER, { after: cursorAt(app, 0) })
    one.stall()
    await expect.poll(() => app.hub.groups.counts.newcomers).toBe(1)
    await expect.poll(() => app.hub.groups.counts.replayed).toBe(500)

    expect(await app.transitions.prune(EVERYTHING)).toBe(599)
    one.resume()

    await expect
      .poll(() => one.error ?? one.answers.at(-1)?.errors)
      .toMatchObject([
        {
          message: new CursorExpired().message,
          extensions: { code: 'CURSOR_EXPIRED', requestId: expect.any(String) },
        },
      ])
    expect(sequences(one)).toEqual(range(1, 500))
    expect(app.hub.listeners).toBe(0)
    one.vanish()
  },
)

test('the stream of one snapshot, which begins at its beginning, is whole also when the log is pruned', async () => {
  await using app = await startTestApp()
  await app.heldSnapshots(await app.disk(), 1)
  const { id } = await app.db.snapshot.findFirstOrThrow()
  await announce(app, 1, { snapshotId: id })
  await announce(app, 5)
  await announce(app, 1, { snapshotId: id, from: 'CREATING', to: 'COMPLETED' })
  await announce(app, 1)
  expect(await app.transitions.prune(EVERYTHING)).toBe(5)

  const one = subscriber(app, 'WebSocket', STATUS, { id })
  await expect.poll(() => one.isComplete).toBe(true)
  expect(sequences(one)).toEqual([1, 7])
  one.vanish()
})
