import { expect, test } from 'vitest'
import { appendTransitions } from '../../src/transitions/append.ts'
import { CursorExpired } from '../../src/transitions/cursor.ts'
import { openTransitionLog } from '../../src/transitions/log.ts'
import type { NewTransition, Transition } from '../../src/transitions/transition.ts'
import { startTestApp, type TestApp } from '../support/app.ts'
import { cursorAt } from '../support/cursors.ts'
import { range } from '../support/watch.ts'

const step = (snapshotId: string, to: Transition['to'] = 'CREATING'): NewTransition<Transition> => ({
  accountId: 'acc-localhost',
  snapshotId,
  snapshotName: null,
  snapshotType: null,
  diskId: 'v-disk00001',
  from: to === 'CREATING' ? null : 'CREATING',
  to,
  reason: null,
  at: new Date(0),
})

const sequences = async ({ db }: TestApp) =>
  (await db.snapshotTransition.findMany({ orderBy: { sequence: 'asc' } })).map(({ sequence }) => sequence)

test('the numbers rise without a gap, also after transactions that were undone', async () => {
  await using app = await startTestApp()
  for (let i = 0; i < 10; i++) {
    const work = app.db.write(function* (sql) {
      yield* appendTransitions(sql, step(`s-a${i}`), step(`s-b${i}`))
      if (i % 2 === 1) throw new Error('undone')
    })
    await (i % 2 === 1 ? expect(work).rejects.toThrow('undone') : work)
  }
  expect(await sequences(app)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('a step that the life cycle does not know throws, and undoes the change it was part of', async () => {
  await using app = await startTestApp()
  const disk = await app.disk()
  const work = app.db.write(function* (sql) {
    yield* sql.update('Disk', { status: 'SNAPSHOTTING' }, { id: disk.id })
    yield* appendTransitions(sql, step('s-1'), { ...step('s-1'), from: 'COMPLETED' })
  })
  await expect(work).rejects.toThrow('A snapshot cannot go from COMPLETED to CREATING.')
  expect(await sequences(app)).toEqual([])
  expect(await app.db.disk.findUnique({ where: { id: disk.id } })).toMatchObject({ status: 'UNMOUNTED' })
})

test('each account counts its own transitions, from 1 and without gaps, independently of others', async () => {
  await using app = await startTestApp()
  const [one, two] = [await app.token('ADMIN', 'one'), await app.token('ADMIN', 'two')]
  for (let i = 0; i < 5; i++) {
    await app.db.write((sql) =>
      appendTransitions(
        sql,
        { ...step(`s-one${i}`), accountId: one.accountId },
        ...range(1, i).map((k) => ({ ...step(`s-two${i}-${k}`), accountId: two.accountId })),
      ),
    )
  }
  const numbersOf = async (accountId: string) =>
    (await app.db.snapshotTransition.findMany({ where: { accountId }, orderBy: { position: 'asc' } })).map(
      ({ sequence }) => sequence,
    )
  expect(await numbersOf(one.accountId)).toEqual(range(1, 5))
  expect(await numbersOf(two.accountId)).toEqual(range(1, 10))
})

test('nothing that an account is told changes with what other accounts do', async () => {
  await using app = await startTestApp()
  const [quiet, busy] = [await app.token('ADMIN', 'quiet'), await app.token('ADMIN', 'busy')]
  const told = async () =>
    (await quiet.graphql('{ snapshots { streamCursor totalCount } disks { streamCursor totalCount } }')).data
  const before = await told()
  await app.disk({ accountId: busy.accountId })
  await app.db.write((sql) =>
    appendTransitions(sql, ...range(1, 40).map((i) => ({ ...step(`s-${i}`), accountId: busy.accountId }))),
  )
  expect(await told()).toEqual(before)

  // Its own transitions are numbered as if there were nobody else.
  await app.db.write((sql) => appendTransitions(sql, { ...step('s-own'), accountId: quiet.accountId }))
  const after = before.snapshots.streamCursor as string
  for await (const { data } of quiet.sse(
    'subscription ($after: String) { snapshotTransitions(after: $after) { sequence snapshotId } }',
    { after },
  )) {
    expect(data.snapshotTransitions).toEqual({ sequence: 1, snapshotId: 's-own' })
    break
  }
})

test('a cursor stands for its transition, in this log and for its account only', async () => {
  await using app = await startTestApp()
  await using other = await startTestApp()
  const [log, { viewer }] = [await openTransitionLog(app.db), app]
  for (const { db } of [app, other]) {
    await db.write((sql) => appendTransitions(sql, ...range(1, 40).map((i) => step(`s-${i}`))))
  }

  const good = [0, 1, 35, 36, 40].map((sequence) => cursorAt(app, sequence))
  expect(good.map((cursor) => log.parse(cursor, viewer))).toEqual([0, 1, 35, 36, 40])
  expect((await openTransitionLog(app.db)).parse(cursorAt(app, 36), viewer)).toBe(36)

  const [number, tag] = cursorAt(app, 7).split('.')
  const unknown = [
    ...[0, 1, 40].map((sequence) => cursorAt(other, sequence)),
    `s41.${tag}`,
    `s8.${tag}`,
    `${number}.AAAAAAAA`,
    '0123456789ab.7',
  ]
  expect(unknown.map((cursor) => log.parse(cursor, viewer))).toEqual(unknown.map(() => 'EXPIRED'))
  const tenant = await app.token('ADMIN', 'tenant')
  expect(good.slice(1).map((cursor) => log.parse(cursor, tenant))).toEqual(Array(4).fill('EXPIRED'))

  const wrong = ['', '1', `${cursorAt(app, 1)}.1`, 'ff.1', '\0', `d1.${tag}`, `s-1.${tag}`, `s1.${tag}~x`]
  expect(wrong.map((cursor) => log.parse(cursor, viewer))).toEqual(wrong.map(() => 'MALFORMED'))
})

const WATCH = [
  [
    'snapshotTransitions',
    `subscription ($after: String) { snapshotTransitions(after: $after) { sequence } }`,
  ],
  [
    'snapshotStatus',
    `subscription ($after: String) { snapshotStatus(id: "s-00000001", after: $after) { sequence } }`,
  ],
] as const

test.each(WATCH)(
  '%s refuses what is not a cursor of this gateway, before it streams',
  async (_field, document) => {
    await using app = await startTestApp()
    for (const after of ['garbage', '', app.diskTransitions.cursorOf(null)]) {
      const answers = []
      for await (const event of app.sse(document, { after })) answers.push(event)
      expect(answers).toEqual([
        {
          errors: [
            {
              message:
                'after is not a stream cursor of this gateway. Use the streamCursor of a list, or the cursor of a transition.',
              locations: expect.any(Array),
              path: [_field],
              extensions: { code: 'BAD_USER_INPUT', requestId: expect.any(String) },
            },
          ],
        },
      ])
    }
    expect(app.hub.listeners).toBe(0)
  },
)

test.each(WATCH)(
  '%s refuses a cursor that the log does not continue from, before it streams',
  async (_field, document) => {
    await using app = await startTestApp()
    await app.db.write((sql) => appendTransitions(sql, step('s-1'), step('s-2'), step('s-3')))
    const [one, two] = [cursorAt(app, 1), cursorAt(app, 2)]
    await app.transitions.prune({ before: new Date(1), keep: 1 })

    for (const after of [one, 's7.AAAAAAAA', '0123456789ab.2']) {
      const answers = []
      for await (const event of app.sse(document, { after })) answers.push(event)
      expect(answers).toEqual([
        {
          errors: [
            {
              message: new CursorExpired().message,
              locations: expect.any(Array),
              path: [_field],
              extensions: { code: 'CURSOR_EXPIRED', requestId: expect.any(String) },
            },
          ],
        },
      ])
    }
    expect([app.transitions.parse(one, app.viewer), app.transitions.parse(two, app.viewer)]).toEqual([
      'EXPIRED',
      2,
    ])
    expect(app.hub.listeners).toBe(0)
  },
)

test('what was pruned stays expired when the log is pruned again and only histories are left', async () => {
  await using app = await startTestApp()
  const kept = await app.disk()
  await app.heldSnapshots(kept, 1)
  const { id } = await app.db.snapshot.findFirstOrThrow()
  await app.db.write((sql) =>
    appendTransitions(sql, step(id), step('s-gone1'), step('s-gone2'), step('s-gone3')),
  )
  const cursors = range(1, 4).map((sequence) => cursorAt(app, sequence))
  const everything = { before: new Date(1), keep: 0 }

  expect([await app.transitions.prune(everything), await app.transitions.prune(everything)]).toEqual([2, 0])

  expect(await sequences(app)).toEqual([1, 4])
  expect(cursors.map((cursor) => app.transitions.parse(cursor, app.viewer))).toEqual([
    'EXPIRED',
    'EXPIRED',
    3,
    4,
  ])
})

test('each account keeps its last transitions, however busy others are', async () => {
  await using app = await startTestApp()
  const [quiet, busy] = [await app.token('ADMIN', 'quiet'), await app.token('ADMIN', 'busy')]
  const of = (accountId: string, count: number) =>
    app.db.write((sql) =>
      appendTransitions(sql, ...range(1, count).map((i) => ({ ...step(`s-${accountId}${i}`), accountId }))),
    )
  await of(quiet.accountId, 5)
  // More than one slice of pruning.
  for (let i = 0; i < 3; i++) await of(busy.accountId, 900)

  expect(await app.transitions.prune({ before: new Date(1), keep: 10 })).toBe(2_690)
  expect(await app.db.snapshotTransition.count({ where: { accountId: quiet.accountId } })).toBe(5)

  // Numbers go on after what was pruned.
  await of(busy.accountId, 1)
  const last = await app.db.snapshotTransition.findFirstOrThrow({
    where: { accountId: busy.accountId },
    orderBy: { position: 'desc' },
  })
  expect(last.sequence).toBe(2_701)
})

test('what is kept of the past goes when what it is of is gone and forgotten', async () => {
  await using app = await startTestApp()
  await app.heldSnapshots(await app.disk(), 1)
  const { id } = await app.db.snapshot.findFirstOrThrow()
  const everything = { before: new Date(1), keep: 0 }
  const append = (...steps: ReturnType<typeof step>[]) =>
    app.db.write((sql) => appendTransitions(sql, ...steps))
  await append(step(id), step(id, 'COMPLETED'), step('s-last1'))
  expect(await app.transitions.prune(everything)).toBe(0)

  await append(
    { ...step(id), from: 'COMPLETED', to: 'DELETING' },
    { ...step(id), from: 'DELETING', to: 'DELETED' },
  )
  await app.db.snapshot.delete({ where: { id } })
  await append(step('s-last2'))
  expect(await app.transitions.prune(everything)).toBe(5)
  expect(await sequences(app)).toEqual([6])
})
