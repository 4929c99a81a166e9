import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appendTransitions, factsOf } from '../../src/transitions/append.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { completed, mutate, recorded } from '../support/snapshots.ts'
import { subscriber, TRANSPORTS, type Subscriber, type Transport } from '../support/subscribers.ts'

const QUERY = `subscription ($filter: SnapshotTransitionFilter, $after: String) {
  snapshotTransitions(filter: $filter, after: $after) { sequence cursor to }
}`

/** Each filter with the numbers of the transitions that it lets through. */
const FILTERS: [filter: object, numbers: number[]][] = [
  [{}, [1, 2, 3, 4, 5, 6, 7, 8]],
  [{ type: { eq: 'AUTOMATIC' } }, [5]],
  [{ type: { in: ['MANUAL', 'AUTOMATIC'] }, to: { eq: 'CREATING' } }, [1, 3, 5]],
  [{ name: { eq: 'daily' } }, [1, 2]],
  [{ name: { eq: 'weekly' } }, []],
  [{ name: { contains: 'WEEK' } }, [3, 4, 8]],
  [{ name: { in: ['daily-old', 'policy', 'never'], contains: 'l' } }, [5, 6, 7]],
  [{ name: { in: [] } }, []],
  [{ tags: [{ key: 'env' }] }, [1, 2, 3, 4, 6, 7]],
  [{ tags: [{ key: 'env', value: { eq: 'test' } }] }, [3, 4, 6, 7]],
  [{ tags: [{ key: 'env', value: { in: ['prod', 'test'] } }, { key: '__proto__' }] }, [3, 4]],
  [{ tags: [{ key: 'env', value: { contains: 'ROD' } }], type: { eq: 'MANUAL' } }, [1, 2]],
  [{ tags: [{ key: 'constructor' }] }, []],
  [{ tags: [], name: {}, type: {} }, [1, 2, 3, 4, 5, 6, 7, 8]],
]

/**
 * What happens to three snapshots, and what each transition says that its snapshot was:
 *
 *     1 daily      MANUAL     env=prod            CREATING
 *     2 daily      MANUAL     env=prod            COMPLETED
 *     3 Weekly     MANUAL     env=test __proto__= CREATING
 *     4 Weekly     MANUAL     env=test __proto__= COMPLETED
 *     5 policy     AUTOMATIC  (none)              CREATING
 *     6 daily-old  MANUAL     env=test            DELETING
 *     7 daily-old  MANUAL     env=test            DELETED
 *     8 Weekly     MANUAL     (none)              DELETING
 *
 * Returns their ids.
 */
async function happen(app: TestApp): Promise<Record<'daily' | 'weekly' | 'policy', string>> {
  const daily = await completed(app, await app.disk(), {
    name: 'daily',
    tags: [{ key: 'env', value: 'prod' }],
  })
  const disk = await app.disk()
  const weekly = await completed(app, disk, {
    name: 'Weekly',
    tags: [
      { key: 'env', value: 'test' },
      { key: '__proto__', value: '' },
    ],
  })
  const policy = 's-automatic'
  await recorded(app, disk, { id: policy, status: 'CREATING', name: 'policy', type: 'AUTOMATIC' })
  await app.db.write(function* (sql) {
    const snapshot = yield* sql.get('Snapshot', { id: policy })
    if (!snapshot) throw new Error('It was recorded.')
    const step = { from: null, to: 'CREATING' as const, reason: null, at: new Date(0) }
    yield* appendTransitions(sql, { ...factsOf(snapshot), diskId: disk.id, ...step })
  })
  await mutate(app, 'updateSnapshot', {
    snapshotId: daily,
    name: 'daily-old',
    tags: [{ key: 'env', value: 'test' }],
  })
  await mutate(app, 'deleteSnapshot', { snapshotId: daily })
  await app.runner.tick()
  await mutate(app, 'updateSnapshot', { snapshotId: weekly, tags: [] })
  await mutate(app, 'deleteSnapshot', { snapshotId: weekly })
  return { daily, weekly, policy }
}

const numbersOf = ({ answers }: Subscriber) =>
  answers.map(({ data }) => data.snapshotTransitions.sequence as number)

test('snapshotTransitions filters by what each snapshot was at the moment, live, replayed, resumed and after a restart', async () => {
  const DATA_DIR = await mkdtemp(join(tmpdir(), 'snapgate-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rm(DATA_DIR, { recursive: true }))
  const cases = (app: TestApp, variables: object = {}) =>
    TRANSPORTS.flatMap((transport: Transport) =>
      FILTERS.map(([filter, expected]) => ({
        filter,
        transport,
        expected,
        stream: subscriber(app, transport, QUERY, { filter, ...variables }),
      })),
    )
  async function check(app: TestApp, streams: ReturnType<typeof cases>, after = 0): Promise<void> {
    await expect
      .poll(() => streams.map(({ filter, transport, stream }) => [filter, transport, numbersOf(stream)]))
      .toEqual(
        streams.map(({ filter, transport, expected }) => [
          filter,
          transport,
          expected.filter((number) => number > after),
        ]),
      )
    for (const { stream } of streams) stream.leave()
    await expect.poll(() => app.hub.listeners).toBe(0)
  }
  {
    await using app = await startTestApp({ DATA_DIR })
    const live = cases(app)
    await expect.poll(() => app.hub.listeners).toBe(live.length)
    await happen(app)
    await check(app, live)
    // Those that select the same of a transition share an execution, whatever their filters are.
    for (const after of [0, 2, 5]) await check(app, cases(app, { after: cursorAt(app, after) }), after)
  }
  await using app = await startTestApp({ DATA_DIR })
  for (const after of [0, 3, 6, 8]) await check(app, cases(app, { after: cursorAt(app, after) }), after)
})

test('snapshotTransitions filters by several ids, and with the other conditions', async () => {
  await using app = await startTestApp()
  const { daily, weekly, policy } = await happen(app)
  const { data } = await app.graphql(`{ snapshot(id: "${policy}") { disk { id } } }`)
  const numbers = async (filter: object, count: number) => {
    const stream = subscriber(app, 'WebSocket', QUERY, { filter, after: cursorAt(app, 0) })
    await expect.poll(() => numbersOf(stream).length).toBe(count)
    stream.leave()
    return numbersOf(stream)
  }
  expect(await numbers({ snapshotId: { in: [daily, policy] } }, 5)).toEqual([1, 2, 5, 6, 7])
  expect(
    await numbers({ snapshotId: { in: [daily, weekly] }, tags: [{ key: 'env', value: { eq: 'test' } }] }, 4),
  ).toEqual([3, 4, 6, 7])
  expect(await numbers({ diskId: { in: [data.snapshot.disk.id] }, name: { contains: 'o' } }, 1)).toEqual([5])
})

test.each([
  [
    { tags: Array.from({ length: 11 }, (_, index) => ({ key: `key-${index}` })) },
    'A filter has at most 10 tags.',
  ],
  [
    { name: { in: Array.from({ length: 101 }, (_, index) => `name-${index}`) } },
    'A list in a filter has at most 100 entries.',
  ],
  [
    { snapshotId: { in: Array.from({ length: 101 }, (_, index) => `s-${index}`) } },
    'A list in a filter has at most 100 entries.',
  ],
  [{ name: { contains: 'x'.repeat(257) } }, 'at most 256 characters'],
  [{ tags: [{ key: '' }] }, 'The key of a tag'],
])('a filter of transitions is bounded: %#', async (filter, message) => {
  await using app = await startTestApp()
  const [event] = await Array.fromAsync(app.sse(QUERY, { filter }))
  expect(event).toEqual({
    errors: [expect.objectContaining({ message: expect.stringContaining(message) })],
  })
})
